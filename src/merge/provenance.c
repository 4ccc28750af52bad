/* provenance.c: arguments are recorded as they were typed, with their defaults, and so is a command line that makes the same output. */
#include "merge/provenance.h"
#include "base/json_writer.h"
#include <stdio.h>
#include <string.h>

static const mw_binding *binding_of(const mw_binding *bindings, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(bindings[i].name, name) == 0) return &bindings[i];
  return NULL;
}

static bool is_list(const mw_arg *arg) {
  return arg->kind == MW_ARG_EACH || arg->kind == MW_ARG_MODELS || arg->kind == MW_ARG_WORDS || arg->kind == MW_ARG_PARTS;
}

/* The default of an argument; the argument `profile` may change it. */
static const char *fallback_of(const mw_arg *args, size_t count, const mw_arg *arg, const mw_binding *profile) {
  for (size_t i = 0; i < count && arg->profiled && profile && profile->count == 1; i++)
    for (size_t k = 0; strcmp(args[i].name, "profile") == 0 && args[i].choices && args[i].choices[k]; k++)
      if (strcmp(args[i].choices[k], profile->words[0]) == 0) return arg->profiled[k];
  return arg->fallback;
}

static void put_argument(mw_json_writer *json, const mw_arg *arg, const char *fallback, const mw_binding *binding) {
  bool list = is_list(arg) && binding;
  if (list) mw_json_writer_list(json, arg->name);
  else mw_json_writer_string(json, arg->name, binding && binding->count ? binding->words[0] : fallback);
  for (size_t w = 0; list && w < binding->count; w++) mw_json_writer_string(json, NULL, binding->words[w]);
  if (list) mw_json_writer_end(json);
}

/* {"name": ["word", ...]} */
static void put_list(mw_json_writer *json, const char *name, const char *const *words, size_t count) {
  mw_json_writer_list(json, name);
  for (size_t i = 0; i < count; i++) mw_json_writer_string(json, NULL, words[i]);
  mw_json_writer_end(json);
}

static void put_one(mw_json_writer *json, const char *name, const char *word) { put_list(json, name, &word, 1); }

/* ---- the options that options.def marks as recorded ---- */

#define SPELL(room, ...) (snprintf(room, sizeof room, __VA_ARGS__), room)
#define RECORD_SWITCH(name, word, field) if (options->field) put_list(json, name, NULL, 0)
#define RECORD_WORD(name, word, field) if (options->field) put_one(json, name, word)
#define RECORD_TEXT(name, word, field) if (options->field) put_one(json, name, options->field)
#define RECORD_COUNT(name, word, field) \
  if (options->field != plain.field) put_one(json, name, SPELL(room, "%llu", (unsigned long long)options->field))
#define RECORD_SIZE RECORD_COUNT
#define RECORD_SECONDS(name, word, field) if (options->field > 0) put_one(json, name, mw_text_number(room, options->field))
#define RECORD_TEXTS(name, word, field) if (options->field##_count) put_list(json, name, options->field, options->field##_count)
#define RECORD_SCORE(name, word, field) put_score(json, name, options)

/* --score COMMAND, or loss:FILE with further files. */
static void put_score(mw_json_writer *json, const char *name, const mw_options *options) {
  if (!options->score) return;
  mw_json_writer_list(json, name);
  mw_json_writer_string(json, NULL, options->score);
  for (size_t i = 0; i < options->score_data_count; i++) mw_json_writer_string(json, NULL, options->score_data[i]);
  mw_json_writer_end(json);
}

static void record_options(mw_json_writer *json, const mw_options *options) {
  mw_options plain;
  char room[32];
  mw_options_init(&plain);
#define MW_OPTION(name, form, field, told, value, least, most, doc) if (told) { RECORD_##form(#name, value, field); }
#include "options.def"
#undef MW_OPTION
}

/* ---- the command ---- */

static void put_name(mw_text *text, const char *before, const char *name) {
  mw_text_format(text, " --%s", before);
  for (; *name; name++) mw_text_add(text, *name == '_' ? "-" : name, 1);
}

