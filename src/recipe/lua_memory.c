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
enum { LARGEST = 32 << 10 };
#endif
enum { SMALL = 512, STEP = 16, BLOCK = 256 << 10, PAGE = 4096 };

typedef struct mw_lua_memory_block {
  struct mw_lua_memory_block *next, *before;
  _Alignas(16) char bytes[];
} block;

/* The list of pieces for `size` bytes, 1 to LARGEST: steps of 16 bytes, then powers of two. */
static unsigned list_of(size_t size) {
  return size <= SMALL ? (unsigned)((size - 1) / STEP) : SMALL / STEP + 54u - (unsigned)__builtin_clzll(size - 1);
}

static size_t size_of(unsigned list) { return list < SMALL / STEP ? (list + 1) * STEP : (size_t)2 * SMALL << (list - SMALL / STEP); }

static bool add_block(mw_lua_memory *memory) {
  block *new = malloc(BLOCK);
  if (!new) return false;
#ifdef MADV_POPULATE_WRITE
  uintptr_t first = ((uintptr_t)new + PAGE - 1) & ~(uintptr_t)(PAGE - 1), end = ((uintptr_t)new + BLOCK) & ~(uintptr_t)(PAGE - 1);
  madvise((void *)first, end - first, MADV_POPULATE_WRITE); /* older kernels refuse it, and nothing changes */
#endif
  new->next = memory->blocks;
  memory->blocks = new;
  memory->at = new->bytes;
  memory->left = BLOCK - sizeof *new;
  return true;
}

static void *take(mw_lua_memory *memory, size_t size) {
  unsigned list = list_of(size);
  void *piece = memory->spare[list];
  if (piece) return memcpy(&memory->spare[list], piece, sizeof piece), piece;
  if (memory->left < size_of(list) && !add_block(memory)) return NULL;
  piece = memory->at;
  memory->at += size_of(list);
  memory->left -= size_of(list);
  return piece;
}

static void give_back(mw_lua_memory *memory, void *piece, size_t size) {
  memcpy(piece, &memory->spare[list_of(size)], sizeof piece);
  memory->spare[list_of(size)] = piece;
}

static void link_large(mw_lua_memory *memory, block *new) {
  new->next = memory->large;
  new->before = NULL;
  if (new->next) new->next->before = new;
  memory->large = new;
}

static void unlink_large(mw_lua_memory *memory, block *old) {
  if (old->next) old->next->before = old->before;
  *(old->before ? &old->before->next : &memory->large) = old->next;
}

/* A piece of its own; the old one stays if there is no memory. */
static void *resize_large(mw_lua_memory *memory, void *old, size_t size) {
  block *before = old ? (block *)(void *)((char *)old - offsetof(block, bytes)) : NULL;
  if (before) unlink_large(memory, before);
  if (size == 0) return free(before), NULL;
  block *new = size < SIZE_MAX - sizeof *new ? realloc(before, sizeof *new + size) : NULL;
  if (new || before) link_large(memory, new ? new : before);
  return new ? new->bytes : NULL;
}

void *mw_lua_memory_resize(mw_lua_memory *memory, void *old, size_t old_size, size_t size) {
  if (!old) old_size = 0;
  bool was_cut = old_size && old_size <= LARGEST, is_cut = size && size <= LARGEST;
  if (!is_cut && !was_cut) return resize_large(memory, old, size);
  if (is_cut && was_cut && list_of(old_size) == list_of(size)) return old;
  void *piece = is_cut ? take(memory, size) : size ? resize_large(memory, NULL, size) : NULL;
  if (size && !piece) return NULL;
  if (old && piece) memcpy(piece, old, old_size < size ? old_size : size);
  if (was_cut) give_back(memory, old, old_size);
  else resize_large(memory, old, 0);
  return piece;
}

void mw_lua_memory_leave(mw_lua_memory *memory) { memset(memory->spare, 0, sizeof memory->spare); }

static void free_all(block *first) {
  for (block *next; first; first = next) next = first->next, free(first);
}

void mw_lua_memory_free(mw_lua_memory *memory) {
  free_all(memory->blocks);
  free_all(memory->large);
  *memory = (mw_lua_memory){0};
}
