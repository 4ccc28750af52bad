/* api.c: the small rest of moonweld.h: options, built-in recipes, suggestions, the build. */
#include "recipe/embed.h"
#include "recipe/sandbox.h"
#include "num/cpu.h"
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BUILTINS = 128 };

void mw_options_init(mw_options *options) {
  *options = (mw_options){.shard_size = 5000000000u};
}

/* The embedded files are sorted by name, so the list is too. It is the same on every call. */
const char *const *mw_recipe_builtins(void) {
  static const char *names[MAX_BUILTINS + 1];
  size_t count = 0;
  for (const mw_embed *file = mw_embed_files; file->name && count < MAX_BUILTINS; file++)
    if (strncmp(file->name, "recipes/", 8) == 0) names[count++] = file->name + 8;
  return names;
}

const char *mw_recipe_nearest(const char *word, const char *const *words, size_t count) {
  const char *best = NULL;
  unsigned least = (unsigned)strlen(word) / 3 + 1;
  if (least < 2) least = 2;
  for (size_t i = 0; i < count; i++) {
    unsigned distance = mw_text_distance(word, words[i], least);
    if (distance < least) best = words[i], least = distance;
  }
  return best;
}

const char *mw_version(void) {
  static char text[400];
  mw_error err;
  const mw_kernels *kernels;
  bool ok = mw_cpu_kernels(&kernels, &err);
  snprintf(text, sizeof text, "moonweld %s\nkernels: %s\nlua: %s\nsandbox: %s\n", MW_VERSION,
           ok ? kernels->isa : "MOONWELD_ISA names none of this machine's", LUA_RELEASE, mw_sandbox_wall());
  return text;
}
