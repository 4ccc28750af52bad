/* mem.c: products and sums of sizes are checked for overflow before memory is asked for. */
#include "base/mem.h"
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef struct mw_arena_block {
  struct mw_arena_block *next;
  size_t used, size;
  _Alignas(16) unsigned char bytes[];
} mw_arena_block;

enum { FIRST_BLOCK = 1 << 10 };
size_t mw_mem_largest_block = 256 << 10;

/* From two megabytes on memory begins where a large page of the system does, and is taken in such pages: each small page that is touched
 * first costs an exception. Much more still is moved by the system when it grows, and only its ends are small pages. */
enum { PAGE = 4096, LARGE = 2 << 20, MOVED = 32 << 20 };

static bool is_large(size_t bytes) { return bytes >= LARGE && bytes < MOVED; }

static void *advised(void *memory, size_t bytes) {
  const uintptr_t from = (uintptr_t)memory / PAGE * PAGE, to = (uintptr_t)memory + malloc_usable_size(memory);
  if (memory && bytes >= LARGE) madvise((void *)from, to - from, MADV_HUGEPAGE); /* an advice: it may be refused */
  return memory;
}

static void *take_large(size_t bytes) { return advised(aligned_alloc(LARGE, (bytes + LARGE - 1) / LARGE * LARGE), bytes); }

void *mw_mem_new(size_t count, size_t size, mw_error *err) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return mw_error_memory(err, SIZE_MAX), NULL;
  const bool large = is_large(bytes);
  void *memory = large ? take_large(bytes) : advised(calloc(bytes ? bytes : 1, 1), bytes);
  if (!memory) return mw_error_memory(err, bytes), NULL;
  return large ? memset(memory, 0, bytes) : memory;
}

/* The first `known` bytes of `old` in more memory. */
static void *enlarge(void *old, size_t known, size_t bytes) {
  if (!is_large(bytes)) return advised(realloc(old, bytes), bytes);
  void *grown = take_large(bytes);
  if (grown && known) memcpy(grown, old, known);
  if (grown) free(old);
  return grown;
}

/* By a half; a large one by more, since what is not touched is no memory yet, and what was touched in the old place is lost. */
static size_t more_than(size_t capacity, size_t size) {
  const bool large = is_large(capacity < SIZE_MAX / 4 / size ? 4 * capacity * size : SIZE_MAX);
  return large ? 4 * capacity : capacity + capacity / 2;
}

bool mw_mem_grow(void *array, size_t *capacity, size_t need, size_t size, mw_error *err) {
  if (need <= *capacity) return true;
  size_t count = more_than(*capacity, size), bytes;
  if (count < need) count = need;
  if (count < 8) count = 8;
  void *old, *grown = NULL;
  memcpy(&old, array, sizeof old);
  if (__builtin_mul_overflow(count, size, &bytes)) bytes = SIZE_MAX; /* more than there can be */
  else grown = enlarge(old, *capacity * size, bytes);
  if (!grown) return mw_error_memory(err, bytes);
  memcpy(array, &grown, sizeof grown);
  *capacity = count;
  return true;
}

char *mw_mem_text(mw_arena *arena, size_t bytes, mw_error *err) {
  mw_arena_block *block = arena->block;
  /* The margin keeps the block's own header from overflowing. */
  if (bytes > SIZE_MAX / 2) return mw_error_memory(err, bytes), NULL;
  if (!block || block->size - block->used < bytes) {
    size_t size = block ? block->size * 2 : FIRST_BLOCK;
    if (size > mw_mem_largest_block) size = mw_mem_largest_block;
    if (size < bytes) size = bytes;
    mw_arena_block *fresh = calloc(1, sizeof *fresh + size);
    if (!fresh) return mw_error_memory(err, size), NULL;
    fresh->size = size;
    fresh->next = block;
    arena->block = block = fresh;
  }
  char *piece = (char *)block->bytes + block->used;
  block->used += bytes;
  return piece;
}

void *mw_mem_take(mw_arena *arena, size_t bytes, mw_error *err) {
  mw_arena_block *block = arena->block;
  size_t past = block ? block->used % 16 : 0;
  if (past) block->used += 16 - past < block->size - block->used ? 16 - past : block->size - block->used;
  return mw_mem_text(arena, bytes, err);
}

char *mw_mem_copy(mw_arena *arena, const char *text, size_t length, mw_error *err) {
  char *copy = length < SIZE_MAX ? mw_mem_text(arena, length + 1, err) : (mw_error_memory(err, length), NULL);
  if (copy && length) memcpy(copy, text, length);
  return copy;
}

void mw_mem_release(mw_arena *arena) {
  while (arena->block) {
    mw_arena_block *next = arena->block->next;
    free(arena->block);
    arena->block = next;
  }
}
