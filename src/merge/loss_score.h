/* loss_score.h: the score of --score loss:FILE...: the loss of a candidate, measured without writing it. */
#ifndef MW_MERGE_LOSS_SCORE_H
#define MW_MERGE_LOSS_SCORE_H

#include "train/evaluate.h"
#include "train/training.h"

/* The negated mean over the data sets of the candidate's loss, in nats for each predicted token: greater is better. Its trainings
 * run first. `candidate` has its graph, outputs and specs. */
bool mw_loss_score_measure(const mw_training_job *candidate, const mw_calibration *judges, double *worth, mw_error *err);

#endif
