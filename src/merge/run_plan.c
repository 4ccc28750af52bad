/* run_plan.c: runs a plan: its trainings, its passes, the side files, the publication. If the recipe scores candidates, it is first
 * evaluated again, now with real scores: each candidate is made as a plan of its own, in a temporary folder, measured and removed;
 * the result of that evaluation is then made like any other. */
#include "merge/plan_facts.h"
#include "cluster/cluster.h"
#include "merge/components.h"
#include "merge/follow.h"
#include "merge/loss_score.h"
#include "merge/outputs.h"
#include "merge/plan_identity.h"
#include "merge/proof.h"
#include "merge/seal.h"
#include "merge/shared_plan.h"
#include "merge/shared_search.h"
#include "merge/zeros.h"
#include "model/buffers.h"
#include "train/found.h"
#include "output/publish.h"
#include "output/target.h"
#include "output/side_files.h"
#include "output/variances.h"
#include "num/gemm.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool allowed(const mw_plan *plan, mw_error *err) {
  if (!plan->options.output) return mw_error_set(err, MW_USAGE, "-o OUT is needed: the folder or the file NAME.safetensors to make");
  const mw_input_set *inputs = &plan->inputs;
  size_t count = inputs->count, taken = 0;
  for (size_t i = 0; i < inputs->count; i++) count += inputs->members[i].model->adapter_count;
  const char **paths = mw_mem_new(count, sizeof *paths, err);
  if (!paths) return false;
  for (size_t i = 0; i < inputs->count; i++) {
    const mw_model *model = inputs->members[i].model;
    paths[taken++] = model->folder ? model->folder : model->files[0].path;
    for (size_t a = 0; a < model->adapter_count; a++) paths[taken++] = model->adapters[a].place;
  }
  bool ok = mw_writer_allowed(plan->options.output, plan->options.force, paths, count, mw_plan_facts_written(plan), err);
  free(paths);
  return ok;
}

void mw_plan_watch(mw_plan *plan, mw_learning learning, void *context) {
  plan->learning = learning;
  plan->learner = context;
}

/* Of several processes all but rank 0 only make tensors: what is checked once, written beside them and published is rank 0's. */
static bool is_helper(void) { return mw_cluster_ranks() && mw_cluster_ranks()->rank; }

/* From now on what is read of the inputs, and written, goes into their checksums. */
static bool count(mw_plan *plan, mw_writer *writer, mw_error *err) {
  if (plan->options.no_hash) return true;
  plan->checksums.left = (long long)mw_run_cost_checksums(mw_run_threads(plan->options.threads));
  for (size_t i = 0; i < plan->inputs.count; i++)
    MW_TRY(mw_model_count((mw_model *)(uintptr_t)plan->inputs.members[i].model, &plan->checksums, err));
  return mw_writer_count(writer, &plan->layout, &plan->checksums, err);
}

/* Of which data statistics were found, a JSON object. */
static bool tell_statistics(const mw_plan *plan, mw_text *out, mw_error *err) {
  mw_json_writer json = {.out = out};
  mw_json_writer_object(&json, NULL);
  mw_calibration_tell(&plan->data, plan->options.window, &json);
  mw_json_writer_end(&json);
  return mw_json_writer_finish(&json, err);
}

/* Tells what the recipe wanted to be shown. */
static bool show(const mw_plan *plan, mw_error *err) {
  char line[512];
  mw_text_escaped name;
  for (size_t i = 0; i < plan->shown_count && plan->options.print; i++) {
    snprintf(line, sizeof line, "%s: %.9g", mw_text_escape_z(&name, plan->result.made.layout.shown[i].name), plan->shown[i]);
    if (!plan->options.print(plan->options.print_context, line))
      return mw_error_set(err, MW_INTERRUPTED, "interrupted; nothing was published");
  }
  return true;
}

/* The same for the lock file. */
static bool tell_shown(const mw_plan *plan, mw_text *out, mw_error *err) {
  mw_json_writer json = {.out = out};
  mw_json_writer_list(&json, NULL);
  for (size_t i = 0; i < plan->shown_count; i++) {
    mw_json_writer_object(&json, NULL);
    mw_json_writer_string(&json, "what", plan->result.made.layout.shown[i].name);
    mw_json_writer_number(&json, "value", plan->shown[i]);
    mw_json_writer_end(&json);
  }
  mw_json_writer_end(&json);
  return mw_json_writer_finish(&json, err);
}

