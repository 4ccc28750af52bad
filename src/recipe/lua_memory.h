/* lua_memory.h: memory for Lua's many small objects: pieces of 16, 32, ... 512 bytes cut from blocks, and for each of these sizes a list of
 * the pieces that were given back. Larger ones are the C library's. A recipe makes tens of thousands of objects, and a process of its own
 * begins with the memory as its parent left it, so the struct may be copied by fork() and by hand. */
#ifndef MW_RECIPE_LUA_MEMORY_H
#define MW_RECIPE_LUA_MEMORY_H

#include <stddef.h>

enum { MW_LUA_MEMORY_SIZES = 32 };

typedef struct mw_lua_memory {
  void *block;               /* the last one; its first bytes point to the one before */
  char *at;                  /* where the rest of it begins */
  size_t left;               /* bytes of the rest */
  void *spare[MW_LUA_MEMORY_SIZES]; /* pieces given back, of 16 bytes, of 32, ...: each points to the next */
} mw_lua_memory;

/* As Lua's allocator: makes a piece (old = NULL), gives another size to one, which may move it, or gives it back (size = 0). NULL where there
 * is no memory. */
void *mw_lua_memory_resize(mw_lua_memory *memory, void *old, size_t old_size, size_t size);
/* Of all pieces that were not larger than 512 bytes; larger ones must have been given back. */
void mw_lua_memory_free(mw_lua_memory *memory);

#endif
