/* loss_score.h: --score loss:FILE...: what a candidate is worth, measured by ourselves without writing it. */
#ifndef MW_MERGE_LOSS_SCORE_H
#define MW_MERGE_LOSS_SCORE_H

#include "train/evaluate.h"
#include "train/training.h"

/* The negated mean, over data sets, of the candidate's loss in nats a predicted token: greater is better. What it has to
 * learn first is learned. `candidate` is the job of its trainings: graph, outputs, specs. */
bool mw_loss_score_measure(const mw_training_job *candidate, const mw_calibration *judges, double *worth, mw_error *err);

#endif
