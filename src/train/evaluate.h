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

/* A candidate with its losses on all data sets. All is borrowed but what mw_evaluate_forget frees. */
typedef struct mw_evaluate_network {
  const mw_evaluate_candidate *candidate;
  const mw_input_set *inputs;
  const mw_calibration *data;
  mw_graph *graph;
  mw_graph_output *losses; /* of data set i: losses[i] */
  size_t count;
  mw_arena arena;
} mw_evaluate_network;

/* The forward pass is built by the prelude in a locked process, without the recipe, so that a recipe cannot influence how it is judged. */
bool mw_evaluate_make(const mw_evaluate_candidate *candidate, const mw_input_set *inputs, const mw_calibration *data,
                      const mw_options *options, mw_evaluate_network *network, mw_error *err);
/* The network as a message for other processes, and made of it again, with all checks of a message of a stranger. */
bool mw_evaluate_send(const mw_evaluate_network *network, mw_text *out, mw_error *err);
bool mw_evaluate_receive(const mw_evaluate_candidate *candidate, const mw_input_set *inputs, const mw_calibration *data, const char *bytes,
                         size_t length, mw_evaluate_network *network, mw_error *err);
void mw_evaluate_forget(mw_evaluate_network *network);
/* The losses: results[i] is that of data set i. `ranks`: by these processes together; NULL: by this one. */
bool mw_evaluate_run(const mw_evaluate_network *network, const mw_ranks *ranks, const mw_options *options, mw_learning progress,
                     void *context, mw_evaluation *results, mw_error *err);

#endif
