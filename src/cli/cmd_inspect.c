/* cmd_inspect.c: shows a model or a file, after every check that a merge would make of it. */
#include "commands.h"
#include "options.h"

#include <stdio.h>
#include <string.h>

int mw_cmd_inspect(mw_term *term, char **words, size_t count) {
  mw_error err;
  mw_inspection *inspection = NULL;
  bool json = mw_options_take(words, &count, "--json"), stats = mw_options_take(words, &count, "--stats");
  bool ended = mw_options_take(words, &count, "--"); /* a path may begin with '-' after it */
  bool good = count == 1 && (ended || words[0][0] != '-');
  if (!good && count > 0 && words[0][0] == '-' && !ended)
    mw_term_fail(&err, MW_USAGE, "inspect has no option '%s'\nmoonweld inspect PATH [--json] [--stats]", words[0]);
  else if (!good)
    mw_term_fail(&err, MW_USAGE, "inspect takes one path\nmoonweld inspect PATH [--json] [--stats]");
  good = good && mw_inspect_open(words[0], stats, &inspection, &err);
  if (!good) return mw_term_error(term, &err);
  const char *const *lines;
  size_t warnings = mw_inspect_notes(inspection, &lines);
  mw_term_warnings(term, lines, warnings);
  const char *text = json ? mw_inspect_json(inspection) : mw_inspect_text(inspection);
  size_t length = strlen(text);
  fwrite(text, 1, length, stdout);
  if (length == 0 || text[length - 1] != '\n') putchar('\n');
  mw_inspect_free(inspection);
  return 0;
}
