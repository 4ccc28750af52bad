/* loss_score.c: first runs the candidate's own trainings, if it has any, then evaluates it on each data set (train/evaluate.h). */
#include "merge/loss_score.h"
#include "train/found.h"
#include <math.h>
#include <stdlib.h>

static bool evaluate(const mw_training_job *job, mw_json config, const mw_training *training, const mw_calibration *judges, double *worth,
                     mw_error *err) {
  mw_evaluate_candidate candidate = {.graph = job->graph, .outputs = job->outputs, .count = job->output_count, .config = config};
  mw_evaluation *results = mw_mem_new(judges->count, sizeof *results, err);
  if (!results) return false;
  candidate.statistics = job->statistics, candidate.statistic_count = job->statistic_count;
  if (training) candidate.learned = mw_training_learned(training, &candidate.learned_count);
  bool ok = mw_evaluate_losses(&candidate, job->inputs, judges, job->options, job->learning, job->context, results, err);
  *worth = 0;
  for (size_t i = 0; i < judges->count && ok; i++) *worth -= results[i].loss / (double)judges->count;
  free(results);
  return ok && (isfinite(*worth) || mw_error_set(err, MW_DATA, "its loss is not finite"));
}

bool mw_loss_score_measure(const mw_training_job *candidate, mw_json config, const mw_calibration *judges, double *worth, mw_error *err) {
  mw_training_job job = *candidate;
  mw_training *training = NULL;
  mw_found *found;
  MW_TRY(mw_found_make(candidate, &found, err));
  job.statistics = mw_found_statistics(found, &job.statistic_count);
  bool ok = (!job.spec_count || mw_training_open(&job, &training, err)) && (!training || mw_training_run(training, err)) &&
            evaluate(&job, config, training, judges, worth, err);
  mw_training_free(training);
  mw_found_free(found);
  return ok;
}
