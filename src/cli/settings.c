/* settings.c: one function for each form of an option. */
#include "settings.h"
#include "options.h"
#include "term.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_WORDS = 16 };

/* What other programs call a word, or NULL. */
static const char *own_word(const char *value) {
  static const struct { const char *other, *own; } names[] = {{"float16", "f16"}, {"fp16", "f16"}, {"half", "f16"}, {"bfloat16", "bf16"},
    {"float32", "f32"}, {"fp32", "f32"}, {"float", "f32"}, {"float64", "f64"}, {"fp64", "f64"}, {"double", "f64"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(value, names[i].other) == 0) return names[i].own;
  return NULL;
}

static bool check_word(const mw_option_table_row *row, const char *value, mw_error *err) {
  mw_options_name option;
  char list[120] = "", *rest = list;
  const char *words[MOST_WORDS], *word, *near;
  size_t count = 0;
  if (mw_option_table_takes(row, value)) return true;
  mw_options_spell(&option, row->name);
  if (!*value) return mw_term_fail(err, MW_USAGE, "%s needs a value", option.text);
  strncat(list, row->value, strcspn(row->value, "."));
  while (count < MOST_WORDS && (word = strsep(&rest, "|"))) words[count++] = word;
  if (row->form == MW_OPTION_TEXTS && strchr(value, ','))
    return mw_term_fail(err, MW_USAGE, "%s '%s': several are separated by spaces, not by commas", option.text, value);
  if (((near = own_word(value)) && mw_option_table_takes(row, near)) || (near = mw_recipe_nearest(value, words, count)))
    return mw_term_fail(err, MW_USAGE, "%s '%s' -- did you mean '%s'?", option.text, value, near);
  return mw_term_fail(err, MW_USAGE, "%s '%s': expected %s%s", option.text, value, count > 1 ? "one of " : "", row->value);
}

static bool set_number(mw_options *options, const mw_option_table_row *row, const char *value, mw_error *err) {
  mw_options_name option;
  char expected[96];
  uint64_t count;
  double seconds;
  if (row->form == MW_OPTION_SECONDS) {
    if (mw_text_parse_number(value, &seconds) && mw_option_table_set_seconds(row, options, seconds)) return true;
  } else if (row->form == MW_OPTION_SIZE ? mw_text_parse_size(value, &count) : mw_text_parse_u64(value, strlen(value), &count)) {
    if (mw_option_table_set_count(row, options, count)) return true;
  }
  return mw_term_fail(err, MW_USAGE, "%s '%s': %s", mw_options_spell(&option, row->name), value, mw_option_table_expected(row, expected));
}

static bool add_word(mw_options *options, const mw_option_table_row *row, const char *value, size_t most, mw_error *err) {
  size_t *count;
  const char ***list = mw_option_table_list(row, options, &count);
  if (!*list && !(*list = calloc(most + 1, sizeof **list))) return mw_term_fail(err, MW_MEMORY, "no memory for the command line");
  (*list)[(*count)++] = value;
  return true;
}

/* A command is one word; after loss:FILE more files may follow, and after a score with a name another one. */
static bool add_score(mw_options *options, const mw_option_table_row *row, const char *value, size_t most, mw_error *err) {
  bool loss = strncmp(value, "loss:", 5) == 0;
  if (!options->score) return mw_option_table_set_text(row, options, value), true;
  bool named = mw_option_table_score_name(options->score);
  if (!named && (loss || strncmp(options->score, "loss:", 5) != 0)) {
    mw_term_fail(err, MW_USAGE, "--score is given twice");
    return mw_error_hint(err, "several have names: --score math=COMMAND --score code=COMMAND");
  }
  return add_word(options, row, value, most, err);
}

bool mw_settings_set(mw_options *options, const mw_option_table_row *row, const char *value, size_t most, mw_error *err) {
  switch (row->form) {
    case MW_OPTION_SCORE: return add_score(options, row, value, most, err);
    case MW_OPTION_TEXTS: return check_word(row, value, err) && add_word(options, row, value, most, err);
    case MW_OPTION_TEXT:
    case MW_OPTION_WORD: return check_word(row, value, err) && (mw_option_table_set_text(row, options, value), true);
    default: return set_number(options, row, value, err);
  }
}

void mw_settings_free(mw_options *options) {
  for (const mw_option_table_row *row = mw_option_table; row->name; row++) {
    if (row->form != MW_OPTION_TEXTS && row->form != MW_OPTION_SCORE) continue;
    size_t *count;
    const char ***list = mw_option_table_list(row, options, &count);
    free(*list);
    *list = NULL;
    *count = 0;
  }
}
