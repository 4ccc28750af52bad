/* cmd_inspect.c: shows a model or a file, after every check that a merge would make of it. */
#include "commands.h"
#include "options.h"

#include <stdio.h>
#include <string.h>

#define USAGE "moonweld inspect PATH [--json] [--stats]"

int mw_cmd_inspect(mw_term *term, char **words, size_t count) {
  mw_error err;
  mw_inspection *inspection = NULL;
  bool json = mw_options_take(words, &count, "--json"), stats = mw_options_take(words, &count, "--stats");
  bool good = mw_options_rest(words, &count, "inspect", USAGE, &err) &&
              (count == 1 || mw_term_fail(&err, MW_USAGE, "inspect takes one path\n" USAGE));
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
