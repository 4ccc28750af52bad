/* cmd_eval.c: how well a causal model predicts texts: loss and perplexity of each data file. */
#include "commands.h"
#include "options.h"
#include "print.h"
#include "signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "moonweld eval MODEL --data FILE... [--window N] [--threads N] [--json]";

static bool progress(void *context, const mw_learning_facts *facts) {
  mw_term_evaluating(context, facts);
  return mw_signals_caught() == 0;
}

static void print_json(const mw_options *options, const mw_evaluation *results) {
  putchar('[');
  for (size_t i = 0; i < options->data_count; i++) {
    fputs(i ? ",{\"data\":" : "{\"data\":", stdout);
    mw_print_json(stdout, options->data[i]);
    printf(",\"loss\":%.9g,\"perplexity\":%.9g,\"tokens\":%llu}", results[i].loss, exp(results[i].loss),
           (unsigned long long)results[i].tokens);
  }
  puts("]");
}

static void print_table(const mw_options *options, const mw_evaluation *results) {
  size_t width = 4;
  for (size_t i = 0; i < options->data_count; i++)
    if (strlen(options->data[i]) > width) width = strlen(options->data[i]);
  printf("%-*s  %8s  %10s  %9s\n", (int)width, "data", "loss", "perplexity", "tokens");
  for (size_t i = 0; i < options->data_count; i++) {
    mw_print_plain(stdout, options->data[i]);
    printf("%*s  %8.4f  %10.3f  %9llu\n", (int)(width - strlen(options->data[i])), "", results[i].loss,
           exp(results[i].loss), (unsigned long long)results[i].tokens);
  }
}

static bool evaluate(mw_term *term, const char *model, const mw_command_line *line, mw_error *err) {
  const mw_options *options = &line->options;
  if (!options->data_count) return mw_term_fail(err, MW_USAGE, "--data FILE... is needed\n%s", usage);
  mw_evaluation *results = calloc(options->data_count, sizeof *results);
  if (!results) return mw_term_fail(err, MW_MEMORY, "no memory for the results");
  bool good = mw_eval_model(model, options, progress, term, results, err);
  mw_term_clear(term);
  if (good && line->json) print_json(options, results);
  else if (good) print_table(options, results);
  free(results);
  return good;
}

int mw_cmd_eval(mw_term *term, char **words, size_t count) {
  static const char *const known[] = { "data", "window", "threads", "json", "quiet", "log_json", NULL };
  mw_error err = { .status = MW_OK };
  mw_command_line line = { 0 };
  bool good = count > 0 && words[0][0] != '-';
  if (!good) mw_term_fail(&err, MW_USAGE, "eval takes a model\n%s", usage);
  good = good && mw_options_only(&line, words + 1, count - 1, known, &err);
  term->quiet = line.quiet;
  term->json = line.log_json;
  good = good && evaluate(term, words[0], &line, &err);
  mw_options_free(&line);
  return good ? 0 : mw_term_error(term, &err);
}
