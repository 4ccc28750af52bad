/* exchange.c: a number that one rank has found is told by uniting its bits with the zeros of all others, so that it arrives as it is. */
#include "exec/exchange.h"

#include <stdlib.h>
#include <string.h>

/* ---- what a pass has found ---- */

typedef struct parcel {
  uint64_t *numbers;
  size_t count;
  bool opened; /* it has come back: numbers are taken from it, rather than put into it */
} parcel;

/* Eight bytes that this rank has to tell, if they are its `own`. */
static void pass_on(parcel *p, void *bytes, bool own) {
  if (p->opened) memcpy(bytes, &p->numbers[p->count], sizeof *p->numbers);
  else if (!own) p->numbers[p->count] = 0;
  else memcpy(&p->numbers[p->count], bytes, sizeof *p->numbers);
  p->count++;
}

/* All that one rank alone has found, in the same order in each. */
static bool pass_all_on(parcel *p, mw_pass *pass, mw_values *values, mw_error *err) {
  for (size_t t = 0; t < pass->schedule.task_count; t++) {
    const mw_schedule_task *task = &pass->schedule.tasks[t];
    bool own = mw_job_is_own(&pass->job, task->rank);
    for (uint32_t r = task->first_root; r < task->first_root + task->root_count; r++) {
      mw_values_vector *vector;
      pass_on(p, &pass->found[r], own);
      if (pass->schedule.roots[r].store || !mw_graph_is_found(mw_graph_facts(pass->job.graph, pass->schedule.roots[r].node).op)) continue;
      MW_TRY(mw_values_make(values, pass->schedule.roots[r].node, &vector, err));
      for (size_t i = 0; i < vector->count; i++) pass_on(p, &vector->f64[i], own);
    }
  }
  for (size_t i = 0; i < pass->speculation.output_count; i++) {
    uint64_t not_finite = pass->speculation.outputs[i].not_finite;
    pass_on(p, &not_finite, true);
    pass->speculation.outputs[i].not_finite = not_finite != 0;
  }
  return true;
}

/* How many numbers that are, at most. */
static bool count_all(const mw_pass *pass, mw_values *values, size_t *count, mw_error *err) {
  *count = pass->schedule.root_count + pass->speculation.output_count;
  for (size_t r = 0; r < pass->schedule.root_count; r++) {
    mw_values_vector *vector;
    if (pass->schedule.roots[r].store || !mw_graph_is_found(mw_graph_facts(pass->job.graph, pass->schedule.roots[r].node).op)) continue;
    MW_TRY(mw_values_make(values, pass->schedule.roots[r].node, &vector, err));
    *count += vector->count;
  }
  return true;
}

static bool exchange_found(mw_pass *pass, mw_values *values, mw_error *err) {
  size_t count;
  MW_TRY(count_all(pass, values, &count, err));
  parcel p = {.numbers = mw_mem_new(count + 1, sizeof *p.numbers, err)};
  bool ok = p.numbers && pass_all_on(&p, pass, values, err) && pass->job.ranks->combine(MW_RANKS_UNITE, p.numbers, p.count, err);
  p.count = 0;
  p.opened = true;
  ok = ok && pass_all_on(&p, pass, values, err);
  free(p.numbers);
  return ok;
}

/* Whether the pass has counted for it. */
static bool is_counted(const mw_pass *pass, const mw_selection *s) {
  return pass->phase == MW_PHASE_SAMPLE ? s->sampling : !s->select.found;
}

/* The counts of all selections at once. */
static bool exchange_counts(const mw_pass *pass, mw_error *err) {
  enum { EACH = MW_SELECT_BINS + 1 };
  size_t count = 0;
  uint64_t *counts = mw_mem_new(pass->selection_count * EACH + 1, sizeof *counts, err);
  if (!counts) return false;
  for (size_t i = 0; i < pass->selection_count; i++) {
    const mw_selection *s = &pass->selections[i];
    if (!is_counted(pass, s)) continue;
    counts[count] = s->below;
    memcpy(&counts[count + 1], s->bins, MW_SELECT_BINS * sizeof *counts);
    count += EACH;
  }
  bool ok = !count || pass->job.ranks->combine(MW_RANKS_ADD, counts, count, err);
  count = 0;
  for (size_t i = 0; i < pass->selection_count && ok; i++) {
    mw_selection *s = &pass->selections[i];
    if (!is_counted(pass, s)) continue;
    s->below = counts[count];
    memcpy(s->bins, &counts[count + 1], MW_SELECT_BINS * sizeof *counts);
    count += EACH;
  }
  free(counts);
  return ok;
}

bool mw_exchange_pass(mw_pass *pass, mw_values *values, mw_error *err) {
  bool any = false;
  for (size_t r = 0; r < pass->schedule.root_count; r++) any |= !pass->schedule.roots[r].store;
  return !any || (exchange_found(pass, values, err) && exchange_counts(pass, err));
}

/* ---- at the end ---- */

bool mw_exchange_spoiled(const mw_job *job, mw_error *err) {
  uint64_t *flags = job->spoiled ? mw_mem_new(job->layout->count + 1, sizeof *flags, err) : NULL;
  if (!job->spoiled) return true;
  if (!flags) return false;
  for (size_t i = 0; i < job->layout->count; i++) flags[i] = job->spoiled[i];
  bool ok = job->ranks->combine(MW_RANKS_UNITE, flags, job->layout->count, err);
  for (size_t i = 0; i < job->layout->count && ok; i++) job->spoiled[i] = flags[i] != 0;
  free(flags);
  return ok;
}

bool mw_exchange_chunks(const mw_ranks *ranks, const mw_file_checksum *checksum, uint64_t **who, mw_error *err) {
  size_t count = mw_file_checksum_count(checksum);
  *who = mw_mem_new(count + 1, sizeof **who, err);
  if (!*who) return false;
  for (size_t i = 0; i < count; i++) (*who)[i] = mw_file_checksum_missing(checksum, i) ? UINT64_MAX : ranks->rank;
  MW_TRY(ranks->combine(MW_RANKS_LEAST, *who, count, err));
  uint64_t left = 0;
  for (size_t i = 0; i < count; i++)
    if ((*who)[i] == UINT64_MAX) (*who)[i] = left++ % ranks->count;
  return true;
}

bool mw_exchange_sums(const mw_ranks *ranks, mw_file_checksum *checksum, const uint64_t *who, mw_error *err) {
  size_t count = mw_file_checksum_count(checksum);
  mw_checksum *sums = mw_mem_new(count + 1, sizeof *sums, err);
  if (!sums) return false;
  _Static_assert(sizeof *sums == 2 * sizeof(uint64_t), "a checksum is two numbers");
  for (size_t i = 0; i < count; i++)
    if (who[i] == ranks->rank) sums[i] = mw_file_checksum_chunks(checksum)[i];
  bool ok = ranks->combine(MW_RANKS_UNITE, (uint64_t *)(void *)sums, 2 * count, err);
  for (size_t i = 0; i < count && ok; i++) mw_file_checksum_take(checksum, i, sums[i]);
  free(sums);
  return ok;
}
