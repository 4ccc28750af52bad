/* cmd_script.c: runs a program in Lua that merges: `moonweld script FILE.lua WORD...`. */
#include "commands.h"
#include "module/script.h"

#include <stdint.h>
#include <stdio.h>

int mw_cmd_script_words(mw_term *term, char **words, size_t count) {
  mw_error err;
  setvbuf(stderr, NULL, _IONBF, 0); /* what a program draws ("\r 50 %") is seen at once, as by Lua itself */
  return mw_script_run(words[0], (const char *const *)words + 1, count - 1, &err) ? 0 : mw_term_error(term, &err);
}

static int run(mw_term *term, const mw_options_line *line) {
  return mw_cmd_script_words(term, (char **)line->operands, line->operand_count);
}

static const mw_options_doc options[] = { { NULL, NULL, NULL } };

const mw_command mw_cmd_script = { "script", "FILE.lua [WORD...]", "run a program in Lua, in which require \"moonweld\" merges",
                                   "a file", 1, SIZE_MAX, options, run };
