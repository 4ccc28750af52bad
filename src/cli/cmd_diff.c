/* cmd_diff.c: what differs between two models, before anyone merges them. */
#include "commands.h"
#include "options.h"
#include "settings.h"
#include "signals.h"

#include <stdio.h>

#define USAGE "moonweld diff A B [--base C] [--json] [--html FILE] [--threads N] [--quiet]"

typedef struct request {
  mw_diff_options options;
  bool json;
  const char *a, *b;
} request;

static bool progress(void *context, uint64_t done, uint64_t total, unsigned pass) {
  (void)pass;
  mw_term_progress(context, done, total, 1, 1);
  return mw_signals_caught() == 0;
}

static bool read_request(mw_term *term, char **words, size_t count, request *out, mw_error *err) {
  mw_command_line line = { 0 };
  const char *threads = NULL;
  *out = (request){ .options = { .progress = progress, .context = term } };
  term->quiet = mw_options_take(words, &count, "--quiet");
  out->json = mw_options_take(words, &count, "--json");
  if (!mw_options_take_value(words, &count, "--base", &out->options.base, err) ||
      !mw_options_take_value(words, &count, "--html", &out->options.html, err) ||
      !mw_options_take_value(words, &count, "--threads", &threads, err) ||
      (threads && !mw_settings_threads(&line, threads, err)))
    return false;
  out->options.threads = line.options.threads;
  if (!mw_options_rest(words, &count, "diff", USAGE, err)) return false;
  if (count != 2) return mw_term_fail(err, MW_USAGE, "diff takes two models, not %zu\n" USAGE, count);
  out->a = words[0];
  out->b = words[1];
  return true;
}

int mw_cmd_diff(mw_term *term, char **words, size_t count) {
  mw_error err = { .status = MW_OK };
  mw_diff *diff = NULL;
  request r;
  mw_term_begin(term);
  if (!read_request(term, words, count, &r, &err) || !mw_diff_make(r.a, r.b, &r.options, &diff, &err))
    return mw_term_error(term, &err);
  const char *const *lines;
  size_t warnings = mw_diff_notes(diff, &lines);
  mw_term_warnings(term, lines, warnings);
  fputs(r.json ? mw_diff_json(diff) : mw_diff_text(diff), stdout);
  mw_diff_free(diff);
  return 0;
}
