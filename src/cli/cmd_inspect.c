/* cmd_inspect.c: shows a model or a file, after every check that a merge would make of it. */
#include "commands.h"
#include "print.h"

static const mw_options_doc options[] = {
  { "json", "", "one JSON document" },
  { "tensors", "GLOB", "a line for each tensor whose name is so, as in '*.layers.0.*'; '*': for every one" },
  { "stats", "", "read the data too: smallest and largest value, mean, norm, how many are not finite" },
  { NULL, NULL, NULL },
};

static int run(mw_term *term, const mw_options_line *line) {
  mw_error err;
  mw_inspection *inspection = NULL;
  if (!mw_inspect_open(line->operands[0], mw_options_flag(line, "stats"), &inspection, &err)) return mw_term_error(term, &err);
  const char *const *lines;
  size_t warnings = mw_inspect_notes(inspection, &lines);
  mw_term_warnings(term, lines, warnings);
  bool good = line->json ? mw_inspect_write_json(inspection, mw_print_piece, stdout, &err)
                         : mw_inspect_write_text(inspection, mw_options_text(line, "tensors"), mw_print_piece, stdout, &err);
  mw_inspect_free(inspection);
  return good ? 0 : mw_term_error(term, &err);
}

const mw_command mw_cmd_inspect = { "inspect", "PATH [--tensors GLOB] [--json] [--stats]",
                                    "a model or a file, with every input check", "one path", 1, 1, options, run };
