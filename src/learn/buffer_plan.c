/* buffer_plan.c: first fit. Buffers are placed in the order of their first steps; those that are alive at that step are kept
 * sorted by offset, and the new one takes the first gap between them that is large enough. */
#include "learn/buffer_plan.h"
#include <stdlib.h>
#include <string.h>

enum { ROUND = 16 };

static size_t rounded(size_t size) { return (size + ROUND - 1) / ROUND * ROUND; }

/* Of two buffers with the same first step the larger one comes first. */
static int by_first_step(const void *a, const void *b) {
  const mw_buffer_plan_buffer *x = *(mw_buffer_plan_buffer *const *)a, *y = *(mw_buffer_plan_buffer *const *)b;
  if (x->first != y->first) return x->first < y->first ? -1 : 1;
  if (x->size != y->size) return x->size > y->size ? -1 : 1;
  return (x > y) - (x < y);
}

bool mw_buffer_plan_make(mw_buffer_plan_buffer **buffers, size_t count, size_t *total, mw_error *err) {
  mw_buffer_plan_buffer **alive = mw_mem_new(count + 1, sizeof *alive, err);
  if (!alive) return false;
  size_t alive_count = 0;
  bool fits = true;
  *total = 0;
  qsort(buffers, count, sizeof *buffers, by_first_step);
  for (size_t i = 0; i < count && fits; i++) {
    mw_buffer_plan_buffer *buffer = buffers[i];
    size_t kept = 0;
    for (size_t k = 0; k < alive_count; k++)
      if (alive[k]->last >= buffer->first) alive[kept++] = alive[k];
    alive_count = kept;
    size_t offset = 0, place = 0, size = rounded(buffer->size);
    for (; place < alive_count && alive[place]->offset < offset + size; place++)
      offset = alive[place]->offset + rounded(alive[place]->size);
    buffer->offset = offset;
    memmove(alive + place + 1, alive + place, (alive_count - place) * sizeof *alive);
    alive[place] = buffer;
    alive_count++;
    if (offset + size > *total) *total = offset + size;
    fits = *total <= MW_BUFFER_PLAN_MOST;
  }
  free(alive);
  return fits || mw_error_memory(err, SIZE_MAX);
}
