/* masks.h: random masks whose probabilities differ from element to element are kept in memory, a bit each, where several passes need
 * them. A probability may have been found along rows: by DELLA it depends on the place of a magnitude among those of its row, and to
 * find these places takes longer than all the rest. So the first pass over a tensor remembers what it has drawn, and later ones read it:
 *
 *   pass 1   ranks of |tau| along rows; probabilities; draws: kept as bits; sums of |tau| and of what is kept
 *   pass 2   the bits; what is kept, scaled by the ratio of the sums; the output
 *
 * A draw depends on nothing but its stream and element, so the bits are what a later pass would draw. Where there is no room it does.
 *
 * Sums of programs that find values along rows are added stretch by stretch (tile.h), others are not; so a program with sums draws anew. */
#ifndef MW_EXEC_MASKS_H
#define MW_EXEC_MASKS_H

#include "exec/job.h"
#include "expr/program.h"

typedef struct mw_mask {
  mw_node node;    /* a BERNOULLI_EACH */
  uint64_t words;  /* 64 elements each */
  uint64_t *bits;  /* NULL: there are none yet, or there was no room */
  uint32_t uses;   /* tasks that draw it and have not ended */
  bool taken;      /* this pass remembers it */
} mw_mask;

/* Task `task` of the schedule draws masks[mask]. */
typedef struct mw_masks_use {
  uint32_t task, mask;
} mw_masks_use;

typedef struct mw_masks {
  mw_mask *masks;
  mw_masks_use *uses; /* in the order of the tasks */
  size_t count, capacity, use_count, use_capacity;
  uint8_t *known;     /* of every node: whether its mask is in memory; NULL: there are no masks */
  uint32_t *place;    /* of every node: 1 + its index in masks, or 0 */
  uint64_t held;      /* bytes of all bits */
} mw_masks;

/* Most bytes that the bits of masks take at a time. */
enum { MW_MASKS_MOST = MW_SCHEDULE_MASKS / 8 };

/* Finds the masks that several tasks of the job draw. Several processes keep none, since each has other tasks. */
bool mw_masks_new(mw_masks *masks, const mw_job *job, mw_error *err);
/* The masks that a pass over this task should remember, one after the other: `*at` begins at 0. 0: there is none left. */
mw_node mw_masks_take(mw_masks *masks, uint32_t task, size_t *at);
/* At the end of a pass what it has remembered is known. */
void mw_masks_keep(mw_masks *masks);
/* At the end of a stage what no later task draws is forgotten. */
void mw_masks_end(mw_masks *masks, uint32_t first_task, uint32_t task_count);
/* What a program of these roots may read from memory (program.h). */
const uint8_t *mw_masks_known(const mw_masks *masks, const mw_graph *graph, const mw_program_root *roots, uint32_t count);
/* The bits of a mask; NULL: it has none. */
uint64_t *mw_masks_bits(const mw_masks *masks, mw_node node);
/* Makes 0 and 1, floats or doubles, of the bits of elements [start, start + n), and sets those of elements that are 1; threads may have
 * parts of one word. */
void mw_masks_read(const void *bits, bool f64, void *dst, uint64_t start, size_t n);
void mw_masks_write(uint64_t *bits, bool f64, const void *x, uint64_t start, size_t n);
void mw_masks_free(mw_masks *masks);

#endif
