/* run_plan.c: from a plan to an output folder. A recipe that scores is evaluated again, with scores that are real: each
 * candidate is a plan of its own, watched like the last. */
#include "merge/plan.h"
#include "merge/loss_score.h"
#include "output/side_files.h"
#include <stdlib.h>
#include <string.h>

static bool allowed(const mw_plan *plan, mw_error *err) {
  if (!plan->options.output) return mw_error_set(err, MW_USAGE, "-o OUT is needed: the folder to make");
  const mw_inputs *inputs = &plan->inputs;
  const char **paths = mw_mem_new(inputs->count, sizeof *paths, err);
  if (!paths) return false;
  for (size_t i = 0; i < inputs->count; i++) {
    const mw_model *model = inputs->members[i].model;
    paths[i] = model->folder ? model->folder : model->files[0].path;
  }
  bool ok = mw_writer_allowed(plan->options.output, plan->options.force, paths, inputs->count, mw_plan_written(plan), err);
  free(paths);
  return ok;
}

void mw_plan_watch(mw_plan *plan, mw_learning learning, void *context) {
  plan->learning = learning;
  plan->learner = context;
}

/* Learns what is to be learned, then streams the result into the writer's folder and publishes it. */
static bool fill(mw_plan *plan, mw_writer *writer, mw_study *study, mw_progress progress, void *context, mw_error *err) {
  mw_job job = mw_plan_job(plan);
  mw_text learning = {0};
  job.writer = writer;
  job.progress = progress;
  job.context = context;
  if (study) {
    MW_TRY(mw_study_run(study, err));
    job.learned = mw_study_learned(study, &job.learned_count);
    MW_TRY(mw_study_write(study, writer, err));
  }
  mw_story story = mw_story_of(&plan->story, plan->recipe, &plan->result, plan->scores, &plan->options);
  bool ok = mw_run_job(&job, err) && (!study || mw_study_tell(study, &learning, err));
  story.learning_json = learning.bytes;
  ok = ok && mw_bundle_write(writer, &plan->layout, &plan->inputs.family, plan->inputs.members, &story, &plan->notes, err) &&
       mw_writer_publish(writer, plan->options.durable, err);
  mw_text_free(&learning);
  return ok;
}

/* A model as a whole folder, in one go. */
static bool write(mw_plan *plan, const mw_study_job *learning, mw_progress progress, void *context, mw_error *err) {
  mw_study_job job = *learning;
  mw_study *study = NULL;
  mw_writer *writer;
  mw_run_ready(mw_run_threads(plan->options.threads));
  MW_TRY(mw_writer_open(plan->options.output, &plan->layout, plan->options.force, &writer, err));
  job.folder = mw_writer_folder(writer); /* from here on no other run makes this output: a checkpoint of it may be read */
  bool ok = (!job.lesson_count || mw_study_open(&job, &study, err)) && fill(plan, writer, study, progress, context, err);
  if (ok && study) mw_study_done(study);
  mw_writer_close(writer);
  mw_study_free(study);
  return ok;
}

/* The result: a training of its that is stopped is kept beside it. */
static bool write_result(mw_plan *plan, mw_progress progress, void *context, mw_error *err) {
  mw_study_job learning = mw_plan_study(plan, &plan->result.made);
  learning.output = plan->options.output;
  learning.learning = plan->learning;
  learning.context = plan->learner;
  return write(plan, &learning, progress, context, err);
}

/* ---- recipes that score ---- */

typedef struct search {
  const mw_plan *plan;
  mw_progress progress;
  void *context;
} search;

static bool search_goes_on(void *context, uint64_t done, uint64_t total, unsigned pass) {
  const search *s = context;
  return !s->progress || s->progress(s->context, done, total, pass);
}

static bool ask_whether_to_go_on(void *context, const mw_learning_facts *facts) {
  (void)facts;
  return search_goes_on(context, 0, 0, 0);
}

/* What a candidate learns is kept nowhere: its trainings end with the search. */
static mw_study_job study_candidate(void *context, const mw_candidate *made) {
  const search *s = context;
  mw_study_job learning = mw_plan_study(s->plan, made);
  learning.learning = ask_whether_to_go_on;
  learning.context = context;
  return learning;
}

/* A candidate is a plan of its own, on the same models, with the same options. */
static bool make_candidate(void *context, const mw_candidate *made, const char *folder, mw_error *err) {
  const search *s = context;
  mw_plan candidate = {.recipe = s->plan->recipe, .options = s->plan->options, .inputs = s->plan->inputs,
                       .data = s->plan->data, .story = s->plan->story, .result = {.made = *made}};
  candidate.options.output = folder;
  candidate.options.durable = candidate.options.force = false;
  mw_study_job learning = study_candidate(context, made);
  bool ok = mw_plan_settle(&candidate, err) && write(&candidate, &learning, search_goes_on, context, err);
  mw_plan_unsettle(&candidate);
  mw_note_free(&candidate.notes);
  return ok;
}

static bool measure_loss(void *context, const mw_candidate *made, double *value, mw_error *err) {
  const search *s = context;
  mw_study_job candidate = study_candidate(context, made);
  return mw_worth_measure(&candidate, &s->plan->judges, value, err);
}

/* Evaluates the recipe again, with scores that are real; what it returns takes the place of the planned result. */
static bool search_result(mw_plan *plan, mw_score *score, mw_error *err) {
  mw_host_result result = {0};
  if (!mw_host_evaluate(plan->recipe, plan->bindings, plan->binding_count, &plan->inputs, &plan->data, &plan->options, score,
                        &result, err)) {
    mw_host_release(&result);
    return false;
  }
  mw_plan_unsettle(plan);
  mw_host_release(&plan->result);
  plan->result = result;
  return mw_score_choose(score, &plan->result.made, err) && mw_plan_settle(plan, err);
}

bool mw_plan_run(mw_plan *plan, mw_progress progress, void *context, mw_error *err) {
  mw_family_rules rules = {plan->options.missing_base, plan->options.donor_integers, plan->options.tied};
  MW_TRY(allowed(plan, err));
  MW_TRY(mw_family_same_integers(&plan->inputs.family, plan->inputs.members, &rules, err));
  if (!plan->candidates) return write_result(plan, progress, context, err);
  search s = {plan, progress, context};
  mw_score score = {.options = &plan->options, .inputs = &plan->inputs, .make = make_candidate,
                    .loss = plan->judges.count ? measure_loss : NULL, .progress = search_goes_on, .context = &s};
  mw_text judges = {0};
  if (plan->judges.count) mw_calibration_tell(&plan->judges, plan->options.window, &judges);
  score.judges = judges.bytes;
  mw_score_begin(&score);
  plan->scores = &score;
  bool ok = mw_text_check(&judges, err) && search_result(plan, &score, err) && write_result(plan, progress, context, err);
  plan->scores = NULL;
  mw_score_end(&score);
  mw_text_free(&judges);
  return ok;
}
