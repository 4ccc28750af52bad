/* evaluate.h: the loss of a model on data: of one that lies on disk, or of a candidate that exists only as a graph. */
#ifndef MW_TRAIN_EVALUATE_H
#define MW_TRAIN_EVALUATE_H

#include "train/calibration.h"
#include "model/input_set.h"
#include "exec/job.h"

/* A model as the outputs of a graph over the inputs; without a graph the first input as it is. */
typedef struct mw_evaluate_candidate {
  const mw_graph *graph;
  const mw_graph_output *outputs;
  size_t count;
  const mw_job_learned *learned; /* what its LEARNED nodes are, as job.h has it */
  size_t learned_count;
} mw_evaluate_candidate;

/* Losses of all data sets. The forward pass is built in a locked process by the prelude alone, so that no recipe has a
 * say in it. */
bool mw_evaluate_candidate_losses(const mw_evaluate_candidate *candidate, const mw_input_set *inputs, const mw_calibration *data,
                              const mw_options *options, mw_learning progress, void *context, mw_evaluation *results,
                              mw_error *err);

#endif
