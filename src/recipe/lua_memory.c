/* lua_memory.c: a block is asked for with its pages: touched one by one, each would take as long as thirty small objects. */
#include "recipe/lua_memory.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Under a sanitizer each piece is the C library's, so that it can be watched. */
#ifdef MW_SANITIZED
enum { LARGEST = 0 };
#else
enum { LARGEST = 16 * MW_LUA_MEMORY_SIZES };
#endif
enum { BLOCK = 256 << 10, PAGE = 4096 };

/* Which list has pieces of at least `size` bytes, 1 to LARGEST. */
static size_t list_of(size_t size) { return (size - 1) / 16; }

static bool add_block(mw_lua_memory *memory) {
  char *block = malloc(BLOCK);
  if (!block) return false;
#ifdef MADV_POPULATE_WRITE
  uintptr_t first = ((uintptr_t)block + PAGE - 1) & ~(uintptr_t)(PAGE - 1), end = ((uintptr_t)block + BLOCK) & ~(uintptr_t)(PAGE - 1);
  madvise((void *)first, end - first, MADV_POPULATE_WRITE); /* older kernels refuse it, and nothing changes */
#endif
  memcpy(block, &memory->block, sizeof memory->block);
  memory->block = block;
  memory->at = block + 16;
  memory->left = BLOCK - 16;
  return true;
}

static void *take(mw_lua_memory *memory, size_t list) {
  void *piece = memory->spare[list];
  size_t size = (list + 1) * 16;
  if (piece) return memcpy(&memory->spare[list], piece, sizeof piece), piece;
  if (memory->left < size && !add_block(memory)) return NULL;
  piece = memory->at;
  memory->at += size;
  memory->left -= size;
  return piece;
}

static void give_back(mw_lua_memory *memory, void *piece, size_t list) {
  memcpy(piece, &memory->spare[list], sizeof piece);
  memory->spare[list] = piece;
}

void *mw_lua_memory_resize(mw_lua_memory *memory, void *old, size_t old_size, size_t size) {
  if (!old) old_size = 0;
  bool was_small = old_size && old_size <= LARGEST, is_small = size && size <= LARGEST;
  if (!is_small && !was_small) {
    if (size) return realloc(old, size);
    free(old);
    return NULL;
  }
  if (was_small && is_small && list_of(old_size) == list_of(size)) return old;
  void *piece = is_small ? take(memory, list_of(size)) : size ? malloc(size) : NULL;
  if (size && !piece) return NULL;
  if (old && piece) memcpy(piece, old, old_size < size ? old_size : size);
  if (was_small) give_back(memory, old, list_of(old_size));
  else free(old);
  return piece;
}

void mw_lua_memory_free(mw_lua_memory *memory) {
  while (memory->block) {
    void *before;
    memcpy(&before, memory->block, sizeof before);
    free(memory->block);
    memory->block = before;
  }
  *memory = (mw_lua_memory){0};
}
