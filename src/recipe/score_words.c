/* score_words.c: see score_words.h. */
#include "recipe/score_words.h"
#include "base/option_table.h"
#include "base/text.h"
#include <string.h>

static bool is_loss(const char *text) { return strncmp(text, "loss:", 5) == 0; }

/* A score that the word begins. */
static bool begin(const mw_options *options, const char *word, mw_arena *arena, mw_score_words *out, mw_error *err) {
  mw_text_escaped shown;
  const size_t length = options->judge ? 0 : mw_option_table_score_name(word);
  const char *text = length ? word + length + 1 : word;
  mw_score_words_one *one = &out->all[out->count++];
  *one = (mw_score_words_one){.first = out->file_count};
  if (length && !(one->name = mw_mem_copy(arena, word, length, err))) return false;
  for (size_t i = 0; i + 1 < out->count; i++) {
    if (!one->name || !out->all[i].name) {
      mw_error_set(err, MW_USAGE, "one --score has a name and another has none");
      return mw_error_hint(err, "--score math=COMMAND --score code=COMMAND; a file with a '=' in its name is written ./FILE");
    }
    if (strcmp(one->name, out->all[i].name) == 0) return mw_error_set(err, MW_USAGE, "there are two scores '%s'", one->name);
  }
  if (!is_loss(text)) {
    one->command = text;
    if (options->judge || strstr(text, "{dir}")) return true;
    mw_error_set(err, MW_USAGE, "--score '%s' does not name the candidate", mw_text_escape_z(&shown, text));
    return mw_error_hint(err, "{dir} stands for its folder: --score \"./eval {dir}\"");
  }
  out->files[out->file_count++] = text + 5;
  one->count = 1;
  if (text[5]) return true;
  mw_error_set(err, MW_USAGE, "--score loss: needs a file");
  return mw_error_hint(err, "--score loss:FILE...");
}

bool mw_score_words_read(const mw_options *options, mw_arena *arena, mw_score_words *out, mw_error *err) {
  *out = (mw_score_words){0};
  if (!options->score) return true;
  const size_t most = options->score_data_count + 1;
  out->all = mw_mem_take(arena, most * sizeof *out->all, err);
  out->files = out->all ? mw_mem_take(arena, most * sizeof *out->files, err) : NULL;
  if (!out->files) return false;
  for (size_t i = 0; i < most; i++) {
    const char *word = i ? options->score_data[i - 1] : options->score;
    mw_score_words_one *last = i ? &out->all[out->count - 1] : NULL;
    if (!last || mw_option_table_score_name(word)) MW_TRY(begin(options, word, arena, out, err));
    else if (last->command) return mw_error_set(err, MW_USAGE, "a --score that is a command takes no files; loss:FILE... does");
    else out->files[out->file_count++] = word, last->count++;
  }
  return true;
}
