/* merge.c: the heap has an entry for each pair of neighbours that can be merged: rank and place in one number, so that the lowest rank
 * comes first, and of equal ranks the leftmost. Entries are not removed when a merge changes their neighbours; an entry that is
 * taken out counts only if its place still has that rank. For example, `h u g s` with the merges (u g), (h ug), (ug s):
 *
 *   heap: (0, u)            merge u g: h ug s; new pairs (h ug), (ug s)
 *   heap: (1, h), (2, ug)   merge h ug: hug s; the pair (ug s) no longer exists
 *   heap: (2, ug)           not valid any more: passed over. Result: hug s */
#include "text/merge.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

bool mw_merge_add(mw_merge *row, uint32_t id, uint32_t start, uint32_t length, mw_error *err) {
  if (row->count == row->capacity)
    MW_TRY(mw_mem_grow(&row->symbols, &row->capacity, row->count + 1, sizeof *row->symbols, err));
  uint32_t at = (uint32_t)row->count++;
  row->symbols[at] = (mw_merge_symbol){.id = id, .start = start, .length = length, .rank = MW_MERGE_NONE,
                                       .before = at - 1, .next = MW_MERGE_NONE};
  if (at) row->symbols[at - 1].next = at;
  return true;
}

static void sift_down(uint64_t *heap, size_t count, size_t at) {
  uint64_t entry = heap[at];
  for (size_t child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && heap[child + 1] < heap[child]) child++;
    if (heap[child] >= entry) break;
    heap[at] = heap[child];
  }
  heap[at] = entry;
}

static bool push(mw_merge *row, uint64_t entry, mw_error *err) {
  if (row->heap_count == row->heap_capacity)
    MW_TRY(mw_mem_grow(&row->heap, &row->heap_capacity, row->heap_count + 1, sizeof *row->heap, err));
  size_t at = row->heap_count++;
  for (; at && row->heap[(at - 1) / 2] > entry; at = (at - 1) / 2) row->heap[at] = row->heap[(at - 1) / 2];
  row->heap[at] = entry;
  return true;
}

static uint64_t pop(mw_merge *row) {
  uint64_t top = row->heap[0];
  row->heap[0] = row->heap[--row->heap_count];
  if (row->heap_count) sift_down(row->heap, row->heap_count, 0);
  return top;
}

/* Finds the rank of a symbol with the next one, and adds it to the heap. */
static bool look(mw_merge *row, uint32_t at, mw_merge_rank rank, const void *model, mw_error *err) {
  mw_merge_symbol *left = &row->symbols[at];
  left->rank = left->next == MW_MERGE_NONE ? MW_MERGE_NONE : rank(model, left, &row->symbols[left->next], &left->merged);
  return left->rank == MW_MERGE_NONE || push(row, (uint64_t)left->rank << 32 | at, err);
}

bool mw_merge_run(mw_merge *row, mw_merge_rank rank, const void *model, mw_error *err) {
  mw_merge_symbol *symbols = row->symbols;
  row->heap_count = 0;
  for (size_t i = 0; i + 1 < row->count; i++) MW_TRY(look(row, (uint32_t)i, rank, model, err));
  while (row->heap_count) {
    uint64_t top = pop(row);
    uint32_t at = (uint32_t)top;
    mw_merge_symbol *left = &symbols[at];
    if (left->length == 0 || left->rank != top >> 32) continue;
    mw_merge_symbol *right = &symbols[left->next];
    left->id = left->merged;
    left->length += right->length;
    left->next = right->next;
    right->length = 0;
    if (left->next != MW_MERGE_NONE) symbols[left->next].before = at;
    MW_TRY(look(row, at, rank, model, err));
    if (left->before != MW_MERGE_NONE) MW_TRY(look(row, left->before, rank, model, err));
  }
  return true;
}

void mw_merge_free(mw_merge *row) {
  free(row->symbols);
  free(row->heap);
  *row = (mw_merge){0};
}

size_t mw_merge_word(const char *text, size_t length) {
  static const char mark[] = "\xe2\x96\x81";
  size_t at = 0;
  while (length - at >= 3 && memcmp(text + at, mark, 3) == 0) at += 3;
  const char *next = memmem(text + at, length - at, mark, 3);
  return next ? (size_t)(next - text) : length;
}