/* Has all tensors written into the writer's folder. Of several processes each writes its own; then all are on the disk. */
static bool make_tensors(mw_plan *plan, mw_writer *writer, mw_job *job, mw_error *err) {
  const mw_ranks *ranks = mw_cluster_ranks();
  MW_TRY(count(plan, writer, err) && (!ranks || mw_shared_plan_divide(plan, writer, job, err)));
  MW_TRY((plan->shown = mw_mem_take(&plan->arena, (plan->shown_count + 1) * sizeof *plan->shown, err)) != NULL);
  MW_TRY(mw_run_values(job, plan->nodes + plan->node_count, plan->shown_count, plan->shown, err) && show(plan, err));
  return !ranks || ((!ranks->rank || mw_writer_settle(writer, err)) && mw_cluster_meet(err));
}

/* Runs the trainings, then the passes, which write into the writer's folder; then publishes it. */
static bool fill(mw_plan *plan, mw_writer *writer, mw_training *training, const mw_found *found, mw_progress progress, void *context,
                 mw_error *err) {
  mw_job job = mw_plan_job(plan);
  job.statistics = mw_found_statistics(found, &job.statistic_count);
  mw_text learning = {0};
  if (plan->options.nonfinite_keep) MW_TRY((job.spoiled = plan->spoiled = mw_mem_take(&plan->arena, plan->layout.count + 1, err)) != NULL);
  job.writer = writer;
  job.progress = progress;
  job.context = context;
  if (training) {
    MW_TRY(mw_training_run(training, err));
    job.learned = mw_training_learned(training, &job.learned_count);
    MW_TRY(is_helper() || mw_training_write(training, writer, err));
  }
  mw_text statistics = {0}, shown = {0};
  mw_side_files_provenance provenance = mw_provenance_of(&plan->provenance, plan->recipe, plan->scores, &plan->options);
  if (is_helper()) return make_tensors(plan, writer, &job, err);
  bool ok = make_tensors(plan, writer, &job, err) && mw_variances_check(&plan->layout, mw_writer_folder(writer), err) &&
            (!training || mw_training_tell(training, &learning, err)) && (!found || tell_statistics(plan, &statistics, err)) &&
            (!plan->shown_count || tell_shown(plan, &shown, err));
  provenance.chat_template = plan->chat_template;
  provenance.vocabulary = plan->vocabulary;
  provenance.component = plan->component;
  provenance.rows = plan->rows;
  provenance.statistics_json = statistics.bytes;
  provenance.shown_json = shown.bytes;
  provenance.learning_json = learning.bytes;
  provenance.matrix_core = mw_matrices_any(&job) ? mw_gemm_core() : NULL;
  provenance.sets = plan->sets;
  provenance.set_count = plan->set_count;
  provenance.adapter = plan->result.made.layout.adapter;
  ok = ok &&
       mw_side_files_write(writer, &plan->layout, &plan->inputs.family, &provenance, &plan->side_files, &plan->warnings, err) &&
       mw_proof_written(plan, writer, err) && (!plan->options.sha256 || mw_seal_write(writer, plan->options.output, err)) &&
       (!plan->options.verify || mw_writer_verify(writer, err)) && mw_publish_output(writer, err);
  mw_text_free(&learning);
  mw_text_free(&statistics);
  mw_text_free(&shown);
  return ok;
}

/* Leaves out of the plan what an earlier run has made. */
static bool leave_out(mw_plan *plan, const mw_writer *writer, mw_error *err) {
  size_t nodes = 0, copies = 0, before = plan->node_count + plan->copy_count;
  for (size_t i = 0; i < plan->node_count; i++)
    if (!mw_writer_has(writer, plan->places[i])) plan->nodes[nodes] = plan->nodes[i], plan->places[nodes++] = plan->places[i];
  for (size_t i = 0; i < plan->copy_count; i++)
    if (!mw_writer_has(writer, plan->copies[i].place)) plan->copies[copies++] = plan->copies[i];
  for (size_t i = 0; i < plan->shown_count; i++) plan->nodes[nodes + i] = plan->nodes[plan->node_count + i];
  plan->node_count = nodes;
  plan->copy_count = copies;
  plan->resumed = before - nodes - copies;
  if (!plan->resumed) return true;
  mw_schedule_free(&plan->schedule);
  return mw_schedule_make(plan->result.made.graph, plan->expansion, plan->nodes, nodes + plan->shown_count, &plan->schedule, err);
}

