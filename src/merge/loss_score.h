/* loss_score.h: the score of --score loss:FILE...: the loss of a candidate, measured without writing it. */
#ifndef MW_MERGE_LOSS_SCORE_H
#define MW_MERGE_LOSS_SCORE_H

#include "train/evaluate.h"
#include "train/training.h"

/* The negated mean over the data sets of the candidate's loss, in nats for each predicted token: greater is better. Its trainings
 * run first. `candidate` has its graph, outputs and specs; `config` is its config.json, or of kind MW_JSON_END: the donor's. */
bool mw_loss_score_measure(const mw_training_job *candidate, mw_json config, const mw_calibration *judges, double *worth, mw_error *err);

#endif
