/* defaults.c: a word of the configuration is an argument of the recipe if that has one of its name, else an option of the merge. */
#include "merge/defaults.h"
#include "base/option_table.h"
#include <string.h>

static bool is_argument(const mw_recipe *recipe, const char *name) {
  const mw_arg *args;
  for (size_t count = mw_recipe_args(recipe, &args); count > 0; count--, args++)
    if (strcmp(args->name, name) == 0 && args->kind < MW_ARG_SEED) return true;
  return false;
}

static bool is_bound(const mw_binding *bindings, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(bindings[i].name, name) == 0) return true;
  return false;
}

static bool add_words(const char ***list, size_t *length, const mw_binding *more, mw_arena *arena, mw_error *err) {
  const char **both = mw_mem_take(arena, (*length + more->count + 1) * sizeof *both, err);
  if (!both) return false;
  for (size_t i = 0; i < *length; i++) both[i] = (*list)[i];
  for (size_t i = 0; i < more->count; i++) both[*length + i] = more->words[i];
  *list = both;
  *length += more->count;
  return true;
}

static bool add_option(mw_options *options, const mw_binding *given, mw_arena *arena, mw_error *err) {
  const mw_option_table_row *row = mw_option_table_find(given->name);
  mw_text_escaped shown;
  uint64_t number;
  size_t *length;
  bool text = row && row->form == MW_OPTION_TEXT, words = row && row->form == MW_OPTION_TEXTS;
  bool counted = row && row->form == MW_OPTION_COUNT;
  if (words) {
    const char ***list = mw_option_table_list(row, options, &length);
    return add_words(list, length, given, arena, err);
  }
  const char *word = given->count == 1 ? given->words[0] : "";
  if (text && *(const char **)((char *)options + row->at)) return true; /* what is typed wins */
  if (text) mw_option_table_set_text(row, options, word);
  if (text || (counted && mw_text_parse_u64(word, strlen(word), &number) && mw_option_table_set_count(row, options, number))) return true;
  return mw_error_set(err, MW_DATA, "the configuration sets the option '%s', which it cannot", mw_text_escape_z(&shown, given->name));
}

bool mw_defaults_add(const mw_recipe *recipe, const mw_binding **bindings, size_t *count, mw_options *options, mw_warning *warnings,
                     mw_arena *arena, mw_error *err) {
  const mw_conversion *conversion = mw_recipe_conversion(recipe);
  if (!conversion) return true;
  for (size_t i = 0; i < conversion->warnings.count; i++) mw_warning_add(warnings, "%s", conversion->warnings.lines[i]);
  mw_binding *all = mw_mem_take(arena, (*count + conversion->count + 1) * sizeof *all, err);
  if (!all) return false;
  if (*count) memcpy(all, *bindings, *count * sizeof *all);
  size_t total = *count;
  for (size_t i = 0; i < conversion->count; i++) {
    const mw_binding *given = &conversion->words[i];
    if (!is_argument(recipe, given->name)) MW_TRY(add_option(options, given, arena, err));
    else if (!is_bound(*bindings, *count, given->name)) all[total++] = *given;
  }
  *bindings = all;
  *count = total;
  return true;
}
