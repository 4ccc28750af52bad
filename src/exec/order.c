/* order.c: the slots are a ring. A block is taken when its turn has come, and after it all that follow it without a gap and
 * have been copied. */
#include "exec/order.h"
#include <stdlib.h>
#include <string.h>

bool mw_order_new(mw_order *order, int threads, mw_error *err) {
  *order = (mw_order){.count = (size_t)threads * MW_ORDER_SLOTS};
  order->slots = mw_mem_new(order->count, sizeof *order->slots, err);
  return order->slots != NULL;
}

void mw_order_free(mw_order *order) {
  for (size_t i = 0; order->slots && i < order->count; i++) {
    free(order->slots[i].gathers);
    free(order->slots[i].units);
  }
  free(order->slots);
  *order = (mw_order){0};
}

void mw_order_begin(mw_order *order) {
  order->next = 0;
  for (size_t i = 0; i < order->count; i++) order->slots[i].full = false;
}

/* If the copy cannot be allocated, the thread waits until its block is next. */
static bool copy_aside(mw_order_slot *slot, const mw_worker *worker) {
  mw_error ignored;
  uint32_t roots = worker->task->root_count;
  size_t units = 0;
  for (uint32_t r = 0; r < roots; r++) units += worker->gathers[r].unit_count;
  MW_TRY(mw_mem_grow(&slot->gathers, &slot->gathers_capacity, roots, sizeof *slot->gathers, &ignored));
  MW_TRY(mw_mem_grow(&slot->units, &slot->units_capacity, units, sizeof *slot->units, &ignored));
  double *next = slot->units;
  for (uint32_t r = 0; r < roots; r++) {
    const mw_tile_gather *from = &worker->gathers[r];
    slot->gathers[r] = (mw_tile_gather){.units = next, .vector = from->vector, .unit_count = from->unit_count,
                                        .best = from->best, .place = from->place, .any = from->any};
    if (from->unit_count) memcpy(next, from->units, from->unit_count * sizeof *next);
    next += from->unit_count;
  }
  slot->task = worker->task;
  return slot->full = true;
}

bool mw_order_take(mw_order *order, mw_pass *pass, uint64_t item, const mw_worker *worker) {
  if (item != order->next)
    return item - order->next < order->count && copy_aside(&order->slots[item % order->count], worker);
  mw_pass_take(pass, worker->task, worker->gathers);
  for (;;) {
    mw_order_slot *slot = &order->slots[++order->next % order->count];
    if (!slot->full) return true;
    mw_pass_take(pass, slot->task, slot->gathers);
    slot->full = false;
  }
}

uint64_t mw_order_bytes(size_t units, uint32_t roots) {
  return MW_ORDER_SLOTS * (uint64_t)roots * (sizeof(mw_tile_gather) + units * sizeof(double)) * 3 / 2; /* growth */
}