/* Makes a plan's output folder. `identity`: NULL, or what it is (plan_identity.h), so that a later run can go on with it. */
static bool write(mw_plan *plan, const char *identity, const mw_training_job *learning, mw_progress progress, void *context,
                  mw_error *err) {
  mw_training_job job = *learning;
  mw_training *training = NULL;
  mw_found *found = NULL;
  mw_writer *writer;
  const mw_ranks *ranks = mw_cluster_ranks();
  const mw_writer_how how = {.force = plan->options.force, .sync = !plan->options.no_sync, .plan = identity, .warnings = &plan->warnings,
                             .part = plan->component != NULL};
  MW_TRY(!plan->vocabulary || mw_alignment_ready(plan->vocabulary, err));
  MW_TRY(mw_run_ready(mw_run_threads(plan->options.threads), err));
  MW_TRY(mw_shared_plan_open(plan->options.output, &plan->layout, &how, &writer, err));
  job.folder = mw_writer_folder(writer); /* it is locked now: no other run makes this output, so its checkpoint may be read */
  bool ok = (!ranks || mw_shared_plan_resume(plan, writer, err)) && leave_out(plan, writer, err) && mw_found_make(&job, &found, err);
  if (ok) job.statistics = mw_found_statistics(found, &job.statistic_count);
  ok = ok && (!job.spec_count || mw_training_open(&job, &training, err)) && fill(plan, writer, training, found, progress, context, err);
  if (!ok && ranks) mw_writer_record(writer);
  if (ranks) ok = mw_cluster_agree(ok, err);
  if (!ok && training && !is_helper()) mw_training_hint(training, err);
  if (!ok && !is_helper()) mw_writer_keep(writer, err);
  if (ok && training) mw_training_done(training);
  if (ok && plan->component) ok = (plan->made = mw_mem_copy(&plan->arena, mw_writer_folder(writer), strlen(mw_writer_folder(writer)), err));
  mw_writer_close(writer);
  mw_training_free(training);
  mw_found_free(found);
  return ok;
}

/* Makes the result. If it is stopped, what is finished is kept beside the output, of a training a checkpoint. */
static bool write_result(mw_plan *plan, mw_progress progress, void *context, mw_error *err) {
  mw_training_job learning = mw_plan_open_training(plan, &plan->result.made);
  learning.output = is_helper() ? NULL : plan->options.output; /* the process that publishes keeps the checkpoint */
  learning.learning = plan->learning;
  learning.context = plan->learner;
  mw_text identity = {0};
  if (mw_cluster_ranks() && plan->candidates) MW_TRY(mw_shared_plan_compare(plan, err)); /* what the search has chosen */
  bool (*identify)(const mw_plan *, mw_text *, mw_error *) = mw_cluster_ranks() ? mw_shared_plan_identity : mw_plan_identity_compose;
  bool ok = identify(plan, &identity, err) && write(plan, identity.bytes, &learning, progress, context, err);
  mw_text_free(&identity);
  return ok;
}

/* ---- recipes that score ---- */

typedef struct searching {
  mw_plan *plan;
  mw_progress progress;
  void *context;
} searching;

static bool search_goes_on(void *context, uint64_t done, uint64_t total, unsigned pass) {
  const searching *s = context;
  return !s->progress || s->progress(s->context, done, total, pass);
}

static bool ask_whether_to_go_on(void *context, const mw_learning_facts *facts) {
  (void)facts;
  return search_goes_on(context, 0, 0, 0);
}

/* No checkpoint is kept of a candidate's trainings. */
static mw_training_job training_candidate(void *context, const mw_recipe_candidate *made) {
  const searching *s = context;
  mw_training_job learning = mw_plan_open_training(s->plan, made);
  learning.learning = ask_whether_to_go_on;
  learning.context = context;
  return learning;
}

/* Several processes make what rank 0 asks for. */
static bool ask_all(const mw_recipe_candidate *made, const char *folder, mw_error *err) {
  return !mw_cluster_ranks() || is_helper() || mw_shared_search_ask(made, folder, err);
}

