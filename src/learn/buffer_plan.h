/* buffer_plan.h: where in one block of memory each of many pieces lies, given when it is alive: two pieces that are alive at
 * the same step do not overlap. First fit in the order of birth; deterministic. */
#ifndef MW_LEARN_BUFFER_PLAN_H
#define MW_LEARN_BUFFER_PLAN_H

#include "base/mem.h"

/* Floats (as many as a shape may have) that are alive from step `first` to step `last`, both included. */
typedef struct mw_buffer_plan_piece {
  size_t size, offset;
  uint32_t first, last;
  bool used;
} mw_buffer_plan_piece;

/* Floats that one block may hold, however large the machine: their bytes can be added without overflow. */
#define MW_PIECES_MOST (SIZE_MAX / 16)

/* Sets the offsets of `count` pieces, multiples of 16 floats; *total floats hold them all. MW_MEMORY: they are more than
 * MW_PIECES_MOST. */
bool mw_buffer_plan_plan(mw_buffer_plan_piece **pieces, size_t count, size_t *total, mw_error *err);

#endif
