/* cmd_list.c: the built-in recipes, one line each, or as JSON with their signatures. */
#include "commands.h"
#include "base/json_writer.h"
#include "print.h"

#include <stdio.h>
#include <string.h>

const char *mw_cmd_list_type(mw_arg_kind kind) {
  switch (kind) {
    case MW_ARG_NUMBER: return "number";
    case MW_ARG_STRING: return "string";
    case MW_ARG_FLAG: return "flag";
    case MW_ARG_MAYBE: return "maybe";
    case MW_ARG_CHOICE: return "choice";
    case MW_ARG_EACH: return "each";
    case MW_ARG_MODEL: return "model";
    case MW_ARG_MODELS: return "models";
    case MW_ARG_WORDS: return "words";
    case MW_ARG_PARTS: return "parts";
    case MW_ARG_SEED: return "seed";
    case MW_ARG_SCORE: return "score";
    case MW_ARG_CALIBRATION: return "calibration";
  }
  return "unknown";
}

/* Numbers and flags as JSON has them, everything else as typed, null where there is no default. */
static void put_default(mw_json_writer *json, const char *key, const mw_arg *arg, const char *text) {
  bool yes = strcmp(text, "true") == 0;
  double number;
  if (!*text && arg->kind != MW_ARG_STRING) mw_json_writer_string(json, key, NULL);
  else if ((arg->kind == MW_ARG_NUMBER || arg->kind == MW_ARG_EACH) && mw_text_parse_number(text, &number))
    mw_json_writer_number(json, key, number);
  else if (arg->kind == MW_ARG_FLAG && (yes || strcmp(text, "false") == 0)) mw_json_writer_bool(json, key, yes);
  else mw_json_writer_string(json, key, text);
}

static void put_recipe(mw_json_writer *json, const mw_recipe *recipe) {
  const mw_arg *args;
  size_t count = mw_recipe_args(recipe, &args);
  const mw_arg *profile = mw_cmd_help_profile(args, count);
  mw_json_writer_object(json, NULL);
  mw_json_writer_string(json, "name", mw_recipe_name(recipe));
  mw_json_writer_string(json, "summary", mw_recipe_summary(recipe));
  mw_json_writer_string(json, "paper", mw_recipe_paper(recipe));
  mw_json_writer_list(json, "arguments");
  for (size_t i = 0; i < count; i++) {
    bool profiled = args[i].profiled && profile;
    mw_json_writer_object(json, NULL);
    mw_json_writer_string(json, "name", args[i].name);
    mw_json_writer_string(json, "type", mw_cmd_list_type(args[i].kind));
    put_default(json, "default", &args[i], args[i].fallback);
    if (profiled) mw_json_writer_object(json, "defaults");
    for (size_t k = 0; profiled && profile->choices[k]; k++) put_default(json, profile->choices[k], &args[i], args[i].profiled[k]);
    if (profiled) mw_json_writer_end(json);
    if (args[i].adapter) mw_json_writer_bool(json, "adapter", true);
    mw_json_writer_bool(json, "optional", args[i].optional);
    mw_json_writer_string(json, "doc", args[i].doc);
    mw_json_writer_end(json);
  }
  mw_json_writer_end(json);
  mw_json_writer_end(json);
}

static const mw_options_doc options[] = {
  { "json", "", "one JSON document, with every recipe's arguments" },
  { NULL, NULL, NULL },
};

static bool print_json(const char *const *names, const mw_options *given, mw_error *err) {
  mw_json_writer json = { .sink = mw_print_piece, .context = stdout, .layout = MW_JSON_WRITER_LINES, .streamed = 1 };
  mw_error later;
  bool good = true;
  mw_json_writer_list(&json, NULL);
  for (size_t i = 0; good && names[i]; i++) {
    mw_recipe *recipe;
    if (!(good = mw_recipe_load(names[i], given, &recipe, err))) break;
    put_recipe(&json, recipe);
    mw_recipe_free(recipe);
  }
  if (good) mw_json_writer_end(&json);
  return mw_json_writer_finish(&json, good ? err : &later) && good;
}

static bool print_lines(const char *const *names, const mw_options *given, mw_error *err) {
  int width = 0;
  for (size_t i = 0; names[i]; i++)
    if ((int)strlen(names[i]) > width) width = (int)strlen(names[i]);
  for (size_t i = 0; names[i]; i++) {
    mw_recipe *recipe;
    if (!mw_recipe_load(names[i], given, &recipe, err)) return false;
    printf("%-*s  ", width, names[i]);
    mw_print_plain(stdout, mw_recipe_summary(recipe));
    putchar('\n');
    mw_recipe_free(recipe);
  }
  return true;
}

static int run(mw_term *term, const mw_options_line *line) {
  mw_error err;
  bool good = (line->json ? print_json : print_lines)(mw_recipe_builtins(), &line->options, &err);
  return good ? 0 : mw_term_error(term, &err);
}

const mw_command mw_cmd_list = { "list", "[--json]", "the built-in recipes", "nothing", 0, 0, options, run };
