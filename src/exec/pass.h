/* pass.h: one pass over the inputs of a stage: which tasks take part, how they are cut into blocks, and what they find. */
#ifndef MW_EXEC_PASS_H
#define MW_EXEC_PASS_H

#include "exec/worker.h"

/* How elements [from, to) of one task are cut: the first block ends at `head`, where the output file's offset is a whole
 * number of blocks. */
typedef struct mw_pass_cut {
  uint64_t first_item; /* number of its first block within the pass */
  uint64_t from, head, to, block;
  uint64_t bytes;      /* read and written an element */
  uint64_t first_unit; /* in a sample: number of its first unit of MW_UNIT elements within the pass */
  uint64_t stride;     /* one unit out of so many is in the sample */
  bool guessed, unfit; /* its output is computed from a guess; and is not finite by that */
} mw_pass_cut;

/* The passes of a stage, in this order. */
typedef enum mw_pass_phase {
  MW_PHASE_SAMPLE, /* two over a sample of large selections, which tell where to look (select.h) */
  MW_PHASE_WHOLE,  /* everything, once; in parts, where there are totals beside outputs (schedule.h): a part takes for them
                      what the parts before it have found, and what was guessed of the rest */
  MW_PHASE_REST    /* selections until they are found; outputs that were computed from a wrong guess */
} mw_pass_phase;

/* What an output was computed from. */
typedef struct mw_pass_assumption {
  uint32_t output;
  mw_node scalar;
  double value;
  bool unfit; /* the output was not finite */
} mw_pass_assumption;

typedef struct mw_pass {
  mw_schedule schedule; /* only this pass's roots and tasks */
  mw_job job;           /* the caller's, over this schedule */
  mw_pass_cut *cuts;         /* of every task */
  size_t cut_capacity;
  uint64_t items;       /* blocks in all */
  mw_pass_phase phase;
  uint32_t from, to;    /* the stage's tasks that it looks at */
  bool guessing;        /* sinks are computed from guesses too, or outputs from guessed totals */
  mw_pass_assumption *beliefs;   /* of outputs in their order, where these are computed from guesses */
  size_t belief_count, belief_capacity, checked;
  bool sampling;        /* this is a pass over a sample */
  bool whole;           /* this is one over all elements of a task */
  uint64_t units;       /* of all tasks */
  bool ordered;         /* sums are added in block order */
  double *found;        /* of every root: TOTAL, DOT, PEAK */
  mw_selection *selections;
  size_t selection_count, selection_capacity;
  mw_program program;   /* scratch */
} mw_pass;

/* The first pass of a stage (`next` false), or the next one that it needs. It has no tasks if there is none. Makes every
 * scalar and vector known that the tasks need. */
bool mw_pass_begin(mw_pass *pass, const mw_job *job, const mw_schedule_stage *stage, bool next, mw_values *values, mw_error *err);
/* Which task and elements an item is. */
const mw_schedule_task *mw_pass_item(const mw_pass *pass, uint64_t item, uint64_t *start, uint64_t *count);
uint64_t mw_pass_bytes(const mw_pass *pass, const mw_schedule_task *task, uint64_t count);
/* Whether an output of the task that is not finite is no error yet: it was computed from a guess, and will be again. Any
 * thread may ask. */
bool mw_pass_doubts(mw_pass *pass, const mw_schedule_task *task);
/* Takes what was gathered from a block of the task; in block order where pass->ordered. */
void mw_pass_take(mw_pass *pass, const mw_schedule_task *task, const mw_tile_gather *gathers);
/* After the last block: results become known values, selections advance. */
bool mw_pass_end(mw_pass *pass, mw_values *values, mw_error *err);
void mw_pass_free(mw_pass *pass);

#endif
