/* pass.h: one pass over the inputs of a stage: which tasks take part, how they are cut into blocks, and what they find. */
#ifndef MW_EXEC_PASS_H
#define MW_EXEC_PASS_H

#include "exec/cut.h"
#include "exec/sample.h"
#include "exec/speculation.h"

/* The passes of a stage, in this order. */
typedef enum mw_pass_phase {
  MW_PHASE_SAMPLE, /* one or two passes over a sample, for large selections: they predict the results (selection.h) */
  MW_PHASE_WHOLE,  /* everything, once; with guessed totals in several parts, each a pass (speculation.h) */
  MW_PHASE_REST    /* selections that are not found yet; outputs that were computed from a wrong guess */
} mw_pass_phase;

/* What a pass knows of a task, in addition to the schedule. */
typedef struct mw_pass_task {
  uint64_t first_item; /* number of its first block within the pass */
  uint64_t left;       /* blocks that are not done */
  mw_sample sample;    /* in the phase SAMPLE: a block is a unit of the sample */
  mw_cut cut;          /* in the others */
  uint32_t assumed;    /* its output's record in `speculation`, or MW_SPECULATION_NONE */
} mw_pass_task;

typedef struct mw_pass {
  mw_schedule schedule; /* only this pass's roots and tasks */
  mw_job job;           /* the caller's, over this schedule */
  mw_pass_task *tasks;  /* of every task of this schedule */
  size_t task_capacity;
  uint64_t items;       /* blocks in all */
  mw_pass_phase phase;
  uint32_t from, to;    /* the stage's tasks that it looks at */
  bool whole;           /* it reads all elements of some task */
  bool ordered;         /* sums are added in block order */
  bool speculative;     /* it computes from guessed values */
  bool guesses;         /* and sums guesses for the next stage */
  mw_speculation speculation; /* of the stage */
  double *found;        /* of every root of SUM: what is found so far */
  double *best;         /* HIGHEST, ARGMAX: the largest value so far; after `found` in its memory */
  mw_selection *selections; /* of the stage */
  size_t selection_count, selection_capacity;
  mw_program program;   /* scratch */
} mw_pass;

/* The first pass of a stage (`next` false), or the next one that it needs. It has no tasks if there is none. Makes every
 * scalar and vector known that the tasks need. */
bool mw_pass_begin(mw_pass *pass, const mw_job *job, const mw_schedule_stage *stage, bool next, mw_values *values, mw_error *err);
/* The task and elements of an item (a block, numbered through the pass). */
const mw_schedule_task *mw_pass_item(const mw_pass *pass, uint64_t item, uint64_t *start, uint64_t *count);
/* Where the run of items ends that begins with `item`: those that lie in one chunk of a file (cut.h), at most `most`. A thread that
 * takes such a run reads and writes each chunk in order, as its checksum wants it. */
uint64_t mw_pass_run(const mw_pass *pass, uint64_t item, uint64_t most);
/* Bytes that `count` elements of the task read and write. */
uint64_t mw_pass_bytes(const mw_pass *pass, const mw_schedule_task *task, uint64_t count);
/* Counts a block of the task as done. True for its last one, if its output is final then: not computed from a guess. Any thread. */
bool mw_pass_note_done(mw_pass *pass, const mw_schedule_task *task);
/* Where the task's units are to be marked in which a guess matters; NULL: nowhere. */
uint64_t *mw_pass_open(const mw_pass *pass, const mw_schedule_task *task);
/* Tells that an output of the task is not finite. Returns true if this is no error yet: the output was computed from a guess,
 * and will be computed again. Callers exclude each other. */
bool mw_pass_note_not_finite(mw_pass *pass, const mw_schedule_task *task);
/* Adds what was gathered from a block of the task; in block order where pass->ordered. */
void mw_pass_take(mw_pass *pass, const mw_schedule_task *task, const mw_tile_gather *gathers);
/* After the last block: results become known values, selections advance. */
bool mw_pass_end(mw_pass *pass, mw_values *values, mw_error *err);
void mw_pass_free(mw_pass *pass);

#endif
