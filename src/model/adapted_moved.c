/* adapted_moved.c: see adapted_moved.h. */
#include "model/adapted_moved.h"
#include <string.h>

static bool move(const mw_tensor **tensor, uint32_t files, mw_arena *arena, mw_error *err) {
  if (!*tensor) return true;
  mw_tensor *moved = mw_mem_take(arena, sizeof *moved, err);
  if (!moved) return false;
  *moved = **tensor;
  moved->file += files;
  *tensor = moved;
  return true;
}

const mw_adapted *mw_adapted_moved(const mw_adapted *a, uint32_t files, mw_arena *arena, mw_error *err) {
  mw_adapted *moved = mw_mem_take(arena, sizeof *moved, err);
  mw_adapted_change *changes = moved ? mw_mem_take(arena, (a->count + 1) * sizeof *changes, err) : NULL;
  if (!changes) return NULL;
  *moved = *a;
  moved->source.file += files;
  moved->changes = changes;
  for (size_t i = 0; i < a->count; i++) {
    mw_adapted_change *change = &changes[i];
    *change = a->changes[i];
    const mw_tensor **const stored[] = {&change->left, &change->right, &change->magnitude, &change->second_left, &change->second_right};
    for (size_t t = 0; t < sizeof stored / sizeof *stored; t++)
      if (!move(stored[t], files, arena, err)) return NULL;
    mw_adapted_row *rows = change->replaced ? mw_mem_take(arena, change->rank * sizeof *rows, err) : NULL;
    if (change->replaced && !rows) return NULL;
    if (rows) change->replaced = memcpy(rows, change->replaced, change->rank * sizeof *rows);
  }
  return moved;
}
