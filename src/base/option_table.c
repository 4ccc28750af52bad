/* option_table.c: a field of mw_options is found by its offset. A COUNT is an int or a uint64_t, which its size tells. */
#include "base/option_table.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

#define ONE(field) .at = offsetof(mw_options, field), .size = sizeof ((mw_options *)0)->field
#define LIST(field) .list = offsetof(mw_options, field), .count = offsetof(mw_options, field##_count)
#define PLACE_SWITCH(field) ONE(field)
#define PLACE_WORD(field) ONE(field)
#define PLACE_TEXT(field) ONE(field)
#define PLACE_COUNT(field) ONE(field)
#define PLACE_SIZE(field) ONE(field)
#define PLACE_SECONDS(field) ONE(field)
#define PLACE_TEXTS(field) LIST(field)
#define PLACE_SCORE(field) ONE(field), LIST(field##_data)

const mw_option_table_row mw_option_table[] = {
#define MW_OPTION(typed, kind, field, told, shown, low, high, text) \
  {.name = #typed, .form = MW_OPTION_##kind, PLACE_##kind(field), .value = shown, .least = low, .most = high, .doc = text},
#include "options.def"
#undef MW_OPTION
  {.name = NULL}};

void mw_options_init(mw_options *options) { *options = (mw_options){.shard_size = 5000000000u}; }

bool mw_options_also(const mw_options *options, size_t i, char name[64], mw_options *out, mw_error *err) {
  const char *word = options->also[i], *sign = strchr(word, '=');
  mw_text_escaped shown;
  size_t length = sign ? (size_t)(sign - word) : 0;
  if (!length || length > 63 || !sign[1])
    return mw_error_set(err, MW_USAGE, "--also %s is no NAME=OUT, the name of a result and where it is written",
                        mw_text_escape_z(&shown, word));
  memcpy(name, word, length);
  name[length] = 0;
  *out = *options;
  out->result = name;
  out->output = sign + 1;
  out->also_count = 0;
  return true;
}

const mw_option_table_row *mw_option_table_find(const char *name) {
  for (const mw_option_table_row *row = mw_option_table; row->name; row++)
    if (strcmp(row->name, name) == 0) return row;
  return NULL;
}

static void *place(mw_options *options, size_t offset) { return (char *)options + offset; }
static const void *value_of(const mw_options *options, size_t offset) { return (const char *)options + offset; }

bool mw_option_table_set_count(const mw_option_table_row *row, mw_options *options, uint64_t value) {
  if (value < row->least || value > row->most) return false;
  if (row->size == sizeof(int)) *(int *)place(options, row->at) = (int)value;
  else *(uint64_t *)place(options, row->at) = value;
  return true;
}

bool mw_option_table_set_seconds(const mw_option_table_row *row, mw_options *options, double value) {
  if (!(value > (double)row->least && value <= (double)row->most)) return false;
  *(double *)place(options, row->at) = value;
  return true;
}

size_t mw_option_table_score_name(const char *word) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
  size_t length = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_");
  return length && length < 64 && word[length] == '=' && strchr(letters, *word) ? length : 0;
}

bool mw_option_table_takes(const mw_option_table_row *row, const char *word) {
  size_t length = strlen(word);
  if (row->form != MW_OPTION_WORD && !strchr(row->value, '|')) return length != 0;
  for (const char *words = row->value; *words && *words != '.'; words += *words == '|') { /* "untie|ignore", "config|empty..." */
    size_t n = strcspn(words, "|.");
    if (n == length && strncmp(words, word, n) == 0) return true;
    words += n;
  }
  return false;
}

void mw_option_table_set_text(const mw_option_table_row *row, mw_options *options, const char *text) {
  if (row->form == MW_OPTION_WORD) *(bool *)place(options, row->at) = true;
  else *(const char **)place(options, row->at) = text;
}

const char ***mw_option_table_list(const mw_option_table_row *row, mw_options *options, size_t **count) {
  *count = place(options, row->count);
  return place(options, row->list);
}

