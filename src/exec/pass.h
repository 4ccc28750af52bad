/* pass.h: one pass over the inputs of a stage: which tasks take part (selections need several passes, everything else
 * one), how they are cut into blocks, and what they find. */
#ifndef MW_EXEC_PASS_H
#define MW_EXEC_PASS_H

#include "exec/worker.h"

/* How one task is cut: the first block ends where the output file's offset is a whole number of blocks. */
typedef struct mw_cut {
  uint64_t first_item; /* number of its first block within the pass */
  uint64_t head, block;
  uint64_t bytes;      /* read and written an element */
} mw_cut;

typedef struct mw_pass {
  mw_schedule schedule; /* only this pass's roots and tasks */
  mw_job job;           /* the caller's, over this schedule */
  mw_cut *cuts;         /* of every task */
  size_t cut_capacity;
  uint64_t items;       /* blocks in all */
  bool ordered;         /* sums are added in block order */
  double *found;        /* of every root: TOTAL, DOT, PEAK */
  mw_selection *selections;
  size_t selection_count, selection_capacity;
  mw_program program;   /* scratch */
} mw_pass;

/* The first pass of a stage (`again` false), or the next one for its selections that are not finished. Tells by
 * pass->items == 0 that there is none. Makes every scalar and vector known that the tasks need. */
bool mw_pass_begin(mw_pass *pass, const mw_job *job, const mw_stage *stage, bool again, mw_values *values, mw_error *err);
/* Which task and elements an item is. */
const mw_task *mw_pass_item(const mw_pass *pass, uint64_t item, uint64_t *start, uint64_t *count);
uint64_t mw_pass_bytes(const mw_pass *pass, const mw_task *task, uint64_t count);
/* Takes what was gathered from a block of the task; in block order where pass->ordered. */
void mw_pass_take(mw_pass *pass, const mw_task *task, const mw_gather *gathers);
/* After the last block: results become known values, selections advance. */
bool mw_pass_end(mw_pass *pass, mw_values *values, mw_error *err);
void mw_pass_free(mw_pass *pass);

#endif
