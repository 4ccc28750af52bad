/* schedule.h: in which order the sinks and outputs of a graph are computed. A sink's *level* is one more than that of
 * the sinks it depends on; sinks of a level that read the same tensors share one task, that is one pass over them.
 * Outputs that depend on no common sink fall into batches, run one after the other, so that a tensor's repeated reads
 * find it in the page cache. Within a batch a level of many selections is cut into stages of a few, where none lies on
 * both sides of the cut: so the memory of their counters stays bounded.
 *
 * A total whose sign alone matters, and to outputs alone (the majority of a vote), is no stage of its own where it depends
 * on selections alone, or on nothing: it is computed beside the outputs, which are computed from a guess. The guess is what
 * has been found of it so far, and of the rest the total as it comes out beside the selections, from what is guessed of
 * them. Outputs that were computed from a wrong guess are computed again. */
#ifndef MW_EXPR_SCHEDULE_H
#define MW_EXPR_SCHEDULE_H

#include "expr/program.h"

enum { MW_SCHEDULE_NO_OUTPUT = UINT32_MAX, MW_SCHEDULE_SELECTS = 8 };
#define MW_SCHEDULE_ELEMENTS ((uint64_t)128 << 20)

/* One program over all elements of one shape. */
typedef struct mw_schedule_task {
  uint32_t first_root, root_count; /* in roots */
  uint32_t output;                 /* index of the output that it writes, or MW_SCHEDULE_NO_OUTPUT */
  bool f64;
  uint64_t elements;
} mw_schedule_task;

/* Tasks that may run at the same time; a stage begins when the one before has ended. Those of one batch and level read
 * different tensors. */
typedef struct mw_schedule_stage {
  uint32_t first_task, task_count;
  uint32_t batch, level;
} mw_schedule_stage;

typedef struct mw_schedule {
  mw_program_root *roots;
  mw_schedule_task *tasks;
  mw_schedule_stage *stages;
  size_t root_count, task_count, stage_count;
  size_t root_capacity, task_capacity, stage_capacity;
} mw_schedule;

/* `outputs` are tensors, to be stored, and scalars, whose sinks are to run; MW_DATA if one depends on a NET operation
 * (but through LEARNED). */
bool mw_schedule_make(const mw_graph *graph, const mw_node *outputs, size_t count, mw_schedule *out, mw_error *err);
void mw_schedule_free(mw_schedule *schedule);

#endif
