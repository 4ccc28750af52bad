/* settings.c: see settings.h. */
#include "settings.h"
#include "term.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Digits only, up to `max`. */
static bool whole(const char *text, uint64_t max, uint64_t *out) {
  uint64_t value = 0;
  if (!*text) return false;
  for (; *text; text++) {
    if (!is_digit(*text)) return false;
    uint64_t digit = (uint64_t)(*text - '0');
    if (value > (max - digit) / 10) return false;
    value = value * 10 + digit;
  }
  *out = value;
  return true;
}

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
static bool size(const char *option, const char *text, uint64_t *out, mw_error *err) {
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
  if (!good) return mw_term_fail(err, MW_USAGE, "%s '%s': a size is expected, such as 5GB", option, text);
  *out = (uint64_t)value;
  return true;
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

bool mw_settings_shard_size(mw_options_line *line, const char *value, mw_error *err) {
  return size("--shard-size", value, &line->options.shard_size, err);
}

bool mw_settings_threads(mw_options_line *line, const char *value, mw_error *err) {
  uint64_t count;
  if (!whole(value, 4096, &count) || count == 0)
    return mw_term_fail(err, MW_USAGE, "--threads '%s': a count from 1 to 4096 is expected", value);
  line->options.threads = (int)count;
  return true;
}

bool mw_settings_seed(mw_options_line *line, const char *value, mw_error *err) {
  if (whole(value, UINT64_MAX, &line->options.seed)) return true;
  return mw_term_fail(err, MW_USAGE, "--seed '%s': a whole number from 0 to 2^64-1 is expected", value);
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

static bool seconds(const char *option, const char *value, double *out, mw_error *err) {
  const char *rest;
  if (decimal(value, out, &rest) && !*rest && *out > 0 && *out <= 1e6) return true;
  return mw_term_fail(err, MW_USAGE, "%s '%s': a time in seconds is expected", option, value);
}

bool mw_settings_recipe_seconds(mw_options_line *line, const char *value, mw_error *err) {
  return seconds("--recipe-seconds", value, &line->options.recipe_seconds, err);
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
  if (loss && !value[5]) return mw_term_fail(err, MW_USAGE, "--score loss: needs a file\n--score loss:FILE...");
  if (!loss && !strstr(value, "{dir}"))
    return mw_term_fail(
        err, MW_USAGE,
        "--score '%s' does not name the candidate\n{dir} stands for its folder: --score \"./eval {dir}\"", value);
  options->score = value;
  return true;
}

bool mw_settings_score_timeout(mw_options_line *line, const char *value, mw_error *err) {
  return seconds("--score-timeout", value, &line->options.score_timeout, err);
}

bool mw_settings_recipe_memory(mw_options_line *line, const char *value, mw_error *err) {
  return size("--recipe-memory", value, &line->options.recipe_memory, err);
}

/* The list has room for every word of the command line. */
bool mw_settings_data(mw_options_line *line, const char *value, mw_error *err) {
  if (!*value) return mw_term_fail(err, MW_USAGE, "--data needs the name of a file");
  line->data[line->options.data_count++] = value;
  line->options.data = line->data;
  return true;
}

bool mw_settings_window(mw_options_line *line, const char *value, mw_error *err) {
  uint64_t count;
  if (!whole(value, 1 << 18, &count) || count < 2)
    return mw_term_fail(err, MW_USAGE, "--window '%s': a count of tokens from 2 to %d is expected", value, 1 << 18);
  line->options.window = (uint32_t)count;
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
