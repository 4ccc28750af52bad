/* cmd_convert.c: the recipe that a mergekit file becomes. */
#include "commands.h"

#include <stdio.h>

static const mw_options_doc options[] = {
  { "strict", "", "keys that mergekit ignores are errors" },
  { NULL, NULL, NULL },
};

static int run(mw_term *term, const mw_options_line *line) {
  mw_error err;
  mw_recipe *recipe;
  if (!mw_recipe_load(line->operands[0], &line->options, &recipe, &err)) return mw_term_error(term, &err);
  const char *const *lines;
  size_t count = mw_recipe_notes(recipe, &lines);
  mw_term_warnings(term, lines, count);
  fputs(mw_recipe_text(recipe), stdout);
  mw_recipe_free(recipe);
  return 0;
}

const mw_command mw_cmd_convert = { "convert", "FILE.yml [--strict]",
                                    "the recipe that a mergekit file becomes, with the command line that runs it", "a mergekit file", 1, 1,
                                    options, run };
