/* cmd_rebuild.c: makes an output again from its merge.lock.json, and says whether the bytes are the same. */
#include "commands.h"
#include "base/text.h"
#include "print.h"
#include "signals.h"

static const mw_options_doc options[] = {
  { "output", "NEW", "the folder or the file NAME.safetensors to make" },
  { "models", "DIR", "look for inputs below DIR, by the sizes and checksums of their files" },
  { "input", "NAME=PATH...", "where an input lies now: 'base=/data/llama'" },
  { "force", "", "replace an output that moonweld made" },
  { "no_sync", "", "do not wait until the output is on the disk" },
  { "threads", "N", "default: OMP_NUM_THREADS, else all cores; results do not depend on it" },
  { "quiet", "", "no progress" },
  { NULL, NULL, NULL },
};

static bool printed(void *context, const char *text) {
  mw_term_printed(context, text);
  return mw_signals_caught() == 0;
}

static void found(void *context, const mw_finding *finding) {
  mw_term_clear(context);
  printf("%-8s ", finding->state);
  mw_print_plain(stdout, finding->path);
  printf(": %s\n", finding->text);
}

static int run(mw_term *term, const mw_options_line *line) {
  mw_verify_options how = { .models = mw_options_text(line, "models"), .found = found, .progress = mw_term_follow, .context = term };
  how.place_count = mw_options_texts(line, "input", &how.places);
  mw_options merge = line->options;
  mw_error err = { .status = MW_OK };
  mw_verified facts;
  char size[32];
  merge.print = printed;
  merge.print_context = term;
  mw_term_begin(term);
  mw_signals_hold();
  bool good = mw_rebuild(line->operands[0], &merge, &how, &facts, &err);
  mw_term_clear(term);
  if (!good) return mw_term_error(term, &err);
  mw_print_plain(stdout, merge.output);
  printf(": the recorded bytes again, %zu files, %s\n", facts.files, mw_text_size(size, (double)facts.bytes));
  return 0;
}

const mw_command mw_cmd_rebuild = { "rebuild", "OUT|LOCK -o NEW [--models DIR]",
                                    "make an output again from its lock, and compare the bytes", "one output or its lock", 1, 1, options,
                                    run };
