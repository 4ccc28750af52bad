/* cmd_verify.c: whether an output, and its inputs, are still what merge.lock.json says. */
#include "commands.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "print.h"
#include "signals.h"

static const mw_options_doc options[] = {
  { "inputs", "", "the inputs too, where they were, or as the next two say" },
  { "models", "DIR", "look for inputs below DIR, by the sizes and checksums of their files" },
  { "input", "NAME=PATH...", "where an input lies now: 'base=/data/llama'" },
  { "json", "", "one JSON document" },
  { "quiet", "", "no progress" },
  { NULL, NULL, NULL },
};

typedef struct watch {
  mw_term *term;
  bool json;
  mw_json_writer *findings;
} watch;

static bool progress(void *context, uint64_t done, uint64_t total, unsigned pass) {
  const watch *w = context;
  return mw_term_follow(w->term, done, total, pass);
}

static void found(void *context, const mw_finding *finding) {
  const watch *w = context;
  mw_term_clear(w->term);
  if (w->json) {
    mw_json_writer_object(w->findings, NULL);
    mw_json_writer_string(w->findings, "path", finding->path);
    mw_json_writer_string(w->findings, "state", finding->state);
    mw_json_writer_string(w->findings, "text", finding->text);
    mw_json_writer_end(w->findings);
    return;
  }
  printf("%-8s ", finding->state);
  mw_print_plain(stdout, finding->path);
  printf(": %s\n", finding->text);
}

static void print_good(const char *output, mw_verified facts) {
  char size[32];
  mw_print_plain(stdout, output);
  printf(": %zu files, %s, as they were recorded", facts.files, mw_text_size(size, (double)facts.bytes));
  if (facts.sealed) printf("; %zu of them sealed", facts.sealed);
  putchar('\n');
}

static int run(mw_term *term, const mw_options_line *line) {
  mw_text text = { 0 };
  mw_json_writer json = { .out = &text };
  watch w = { term, line->json, &json };
  mw_verify_options how = { .inputs = mw_options_flag(line, "inputs"), .models = mw_options_text(line, "models"), .found = found,
                            .progress = progress, .context = &w };
  how.place_count = mw_options_texts(line, "input", &how.places);
  mw_error err = { .status = MW_OK };
  mw_verified facts;
  mw_term_begin(term);
  mw_signals_hold();
  mw_json_writer_object(&json, NULL);
  mw_json_writer_list(&json, "findings");
  bool good = mw_verify(line->operands[0], &how, &facts, &err);
  mw_term_clear(term);
  mw_json_writer_end(&json);
  mw_json_writer_bool(&json, "good", good);
  mw_json_writer_u64(&json, "files", facts.files);
  mw_json_writer_u64(&json, "bytes", facts.bytes);
  mw_json_writer_u64(&json, "sealed", facts.sealed);
  mw_json_writer_end(&json);
  mw_error full;
  if (!mw_json_writer_finish(&json, &full)) good = false, err = full;
  else if (line->json) fputs(text.bytes, stdout);
  else if (good) print_good(line->operands[0], facts);
  mw_text_free(&text);
  return good ? 0 : mw_term_error(term, &err);
}

const mw_command mw_cmd_verify = { "verify", "OUT [--inputs] [--json]",
                                   "whether an output is still what its lock records, byte by byte", "one output", 1, 1, options, run };
