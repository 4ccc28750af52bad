/* settings.c: one function for each option that is not a plain switch or text. */
#include "settings.h"
#include "term.h"
#include "base/option_table.h"
#include "base/text.h"

#include <string.h>

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
  uint64_t count;
  double seconds;
  if (row->form == MW_OPTION_SECONDS) {
    if (mw_text_parse_number(value, &seconds) && mw_option_table_set_seconds(row, &line->options, seconds)) return true;
  } else if (row->form == MW_OPTION_SIZE ? mw_text_parse_size(value, &count) : mw_text_parse_u64(value, strlen(value), &count)) {
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

/* The list has a place for every word of the command line. */
bool mw_settings_data(mw_options_line *line, const char *value, mw_error *err) {
  if (!*value) return mw_term_fail(err, MW_USAGE, "--data needs the name of a file");
  line->data[line->options.data_count++] = value;
  line->options.data = line->data;
  return true;
}

bool mw_settings_allow(mw_options_line *line, const char *value, mw_error *err) {
  static const char *const words[] = { "config", "tokenizer", "quantised", "empty", NULL };
  size_t index;
  if (!choice("--allow", value, words, &index, err)) return false;
  line->allowed[line->options.allow_count++] = words[index];
  line->options.allow = line->allowed;
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

bool mw_settings_donor(mw_options_line *line, const char *value, mw_error *err) {
  return named("--donor", value, &line->options.donor, err);
}

bool mw_settings_chat_template(mw_options_line *line, const char *value, mw_error *err) {
  return named("--chat-template", value, &line->options.chat_template, err);
}
