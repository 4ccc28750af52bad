/* evaluate.c: a child adds nodes for the losses to the candidate's graph and sends all; the parent makes the graph again by its
 * constructors, as with every graph, and src/learn runs it forward. */
#include "train/evaluate.h"
#include "base/option_table.h"
#include "recipe/child.h"
#include "recipe/prelude_core.h"
#include "recipe/recipe.h"
#include "exec/run.h"
#include "learn/train.h"
#include <string.h>

typedef struct asking {
  mw_child_candidate candidate; /* must be first: the child takes the pointer as an mw_child_candidate */
  const mw_input_set *inputs;
  mw_graph *graph;
  mw_graph_output *losses;
  size_t count;
  mw_arena arena;
} asking;

static bool on_message(void *context, int fd, uint32_t kind, char *bytes, size_t length, mw_error *err) {
  asking *ask = context;
  (void)fd;
  if (kind != MW_MESSAGE_GRAPH || ask->graph) return mw_error_set(err, MW_DATA,
                                                                  "the process of the forward pass sent what was not asked for");
  return mw_message_take_graph(bytes, length, (mw_message_inputs){ask->inputs, mw_input_set_find}, (mw_message_rest){0}, &ask->arena,
                            &ask->graph, &ask->losses, &ask->count, err);
}

/* Checks that output i is the cross-entropy of data set i. */
static bool check(const asking *ask, size_t sets, mw_error *err) {
  bool ok = ask->count == sets;
  for (size_t i = 0; i < ask->count && ok; i++) {
    mw_graph_node_facts facts = mw_graph_facts(ask->graph, ask->losses[i].node);
    ok = facts.op == MW_OP_CROSS_ENTROPY && mw_graph_facts(ask->graph, facts.operand[1]).extra[0] == i;
  }
  return ok || mw_error_set(err, MW_BUG, "the forward pass gave no losses");
}

typedef struct showing {
  mw_learning progress;
  void *context;
  unsigned set, sets;
} showing;

static bool show(void *context, uint64_t done, uint64_t total) {
  const showing *s = context;
  mw_learning_facts facts = {.training = s->set + 1, .trainings = s->sets, .step = done, .steps = total};
  return !s->progress || s->progress(s->context, &facts);
}

/* Nodes were only added, so the candidate's nodes have the same ids in the graph with the losses. */
static bool same_ids(const mw_evaluate_candidate *candidate, const mw_graph *grown) {
  for (size_t i = 0; i < candidate->learned_count; i++) {
    mw_node node = candidate->learned[i].coefficient;
    if (node > mw_graph_count(grown)) return false;
    mw_graph_node_facts was = mw_graph_facts(candidate->graph, node), is = mw_graph_facts(grown, node);
    if (is.op != MW_OP_COEFFICIENT || was.extra[0] != is.extra[0] ||
        mw_graph_elements(grown, is.shape) != mw_graph_elements(candidate->graph, was.shape)) return false;
  }
  for (size_t i = 0; i < candidate->statistic_count; i++) {
    mw_node node = candidate->statistics[i].node;
    if (node > mw_graph_count(grown) || mw_graph_facts(candidate->graph, node).op != mw_graph_facts(grown, node).op) return false;
  }
  return true;
}

static bool run(const asking *ask, const mw_evaluate_candidate *candidate, const mw_calibration *data, const mw_options *options,
                showing *s, mw_evaluation *results, mw_error *err) {
  mw_train_world world = {.graph = ask->graph, .family = &ask->inputs->family,
                          .sets = (const mw_dataset *const *)data->sets, .set_count = data->count,
                          .learned = candidate->learned, .learned_count = candidate->learned_count,
                          .statistics = candidate->statistics, .statistic_count = candidate->statistic_count,
                          .threads = mw_run_threads(options->threads)};
  for (; s->set < data->count; s->set++) {
    mw_evaluation *result = &results[s->set];
    MW_TRY(mw_train_evaluate(&world, ask->losses[s->set].node, show, s, &result->loss, &result->tokens, err));
  }
  return true;
}

bool mw_evaluate_candidate_losses(const mw_evaluate_candidate *candidate, const mw_input_set *inputs, const mw_calibration *data,
                              const mw_options *options, mw_learning progress, void *context, mw_evaluation *results,
                              mw_error *err) {
  asking ask = {.candidate = {(mw_graph *)(uintptr_t)candidate->graph, candidate->outputs, candidate->count, candidate->config},
                .inputs = inputs};
  showing s = {progress, context, 0, (unsigned)data->count};
  mw_interpreter template;
  MW_TRY(mw_interpreter_open(&template, &mw_prelude_core, err));
  mw_interpreter state = template;
  state.inputs = inputs;
  state.sets = data->facts;
  state.set_count = data->count;
  bool ok = mw_sandbox_run(&state, mw_recipe_limits(options, mw_input_set_tensors(inputs)), mw_child_losses, on_message, &ask, NULL, err) &&
            check(&ask, data->count, err) &&
            (same_ids(candidate, ask.graph) || mw_error_set(err, MW_BUG, "the candidate's graph was renumbered")) &&
            run(&ask, candidate, data, options, &s, results, err);
  mw_interpreter_close(&template);
  mw_graph_free(ask.graph);
  mw_mem_release(&ask.arena);
  return ok;
}

static bool check_one(const mw_model *model, mw_error *err) {
  mw_text_escaped shown;
  return !model->component_count || mw_error_set(err, MW_UNAVAILABLE, "%s: a whole pipeline of diffusers predicts no tokens",
                                                 mw_text_escape_z(&shown, model->where));
}

bool mw_eval_model(const char *model, const mw_options *options, mw_learning progress, void *context,
                   mw_evaluation *results, mw_error *err) {
  static const mw_arg arg = {.name = "model", .doc = "the model to evaluate", .kind = MW_ARG_MODEL};
  const mw_binding binding = {"model", &model, 1};
  const mw_evaluate_candidate itself = {0};
  mw_input_set inputs = {0};
  mw_calibration data = {0};
  bool ok = mw_option_table_check(options, err) && mw_input_set_open(&inputs, &arg, 1, &binding, 1, options, NULL, err) &&
            check_one(inputs.members[0].model, err) &&
            mw_calibration_open(&data, options->data, options->data_count, options->window, &inputs.members[0], err) &&
            mw_evaluate_candidate_losses(&itself, &inputs, &data, options, progress, context, results, err);
  mw_calibration_close(&data);
  mw_input_set_close(&inputs);
  return ok;
}
