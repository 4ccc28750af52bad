/* plan.c: makes a plan from a recipe and its arguments, in these steps: open the inputs (headers only), evaluate the recipe in a
 * child, place its outputs in passes and files (outputs.h), measure what all will cost. All that the run needs is decided before
 * anything is written. */
#include "merge/plan_facts.h"
#include "merge/components.h"
#include "merge/defaults.h"
#include "merge/outputs.h"
#include "merge/proof.h"
#include "merge/request.h"
#include "merge/shared_plan.h"
#include "cluster/cluster.h"
#include "model/chat.h"
#include "base/option_table.h"
#include "vocabulary/token_rules.h"
#include <stdlib.h>
#include <string.h>

mw_job mw_plan_job(mw_plan *plan) {
  return (mw_job){.graph = plan->result.made.graph, .schedule = &plan->schedule, .family = &plan->inputs.family,
                  .layout = &plan->layout, .places = plan->places,
                  .copies = plan->copies, .copy_count = plan->copy_count,
                  .threads = mw_run_threads(plan->options.threads), .nonfinite_keep = plan->options.nonfinite_keep,
                  .counted = !plan->options.no_hash};
}

/* Copies the bindings: a recipe that scores is evaluated again in the run, when the caller may have freed its words. */
static bool keep_bindings(mw_plan *plan, const mw_binding *bindings, size_t count, mw_error *err) {
  plan->bindings = mw_mem_take(&plan->arena, (count + 1) * sizeof *plan->bindings, err);
  for (size_t i = 0; i < count && plan->bindings; i++) {
    const char **words = mw_mem_take(&plan->arena, (bindings[i].count + 1) * sizeof *words, err);
    const char *name = mw_mem_copy(&plan->arena, bindings[i].name, strlen(bindings[i].name), err);
    if (!words || !name) return false;
    for (size_t w = 0; w < bindings[i].count; w++)
      if (!(words[w] = mw_mem_copy(&plan->arena, bindings[i].words[w], strlen(bindings[i].words[w]), err))) return false;
    plan->bindings[i] = (mw_binding){name, words, bindings[i].count};
  }
  plan->binding_count = count;
  return plan->bindings != NULL;
}

/* Prompts of the recipe, read by the donor's tokenizer. */
static bool read_prompts(void *context, const mw_text_piece *texts, size_t count, size_t *index, mw_error *err) {
  mw_plan *plan = context;
  if (plan->vocabulary && plan->vocabulary->files.folder)
    return mw_error_set(err, MW_USAGE, "--tokenizer '%s' is not the donor's, by which prompts are read", plan->vocabulary->tokenizer);
  const size_t before = plan->data.count;
  MW_TRY(mw_calibration_add(&plan->data, texts, count, &plan->inputs.members[plan->inputs.donor], index, err));
  return !mw_cluster_ranks() || plan->data.count == before || mw_shared_plan_keep_prompts(plan, texts, count, err);
}

mw_recipe_task mw_plan_task(mw_plan *plan, const mw_binding *bindings, size_t count, mw_warning *warnings,
                            const mw_recipe_scorer *scorer) {
  return (mw_recipe_task){.bindings = bindings, .binding_count = count, .inputs = &plan->inputs, .sets = plan->data.facts,
                          .set_count = plan->data.files, .prompts = {plan, read_prompts}, .options = &plan->options,
                          .warnings = warnings, .scorer = scorer};
}

/* Evaluates the recipe. While planning nothing is measured: every score is 0, and the candidates are counted. */
static bool evaluate(mw_plan *plan, const mw_binding *bindings, size_t count, mw_error *err) {
  mw_search search = {.options = &plan->options, .wanted = &plan->wanted, .inputs = &plan->inputs};
  mw_search_begin(&search);
  mw_recipe_scorer scorer = mw_search_scorer(&search);
  mw_recipe_task task = mw_plan_task(plan, bindings, count, &plan->warnings, plan->options.score ? &scorer : NULL);
  bool ok = mw_recipe_evaluate(plan->recipe, &task, &plan->result, err);
  mw_search_take_first(&search, &plan->result.made);
  plan->candidates = search.count;
  mw_search_end(&search, NULL);
  if (ok && plan->options.score && !plan->candidates)
    mw_warning_add(&plan->warnings, "the recipe asks for no score: --score is not used");
  return ok && (!plan->candidates || keep_bindings(plan, bindings, count, err));
}

