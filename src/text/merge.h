/* merge.h: the central step of byte-pair encoding: of a row of symbols, the two neighbours with the lowest rank are joined, the
 * leftmost ones if several have it, until no neighbours can be joined. A row of n symbols takes n log n steps. */
#ifndef MW_TEXT_MERGE_H
#define MW_TEXT_MERGE_H

#include "base/error.h"

#define MW_MERGE_NONE UINT32_MAX

typedef struct mw_merge_symbol {
  uint32_t id;            /* of the caller, for its ranks */
  uint32_t start, length; /* bytes of the text; length 0: joined to its left neighbour */
  uint32_t rank, merged;  /* of this and the next symbol; the id of what they become */
  uint32_t before, next;  /* MW_MERGE_NONE at the ends */
} mw_merge_symbol;

/* The rank of two neighbours and what they become, or MW_MERGE_NONE. */
typedef uint32_t (*mw_merge_rank)(const void *model, const mw_merge_symbol *left, const mw_merge_symbol *right, uint32_t *merged);

/* A zeroed one is ready. After a run, the symbols that are left begin with symbol 0 and follow each other by `next`. There may be
 * fewer than 2^31 symbols. */
typedef struct mw_merge {
  mw_merge_symbol *symbols;
  uint64_t *heap;
  size_t count, capacity, heap_count, heap_capacity;
} mw_merge;

static inline void mw_merge_clear(mw_merge *row) { row->count = 0; }
bool mw_merge_add(mw_merge *row, uint32_t id, uint32_t start, uint32_t length, mw_error *err);
bool mw_merge_run(mw_merge *row, mw_merge_rank rank, const void *model, mw_error *err);
void mw_merge_free(mw_merge *row);

/* The bytes of the first word of a text: up to a U+2581 that follows another character. If no token contains such a place, a text
 * can be merged word by word, which needs little memory. */
size_t mw_merge_word(const char *text, size_t length);

#endif
