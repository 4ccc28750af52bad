/* cmd_list.c: the built-in recipes, one line each, or as JSON with their signatures. */
#include "commands.h"
#include "print.h"

#include <stdlib.h>
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
    case MW_ARG_SEED: return "seed";
    case MW_ARG_SCORE: return "score";
    case MW_ARG_CALIBRATION: return "calibration";
  }
  return "unknown";
}

/* Whether the text is a number as JSON writes them. */
static bool is_json_number(const char *t) {
  size_t n = strspn(t, "0123456789+-.eE");
  if (*t == '-') t++, n--;
  if (t[n] || *t < '0' || *t > '9' || (*t == '0' && t[1] >= '0' && t[1] <= '9') || t[n - 1] == '.') return false;
  char *end;
  double value = strtod(t, &end);
  return *end == '\0' && value - value == 0 && !strstr(t, ".e") && !strstr(t, ".E");
}

/* Numbers and flags as JSON has them, everything else as typed, null where there is no default. */
static void print_default(const mw_arg *arg, const char *text) {
  bool number = arg->kind == MW_ARG_NUMBER || arg->kind == MW_ARG_EACH;
  bool flag = arg->kind == MW_ARG_FLAG && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0);
  if (!*text && arg->kind != MW_ARG_STRING) fputs("null", stdout);
  else if ((number && is_json_number(text)) || flag) fputs(text, stdout);
  else mw_print_json(stdout, text);
}

static void print_json(const mw_recipe *recipe) {
  const mw_arg *args;
  size_t count = mw_recipe_args(recipe, &args);
  const mw_arg *profile = mw_cmd_help_profile(args, count);
  fputs("{\"name\":", stdout);
  mw_print_json(stdout, mw_recipe_name(recipe));
  fputs(",\"summary\":", stdout);
  mw_print_json(stdout, mw_recipe_summary(recipe));
  fputs(",\"paper\":", stdout);
  mw_print_json(stdout, mw_recipe_paper(recipe));
  fputs(",\"arguments\":[", stdout);
  for (size_t i = 0; i < count; i++) {
    fputs(i ? ",{\"name\":" : "{\"name\":", stdout);
    mw_print_json(stdout, args[i].name);
    printf(",\"type\":\"%s\",\"default\":", mw_cmd_list_type(args[i].kind));
    print_default(&args[i], args[i].fallback);
    for (size_t k = 0; args[i].profiled && profile && profile->choices[k]; k++) {
      fputs(k ? "," : ",\"defaults\":{", stdout);
      mw_print_json(stdout, profile->choices[k]);
      putchar(':');
      print_default(&args[i], args[i].profiled[k]);
      if (!profile->choices[k + 1]) putchar('}');
    }
    printf(",\"optional\":%s,\"doc\":", args[i].optional ? "true" : "false");
    mw_print_json(stdout, args[i].doc);
    putchar('}');
  }
  fputs("]}", stdout);
}

static const mw_options_doc options[] = {
  { "json", "", "one JSON document, with every recipe's arguments" },
  { NULL, NULL, NULL },
};

static int run(mw_term *term, const mw_options_line *line) {
  mw_error err;
  bool json = line->json;
  const char *const *names = mw_recipe_builtins();
  int width = 0;
  for (size_t i = 0; names[i]; i++)
    if ((int)strlen(names[i]) > width) width = (int)strlen(names[i]);
  if (json) putchar('[');
  for (size_t i = 0; names[i]; i++) {
    mw_recipe *recipe;
    if (!mw_recipe_load(names[i], &line->options, &recipe, &err)) return mw_term_error(term, &err);
    if (json) {
      if (i) fputs(",\n", stdout);
      print_json(recipe);
    } else {
      printf("%-*s  ", width, names[i]);
      mw_print_plain(stdout, mw_recipe_summary(recipe));
      putchar('\n');
    }
    mw_recipe_free(recipe);
  }
  if (json) puts("]");
  return 0;
}

const mw_command mw_cmd_list = { "list", "[--json]", "the built-in recipes", "nothing", 0, 0, options, run };