/* Of several processes rank 0 evaluates it for all. */
static bool evaluate_once(mw_plan *plan, const mw_binding *bindings, size_t count, mw_error *err) {
  const mw_ranks *ranks = mw_cluster_ranks();
  if (!ranks) return evaluate(plan, bindings, count, err);
  mw_recipe_task task = mw_plan_task(plan, bindings, count, &plan->warnings, NULL);
  return (ranks->rank || evaluate(plan, bindings, count, err)) && mw_shared_plan_receive(plan, &task, err);
}

mw_training_job mw_plan_open_training(const mw_plan *plan, const mw_recipe_candidate *made) {
  return (mw_training_job){.graph = made->graph, .outputs = made->outputs, .output_count = made->output_count,
                        .specs = made->specs, .spec_count = made->spec_count, .inputs = &plan->inputs,
                        .data = &plan->data, .options = &plan->options,
                        .ranks = mw_cluster_ranks(), .threads = mw_run_threads(plan->options.threads)};
}

/* A merge and a training never run at the same time: the peak is the larger of both. */
static bool measure(mw_plan *plan, mw_error *err) {
  mw_job job = mw_plan_job(plan);
  mw_training_job learning = mw_plan_open_training(plan, &plan->result.made);
  MW_TRY(mw_run_cost_measure(&job, &plan->cost, err));
  MW_TRY(mw_found_measure(&learning, &plan->statistics, err));
  if (plan->statistics.memory && plan->statistics.memory + (16u << 20) > plan->cost.peak_memory)
    plan->cost.peak_memory = plan->statistics.memory + (16u << 20);
  plan->trainings = mw_mem_take(&plan->arena, (learning.spec_count + 1) * sizeof *plan->trainings, err);
  if (!plan->trainings || !mw_training_measure(&learning, plan->trainings, err)) return false;
  plan->training_count = learning.spec_count;
  for (size_t i = 0; i < learning.spec_count; i++) {
    uint64_t peak = plan->trainings[i].memory + (16u << 20);
    if (plan->trainings[i].memory && peak > plan->cost.peak_memory) plan->cost.peak_memory = peak;
  }
  return true;
}

/* The files of --score loss:FILE.... */
static bool open_judges(mw_plan *plan, mw_error *err) {
  MW_TRY(mw_score_words_read(&plan->options, &plan->arena, &plan->wanted, err));
  return !plan->wanted.file_count || mw_calibration_open(&plan->judges, plan->wanted.files, plan->wanted.file_count, plan->options.window,
                                                         &plan->inputs.members[plan->inputs.donor], err);
}

/* The vocabularies of one model each. What --tokens says is kept as text, so that what is recorded needs no file. */
static bool align(mw_plan *plan, mw_error *err) {
  mw_options *options = &plan->options;
  bool pipelines;
  if (!options->tokenizer) return true;
  MW_TRY(mw_components_expected(&plan->inputs, &pipelines, err));
  if (pipelines) {
    mw_error_set(err, MW_USAGE, "--tokenizer is not for whole pipelines of diffusers: tokenizers of text encoders are not united");
    return mw_error_hint(err, "without it the output has the donor's tokenizers; textual inversions are loaded beside a pipeline");
  }
  if (options->tokens) MW_TRY(mw_token_rules_text(options->tokens, &plan->arena, &options->tokens, err));
  MW_TRY(mw_alignment_make(&plan->inputs, options, &plan->warnings, &plan->vocabulary, err));
  if (!plan->vocabulary->files.folder || (!options->data_count && !options->score)) return true;
  mw_error_set(err, MW_USAGE, "--tokenizer '%s' is not the donor's, by which --data and --score are read", plan->vocabulary->tokenizer);
  return mw_error_hint(err, "--donor names whose it is, too");
}

