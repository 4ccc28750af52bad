/* order.h: sums are added in the order of the blocks, whichever thread is done first. A block that comes too early is put
 * aside, so that its thread goes on with the next one instead of waiting (OpenMP's `ordered` would spin, and on a busy
 * machine do little else). No thread knows of another here: callers exclude each other. */
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

typedef struct mw_order {
  uint64_t next;        /* the block that is to be taken next */
  mw_order_slot *slots; /* of the blocks behind it, by their number modulo `count` */
  size_t count;
} mw_order;

/* Room for the blocks that `threads` threads may be ahead. */
bool mw_order_new(mw_order *order, int threads, mw_error *err);
void mw_order_free(mw_order *order);
/* Before a pass. */
void mw_order_begin(mw_order *order);
/* Takes what the worker gathered from block `item`, now or when its turn comes. False: it is too far ahead to be put
 * aside; ask again later. Blocks given out in ascending order never wait for each other in a circle, since the next one
 * is always taken. */
bool mw_order_take(mw_order *order, mw_pass *pass, uint64_t item, const mw_worker *worker);
/* Bytes that a block of a task with `roots` sums takes while it is put aside, for a thread's share of slots. */
uint64_t mw_order_bytes(uint64_t block, uint32_t roots);

#endif
