/* worker.h: what one thread does with a block: it reads the inputs, computes with its tile machine, and writes the output
 * or gathers sums and counts. A worker has buffers and a compiled program, which are kept as long as the task stays the
 * same. */
#ifndef MW_EXEC_WORKER_H
#define MW_EXEC_WORKER_H

#include "exec/factors.h"
#include "exec/feed.h"
#include "exec/selection.h"
#include "exec/tile.h"

/* One thread's counts of a selection. */
typedef struct mw_worker_count {
  mw_selection *selection;
  uint64_t below;
  mw_kernel_list list; /* its items are this thread's, and NULL where nothing is listed */
} mw_worker_count;

/* An input with adapters, which is read as its base is stored. */
typedef struct mw_worker_adapted {
  const mw_adapted *what; /* NULL: it has none */
  const mw_adapted_factors *factors; /* lent to this worker */
  const unsigned char *stored;
} mw_worker_adapted;

typedef struct mw_worker {
  const mw_job *job;
  const mw_kernels *kernels;
  mw_tile tile;
  mw_program program;
  const mw_schedule_task *task;  /* what `program` is compiled for, or NULL */
  unsigned char *buffer;         /* inputs, then the output */
  size_t buffer_bytes;
  const unsigned char **inputs;
  const void **memory;           /* of each input: its elements, if they lie in memory, or NULL */
  mw_feed **feeds;               /* of each input: what reads a view, or NULL */
  size_t feed_count, feeds_capacity;
  bool moves;                    /* the program stores its one input as it is */
  mw_worker_adapted *adapted;    /* of each input */
  size_t adapted_count, adapted_capacity; /* 0: of none */
  uint64_t piece;                /* so many elements are formed at a time */
  mw_dtype *dtypes;
  const void **vectors;
  mw_tile_gather *gathers;
  double *units;                 /* of all gathers */
  size_t inputs_capacity, memory_capacity, dtypes_capacity, vectors_capacity, gathers_capacity, units_capacity;
  mw_worker_count *counts;       /* kept from task to task while these have the same selections */
  size_t count_count, counts_capacity;
  uint32_t *bins;                /* MW_SELECT_BINS of each count */
  size_t bins_capacity;
  uint64_t *listed;              /* MW_KERNEL_LISTED of each count whose selection lists */
  size_t listed_capacity;
  uint64_t counted;              /* elements since the counts were 0 */
  double *scalars;
  size_t scalars_capacity;
  uint64_t *open;                /* NULL, or where units are marked (tile.h) */
  bool sampling;                 /* it reads a sample: nothing of that is counted for checksums */
  bool bad_output;               /* the last block's output is not finite though its inputs are: a failure but for nonfinite_keep */
} mw_worker;

/* Elements of one block of a task, a multiple of 2048, or of whole stretches (program.h): its buffers fit the L2 cache. */
uint64_t mw_worker_block(const mw_job *job, const mw_schedule_task *task, const mw_program *program);

/* Sums of units that a root gathers from a block, at most. */
size_t mw_worker_units(const mw_program *program, uint64_t block);
/* Bytes that a worker takes for a task, at most: mw_worker_bytes for its buffers and registers, in tiles of `tile` elements;
 * mw_worker_gathers for what it gathers from a block of `units`, if the task has `selects` selections. Both are kept for later tasks. */
bool mw_worker_bytes(const mw_job *job, const mw_schedule_task *task, const mw_program *program, size_t tile, uint64_t *bytes,
                     mw_error *err);
uint64_t mw_worker_gathers(size_t units, const mw_schedule_task *task, size_t selects);

/* Makes the worker ready for a task, whose scalars and vectors `values` already knows: workers share it read-only. */
bool mw_worker_begin(mw_worker *worker, const mw_schedule_task *task, mw_values *values, mw_selection *selections,
                     size_t selection_count, mw_error *err);
/* After mw_worker_begin, where adapters are among the inputs: gives back the factors of the last task, and takes those of this one. Call
 * it alone (in a critical section), and mw_worker_give at the end. */
bool mw_worker_take(mw_worker *worker, mw_factors *factors, mw_error *err);
void mw_worker_give(mw_worker *worker, mw_factors *factors);
/* Runs elements [start, start + count) of the task. Sums and peaks are left in the gathers. Fails with `bad_output` set if the
 * only fault is an output that is not finite: then the output is not written, but the gathers are good. */
bool mw_worker_run(mw_worker *worker, uint64_t start, uint64_t count, mw_error *err);
/* Whether the worker can go on counting in the bins that it has: they are those of the task's selections, and far from an
 * overflow of 32 bits. If not, it must flush them before it begins the task. */
bool mw_worker_keeps(const mw_worker *worker, const mw_schedule_task *task, const mw_selection *selections, size_t selection_count);
/* Adds this worker's counts to the shared ones; call it alone (in a critical section). */
void mw_worker_flush(mw_worker *worker);
void mw_worker_free(mw_worker *worker);

#endif
