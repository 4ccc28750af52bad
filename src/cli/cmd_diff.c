/* cmd_diff.c: shows what differs between models, to be seen before a merge. */
#include "commands.h"

static const mw_options_doc options[] = {
  { "base", "C", "the model that both come from: what is compared are the differences from it" },
  { "json", "", "one JSON document, an object a tensor; of more than two models an object a pair" },
  { "html", "FILE", "also write a page with charts and full tables; replaces such a page only" },
  { "threads", "N", "default: OMP_NUM_THREADS, else all cores; the numbers do not depend on it" },
  { "quiet", "", "no warnings and no progress" },
  { NULL, NULL, NULL },
};

static int run(mw_term *term, const mw_options_line *line) {
  mw_diff_options how = { .base = mw_options_text(line, "base"), .html = mw_options_text(line, "html"),
                          .threads = line->options.threads, .progress = mw_term_follow, .context = term };
  mw_error err = { .status = MW_OK };
  mw_diff *diff = NULL;
  mw_term_begin(term);
  if (!mw_diff_models(line->operands, line->operand_count, &how, &diff, &err)) return mw_term_error(term, &err);
  const char *const *lines;
  size_t warnings = mw_diff_notes(diff, &lines);
  mw_term_warnings(term, lines, warnings);
  fputs(line->json ? mw_diff_json(diff) : mw_diff_text(diff), stdout);
  mw_diff_free(diff);
  return 0;
}

const mw_command mw_cmd_diff = { "diff", "A B... [--base C] [--json] [--html FILE]",
                                 "what differs, per tensor and layer; warns of what will not merge", "two models or more", 2, 26,
                                 options, run };
