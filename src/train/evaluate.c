/* evaluate.c: a child adds nodes for the losses to the candidate's graph and sends all; the parent makes the graph again by its
 * constructors, as with every graph, and src/learn runs it forward. */
#include "train/evaluate.h"
#include "recipe/child.h"
#include "recipe/prelude_core.h"
#include "recipe/recipe.h"
#include "exec/run.h"
#include "learn/train.h"
#include <string.h>

typedef struct asking {
  mw_child_candidate candidate; /* must be first: the child takes the pointer as an mw_child_candidate */
  mw_evaluate_network *network;
} asking;

static bool take(mw_evaluate_network *n, const char *bytes, size_t length, mw_error *err) {
  return mw_message_take_graph(bytes, length, (mw_message_inputs){n->inputs, mw_input_set_find}, (mw_message_rest){0}, &n->arena,
                               &n->graph, &n->losses, &n->count, err);
}

static bool on_message(void *context, int fd, uint32_t kind, char *bytes, size_t length, mw_error *err) {
  mw_evaluate_network *n = ((asking *)context)->network;
  (void)fd;
  if (kind != MW_MESSAGE_GRAPH || n->graph) return mw_error_set(err, MW_DATA,
                                                                  "the process of the forward pass sent what was not asked for");
  return take(n, bytes, length, err);
}

/* Checks that output i is the cross-entropy of data set i. */
static bool check(const mw_evaluate_network *n, mw_error *err) {
  bool ok = n->count == n->data->count;
  for (size_t i = 0; i < n->count && ok; i++) {
    mw_graph_node_facts facts = mw_graph_facts(n->graph, n->losses[i].node);
    ok = facts.op == MW_OP_CROSS_ENTROPY && mw_graph_facts(n->graph, facts.operand[1]).extra[0] == i;
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

static bool complete(const mw_evaluate_network *n, mw_error *err) {
  return check(n, err) && (same_ids(n->candidate, n->graph) || mw_error_set(err, MW_BUG, "the candidate's graph was renumbered"));
}

bool mw_evaluate_run(const mw_evaluate_network *n, const mw_ranks *ranks, const mw_options *options, mw_learning progress, void *context,
                     mw_evaluation *results, mw_error *err) {
  const mw_evaluate_candidate *candidate = n->candidate;
  showing s = {progress, context, 0, (unsigned)n->data->count};
  mw_train_world world = {.graph = n->graph, .family = &n->inputs->family,
                          .sets = (const mw_dataset *const *)n->data->sets, .set_count = n->data->count,
                          .learned = candidate->learned, .learned_count = candidate->learned_count,
                          .statistics = candidate->statistics, .statistic_count = candidate->statistic_count,
                          .ranks = ranks, .threads = mw_run_threads(options->threads)};
  for (; s.set < n->data->count; s.set++) {
    mw_evaluation *result = &results[s.set];
    MW_TRY(mw_train_evaluate(&world, n->losses[s.set].node, show, &s, &result->loss, &result->tokens, err));
  }
  return true;
}

bool mw_evaluate_make(const mw_evaluate_candidate *candidate, const mw_input_set *inputs, const mw_calibration *data,
                      const mw_options *options, mw_evaluate_network *network, mw_error *err) {
  *network = (mw_evaluate_network){.candidate = candidate, .inputs = inputs, .data = data};
  asking ask = {{(mw_graph *)(uintptr_t)candidate->graph, candidate->outputs, candidate->count, candidate->config}, network};
  mw_interpreter template;
  MW_TRY(mw_interpreter_open(&template, &mw_prelude_core, err));
  mw_interpreter state = template;
  state.inputs = inputs;
  state.sets = data->facts;
  state.set_count = data->count;
  bool ok = mw_sandbox_run(&state, mw_recipe_limits(options, mw_input_set_tensors(inputs)), mw_child_losses, on_message, &ask, NULL, err) &&
            complete(network, err);
  mw_interpreter_close(&template);
  return ok;
}

bool mw_evaluate_send(const mw_evaluate_network *network, mw_text *out, mw_error *err) {
  return mw_message_put_graph(out, network->graph, network->losses, network->count, NULL, err);
}

bool mw_evaluate_receive(const mw_evaluate_candidate *candidate, const mw_input_set *inputs, const mw_calibration *data, const char *bytes,
                         size_t length, mw_evaluate_network *network, mw_error *err) {
  *network = (mw_evaluate_network){.candidate = candidate, .inputs = inputs, .data = data};
  return take(network, bytes, length, err) && complete(network, err);
}

void mw_evaluate_forget(mw_evaluate_network *network) {
  mw_graph_free(network->graph);
  mw_mem_release(&network->arena);
}

