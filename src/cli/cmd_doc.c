/* cmd_doc.c: what a recipe's help says as a page of Markdown, to stand beside the recipe where it is shared. */
#include "commands.h"
#include "print.h"

#include <stdlib.h>
#include <string.h>

/* Words of a recipe, which are no Markdown: no HTML begins in them, and no cell of a table ends. */
static void put_words(FILE *out, const char *words) {
  for (const char *c = words; *c; c++)
    if (*c == '<') fputs("&lt;", out);
    else fprintf(out, *c == '|' ? "\\%c" : "%c", *c);
}

/* The same of a text that may hold control characters, with the limits of an argument, if it is one, behind it. */
static void put_text(FILE *out, const char *text, const mw_arg *arg, const mw_arg *profile) {
  char *words = NULL;
  size_t length = 0;
  FILE *memory = open_memstream(&words, &length);
  if (!memory) return;
  mw_print_plain(memory, text);
  if (arg) mw_cmd_help_limits(memory, arg, profile);
  fclose(memory);
  put_words(out, words);
  free(words);
}

/* A row "| `--t NUMBER` | what it is (default 0.5; 0 to 1) |". */
static void put_argument(FILE *out, const mw_arg *arg, const mw_arg *profile) {
  mw_options_name buffer;
  const char *option = mw_cmd_help_option(&buffer, arg);
  for (const mw_command_bound *b = mw_cmd_help_bound; !option && b->words; b++)
    if (b->kind == arg->kind) fprintf(out, "| `%s` | %s |\n", b->words, b->meaning);
  if (!option) return;
  fprintf(out, "| `%s` | ", option);
  put_text(out, arg->doc, arg, profile);
  fputs(" |\n", out);
}

static void put_page(FILE *out, const mw_recipe *recipe) {
  const mw_arg *args;
  size_t count = mw_recipe_args(recipe, &args);
  const char *formula = mw_recipe_builtin_formula(mw_recipe_name(recipe));
  const char *name = mw_recipe_name(recipe), *slash = strrchr(name, '/'); /* of a file without its folder */
  fputs("# ", out);
  put_text(out, slash ? slash + 1 : name, NULL, NULL);
  fputs("\n\n", out);
  put_text(out, mw_recipe_summary(recipe), NULL, NULL);
  fputs("\n\n", out);
  if (mw_recipe_paper(recipe)[0]) {
    fputs("Source: ", out);
    put_text(out, mw_recipe_paper(recipe), NULL, NULL);
    fputs("\n\n", out);
  }
  if (formula) fprintf(out, "```\n%s\n```\n\n", formula);
  fputs("| argument | |\n|---|---|\n", out);
  for (size_t i = 0; i < count; i++) put_argument(out, &args[i], mw_cmd_help_profile(args, count));
}

static int run(mw_term *term, const mw_options_line *line) {
  mw_error err;
  mw_recipe *recipe = NULL;
  if (!mw_recipe_is_known(line->operands[0], NULL, 0, &err) || !mw_recipe_load(line->operands[0], &line->options, &recipe, &err))
    return mw_term_error(term, &err);
  put_page(stdout, recipe);
  mw_recipe_free(recipe);
  return 0;
}

static const mw_options_doc options[] = { { NULL, NULL, NULL } };

const mw_command mw_cmd_doc = { "doc", "RECIPE|FILE.lua", "a page of Markdown about a recipe: source, formula, arguments", "a recipe", 1, 1,
                                options, run };
