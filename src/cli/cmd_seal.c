/* cmd_seal.c: SHA-256 of an output's files, and the digest that OpenSSF Model Signing signs. */
#include "commands.h"
#include "signals.h"

static const mw_options_doc options[] = {
  { "quiet", "", "no progress" },
  { NULL, NULL, NULL },
};

static int run(mw_term *term, const mw_options_line *line) {
  mw_verify_options how = { .progress = mw_term_follow, .context = term };
  mw_error err = { .status = MW_OK };
  char root[65];
  mw_term_begin(term);
  mw_signals_hold();
  bool good = mw_seal(line->operands[0], &how, root, &err);
  mw_term_clear(term);
  if (!good) return mw_term_error(term, &err);
  printf("sha256:%s\n", root);
  return 0;
}

const mw_command mw_cmd_seal = { "seal", "OUT", "write the SHA-256 of every file of an output, as OpenSSF Model Signing has it",
                                 "one output", 1, 1, options, run };