/* Makes a candidate: a plan on the same models, with the same options. */
static bool make_candidate(void *context, const mw_recipe_candidate *made, const char *folder, mw_error *err) {
  const searching *s = context;
  mw_plan candidate = {.recipe = s->plan->recipe, .options = s->plan->options, .inputs = s->plan->inputs,
                       .data = s->plan->data, .provenance = s->plan->provenance, .chat_template = s->plan->chat_template,
                       .vocabulary = s->plan->vocabulary, .side_files = s->plan->side_files,
                       .result = {.made = *made}};
  candidate.options.output = folder;
  candidate.options.force = candidate.options.sha256 = candidate.options.verify = false;
  candidate.options.no_sync = candidate.options.no_hash = true; /* it is removed when it was measured */
  candidate.provenance.drawn = candidate.provenance.told = candidate.provenance.required = (mw_text){0}; /* of another evaluation */
  mw_training_job learning = training_candidate(context, made);
  bool ok = ask_all(made, folder, err) && mw_outputs_place(&candidate, err) &&
            write(&candidate, NULL, &learning, search_goes_on, context, err);
  mw_outputs_free(&candidate);
  mw_warning_free(&candidate.warnings);
  mw_mem_release(&candidate.arena);
  return ok;
}

/* The recipe with other scores, of which nothing is told. */
static void evaluate_silently(void *context, const mw_recipe_scorer *scorer) {
  mw_plan *plan = ((const searching *)context)->plan;
  mw_options options = plan->options;
  mw_warning unheard = {0};
  mw_recipe_result result = {0};
  mw_error ignored;
  options.print = NULL;
  options.explain = false;
  mw_recipe_task task = mw_plan_task(plan, plan->bindings, plan->binding_count, &unheard, scorer);
  task.options = &options;
  task.prompts = (mw_recipe_prompts){0}; /* these become data of the plan, which the recipe that waits has seen: look no further */
  mw_recipe_evaluate(plan->recipe, &task, &result, &ignored);
  mw_recipe_release(&result);
  mw_warning_free(&unheard);
}

/* A candidate of other layers runs as its own config.json says. */
static bool measure_loss(void *context, const mw_recipe_candidate *made, double *value, mw_error *err) {
  const searching *s = context;
  const mw_config *donor = &s->plan->inputs.members[s->plan->inputs.donor].model->config;
  mw_training_job candidate = training_candidate(context, made);
  mw_config_edit_list edits = {0};
  mw_arena arena = {0};
  mw_warning unheard = {0}; /* a plan tells what its result warns of */
  mw_text text = {0};
  mw_json config = {0};
  bool ok = ask_all(made, NULL, err) &&
            mw_follow_config(&s->plan->inputs, made, s->plan->vocabulary, &arena, &unheard, &edits.sets, &edits.set_count, err);
  if (ok && edits.set_count && donor->text)
    ok = mw_config_edit(donor, &edits, &text, err) && mw_json_check("config.json", text.bytes, text.length, 128, &config, err);
  const mw_score_words_one *score = &s->plan->wanted.all[made->score];
  mw_calibration judges = s->plan->judges; /* its own files of all */
  judges.sets += score->first, judges.facts += score->first, judges.hashes += score->first;
  judges.count = judges.files = score->count;
  ok = ok && mw_loss_score_measure(&candidate, config, &judges, value, err);
  mw_text_free(&text);
  mw_warning_free(&unheard);
  mw_mem_release(&arena);
  return ok;
}

/* Evaluates the recipe again, with real scores. Its result replaces that of the plan. */
static bool search_result(mw_plan *plan, mw_search *search, mw_error *err) {
  mw_recipe_result result = {0};
  mw_recipe_scorer scorer = mw_search_scorer(search);
  mw_recipe_task task = mw_plan_task(plan, plan->bindings, plan->binding_count, &plan->warnings, &scorer);
  if (!mw_recipe_evaluate(plan->recipe, &task, &result, err)) {
    mw_recipe_release(&result);
    return false;
  }
  mw_outputs_free(plan);
  mw_recipe_release(&plan->result);
  plan->result = result;
  MW_TRY(mw_search_choose(search, &plan->result.made, err) && mw_outputs_place(plan, err) && mw_proof_plan(plan, err));
  mw_recipe_draws chosen = {.count = search->chosen_count};
  if (chosen.count) chosen.first = &plan->result.drawn[search->chosen_first];
  return mw_provenance_take(&plan->provenance, &plan->result, chosen, err);
}

