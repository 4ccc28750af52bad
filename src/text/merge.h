/* merge.h: the heart of byte-pair encoding: symbols in a row, of which the neighbours with the lowest rank are joined,
 * leftmost first, until no neighbours have a rank. A heap finds them, so that a row of n symbols takes n log n steps. */
#ifndef MW_TEXT_MERGE_H
#define MW_TEXT_MERGE_H

#include "base/error.h"

#define MW_MERGE_NONE UINT32_MAX

typedef struct mw_merge_symbol {
  uint32_t id;            /* whatever the caller's ranks know it by */
  uint32_t start, length; /* bytes of the text; length 0: joined to its left neighbour */
  uint32_t rank, merged;  /* of this and the next symbol; what they become */
  uint32_t before, next;  /* MW_MERGE_NONE at the ends */
} mw_merge_symbol;

/* The rank of two neighbours and what they become, or MW_MERGE_NONE. */
typedef uint32_t (*mw_merge_rank)(const void *model, const mw_merge_symbol *left, const mw_merge_symbol *right, uint32_t *merged);

/* A zeroed one is ready; what is in it after a run is read from symbol 0 on by `next`. Fewer than 2^31 symbols. */
typedef struct mw_merge {
  mw_merge_symbol *symbols;
  uint64_t *heap;
  size_t count, capacity, heap_count, heap_capacity;
} mw_merge;

static inline void mw_merge_clear(mw_merge *row) { row->count = 0; }
bool mw_merge_add(mw_merge *row, uint32_t id, uint32_t start, uint32_t length, mw_error *err);
bool mw_merge_run(mw_merge *row, mw_merge_rank rank, const void *model, mw_error *err);
void mw_merge_free(mw_merge *row);

/* The bytes of the first word of a text: up to a U+2581 that follows another character. Where no token holds such a
 * place, words can be merged one by one, in little memory. */
size_t mw_merge_word(const char *text, size_t length);

#endif
