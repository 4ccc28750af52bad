/* mem.h: memory whose failure is an ordinary error: checked sizes, growing arrays, and an arena, all of which is freed at once. */
#ifndef MW_BASE_MEM_H
#define MW_BASE_MEM_H

#include "base/error.h"

/* `count` zeroed elements of `size` bytes. An overflow of the product is an error; zero elements give a pointer that can be freed. */
void *mw_mem_new(size_t count, size_t size, mw_error *err);

/* Grows *array to at least `need` elements of `size` bytes, and by half at least. The new part is not zeroed.
 *   MW_TRY(mw_mem_grow((void **)&list->items, &list->capacity, list->count + 1, sizeof *list->items, err)); */
bool mw_mem_grow(void *array, size_t *capacity, size_t need, size_t size, mw_error *err);

/* Memory that is allocated piece by piece and freed at once. A zeroed arena is ready for use. */
typedef struct mw_arena {
  struct mw_arena_block *block;
} mw_arena;

/* Zeroed bytes, aligned for any type up to 16 bytes. */
void *mw_mem_take(mw_arena *arena, size_t bytes, mw_error *err);
/* Zeroed bytes for text, not aligned: one text follows another without a gap. */
char *mw_mem_text(mw_arena *arena, size_t bytes, mw_error *err);
/* A NUL-terminated copy of `length` bytes. */
char *mw_mem_copy(mw_arena *arena, const char *text, size_t length, mw_error *err);
void mw_mem_release(mw_arena *arena);
/* An arena asks for memory in blocks, each twice as large as the one before, up to this. Where a test sets 1, each piece is a request of
 * its own. */
extern size_t mw_mem_largest_block;

#endif
