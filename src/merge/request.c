/* request.c: every word of a request must have an effect, else it is an error: a word that is ignored is mostly a mistake. */
#include "merge/request.h"
#include "recipe/score_words.h"
#include "base/option_table.h"
#include "base/text.h"
#include <string.h>

enum { MOST_NAMES = 256 };

/* Arguments of these kinds get their values from options. */
static bool is_bound(const mw_arg *arg) { return arg->kind >= MW_ARG_SEED; }
static bool is_list(const mw_arg *arg) {
  return arg->kind == MW_ARG_EACH || arg->kind == MW_ARG_MODELS || arg->kind == MW_ARG_WORDS || arg->kind == MW_ARG_PARTS;
}

static bool unknown(const mw_recipe *recipe, const char *name, mw_error *err) {
  const mw_arg *args;
  const char *names[MOST_NAMES];
  size_t count = mw_recipe_args(recipe, &args), known = 0;
  mw_text_escaped shown, who;
  mw_error_set(err, MW_USAGE, "'%s' has no argument '%s'", mw_text_escape_z(&who, mw_recipe_name(recipe)), mw_text_escape_z(&shown, name));
  for (size_t i = 0; i < count && known < MOST_NAMES; i++) {
    if (!is_bound(&args[i])) names[known++] = args[i].name;
    else if (strcmp(args[i].name, name) == 0) return mw_error_hint(err, "it is an option of the merge");
  }
  if (mw_option_table_find(name))
    return mw_error_hint(err, "it is an option of every merge: in Lua it stands in the table behind the arguments");
  const char *near = mw_text_nearest(name, names, known);
  return near ? mw_error_hint(err, "did you mean '%s'?", near) : mw_error_hint(err, "its help lists them");
}

static bool check_binding(const mw_recipe *recipe, const mw_binding *binding, mw_error *err) {
  const mw_arg *args, *arg = NULL;
  size_t count = mw_recipe_args(recipe, &args);
  mw_text_escaped shown;
  for (size_t i = 0; i < count && !arg; i++)
    if (!is_bound(&args[i]) && strcmp(args[i].name, binding->name) == 0) arg = &args[i];
  if (!arg) return unknown(recipe, binding->name, err);
  if (is_list(arg) || arg->kind == MW_ARG_MODEL) return true; /* the number of models is checked when they are opened */
  if (binding->count != 1) return mw_error_set(err, MW_USAGE, "'%s' takes one value, not %zu", arg->name, binding->count);
  const char *word = binding->words[0];
  if (arg->kind == MW_ARG_FLAG && strcmp(word, "true") != 0 && strcmp(word, "false") != 0)
    return mw_error_set(err, MW_USAGE, "'%s' = '%s': true or false is expected", arg->name, mw_text_escape_z(&shown, word));
  return true;
}

static bool declares(const mw_recipe *recipe, mw_arg_kind kind) {
  const mw_arg *args;
  size_t count = mw_recipe_args(recipe, &args);
  for (size_t i = 0; i < count; i++)
    if (args[i].kind == kind) return true;
  return false;
}

/* --data with a recipe that does not learn, or --score with one that asks for no score, is an error: probably a mistake. */
static bool check_used(const mw_recipe *recipe, const mw_options *options, mw_error *err) {
  const char *data = options->data_count                  ? "data"
                     : options->window && !options->score ? "window"
                     : options->coefficients              ? "coefficients"
                                                          : NULL;
  const char *score = options->score               ? "score"
                      : options->score_timeout > 0 ? "score-timeout"
                      : options->score_jobs > 0    ? "score-jobs"
                                                   : NULL;
  const char *idle = score && !declares(recipe, MW_ARG_SCORE) ? score : declares(recipe, MW_ARG_CALIBRATION) ? NULL : data;
  mw_text_escaped shown;
  if (idle) return mw_error_set(err, MW_USAGE, "'%s' does not use --%s", mw_text_escape_z(&shown, mw_recipe_name(recipe)), idle);
  return true;
}

static bool check_score(const mw_options *options, mw_error *err) {
  const char *idle = options->score ? NULL : options->score_timeout > 0 ? "timeout" : options->score_jobs > 0 ? "jobs" : NULL;
  if (idle) return mw_error_set(err, MW_USAGE, "--score-%s belongs to --score", idle);
  if (!options->score) return true;
  mw_arena arena = {0};
  mw_score_words words;
  bool ok = mw_score_words_read(options, &arena, &words, err);
  mw_mem_release(&arena);
  return ok;
}

bool mw_request_check(const mw_recipe *recipe, const mw_binding *bindings, size_t count, const mw_options *options, mw_error *err) {
  MW_TRY(mw_option_table_check(options, err));
  if (options->durable && options->no_sync) return mw_error_set(err, MW_USAGE, "--durable and --no-sync contradict each other");
  if (options->verify && options->no_hash) return mw_error_set(err, MW_USAGE, "--verify compares checksums, and --no-hash computes none");
  if (!options->tokenizer && (options->tokens || options->pad_vocabulary || options->stand_in_count))
    return mw_error_set(err, MW_USAGE, "--%s belongs to --tokenizer",
                        options->tokens ? "tokens" : options->pad_vocabulary ? "pad-vocabulary" : "stand-in");
  MW_TRY(check_score(options, err));
  MW_TRY(check_used(recipe, options, err));
  for (size_t i = 0; i < count; i++) MW_TRY(check_binding(recipe, &bindings[i], err));
  return true;
}
