/* loss_score.c: first runs the candidate's own trainings, if it has any, then evaluates it on each data set (train/evaluate.h). Of
 * several processes rank 0 alone has a child form the network; the others get it. */
#include "merge/loss_score.h"
#include "cluster/cluster.h"
#include "train/found.h"
#include <math.h>
#include <stdlib.h>

static bool make_network(const mw_evaluate_candidate *candidate, const mw_training_job *job, const mw_calibration *judges,
                         mw_evaluate_network *network, mw_error *err) {
  if (!job->ranks) return mw_evaluate_make(candidate, job->inputs, judges, job->options, network, err);
  mw_text text = {0};
  bool ok = job->ranks->rank ? (*network = (mw_evaluate_network){0}, true)
                             : mw_evaluate_make(candidate, job->inputs, judges, job->options, network, err) &&
                                   mw_evaluate_send(network, &text, err);
  ok = ok && mw_cluster_tell(&text, err) &&
       (!job->ranks->rank || mw_evaluate_receive(candidate, job->inputs, judges, text.bytes, text.length, network, err));
  mw_text_free(&text);
  return ok;
}

static bool evaluate(const mw_training_job *job, mw_json config, const mw_training *training, const mw_calibration *judges, double *worth,
                     mw_error *err) {
  mw_evaluate_candidate candidate = {.graph = job->graph, .outputs = job->outputs, .count = job->output_count, .config = config};
  mw_evaluation *results = mw_mem_new(judges->count, sizeof *results, err);
  if (!results) return false;
  candidate.statistics = job->statistics, candidate.statistic_count = job->statistic_count;
  if (training) candidate.learned = mw_training_learned(training, &candidate.learned_count);
  mw_evaluate_network network = {0};
  bool ok = make_network(&candidate, job, judges, &network, err) &&
            mw_evaluate_run(&network, job->ranks, job->options, job->learning, job->context, results, err);
  mw_evaluate_forget(&network);
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
