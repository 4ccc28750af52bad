/* cmd_pack.c: prints one text of a recipe with all that it requires, to be shared; of a built-in recipe its own text. */
#include "commands.h"

#include <stdlib.h>

static int run(mw_term *term, const mw_options_line *line) {
  mw_error err;
  char *text;
  if (!mw_recipe_is_known(line->operands[0], NULL, 0, &err) || !mw_recipe_pack(line->operands[0], &line->options, &text, &err))
    return mw_term_error(term, &err);
  fputs(text, stdout);
  free(text);
  return 0;
}

static const mw_options_doc options[] = { { NULL, NULL, NULL } };

const mw_command mw_cmd_pack = { "pack", "RECIPE|FILE.lua", "one text of a recipe and all that it requires, to share", "a recipe", 1, 1,
                                 options, run };
