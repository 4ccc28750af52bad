/* cmd_clean.c: removes what runs that were killed or stopped have left beside an output, and says what that was. */
#include "commands.h"
#include "print.h"
#include "base/text.h"

static const mw_options_doc options[] = { { NULL, NULL, NULL } };

static void removed(void *context, const char *path, uint64_t bytes) {
  size_t *count = context;
  char size[32];
  printf("removed ");
  mw_print_plain(stdout, path);
  if (bytes != UINT64_MAX) printf(" (%s on the disk)", mw_text_size(size, (double)bytes));
  putchar('\n');
  ++*count;
}

static int run(mw_term *term, const mw_options_line *line) {
  mw_error err;
  size_t count = 0;
  if (!mw_clean_output(line->operands[0], removed, &count, &err)) return mw_term_error(term, &err);
  if (!count) puts("nothing is left of earlier runs");
  return 0;
}

const mw_command mw_cmd_clean = { "clean", "OUT", "removes what a merge that was stopped has left beside OUT", "one output",
                                  1, 1, options, run };