static bool make(mw_plan *plan, const mw_binding *bindings, size_t count, mw_error *err) {
  const mw_arg *args;
  bool pipelines;
  MW_TRY(mw_defaults_add(plan->recipe, &bindings, &count, &plan->options, &plan->warnings, &plan->arena, err));
  MW_TRY(mw_request_check(plan->recipe, bindings, count, &plan->options, err));
  MW_TRY(mw_option_table_keep(&plan->options, &plan->arena, err));
  size_t arg_count = mw_recipe_args(plan->recipe, &args);
  MW_TRY(mw_input_set_open(&plan->inputs, args, arg_count, bindings, count, &plan->options, &plan->warnings, err));
  MW_TRY(align(plan, err));
  MW_TRY((plan->vocabulary && plan->vocabulary->files.folder) ||
         mw_chat_compare(&plan->inputs.family, plan->options.chat_template != NULL, &plan->warnings, err));
  MW_TRY(!plan->options.chat_template ||
         mw_chat_template(&plan->inputs.family, plan->options.chat_template, &plan->arena, &plan->chat_template, err));
  MW_TRY(mw_components_expected(&plan->inputs, &pipelines, err));
  if (pipelines)
    return mw_components_plan(plan, bindings, count, err) &&
           mw_provenance_compose(&plan->provenance, plan->recipe, bindings, count, &plan->options, err) && mw_plan_facts_compose(plan, err);
  MW_TRY(mw_calibration_open(&plan->data, plan->options.data, plan->options.data_count, plan->options.window,
                             &plan->inputs.members[plan->inputs.donor], err));
  if (plan->data.count && !plan->vocabulary)
    mw_calibration_compare(plan->inputs.members, plan->inputs.count, plan->inputs.donor, &plan->warnings);
  MW_TRY(open_judges(plan, err));
  MW_TRY(evaluate_once(plan, bindings, count, err));
  MW_TRY(mw_outputs_place(plan, err) && mw_proof_plan(plan, err));
  MW_TRY(mw_provenance_compose(&plan->provenance, plan->recipe, bindings, count, &plan->options, err));
  mw_recipe_draws drawn = {plan->result.drawn, plan->candidates ? 0 : plan->result.drawn_count}; /* of candidates only the run can tell */
  MW_TRY(mw_provenance_take(&plan->provenance, &plan->result, drawn, err));
  MW_TRY(measure(plan, err));
  return mw_plan_facts_compose(plan, err);
}

bool mw_plan_make(const mw_recipe *recipe, const mw_binding *bindings, size_t count, const mw_options *options,
                  mw_plan **out, mw_error *err) {
  mw_plan *plan = mw_mem_new(1, sizeof *plan, err);
  *out = NULL;
  if (!plan) return false;
  plan->recipe = recipe;
  plan->options = *options;
  bool made = make(plan, bindings, count, err);
  if (mw_recipe_conversion(recipe)) mw_conversion_name_models(mw_recipe_conversion(recipe), &plan->warnings);
  if (!made && mw_recipe_conversion(recipe))
    mw_conversion_explain(mw_recipe_conversion(recipe), mw_recipe_name(recipe), mw_recipe_text(recipe), err);
  if (made || options->explain) *out = plan;
  else mw_plan_free(plan);
  return made;
}

void mw_plan_free(mw_plan *plan) {
  if (!plan) return;
  mw_components_free(plan->components);
  mw_outputs_free(plan);
  mw_recipe_release(&plan->result);
  mw_calibration_close(&plan->data);
  mw_calibration_close(&plan->judges);
  mw_input_set_close(&plan->inputs);
  mw_alignment_free(plan->vocabulary);
  mw_provenance_free(&plan->provenance);
  mw_side_files_forget(&plan->side_files);
  mw_warning_free(&plan->warnings);
  mw_text_free(&plan->json);
  mw_text_free(&plan->prompted);
  mw_mem_release(&plan->arena);
  free(plan);
}
