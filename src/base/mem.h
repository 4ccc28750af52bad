/* mem.h: memory that can fail politely: checked sizes, growing arrays, and an arena whose pieces die together. */
#ifndef MW_BASE_MEM_H
#define MW_BASE_MEM_H

#include "base/error.h"

/* `count` zeroed elements of `size` bytes; an overflow is an error, zero elements give a valid pointer. */
void *mw_mem_new(size_t count, size_t size, mw_error *err);

/* Makes room for `need` elements of `size` bytes in *array, half as much again at least; the new part is not zeroed.
 *   MW_TRY(mw_mem_grow((void **)&list->items, &list->capacity, list->count + 1, sizeof *list->items, err)); */
bool mw_mem_grow(void *array, size_t *capacity, size_t need, size_t size, mw_error *err);

/* Pieces of memory that are freed together. A zeroed arena is ready for use. */
typedef struct mw_arena {
  struct mw_arena_block *block;
} mw_arena;

/* Zeroed bytes, aligned for any type up to 16 bytes. */
void *mw_mem_take(mw_arena *arena, size_t bytes, mw_error *err);
/* A NUL-terminated copy of `length` bytes. */
char *mw_mem_copy(mw_arena *arena, const char *text, size_t length, mw_error *err);
void mw_mem_release(mw_arena *arena);

#endif