const char *mw_option_table_expected(const mw_option_table_row *row, char buffer[96]) {
  unsigned long long least = row->least, most = row->most;
  if (row->form == MW_OPTION_SIZE) snprintf(buffer, 96, "a size is expected, such as 5GB");
  else if (row->form == MW_OPTION_SECONDS) snprintf(buffer, 96, "a time in seconds is expected, above %llu up to %llu", least, most);
  else snprintf(buffer, 96, "a whole number from %llu to %llu is expected", least, most);
  return buffer;
}

/* ---- checks ---- */

/* A field that was set without the table: in range, or as mw_options_init leaves it. */
static bool is_good_count(const mw_option_table_row *row, const mw_options *options, const mw_options *plain) {
  mw_options copy;
  if (memcmp(value_of(options, row->at), value_of(plain, row->at), row->size) == 0) return true;
  if (row->size == sizeof(uint64_t)) return mw_option_table_set_count(row, &copy, *(const uint64_t *)value_of(options, row->at));
  int value = *(const int *)value_of(options, row->at);
  return value >= 0 && mw_option_table_set_count(row, &copy, (uint64_t)value);
}

bool mw_option_table_check(const mw_options *options, mw_error *err) {
  mw_options plain, copy;
  mw_text_escaped shown;
  char expected[96];
  mw_options_init(&plain);
  for (const mw_option_table_row *row = mw_option_table; row->name; row++) {
    bool number = row->form == MW_OPTION_COUNT || row->form == MW_OPTION_SIZE, seconds = row->form == MW_OPTION_SECONDS;
    if (number && !is_good_count(row, options, &plain))
      return mw_error_set(err, MW_USAGE, "option '%s': %s", row->name, mw_option_table_expected(row, expected));
    double time = seconds ? *(const double *)value_of(options, row->at) : 0;
    if (time != 0 && !mw_option_table_set_seconds(row, &copy, time))
      return mw_error_set(err, MW_USAGE, "option '%s' = %g: %s", row->name, time, mw_option_table_expected(row, expected));
    bool text = row->form == MW_OPTION_TEXT, list = row->form == MW_OPTION_TEXTS;
    const char *const *words = text ? value_of(options, row->at) : list ? *(const char *const *const *)value_of(options, row->list) : NULL;
    size_t count = text ? *words != NULL : list ? *(const size_t *)value_of(options, row->count) : 0;
    for (size_t i = 0; i < count; i++)
      if (!mw_option_table_takes(row, words[i]))
        return mw_error_set(err, MW_USAGE, "option '%s' = '%s': expected %s%s", row->name, mw_text_escape_z(&shown, words[i]),
                            strchr(row->value, '|') ? "one of " : "", row->value),
               list && strpbrk(words[i], " ,") ? mw_error_hint(err, "several are given as a list, each by itself") : false;
  }
  return true;
}

/* ---- copies ---- */

static bool keep_text(const char **text, mw_arena *arena, mw_error *err) {
  return !*text || (*text = mw_mem_copy(arena, *text, strlen(*text), err));
}

static bool keep_list(const char *const **list, size_t count, mw_arena *arena, mw_error *err) {
  const char **copy = mw_mem_take(arena, (count + 1) * sizeof *copy, err);
  if (!copy) return false;
  for (size_t i = 0; i < count; i++) {
    copy[i] = (*list)[i];
    MW_TRY(keep_text(&copy[i], arena, err));
  }
  *list = copy;
  return true;
}

bool mw_option_table_keep(mw_options *options, mw_arena *arena, mw_error *err) {
  for (const mw_option_table_row *row = mw_option_table; row->name; row++) {
    bool text = row->form == MW_OPTION_TEXT, list = row->form == MW_OPTION_TEXTS, both = row->form == MW_OPTION_SCORE;
    if (text || both) MW_TRY(keep_text(place(options, row->at), arena, err));
    if (list || both) MW_TRY(keep_list(place(options, row->list), *(const size_t *)value_of(options, row->count), arena, err));
  }
  return true;
}
