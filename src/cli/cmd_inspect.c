/* cmd_inspect.c: shows a model or a file, after every check that a merge would make of it. */
#include "commands.h"

#include <string.h>

static const mw_options_doc options[] = {
  { "json", "", "one JSON document" },
  { "stats", "", "read the data too: smallest and largest value, mean, norm, how many are not finite" },
  { NULL, NULL, NULL },
};

static int run(mw_term *term, const mw_options_line *line) {
  mw_error err;
  mw_inspection *inspection = NULL;
  if (!mw_inspect_open(line->operands[0], line->stats, &inspection, &err)) return mw_term_error(term, &err);
  const char *const *lines;
  size_t warnings = mw_inspect_notes(inspection, &lines);
  mw_term_warnings(term, lines, warnings);
  const char *text = line->json ? mw_inspect_json(inspection) : mw_inspect_text(inspection);
  size_t length = strlen(text);
  fwrite(text, 1, length, stdout);
  if (length == 0 || text[length - 1] != '\n') putchar('\n');
  mw_inspect_free(inspection);
  return 0;
}

const mw_command mw_cmd_inspect = { "inspect", "PATH [--json] [--stats]", "a model or a file, with every input check", "one path",
                                    1, 1, options, run };