/* What all look at together, when they have found the same. */
static bool look_at_inputs(mw_plan *plan, mw_error *err) {
  const mw_ranks *ranks = mw_cluster_ranks();
  return (!ranks || mw_shared_plan_compare(plan, err)) && mw_zeros_check(&plan->inputs.family, ranks, &plan->warnings, err);
}

/* What a process does that joins rank 0. */
static bool help(mw_plan *plan, mw_progress progress, void *context, mw_error *err) {
  searching s = {plan, progress, context};
  if (plan->components) return mw_components_run(plan, progress, context, err);
  MW_TRY(mw_run_cost_fits(&plan->cost, mw_run_threads(plan->options.threads), err) && look_at_inputs(plan, err));
  if (plan->candidates) MW_TRY(mw_shared_search_follow(plan, make_candidate, measure_loss, &s, err));
  return write_result(plan, progress, context, err);
}

bool mw_plan_run(mw_plan *plan, mw_progress progress, void *context, mw_error *err) {
  const mw_ranks *ranks = mw_cluster_ranks();
  if (is_helper()) return help(plan, progress, context, err);
  MW_TRY(allowed(plan, err));
  MW_TRY(mw_side_files_look(plan->inputs.members[plan->inputs.donor].model, plan->options.copy_code, !plan->chat_template,
                            plan->vocabulary ? &plan->vocabulary->files : NULL, &plan->side_files, err));
  if (plan->components) return mw_components_run(plan, progress, context, err);
  MW_TRY(mw_buffers_compare(&plan->inputs.family, &plan->warnings, err));
  MW_TRY(mw_run_cost_fits(&plan->cost, mw_run_threads(plan->options.threads), err));
  MW_TRY(look_at_inputs(plan, err));
  if (!plan->candidates) return write_result(plan, progress, context, err);
  searching s = {plan, progress, context};
  mw_text identity = {0};
  if (!mw_plan_identity_search(plan, &identity, err)) {
    mw_text_free(&identity);
    return false;
  }
  mw_search search = {.identity = identity.bytes, .options = &plan->options, .inputs = &plan->inputs, .warnings = &plan->warnings,
                      .make = make_candidate, .evaluate = evaluate_silently,
                      .loss = measure_loss, .judges = &plan->judges, .wanted = &plan->wanted,
                      .progress = search_goes_on, .context = &s};
  mw_search_begin(&search);
  plan->scores = &search;
  bool ok = search_result(plan, &search, err) && (!ranks || mw_shared_search_done(plan, err)) && write_result(plan, progress, context, err);
  plan->scores = NULL;
  mw_search_end(&search, ok ? NULL : err);
  mw_text_free(&identity);
  return ok;
}

/* The place of further result i; MW_USAGE where the first one or one before it has the same. */
static bool check_place(const mw_options *options, size_t i, mw_arena *arena, mw_error *err) {
  mw_options other;
  mw_target own, before;
  mw_text_escaped shown;
  char name[64];
  MW_TRY(mw_options_also(options, i, name, &other, err) && mw_target_resolve(other.output, arena, &own, err));
  for (size_t k = 0; k <= i; k++) {
    if (k) MW_TRY(mw_options_also(options, k - 1, name, &other, err));
    const char *place = k ? other.output : options->output;
    if (!place) continue; /* a dry run */
    MW_TRY(mw_target_resolve(place, arena, &before, err));
    if (strcmp(own.path, before.path) == 0)
      return mw_error_set(err, MW_USAGE, "%s: two results cannot have one place", mw_text_escape_z(&shown, place));
  }
  return true;
}

bool mw_plan_check_also(const mw_recipe *recipe, const mw_binding *bindings, size_t count, const mw_options *options, mw_error *err) {
  for (size_t i = 0; i < options->also_count; i++) {
    mw_options other;
    mw_plan *plan;
    mw_arena arena = {0};
    char name[64];
    MW_TRY(mw_options_also(options, i, name, &other, err));
    other.print = NULL;
    other.explain = false;
    bool good = check_place(options, i, &arena, err) && mw_plan_make(recipe, bindings, count, &other, &plan, err);
    mw_mem_release(&arena);
    if (!good) return false;
    good = is_helper() || allowed(plan, err);
    mw_plan_free(plan);
    MW_TRY(good);
  }
  return true;
}
