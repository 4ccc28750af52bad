/* cmd_list.c: the recipes that are built in and those in the homes of own ones, one line each, or as JSON with their signatures. */
#include "commands.h"
#include "base/json_writer.h"
#include "print.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static void put_recipe(mw_json_writer *json, const mw_recipe *recipe, const char *file) {
  const mw_arg *args;
  size_t count = mw_recipe_args(recipe, &args);
  const mw_arg *profile = mw_cmd_help_profile(args, count);
  mw_json_writer_object(json, NULL);
  mw_json_writer_string(json, "name", mw_recipe_name(recipe));
  mw_json_writer_string(json, "summary", mw_recipe_summary(recipe));
  mw_json_writer_string(json, "paper", mw_recipe_paper(recipe));
  if (file) mw_json_writer_string(json, "file", file);
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

/* What is listed, and where. A recipe is loaded where its arguments are told, or where it is somebody's own. */
typedef struct listing {
  mw_term *term;
  const mw_options *given;
  mw_json_writer *json; /* NULL: lines, to `out` */
  FILE *out;
  int width;
} listing;

static bool print_recipe(const listing *l, const char *name, const char *file, mw_error *err) {
  mw_recipe *recipe = NULL;
  const char *summary = mw_recipe_builtin_summary(name);
  if (l->json || !summary) MW_TRY(mw_recipe_load(name, l->given, &recipe, err));
  if (l->json) put_recipe(l->json, recipe, file);
  else {
    fprintf(l->out, "%-*s  ", l->width, name);
    mw_print_plain(l->out, summary ? summary : mw_recipe_summary(recipe));
    putc('\n', l->out);
  }
  mw_recipe_free(recipe);
  return true;
}

/* One of somebody's own that cannot be read hides no other. */
static void print_own(const listing *l, const mw_recipe_homes *homes) {
  const char *const *names, *const *paths;
  size_t count = mw_recipe_homes_own(homes, &names, &paths);
  mw_error err;
  for (size_t i = 0; i < count; i++) {
    if (print_recipe(l, names[i], paths[i], &err)) continue;
    const char *text = err.text;
    mw_term_warnings(l->term, &text, 1);
  }
}

static bool print_all(listing *l, const mw_recipe_homes *homes, mw_error *err) {
  const char *const *builtin = mw_recipe_builtins(), *const *own, *const *paths;
  size_t count = mw_recipe_homes_own(homes, &own, &paths);
  for (size_t i = 0; builtin[i]; i++)
    if ((int)strlen(builtin[i]) > l->width) l->width = (int)strlen(builtin[i]);
  for (size_t i = 0; i < count; i++)
    if ((int)strlen(own[i]) > l->width) l->width = (int)strlen(own[i]);
  for (size_t i = 0; builtin[i]; i++) MW_TRY(print_recipe(l, builtin[i], NULL, err));
  print_own(l, homes);
  return true;
}

static const mw_options_doc options[] = {
  { "json", "", "one JSON document, with every recipe's arguments" },
  { NULL, NULL, NULL },
};

static int run(mw_term *term, const mw_options_line *line) {
  mw_json_writer json = { .sink = mw_print_piece, .context = stdout, .layout = MW_JSON_WRITER_LINES, .streamed = 1 };
  listing l = { term, &line->options, line->json ? &json : NULL, stdout, 0 };
  mw_print_page page = { 0 };
  mw_recipe_homes *homes;
  mw_error err, later;
  if (!mw_recipe_homes_open(&homes, &err)) return mw_term_error(term, &err);
  if (line->json) mw_json_writer_list(&json, NULL);
  if (isatty(STDOUT_FILENO) == 1) l.out = mw_print_page_open(&page, stdout); /* a program that reads it finds one line a recipe */
  bool good = print_all(&l, homes, &err);
  mw_print_page_close(&page);
  mw_recipe_homes_free(homes);
  if (good && line->json) mw_json_writer_end(&json);
  if (line->json) good = mw_json_writer_finish(&json, good ? &err : &later) && good;
  return good ? 0 : mw_term_error(term, &err);
}

const mw_command mw_cmd_list = { "list", "[--json]", "the recipes: built in, and your own", "nothing", 0, 0, options, run };
