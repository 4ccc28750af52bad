/* lua_memory.h: the memory of one Lua: pieces of 16, 32, ... 512, 1024, ... 32768 bytes cut from blocks, and for each of these sizes a list
 * of the pieces that were given back. Larger ones are the C library's. A recipe makes tens of thousands of objects; all of them go at
 * once, and a process that is forked may begin with a copy of this struct. */
#ifndef MW_RECIPE_LUA_MEMORY_H
#define MW_RECIPE_LUA_MEMORY_H

#include <stddef.h>

enum { MW_LUA_MEMORY_LISTS = 38 };

typedef struct mw_lua_memory {
  struct mw_lua_memory_block *blocks, *large; /* what pieces are cut from, the last one first; and pieces of their own */
  char *at;    /* where the rest of the last block begins */
  size_t left; /* bytes of the rest */
  void *spare[MW_LUA_MEMORY_LISTS]; /* pieces that were given back: each points to the next */
} mw_lua_memory;

/* As Lua's allocator: makes a piece (old = NULL), gives another size to one, which may move it, or gives it back (size = 0). NULL
 * where there is no memory. */
void *mw_lua_memory_resize(mw_lua_memory *memory, void *old, size_t old_size, size_t size);
/* From now on new pieces are not those that were given back before: a process that has just been forked shares the pages where these
 * lie with its parent, and each page that is written to is copied. */
void mw_lua_memory_leave(mw_lua_memory *memory);
/* Frees every piece, and so the Lua that lives in them. */
void mw_lua_memory_free(mw_lua_memory *memory);

#endif
