/* cmd_report.c: writes a page about an output, or about models side by side. */
#include "commands.h"
#include "print.h"

#include <stdlib.h>
#include <string.h>

static const mw_options_doc options[] = {
  { "output", "FILE.html", "where the page goes (default: NAME-report.html here); replaces such a page only" },
  { "base", "C", "of several models: the one that all come from" },
  { "models", "DIR", "look for an output's inputs below DIR, by the sizes and checksums of their files" },
  { "input", "NAME=PATH...", "where an input lies now: 'base=/data/llama'" },
  { "threads", "N", "default: OMP_NUM_THREADS, else all cores; the numbers do not depend on it" },
  { "quiet", "", "no warnings and no progress" },
  { NULL, NULL, NULL },
};

static void said(void *context, const char *line) {
  mw_term *term = context;
  term->warned = 0; /* each comes once */
  mw_term_warnings(term, &line, 1);
}

/* "some/where/merged/" -> "merged-report.html"; free() it. */
static char *file_for(const char *what) {
  size_t end = strlen(what), begin;
  char *file;
  while (end > 1 && what[end - 1] == '/') end--;
  for (begin = end; begin > 0 && what[begin - 1] != '/'; begin--) continue;
  if (end - begin > 12 && memcmp(what + end - 12, ".safetensors", 12) == 0) end -= 12;
  bool named = end > begin && what[begin] != '.' && what[begin] != '/';
  if (asprintf(&file, "%.*s-report.html", named ? (int)(end - begin) : 6, named ? what + begin : "output") < 0) return NULL;
  return file;
}

static bool of_models(mw_term *term, const mw_options_line *line, const char *html, mw_error *err) {
  mw_diff_options how = { .base = mw_options_text(line, "base"), .html = html, .threads = line->options.threads,
                          .progress = mw_term_follow, .context = term };
  const char *const *lines;
  mw_diff *diff;
  if (mw_options_text(line, "models") || mw_options_texts(line, "input", &lines))
    return mw_term_fail(err, MW_USAGE, "--models and --input look for the inputs of one output; here are %zu models", line->operand_count);
  if (!mw_diff_models(line->operands, line->operand_count, &how, &diff, err)) return false;
  size_t warnings = mw_diff_notes(diff, &lines);
  mw_term_warnings(term, lines, warnings);
  mw_diff_free(diff);
  return true;
}

static bool of_output(mw_term *term, const mw_options_line *line, const char *html, mw_error *err) {
  mw_report_options how = { .html = html, .models = mw_options_text(line, "models"), .threads = line->options.threads,
                            .progress = mw_term_follow, .context = term };
  how.place_count = mw_options_texts(line, "input", &how.places);
  if (mw_options_text(line, "base"))
    return mw_term_fail(err, MW_USAGE, "--base is of several models\nwhere an output's base lies now is --input base=PATH");
  return mw_report_output(line->operands[0], &how, said, err);
}

static int run(mw_term *term, const mw_options_line *line) {
  mw_error err = { .status = MW_OK };
  char *made = file_for(line->operands[0]);
  const char *html = line->options.output ? line->options.output : made;
  mw_term_begin(term);
  bool good = html || mw_term_fail(&err, MW_MEMORY, "out of memory");
  good = good && (line->operand_count == 1 ? of_output(term, line, html, &err) : of_models(term, line, html, &err));
  mw_term_clear(term);
  if (good) {
    mw_print_plain(stdout, html);
    puts(": open it in a browser");
  }
  free(made);
  return good ? 0 : mw_term_error(term, &err);
}

const mw_command mw_cmd_report = { "report", "OUT|MODEL... [-o FILE.html]", "a page that shows what a merge did, or how models differ",
                                   "an output, or models", 1, 26, options, run };
