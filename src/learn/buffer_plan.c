/* buffer_plan.c: the living are kept sorted by offset; a new piece takes the first gap that holds it. */
#include "learn/buffer_plan.h"
#include <stdlib.h>
#include <string.h>

enum { ROUND = 16 };

static int by_birth(const void *a, const void *b) {
  const mw_buffer_plan_piece *x = *(mw_buffer_plan_piece *const *)a, *y = *(mw_buffer_plan_piece *const *)b;
  if (x->first != y->first) return x->first < y->first ? -1 : 1;
  if (x->size != y->size) return x->size > y->size ? -1 : 1;
  return (x > y) - (x < y);
}

bool mw_buffer_plan_plan(mw_buffer_plan_piece **pieces, size_t count, size_t *total, mw_error *err) {
  mw_buffer_plan_piece **living = mw_mem_new(count + 1, sizeof *living, err);
  if (!living) return false;
  size_t alive = 0;
  bool fits = true;
  *total = 0;
  qsort(pieces, count, sizeof *pieces, by_birth);
  for (size_t i = 0; i < count && fits; i++) {
    mw_buffer_plan_piece *piece = pieces[i];
    size_t kept = 0;
    for (size_t k = 0; k < alive; k++)
      if (living[k]->last >= piece->first) living[kept++] = living[k];
    alive = kept;
    size_t offset = 0, place = 0, size = (piece->size + ROUND - 1) / ROUND * ROUND;
    for (; place < alive && living[place]->offset < offset + size; place++)
      offset = living[place]->offset + (living[place]->size + ROUND - 1) / ROUND * ROUND;
    piece->offset = offset;
    memmove(living + place + 1, living + place, (alive - place) * sizeof *living);
    living[place] = piece;
    alive++;
    if (offset + size > *total) *total = offset + size;
    fits = *total <= MW_PIECES_MOST;
  }
  free(living);
  return fits || mw_error_memory(err, SIZE_MAX);
}
