/* train.h: learning, as other rooms see it: a loss in the graph, coefficients that it depends on, token windows, and the loop
 * that makes the loss small. Values are f32, sums f64 in a fixed order: results are the same bits for any number of threads
 * on one core type of OpenBLAS (mw_gemm_core), and a run that was stopped and resumed gives the same as one that was not. */
#ifndef MW_LEARN_TRAIN_H
#define MW_LEARN_TRAIN_H

#include "exec/job.h"
#include "learn/batch.h"

/* The models and data that networks read. Everything is borrowed. */
typedef struct mw_train_world {
  const mw_graph *graph;
  const mw_family *family;          /* INPUT (model, i), as in job.h */
  const mw_dataset *const *sets;    /* TOKENS of data set i: sets[i] */
  size_t set_count;
  const mw_job_learned *learned;        /* of trainings that have run, sorted as in job.h */
  size_t learned_count;
  const mw_job_statistic *statistics;   /* what was found from data, sorted as in job.h */
  size_t statistic_count;
  bool finding;                     /* statistics are being found, so that networks cannot be made of any */
  const mw_ranks *ranks;            /* with these processes (exec/ranks.h), which all make the same calls; NULL: alone */
  int threads;                      /* at least 1 */
} mw_train_world;

/* One call of `learn`. A step takes as many windows of each data set as its TOKENS nodes hold. */
typedef struct mw_train_spec {
  mw_node loss;                     /* a scalar */
  const mw_node *coefficients;      /* COEFFICIENT nodes, each once */
  size_t coefficient_count;
  const mw_node *terms;             /* scalars that are reported with the loss */
  size_t term_count;
  uint64_t steps;
  double rate;                      /* AdamW's step size, constant */
  double beta1, beta2, epsilon;     /* usually 0.9, 0.999, 1e-8 */
  double decay;                     /* decoupled: c *= 1 - rate * decay before a step; usually 0 */
  double clip;                      /* the gradient of all coefficients is scaled down to this L2 norm; 0: never */
  double share;                     /* MoFO: only this share of each coefficient's elements, those of largest momentum,
                                       is updated (at least one); 1: plain AdamW */
  uint64_t seed;                    /* key of the stream that orders the windows */
} mw_train_spec;

/* Coefficients and the optimiser's memory, element after element in the order of mw_train_spec.coefficients. Saved
 * and loaded again, it continues the run bit for bit. */
typedef struct mw_train_state {
  uint64_t step;                    /* steps that were taken */
  size_t count;                     /* elements of all coefficients */
  float *values, *momentum, *variance;
} mw_train_state;

/* The state before the first step: every coefficient at its initial value. */
bool mw_train_state_new(mw_train_state *state, const mw_graph *graph, const mw_train_spec *training, mw_error *err);
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

/* Takes steps from state->step to training->steps. On an error, or when stopped, the state is that of the last whole
 * step. Errors: MW_DATA where the loss cannot be learned (it depends on no coefficient, has an operation without a
 * derivative, ids beyond the vocabulary, values that are not finite ...), MW_INTERRUPTED, MW_MEMORY, MW_IO. */
bool mw_train_run(const mw_train_world *world, const mw_train_spec *training, mw_train_state *state,
                  const mw_train_watch *watch, mw_error *err);

/* The mean of a scalar loss over all windows of the data sets that it reads, batch after batch in file order. A batch
 * weighs as many tokens as its loss is a mean of: CROSS_ENTROPY those that have a next one. The loss must be one NET
 * scalar. `tokens`: how many there were. `progress` may be NULL; false stops with MW_INTERRUPTED. */
bool mw_train_evaluate(const mw_train_world *world, mw_node loss, bool (*progress)(void *context, uint64_t done, uint64_t total),
                       void *context, double *mean, uint64_t *tokens, mw_error *err);

/* Whether every id of the data is a row of the tables that it looks up, and a column of the logits that predict it. */
struct mw_tape;
bool mw_train_vocabulary(const struct mw_tape *tape, mw_error *err);

/* Reading or writing an element takes as long as so many floating-point operations of matrix products. Measured on nine trainings,
 * from 14 tokens of a model with 1.7 million parameters to 768 tokens of a SmolLM2; the estimates are then right to a fifth. */
enum { MW_TRAIN_OPERATIONS = 32 };

/* What a training, or an evaluation where `coefficients` is 0, will take, without running it. */
typedef struct mw_train_cost {
  uint64_t memory;       /* bytes at its peak: the sum of the three below and the threads' own */
  uint64_t weights;      /* bytes of weights formed in f32, 4 a parameter of what is merged */
  uint64_t activations;  /* bytes of activations, their gradients and what is saved for the way back */
  uint64_t coefficients; /* bytes of coefficients, gradients and the optimiser's state */
  uint64_t tokens;       /* positions of all batches of a step: activations / tokens is the bound in bytes a token */
  double products;       /* floating-point operations of matrix products a step, 2 a multiply-add */
  double touched;        /* elements of tensors that a step's operations read or write */
} mw_train_cost;
bool mw_train_measure(const mw_train_world *world, mw_node loss, const mw_node *coefficients, size_t coefficient_count,
                      mw_train_cost *cost, mw_error *err);
/* Whether this process may take that much memory (base/machine.h), and that much address space beside OpenBLAS's buffers for
 * `threads`: else MW_MEMORY, with the figures and what to do. Running and evaluating ask it too, before they take any. Comes
 * after mw_gemm_begin(). */
bool mw_train_fits(const mw_train_cost *cost, int threads, mw_error *err);

#endif
