/* schedule.h: in which order the sinks (reductions) and outputs of a graph are computed, and what shares a pass over a tensor.
 *
 *   level   one more than the highest level of the sinks that a sink depends on; 1 if it depends on none. A level can begin
 *           when the level before it has ended. A TIE has the level of its threshold, with which it shares the stage: there ties
 *           are counted while the threshold is verified (exec/selection.h).
 *   batch   outputs that depend on a common sink or matrix function are in one batch. Batches run one after the other, each with
 *           all its levels, so that a tensor that is read several times is still in the page cache.
 *   task    one program over all elements of one shape: sinks of a level that read the same tensor share a task, so the
 *           tensor is read once. Every output has its own.
 *   stage   the tasks of one level of a batch. A level with many selections is cut into several stages, so that the memory
 *           of their counters stays bounded; no selection lies in two stages.
 *
 * For example, `base + 0.5 * keep_top(expert - base, 0.2)` with a threshold for each of two tensors A and B:
 *
 *   batch 1   stage of level 1   task: kth of expert A - base A
 *             stage of outputs   task: output A
 *   batch 2   stage of level 1   task: kth of expert B - base B
 *             stage of outputs   task: output B
 *
 * (Both small: then they are one batch with two tasks in each stage.) With one threshold for the whole model, all is one
 * batch, since all outputs depend on that sink.
 *
 * Speculation. If outputs need only the *sign* of a total (a majority vote), they are computed in the same pass as the
 * total, from a guess of its sign. Wrong guesses are found at the end, and those outputs are computed again. speculate.h
 * tells which totals are guessed, exec/speculation.h the method with the example of ties.lua. Such a total has two roots:
 * one in the task of an output, for its exact value, and, above level 1, one with `guess` in a task of the level before. */
#ifndef MW_EXPR_SCHEDULE_H
#define MW_EXPR_SCHEDULE_H

#include "expr/expansion.h"
#include "expr/program.h"

/* A batch has about so many elements to compute, so many selections, and so many bits of masks that its stages have in common
 * (exec/masks.h); a stage has about so many selections too. */
enum { MW_SCHEDULE_NO_OUTPUT = UINT32_MAX, MW_SCHEDULE_SELECTS = 8 };
#define MW_SCHEDULE_ELEMENTS ((uint64_t)128 << 20)
#define MW_SCHEDULE_MASKS ((uint64_t)128 << 20)
/* How many steps (operations on one element) all passes may take, and how many more for each output: far more than any
 * method does, and few enough to be planned in about the time that the recipe itself may take. */
enum { MW_SCHEDULE_STEPS = 1 << 22, MW_SCHEDULE_STEPS_EACH = 1 << 13 };

/* One program over all elements of one shape. */
typedef struct mw_schedule_task {
  uint32_t first_root, root_count; /* in roots */
  uint32_t output;                 /* index of the output that it writes, or MW_SCHEDULE_NO_OUTPUT */
  bool f64;
  uint64_t elements;
  uint32_t rank;                   /* of several processes the one that computes it (exec/ranks.h); 0 at first, as a stage's */
} mw_schedule_task;

/* Tasks that may run at the same time. A stage begins when the one before has ended. Stages of the same batch and level read
 * different tensors. */
typedef struct mw_schedule_stage {
  uint32_t first_task, task_count;
  uint32_t batch, level;
  uint32_t rank;
} mw_schedule_stage;

typedef struct mw_schedule {
  const mw_expansion *expansion; /* borrowed; may be NULL */
  mw_program_root *roots;
  mw_schedule_task *tasks;
  mw_schedule_stage *stages;
  size_t root_count, task_count, stage_count;
  size_t root_capacity, task_capacity, stage_capacity;
} mw_schedule;

/* `expansion`: NULL, or which dots are made of others. `outputs` are tensors, which are stored, and scalars, whose sinks are run.
 * MW_DATA if one depends on a NET operation (except through LEARNED, whose values a training has found), or if all passes together
 * take too many steps. */
bool mw_schedule_make(const mw_graph *graph, const mw_expansion *expansion, const mw_node *outputs, size_t count, mw_schedule *out,
                      mw_error *err);
void mw_schedule_free(mw_schedule *schedule);

#endif