/* "--x A B"; if a word looks like an option, "--x=-A --x=B". */
static void put_words(mw_text *text, const char *name, const char *const *words, size_t count) {
  bool alone = true;
  for (size_t i = 0; i < count; i++) alone = alone && words[i][0] != '-';
  for (size_t i = 0; i < count; i++) {
    if (i == 0 || !alone) put_name(text, "", name);
    mw_text_add(text, alone ? " " : "=", 1);
    mw_text_shell(text, words[i]);
  }
}

static void put_number(mw_text *text, const char *name, double value) {
  char buffer[32];
  const char *word = mw_text_number(buffer, value);
  put_words(text, name, &word, 1);
}

static void put_count(mw_text *text, const char *name, uint64_t value) {
  put_name(text, "", name);
  mw_text_format(text, " %llu", (unsigned long long)value);
}

/* The options that options.def marks as recorded. */
static void put_options(mw_text *text, const mw_options *options) {
  mw_options plain;
  mw_options_init(&plain);
#define TELL_SWITCH(name, word, field) if (options->field) put_name(text, "", name)
#define TELL_WORD(name, word, field) if (options->field) put_words(text, name, &(const char *){word}, 1)
#define TELL_TEXT(name, word, field) put_words(text, name, &options->field, options->field != NULL)
#define TELL_COUNT(name, word, field) if (options->field != plain.field) put_count(text, name, (uint64_t)options->field)
#define TELL_SIZE TELL_COUNT
#define TELL_SECONDS(name, word, field) if (options->field > 0) put_number(text, name, options->field)
#define TELL_TEXTS(name, word, field) put_words(text, name, options->field, options->field##_count)
#define TELL_SCORE(name, word, field) TELL_TEXT(name, word, field), TELL_TEXTS(name, word, field##_data)
#define MW_OPTION(name, form, field, told, value, least, most, doc) if (told) { TELL_##form(#name, value, field); }
#include "options.def"
#undef MW_OPTION
}

static void put_binding(mw_text *text, const mw_arg *arg, const mw_binding *binding) {
  if (arg->kind != MW_ARG_FLAG) put_words(text, arg->name, binding->words, binding->count);
  else if (binding->count) put_name(text, strcmp(binding->words[0], "true") == 0 ? "" : "no-", arg->name);
}

static bool put_arguments(mw_provenance_texts *texts, const mw_recipe *recipe, const mw_binding *bindings, size_t count, mw_error *err) {
  mw_json_writer json = {.out = &texts->arguments};
  const mw_arg *args;
  size_t arg_count = mw_recipe_args(recipe, &args);
  mw_json_writer_object(&json, NULL);
  for (size_t i = 0; i < arg_count; i++) {
    if (args[i].kind >= MW_ARG_SEED) continue; /* bound to an option */
    const mw_binding *binding = binding_of(bindings, count, args[i].name);
    const char *fallback = fallback_of(args, arg_count, &args[i], binding_of(bindings, count, "profile"));
    if (binding || *fallback) put_argument(&json, &args[i], fallback, binding);
    if (binding) put_binding(&texts->command, &args[i], binding);
  }
  mw_json_writer_end(&json);
  return mw_json_writer_finish(&json, err);
}

/* In the order of the recipe's arguments, whatever the order in which they were typed. */
static bool put_typed(mw_provenance_texts *texts, const mw_recipe *recipe, const mw_binding *bindings, size_t count,
                      const mw_options *options, mw_error *err) {
  mw_json_writer json = {.out = &texts->typed};
  const mw_arg *args;
  size_t arg_count = mw_recipe_args(recipe, &args);
  mw_json_writer_object(&json, NULL);
  mw_json_writer_object(&json, "arguments");
  for (size_t i = 0; i < arg_count; i++) {
    const mw_binding *binding = binding_of(bindings, count, args[i].name);
    if (binding) put_list(&json, binding->name, binding->words, binding->count);
  }
  mw_json_writer_end(&json);
  mw_json_writer_object(&json, "options");
  record_options(&json, options);
  mw_json_writer_end(&json);
  mw_json_writer_end(&json);
  return mw_json_writer_finish(&json, err);
}

