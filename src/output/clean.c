/* clean.c: the public function that removes what left_overs.h lists. */
#include "output/left_overs.h"

bool mw_clean_output(const char *out, void (*removed)(void *context, const char *path, uint64_t bytes), void *context, mw_error *err) {
  mw_arena arena = {0};
  mw_target target;
  bool ok = mw_target_resolve(out, &arena, &target, err) && mw_left_overs_clean(&target, removed, context, err);
  mw_mem_release(&arena);
  return ok;
}
