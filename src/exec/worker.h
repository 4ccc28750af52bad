/* worker.h: one thread's part of a run: buffers, a tile machine and the program of the task at hand; it reads the
 * inputs of a block, computes, and writes or gathers. */
#ifndef MW_EXEC_WORKER_H
#define MW_EXEC_WORKER_H

#include "exec/selection.h"
#include "exec/tile.h"

/* One thread's counts of a selection. */
typedef struct mw_worker_count {
  mw_selection *selection;
  uint64_t below;
} mw_worker_count;

typedef struct mw_worker {
  const mw_job *job;
  const mw_kernels *kernels;
  mw_tile tile;
  mw_program program;
  const mw_schedule_task *task;           /* what `program` is compiled for, or NULL */
  unsigned char *buffer;         /* inputs, then the output */
  size_t buffer_bytes;
  const unsigned char **inputs;
  const float **coefficients;    /* of each input: its values in memory, or NULL */
  mw_dtype *dtypes;
  const void **vectors;
  mw_tile_gather *gathers;
  double *units;                 /* of all gathers */
  size_t inputs_capacity, coefficients_capacity, dtypes_capacity, vectors_capacity, gathers_capacity, units_capacity;
  mw_worker_count *counts;              /* kept from task to task while these share their selections */
  size_t count_count, counts_capacity;
  uint32_t *bins;                /* MW_SELECT_BINS of each count */
  size_t bins_capacity;
  uint64_t counted;              /* elements since the counts were begun */
  double *scalars;
  size_t scalars_capacity;
  bool bad_output;               /* of the last run: why it failed */
} mw_worker;

/* Elements of one block of a task, a multiple of 2048: its buffers fit the L2 cache. */
uint64_t mw_worker_block(const mw_job *job, const mw_schedule_task *task, const mw_program *program);

/* Memory that a worker takes for a task, at most: for its buffers and registers in tiles of `tile` elements, and for what
 * it gathers from a block, with so many selections to count for. Both are kept for later tasks. */
uint64_t mw_worker_bytes(const mw_job *job, const mw_schedule_task *task, const mw_program *program, size_t tile);
uint64_t mw_worker_gathers(uint64_t block, const mw_schedule_task *task, size_t selects);

/* Makes the worker ready for a task, whose scalars and vectors `values` already knows: workers share it read-only. */
bool mw_worker_begin(mw_worker *worker, const mw_schedule_task *task, mw_values *values, mw_selection *selections,
                     size_t selection_count, mw_error *err);
/* Runs elements [start, start + count) of the task. Sums and peaks are left in the gathers, also where all that is wrong is
 * that the output is not finite (`bad_output`): then it is not written. */
bool mw_worker_run(mw_worker *worker, uint64_t start, uint64_t count, mw_error *err);
/* Whether its counts can go on with a task: it has the task's selections, and is far from an overflow. If not, it must
 * flush them before it begins. */
bool mw_worker_keeps(const mw_worker *worker, const mw_schedule_task *task, const mw_selection *selections, size_t selection_count);
/* Adds this worker's counts to the shared ones; call it alone (in a critical section). */
void mw_worker_flush(mw_worker *worker);
void mw_worker_free(mw_worker *worker);

#endif
