/* train.h: the door of learning: a loss in the graph, coefficients that it depends on, token windows, and the loop that
 * makes the loss small. Everything is f32 with f64 sums in a fixed order: results are the same bits for any number of
 * threads on one core type of OpenBLAS (mw_gemm_core), and a resumed run equals one that was never stopped. */
#ifndef MW_LEARN_TRAIN_H
#define MW_LEARN_TRAIN_H

#include "exec/job.h"
#include "learn/batch.h"

/* What networks are made of and read. Everything is borrowed. */
typedef struct mw_train_world {
  const mw_graph *graph;
  const mw_family *family;          /* INPUT (model, row), as in job.h */
  const mw_family_member *members;
  const mw_dataset *const *sets;    /* TOKENS of data set i: sets[i] */
  size_t set_count;
  const mw_learned *learned;        /* of trainings that have run, sorted as in job.h */
  size_t learned_count;
  int threads;                      /* at least 1 */
} mw_train_world;

/* A scalar that the log shows beside the loss. */
typedef struct mw_train_term {
  const char *name;
  mw_node node;
} mw_train_term;

/* One call of `learn`. A step takes as many windows of each data set as its TOKENS nodes hold. */
typedef struct mw_training {
  mw_node loss;                     /* a scalar */
  const mw_node *coefficients;      /* COEFFICIENT nodes, each once */
  size_t coefficient_count;
  const mw_train_term *terms;
  size_t term_count;
  uint64_t steps;
  double rate;                      /* AdamW's step size, constant */
  double beta1, beta2, epsilon;     /* usually 0.9, 0.999, 1e-8 */
  double decay;                     /* decoupled: c *= 1 - rate * decay before a step; usually 0 */
  double clip;                      /* the gradient of all coefficients is scaled down to this L2 norm; 0: never */
  double share;                     /* MoFO: only this share of each coefficient's elements, those of largest momentum,
                                       is updated (at least one); 1: plain AdamW */
  uint64_t seed;                    /* key of the stream that orders the windows */
} mw_training;

/* Coefficients and the optimiser's memory, element after element in the order of mw_training.coefficients. Saved
 * and loaded again, it continues the run bit for bit. */
typedef struct mw_train_state {
  uint64_t step;                    /* steps that were taken */
  size_t count;                     /* elements of all coefficients */
  float *values, *momentum, *variance;
} mw_train_state;

/* The state before the first step: every coefficient at its initial value. */
bool mw_train_state_new(mw_train_state *state, const mw_graph *graph, const mw_training *training, mw_error *err);
void mw_train_state_free(mw_train_state *state);

/* What a step found, before its update. */
typedef struct mw_train_report {
  uint64_t step, steps;             /* this is step `step` of `steps`, from 1 */
  double loss;
  const double *terms;              /* as many as the training's */
  double gradient;                  /* L2 norm over all coefficients, before clipping */
} mw_train_report;

/* Called after every step, with the state that it led to. False stops the run: MW_INTERRUPTED, unless *err was set
 * by the watcher; the state is kept. */
typedef struct mw_train_watch {
  void *context;
  bool (*step)(void *context, const mw_train_report *report, const mw_train_state *state, mw_error *err);
} mw_train_watch;

#endif
