/* evaluate.h: the loss of a model on data. The model is on the disk, or is a candidate that exists only as a graph. */
#ifndef MW_TRAIN_EVALUATE_H
#define MW_TRAIN_EVALUATE_H

#include "train/calibration.h"
#include "model/input_set.h"
#include "exec/job.h"

/* A model: the outputs of a graph over the inputs, or, without a graph, the first input. */
typedef struct mw_evaluate_candidate {
  const mw_graph *graph;
  const mw_graph_output *outputs;
  size_t count;
  const mw_job_learned *learned; /* the values of its LEARNED nodes, as in job.h */
  size_t learned_count;
  const mw_job_statistic *statistics; /* likewise, of its DATA nodes */
  size_t statistic_count;
  mw_json config; /* of its config.json; kind MW_JSON_END: as the donor's */
} mw_evaluate_candidate;

/* The losses on all data sets. The forward pass is built by the prelude in a locked process, without the recipe, so that a recipe
 * cannot influence how it is judged. */
bool mw_evaluate_candidate_losses(const mw_evaluate_candidate *candidate, const mw_input_set *inputs, const mw_calibration *data,
                              const mw_options *options, mw_learning progress, void *context, mw_evaluation *results,
                              mw_error *err);

#endif
