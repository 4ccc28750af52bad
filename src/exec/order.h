/* order.h: adds the sums of blocks in the order of the blocks, although threads end them in any order: a floating-point sum
 * depends on the order of its terms. What a block has gathered before its turn is copied aside, so that its thread can go on
 * with another block. (OpenMP's `ordered` would let it wait in a loop, which on a busy machine takes time from the others.)
 *
 * For example, blocks 0 to 3 end in the order 1, 3, 0, 2. Blocks 1 and 3 are copied; block 0 is added, and 1 with it, since
 * its turn has come; then 2, and 3 with it.
 *
 * Nothing here locks: callers exclude each other. */
#ifndef MW_EXEC_ORDER_H
#define MW_EXEC_ORDER_H

#include "exec/pass.h"

typedef struct mw_order_slot {
  bool full;
  const mw_schedule_task *task;
  mw_tile_gather *gathers;
  double *units;
  size_t gathers_capacity, units_capacity;
} mw_order_slot;

/* How many blocks a thread may have begun ahead of the others' turns: as many as 128 KiB go into a chunk, which it takes as a whole
 * (run.c). */
enum { MW_ORDER_SLOTS = 32 };

typedef struct mw_order {
  uint64_t next;        /* the block whose turn it is */
  mw_order_slot *slots; /* copies of later blocks: block b is in slot b % count */
  size_t count;
} mw_order;

/* With slots for as many blocks as `threads` threads may be ahead. */
bool mw_order_new(mw_order *order, int threads, mw_error *err);
void mw_order_free(mw_order *order);
/* Begins with block 0, before each pass. */
void mw_order_begin(mw_order *order);
/* Adds what the worker gathered from block `item` to the pass, now or when its turn comes. False: the block is too far ahead to
 * be copied, so ask again later. This ends if blocks are begun in ascending order: the one whose turn it is has always been
 * begun, and is always taken. */
bool mw_order_take(mw_order *order, mw_pass *pass, uint64_t item, const mw_worker *worker);
/* Bytes of a thread's share of the slots, for blocks of so many units of a task with `roots` sums. */
uint64_t mw_order_bytes(size_t units, uint32_t roots);

#endif
