/* builtins.c: finds built-in recipes, and implements what moonweld.h tells of them and of this build. */
#include "recipe/builtins.h"
#include "recipe/homes.h"
#include "recipe/sandbox.h"
#include "base/text.h"
#include "format/file.h"
#include "num/cpu.h"
#include <lua.h>
#include <string.h>
#include <strings.h>

static size_t count_of(const char *const *words) {
  size_t count = 0;
  while (words[count]) count++;
  return count;
}

const mw_embed *mw_builtins_find(const char *name) {
  for (const mw_embed *file = mw_embed_files; file->name; file++)
    if (strncmp(file->name, "recipes/", 8) == 0 && strcmp(file->name + 8, name) == 0) return file;
  return NULL;
}

/* Methods that other tools have, by the names they have there, and what they are here: a recipe and its options. NULL: nothing yet. */
static const struct { const char *name, *here, *options; } elsewhere[] = {
    {"average", "soup", ""}, {"mean", "soup", ""}, {"uniform_soup", "soup", ""}, {"model_soups", "soup", ""},
    {"weighted_average", "soup", ""},
    {"linear_merge", "linear", ""}, {"slerp_merge", "slerp", ""}, {"weighted_sum", "lerp", ""}, {"add_difference", "task_arithmetic", ""},
    {"frankenmerge", "stack", ""}, {"ties_merging", "ties", ""}, {"dare_merging", "dare_ties", ""},
    {"tsv", "tsv_m", ""}, {"isoc", "iso_c", ""},
    {"knots", "knots_ties", ""}, {"lora_extract", "extract_lora", ""}, {"merge_lora", "passthrough", " --model BASE+ADAPTER"},
    {"breadcrumbs_ties", "breadcrumbs", " --elect"}, {"ramplus_tl", "ram", " --r 0.1"}, {"mixture", "moe", ""},
    {"core_space", NULL, NULL}, {"fisher", NULL, NULL}, {"regmean", NULL, NULL}};

/* Commands that other tools have, and what is typed here. */
static const struct { const char *name, *here; } commands[] = {
    {"merge", "the recipe comes first: moonweld lerp --a A --b B -o OUT; `moonweld list` shows them"},
    {"run", "the recipe comes first: moonweld lerp --a A --b B -o OUT; `moonweld list` shows them"},
    {"mergekit", "a mergekit file is given as it is: moonweld FILE.yml -o OUT"},
    {"mergekit-yaml", "a mergekit file is given as it is: moonweld FILE.yml -o OUT"},
    {"mergekit-moe", "a mergekit file is given as it is: moonweld FILE.yml -o OUT"},
    {"evolve", "`moonweld sweep` and recipes/pipelines search for the best of many merges"}};

/* An own recipe may have been meant. */
static bool hint_own(const char *name, mw_error *err) {
  const char *const *names, *const *paths;
  mw_recipe_homes *homes;
  if (!mw_recipe_homes_open(&homes, err)) return false;
  size_t count = mw_recipe_homes_own(homes, &names, &paths);
  const char *near = mw_text_nearest(name, names, count);
  if (near) mw_error_hint(err, "did you mean '%s'?", near);
  else mw_error_hint(err, "`moonweld list` shows the recipes; a file's name has a '/' or a '.' in it");
  mw_recipe_homes_free(homes);
  return false;
}

bool mw_recipe_is_known(const char *name, const char *const *words, size_t count, mw_error *err) {
  mw_text_escaped shown;
  mw_arena arena = {0};
  const char *path, *home;
  if (mw_builtins_find(name) || strpbrk(name, "/.")) return true;
  MW_TRY(mw_homes_find(name, &arena, &path, &home, err));
  bool own = path != NULL;
  mw_mem_release(&arena);
  if (own) return true;
  mw_error_set(err, MW_USAGE, "there is no recipe '%s'", mw_text_escape_z(&shown, name));
  if (strcasecmp(name, "recipe") == 0)
    return mw_error_hint(err, "RECIPE stands for the name of one, as in `moonweld slerp --help`; `moonweld list` shows them");
  for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
    if (strcmp(elsewhere[i].name, name) != 0) continue;
    if (elsewhere[i].here) return mw_error_hint(err, "what other tools call '%s' is '%s%s' here: moonweld %s --help", name,
                                                elsewhere[i].here, elsewhere[i].options, elsewhere[i].here);
    return mw_error_hint(err, "this version has no such method; it can be written as a recipe of a few lines (recipes/README.md)");
  }
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strcmp(commands[i].name, name) == 0) return mw_error_hint(err, "%s", commands[i].here);
  const char *near = mw_text_nearest(name, mw_embed_recipes, count_of(mw_embed_recipes));
  if (!near) near = mw_text_nearest(name, words, count);
  if (near) return mw_error_hint(err, "did you mean '%s'?", near);
  if (mw_file_is_folder(name))
    return mw_error_hint(err, "it is a folder here: a model follows an option of a recipe, as in moonweld soup --models %s ... -o OUT",
                         mw_text_escape_z(&shown, name));
  return hint_own(name, err);
}

static const mw_embed *embedded(const char *name) {
  const mw_embed *file = mw_embed_files;
  while (strcmp(file->name, name) != 0) file++;
  return file;
}

bool mw_recipe_begin(const char *name, char **text, mw_error *err) {
  static const char place[] = "NAME";
  const mw_embed *skeleton = embedded("lua/moonweld/skeleton/recipe");
  mw_text_escaped shown;
  mw_text out = {0};
  if (!mw_homes_is_name(name))
    return mw_error_set(err, MW_USAGE, "'%s' is no name for a recipe: expected letters, digits, _ and -", mw_text_escape_z(&shown, name));
  if (mw_builtins_find(name)) {
    mw_error_set(err, MW_USAGE, "the recipe '%s' is built in", name);
    return mw_error_hint(err, "choose another name; `moonweld pack %s` prints its text to begin with", name);
  }
  const char *at = skeleton->bytes, *end = at + skeleton->length;
  for (const char *next; (next = memmem(at, (size_t)(end - at), place, 4)); at = next + 4) {
    mw_text_add(&out, at, (size_t)(next - at));
    mw_text_add(&out, name, strlen(name));
  }
  mw_text_add(&out, at, (size_t)(end - at));
  if (!mw_text_check(&out, err)) return mw_text_free(&out), false;
  *text = out.bytes;
  return true;
}

const char *mw_recipe_builtin_summary(const char *name) {
  const mw_embed *file = mw_builtins_find(name);
  return file ? file->summary : NULL;
}

const char *mw_recipe_builtin_formula(const char *name) {
  const mw_embed *file = mw_builtins_find(name);
  return file ? file->formula : NULL;
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