bool mw_provenance_compose(mw_provenance_texts *texts, const mw_recipe *recipe, const mw_binding *bindings, size_t count,
                      const mw_options *options, mw_error *err) {
  mw_text_format(&texts->command, "moonweld ");
  mw_text_shell(&texts->command, mw_recipe_name(recipe));
  bool ok = put_arguments(texts, recipe, bindings, count, err) && put_typed(texts, recipe, bindings, count, options, err);
  put_options(&texts->command, options);
  return ok && mw_text_check(&texts->command, err);
}

static void tell_draws(mw_recipe_draws made, mw_text *out) {
  enum { MOST_TOLD = 3 };
  mw_text_escaped shown;
  for (size_t i = 0; i < made.count && made.count <= MOST_TOLD; i++)
    mw_text_format(out, "%s%s = %.6g", i ? ", " : "", mw_text_escape_z(&shown, made.first[i].what), made.first[i].value);
}

bool mw_provenance_take(mw_provenance_texts *texts, const mw_recipe_result *result, mw_recipe_draws made, mw_error *err) {
  mw_json_writer drawn = {.out = &texts->drawn}, required = {.out = &texts->required};
  mw_text_free(&texts->drawn);
  mw_text_free(&texts->told);
  mw_text_free(&texts->required);
  tell_draws(made, &texts->told);
  mw_json_writer_list(&drawn, NULL);
  for (size_t i = 0; i < result->drawn_count; i++) mw_recipe_drawn_tell(&result->drawn[i], &drawn);
  mw_json_writer_end(&drawn);
  mw_json_writer_list(&required, NULL);
  for (size_t i = 0; i < result->required_count; i++) {
    mw_json_writer_object(&required, NULL);
    mw_json_writer_string(&required, "name", result->required[i].name);
    mw_json_writer_string(&required, "sha256", result->required[i].sha256);
    mw_json_writer_bytes(&required, "text", result->required[i].text, result->required[i].length);
    mw_json_writer_end(&required);
  }
  mw_json_writer_end(&required);
  bool ok = mw_json_writer_finish(&drawn, err);
  return mw_json_writer_finish(&required, err) && ok && mw_text_check(&texts->told, err);
}

mw_side_files_provenance mw_provenance_of(const mw_provenance_texts *texts, const mw_recipe *recipe, const mw_search *scores,
                     const mw_options *options) {
  mw_dtype dtype;
  bool set = options->dtype && mw_dtype_of_word(options->dtype, &dtype);
  return (mw_side_files_provenance){.recipe_name = mw_recipe_name(recipe), .recipe_summary = mw_recipe_summary(recipe),
                    .recipe_paper = mw_recipe_paper(recipe), .recipe_text = mw_recipe_text(recipe), .mergekit = mw_recipe_mergekit(recipe),
                    .arguments_json = texts->arguments.bytes, .typed_json = texts->typed.bytes, .drawn_json = texts->drawn.bytes,
                    .drawn_text = texts->told.length ? texts->told.bytes : NULL,
                    .required_json = texts->required.bytes, .scores_json = scores ? scores->json.bytes : NULL,
                    .scores_lines = scores ? scores->lines.bytes : NULL, .scores_plot = scores ? scores->plot.bytes : NULL,
                    .command = texts->command.bytes, .seed = options->seed,
                    .dtype = set ? mw_dtype_torch(dtype) : NULL, .copy_code = options->copy_code};
}

void mw_provenance_free(mw_provenance_texts *texts) {
  mw_text_free(&texts->arguments);
  mw_text_free(&texts->typed);
  mw_text_free(&texts->command);
  mw_text_free(&texts->drawn);
  mw_text_free(&texts->told);
  mw_text_free(&texts->required);
}
