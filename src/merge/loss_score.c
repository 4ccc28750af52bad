/* loss_score.c: see loss_score.h. */
#include "merge/loss_score.h"
#include <math.h>
#include <stdlib.h>

static bool evaluate(const mw_study_job *job, const mw_study *study, const mw_calibration *judges, double *worth, mw_error *err) {
  mw_eval_candidate candidate = {.graph = job->graph, .outputs = job->outputs, .count = job->output_count};
  mw_evaluation *results = mw_mem_new(judges->count, sizeof *results, err);
  if (!results) return false;
  if (study) candidate.learned = mw_study_learned(study, &candidate.learned_count);
  bool ok = mw_eval_candidate_losses(&candidate, job->inputs, judges, job->options, job->learning, job->context, results, err);
  *worth = 0;
  for (size_t i = 0; i < judges->count && ok; i++) *worth -= results[i].loss / (double)judges->count;
  free(results);
  return ok && (isfinite(*worth) || mw_error_set(err, MW_DATA, "its loss is not finite"));
}

bool mw_worth_measure(const mw_study_job *candidate, const mw_calibration *judges, double *worth, mw_error *err) {
  mw_study *study = NULL;
  MW_TRY(!candidate->lesson_count || mw_study_open(candidate, &study, err));
  bool ok = (!study || mw_study_run(study, err)) && evaluate(candidate, study, judges, worth, err);
  mw_study_free(study);
  return ok;
}
