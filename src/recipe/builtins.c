/* builtins.c: finds built-in recipes, and implements what moonweld.h tells of them and of this build. */
#include "recipe/builtins.h"
#include "recipe/sandbox.h"
#include "base/text.h"
#include "num/cpu.h"
#include <lua.h>
#include <string.h>

const mw_embed *mw_builtins_find(const char *name) {
  for (const mw_embed *file = mw_embed_files; file->name; file++)
    if (strncmp(file->name, "recipes/", 8) == 0 && strcmp(file->name + 8, name) == 0) return file;
  return NULL;
}

const char *const *mw_recipe_builtins(void) { return mw_embed_recipes; }

const char *mw_recipe_nearest(const char *word, const char *const *words, size_t count) {
  return mw_text_nearest(word, words, count);
}

mw_build mw_version(void) {
  mw_error err;
  const mw_kernels *kernels;
  bool ok = mw_cpu_kernels(&kernels, &err);
  return (mw_build){MW_VERSION, ok ? kernels->isa : "MOONWELD_ISA names none of this machine's", LUA_RELEASE, mw_sandbox_wall()};
}
