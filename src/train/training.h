/* training.h: runs the trainings of a plan one after the other: with which values they begin, when they are saved, and what they
 * write into the output. */
#ifndef MW_TRAIN_TRAINING_H
#define MW_TRAIN_TRAINING_H

#include "train/calibration.h"
#include "model/input_set.h"
#include "exec/job.h"

/* Everything is borrowed. */
typedef struct mw_training_job {
  const mw_graph *graph;
  const mw_graph_output *outputs; /* for the identity of the run */
  size_t output_count;
  const mw_learn_spec *specs;
  size_t spec_count;
  const mw_input_set *inputs;
  const mw_calibration *data;
  const mw_options *options;
  const mw_job_statistic *statistics; /* that were found from data (found.h) */
  size_t statistic_count;
  const mw_ranks *ranks; /* NULL: this process trains alone; else each makes the same calls */
  const char *output;   /* the output, beside which a checkpoint is kept; NULL: none is kept */
  const char *folder;   /* then the output's temporary folder, which this run has locked */
  int threads;
  mw_learning learning; /* may be NULL */
  void *context;
} mw_training_job;

typedef struct mw_training mw_training;

/* What every training will take, without running any: costs[i] is that of training i. */
bool mw_training_measure(const mw_training_job *job, mw_plan_training *costs, mw_error *err);

/* Prepares the run: values are the initial ones, those of --coefficients, or those of the checkpoint of a run that was stopped. */
bool mw_training_open(const mw_training_job *job, mw_training **out, mw_error *err);
/* Runs the trainings that are left. If it is stopped, a checkpoint beside the output keeps the state, and the error says so. */
bool mw_training_run(mw_training *training, mw_error *err);
/* Where one process of several has failed: says of this one's training, in an error without a hint, that it is kept. */
void mw_training_hint(const mw_training *training, mw_error *err);
/* The learned values, in the form that the executor reads (job.h). */
const mw_job_learned *mw_training_learned(const mw_training *training, size_t *count);
/* Writes moonweld/coefficients.safetensors, training.jsonl and loss.svg into the output. */
bool mw_training_write(const mw_training *training, mw_writer *writer, mw_error *err);
/* The facts for merge.lock.json, a JSON object. */
bool mw_training_tell(const mw_training *training, mw_text *out, mw_error *err);
/* The output is published: the checkpoint goes. */
void mw_training_done(mw_training *training);
void mw_training_free(mw_training *training);

#endif
