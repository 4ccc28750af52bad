/* buffer_plan.h: places many buffers in one block of memory. Each is alive from one step of a tape to another; two buffers
 * that are alive at the same step do not overlap, others may. For example, in steps 1 to 4:
 *
 *   buffer a   100 floats, steps 1 to 2    offset 0
 *   buffer b    50 floats, steps 1 to 4    offset 112 (multiples of 16)
 *   buffer c    80 floats, steps 3 to 4    offset 0: a is not alive any more
 *
 * The same buffers always get the same places. */
#ifndef MW_LEARN_BUFFER_PLAN_H
#define MW_LEARN_BUFFER_PLAN_H

#include "base/mem.h"

/* `size` floats that are alive from step `first` to step `last`, both included. */
typedef struct mw_buffer_plan_buffer {
  size_t size, offset;
  uint32_t first, last;
  bool used;
} mw_buffer_plan_buffer;

/* The most floats of one block, however large the machine is: sums of a few such sizes in bytes do not overflow. */
#define MW_BUFFER_PLAN_MOST (SIZE_MAX / 16)

/* Sets the offsets of `count` buffers, in floats, multiples of 16. *total floats hold them all. Sorts the list. MW_MEMORY: they
 * need more than MW_BUFFER_PLAN_MOST. */
bool mw_buffer_plan_make(mw_buffer_plan_buffer **buffers, size_t count, size_t *total, mw_error *err);

#endif
