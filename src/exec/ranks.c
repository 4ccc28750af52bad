/* ranks.c: things in a row are dealt out so that each rank has neighbours. One whose middle lies in the k-th of `count` equal parts of
 * the row is rank k's. For example, files of 4, 4, 4 and 1 GB for two ranks: the row has 13 GB, its second part begins at 6.5; the
 * middles are at 2, 6, 10 and 12.5: so rank 0 has the first two, rank 1 the others. */
#include "exec/ranks.h"

#include <stdlib.h>
#include <string.h>

uint32_t mw_ranks_at(uint64_t at, uint64_t size, uint64_t all, uint32_t count) {
  uint32_t rank = all ? (uint32_t)(((double)at + (double)size / 2) / (double)all * count) : 0;
  return rank < count ? rank : count - 1;
}

bool mw_ranks_share(const mw_layout *layout, const uint64_t *bytes, uint32_t count, uint32_t *owners, mw_error *err) {
  uint64_t all = 0, at = 0, *files = mw_mem_new(layout->shard_count + 1, sizeof *files, err);
  if (!files) return false;
  for (size_t i = 0; i < layout->count; i++) all += bytes[i], files[layout->tensors[i].file] += bytes[i];
  if (layout->shard_count < count)
    for (size_t i = 0; i < layout->count; at += bytes[i++]) owners[i] = mw_ranks_at(at, bytes[i], all, count);
  else {
    for (size_t f = 0; f < layout->shard_count; f++) {
      uint64_t size = files[f];
      files[f] = mw_ranks_at(at, size, all, count);
      at += size;
    }
    for (size_t i = 0; i < layout->count; i++) owners[i] = (uint32_t)files[layout->tensors[i].file];
  }
  free(files);
  return true;
}

/* The one rank whose all outputs of the stages [from, to) are, or MW_RANKS_EVERY. */
static uint32_t rank_of(const mw_schedule *s, size_t from, size_t to, const uint32_t *places, const uint32_t *owners) {
  bool any = false;
  uint32_t rank = 0;
  for (size_t t = s->stages[from].first_task; t < s->stages[to - 1].first_task + s->stages[to - 1].task_count; t++) {
    if (s->tasks[t].output == MW_SCHEDULE_NO_OUTPUT) continue;
    uint32_t owner = owners[places[s->tasks[t].output]];
    if (any && owner != rank) return MW_RANKS_EVERY;
    any = true;
    rank = owner;
  }
  return rank;
}

/* The tasks of a stage: outputs are their owners'; what has none is dealt out by its elements. */
static void divide_stage(mw_schedule *s, const mw_schedule_stage *stage, const uint32_t *places, const uint32_t *owners, uint32_t count) {
  mw_schedule_task *tasks = s->tasks + stage->first_task;
  uint64_t all = 0, at = 0;
  for (uint32_t t = 0; t < stage->task_count; t++)
    if (tasks[t].output == MW_SCHEDULE_NO_OUTPUT) all += tasks[t].elements;
  for (uint32_t t = 0; t < stage->task_count; t++) {
    if (tasks[t].output != MW_SCHEDULE_NO_OUTPUT) tasks[t].rank = owners[places[tasks[t].output]];
    else if (stage->rank != MW_RANKS_EVERY) tasks[t].rank = stage->rank;
    else tasks[t].rank = mw_ranks_at(at, tasks[t].elements, all, count), at += tasks[t].elements;
  }
}

typedef struct turn {
  double at; /* which share of its rank's elements lies before its middle */
  mw_schedule_task task;
} turn;

static int earlier(const void *a, const void *b) {
  const turn *x = a, *y = b;
  if (x->at != y->at) return x->at < y->at ? -1 : 1;
  return x->task.rank != y->task.rank ? (x->task.rank < y->task.rank ? -1 : 1) : x->task.first_root < y->task.first_root ? -1 : 1;
}

/* Puts the tasks of a stage into such an order that all ranks have work in each part of it (speculation.h): as in one process they
 * would be all those of rank 0, then all of rank 1. `sums`: for each rank two numbers. */
static bool interleave(mw_schedule *s, const mw_schedule_stage *stage, uint64_t *sums, uint32_t count, mw_error *err) {
  mw_schedule_task *tasks = s->tasks + stage->first_task;
  turn *turns = mw_mem_new(stage->task_count + 1u, sizeof *turns, err);
  if (!turns) return false;
  memset(sums, 0, 2 * (size_t)count * sizeof *sums);
  for (uint32_t t = 0; t < stage->task_count; t++) sums[2 * tasks[t].rank] += tasks[t].elements;
  for (uint32_t t = 0; t < stage->task_count; t++) {
    uint64_t all = sums[2 * tasks[t].rank], *before = &sums[2 * tasks[t].rank + 1];
    turns[t] = (turn){all ? ((double)*before + (double)tasks[t].elements / 2) / (double)all : 0, tasks[t]};
    *before += tasks[t].elements;
  }
  qsort(turns, stage->task_count, sizeof *turns, earlier);
  for (uint32_t t = 0; t < stage->task_count; t++) tasks[t] = turns[t].task;
  free(turns);
  return true;
}

bool mw_ranks_divide(mw_schedule *schedule, const uint32_t *places, const uint32_t *owners, uint32_t count, bool known,
                     mw_error *err) {
  bool ok = true;
  uint64_t *sums = mw_mem_new(2 * (size_t)count, sizeof *sums, err);
  if (!sums) return false;
  for (size_t from = 0, to; from < schedule->stage_count && ok; from = to) {
    for (to = from + 1; to < schedule->stage_count && schedule->stages[to].batch == schedule->stages[from].batch; to++) continue;
    uint32_t rank = known ? MW_RANKS_EVERY : rank_of(schedule, from, to, places, owners);
    for (size_t s = from; s < to && ok; s++) {
      schedule->stages[s].rank = rank;
      divide_stage(schedule, &schedule->stages[s], places, owners, count);
      ok = rank != MW_RANKS_EVERY || interleave(schedule, &schedule->stages[s], sums, count, err);
    }
  }
  free(sums);
  return ok;
}
