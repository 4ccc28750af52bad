/* Pieces of all sizes, made, grown, shrunk and given back a hundred thousand times: each keeps what was written into it, and none overlaps
 * another. After mw_lua_memory_leave no piece is one that was given back before. */
#include "recipe/lua_memory.h"
#include "unit.h"
#include <stdint.h>
#include <stdlib.h>

typedef struct piece {
  unsigned char *bytes;
  size_t size;
  unsigned char mark;
} piece;

static uint32_t state = 1;
static uint32_t random_number(void) { return (state = state * 1664525u + 1013904223u) >> 8; }

/* Mostly small, some of a page, a few larger than what is cut from blocks. */
static size_t random_size(void) {
  uint32_t kind = random_number() % 16;
  return 1 + random_number() % (kind < 12 ? 600 : kind < 15 ? 9000 : 100000);
}

static bool holds(const piece *p, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (p->bytes[i] != p->mark) return false;
  return true;
}

static void keeps_what_is_written(void) {
  enum { PIECES = 300 };
  static piece pieces[PIECES];
  mw_lua_memory memory = {0};
  bool good = true;
  for (int round = 0; round < 100000 && good; round++) {
    piece *p = &pieces[random_number() % PIECES];
    size_t size = random_number() % 4 == 0 ? 0 : random_size();
    unsigned char *bytes = mw_lua_memory_resize(&memory, p->bytes, p->size, size);
    good = (bytes != NULL) == (size > 0) && (uintptr_t)bytes % 16 == 0;
    p->bytes = bytes;
    good = good && holds(p, size < p->size ? size : p->size);
    p->size = size;
    p->mark = (unsigned char)random_number();
    if (good && size) memset(bytes, p->mark, size);
  }
  for (int i = 0; i < PIECES; i++) good = good && holds(&pieces[i], pieces[i].size);
  CHECK(good);
  mw_lua_memory_free(&memory);
}

#ifndef MW_SANITIZED /* with a sanitizer each piece is the C library's */
static void leaves_old_pieces(void) {
  mw_lua_memory memory = {0};
  char *first = mw_lua_memory_resize(&memory, NULL, 0, 40), *second = mw_lua_memory_resize(&memory, NULL, 0, 40);
  mw_lua_memory_resize(&memory, first, 40, 0);
  CHECK(mw_lua_memory_resize(&memory, NULL, 0, 48) == first);
  mw_lua_memory_resize(&memory, first, 48, 0);
  mw_lua_memory_leave(&memory);
  char *third = mw_lua_memory_resize(&memory, NULL, 0, 40);
  CHECK(third != NULL && third != first && third != second);
  mw_lua_memory_free(&memory);
}
#endif

int main(void) {
  RUN(keeps_what_is_written());
#ifndef MW_SANITIZED
  RUN(leaves_old_pieces());
#endif
  UNIT_END();
}
