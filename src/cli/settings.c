/* settings.c: see settings.h. */
#include "settings.h"
#include "term.h"
#include "base/option_table.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* A finite decimal number that begins with a digit or a point; `end` is what follows it. */
static bool decimal(const char *text, double *out, const char **end) {
  if (!is_digit(*text) && *text != '.') return false;
  if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) return false;
  char *stop;
  errno = 0;
  *out = strtod(text, &stop);
  *end = stop;
  return stop != text && errno == 0 && isfinite(*out);
}

/* "5GB", "512 MiB", "1e9": decimal units unless they are written with an i. */
static bool size(const char *text, uint64_t *out) {
  static const char letters[] = "KMGT";
  const char *rest;
  double value;
  bool good = decimal(text, &value, &rest);
  if (good) {
    if (*rest == ' ') rest++;
    const char *letter = *rest > ' ' ? strchr(letters, *rest & ~0x20) : NULL;
    if (letter) {
      double step = rest[1] == 'i' ? 1024 : 1000;
      rest += rest[1] == 'i' ? 2 : 1;
      for (const char *l = letters; l <= letter; l++) value *= step;
    }
    if (*rest == 'B' || *rest == 'b') rest++;
    good = *rest == '\0' && value >= 1 && value < 9e18;
  }
  if (good) *out = (uint64_t)value;
  return good;
}

/* One of the words, as its index. */
static bool choice(const char *option, const char *text, const char *const *words, size_t *out, mw_error *err) {
  size_t count = 0;
  char list[120] = "";
  for (; words[count]; count++) {
    if (strcmp(words[count], text) == 0) {
      *out = count;
      return true;
    }
    if (count) strcat(list, ", ");
    strcat(list, words[count]);
  }
  const char *near = mw_recipe_nearest(text, words, count);
  if (near) return mw_term_fail(err, MW_USAGE, "%s '%s' -- did you mean '%s'?", option, text, near);
  return mw_term_fail(err, MW_USAGE, "%s '%s': expected one of: %s", option, text, list);
}

bool mw_settings_output(mw_options_line *line, const char *value, mw_error *err) {
  if (!*value) return mw_term_fail(err, MW_USAGE, "--output needs the name of a folder");
  line->options.output = value;
  return true;
}

bool mw_settings_dtype(mw_options_line *line, const char *value, mw_error *err) {
  static const char *const words[] = { "f32", "f16", "bf16", "f64", "keep", NULL };
  size_t index;
  if (!choice("--dtype", value, words, &index, err)) return false;
  line->options.dtype = words[index];
  return true;
}

bool mw_settings_number(mw_options_line *line, const char *name, const char *value, mw_error *err) {
  const mw_option_table_row *row = mw_option_table_find(name);
  mw_options_name option;
  char expected[96];
  const char *rest;
  uint64_t count;
  double seconds;
  if (row->form == MW_OPTION_SECONDS) {
    if (decimal(value, &seconds, &rest) && !*rest && mw_option_table_set_seconds(row, &line->options, seconds)) return true;
  } else if (row->form == MW_OPTION_SIZE ? size(value, &count) : mw_text_parse_u64(value, strlen(value), &count)) {
    if (mw_option_table_set_count(row, &line->options, count)) return true;
  }
  return mw_term_fail(err, MW_USAGE, "%s '%s': %s", mw_options_spell(&option, name), value, mw_option_table_expected(row, expected));
}

bool mw_settings_missing(mw_options_line *line, const char *value, mw_error *err) {
  static const char *const words[] = { "base", NULL };
  size_t index;
  return choice("--missing", value, words, &index, err) && (line->options.missing_base = true);
}

bool mw_settings_nonfinite(mw_options_line *line, const char *value, mw_error *err) {
  static const char *const words[] = { "keep", NULL };
  size_t index;
  return choice("--nonfinite", value, words, &index, err) && (line->options.nonfinite_keep = true);
}

bool mw_settings_tied(mw_options_line *line, const char *value, mw_error *err) {
  static const char *const words[] = { "untie", "ignore", NULL };
  size_t index;
  if (!choice("--tied", value, words, &index, err)) return false;
  line->options.tied = words[index];
  return true;
}

/* A command is one word; after loss:FILE more files may follow. */
bool mw_settings_score(mw_options_line *line, const char *value, mw_error *err) {
  mw_options *options = &line->options;
  bool loss = strncmp(value, "loss:", 5) == 0;
  if (options->score) {
    if (loss || strncmp(options->score, "loss:", 5) != 0) return mw_term_fail(err, MW_USAGE, "--score is given twice");
    line->judges[options->score_data_count++] = value;
    options->score_data = line->judges;
    return true;
  }
  options->score = value;
  return true;
}

/* The list has room for every word of the command line. */
bool mw_settings_data(mw_options_line *line, const char *value, mw_error *err) {
  if (!*value) return mw_term_fail(err, MW_USAGE, "--data needs the name of a file");
  line->data[line->options.data_count++] = value;
  line->options.data = line->data;
  return true;
}

bool mw_settings_rename(mw_options_line *line, const char *value, mw_error *err) {
  if (!*value) return mw_term_fail(err, MW_USAGE, "--rename needs FROM=TO");
  line->renames[line->options.rename_count++] = value;
  line->options.rename = line->renames;
  return true;
}

static bool named(const char *option, const char *value, const char **out, mw_error *err) {
  if (!*value) return mw_term_fail(err, MW_USAGE, "%s needs a value", option);
  *out = value;
  return true;
}

bool mw_settings_coefficients(mw_options_line *line, const char *value, mw_error *err) {
  return named("--coefficients", value, &line->options.coefficients, err);
}
