/* cmd_eval.c: how well a causal model predicts texts: loss and perplexity of each data file. */
#include "commands.h"
#include "base/json_writer.h"
#include "print.h"
#include "signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const mw_options_doc options[] = {
  { "data", "FILE...", "token windows (.safetensors, .jsonl) or texts; each is a line of the result" },
  { "window", "N", "tokens a window of text (default 256)" },
  { "threads", "N", "default: OMP_NUM_THREADS, else all cores" },
  { "json", "", "one JSON document" },
  { "quiet", "", "no progress" },
  { "log_json", "", "errors on standard error as JSON" },
  { NULL, NULL, NULL },
};

static bool progress(void *context, const mw_learning_facts *facts) {
  mw_term_evaluating(context, facts);
  return mw_signals_caught() == 0;
}

static bool print_json(const mw_options *given, const mw_evaluation *results, mw_error *err) {
  mw_json_writer json = { .sink = mw_print_piece, .context = stdout };
  mw_json_writer_list(&json, NULL);
  for (size_t i = 0; i < given->data_count; i++) {
    mw_json_writer_object(&json, NULL);
    mw_json_writer_string(&json, "data", given->data[i]);
    mw_json_writer_number(&json, "loss", results[i].loss);
    mw_json_writer_number(&json, "perplexity", exp(results[i].loss));
    mw_json_writer_u64(&json, "tokens", results[i].tokens);
    mw_json_writer_end(&json);
  }
  mw_json_writer_end(&json);
  return mw_json_writer_finish(&json, err);
}

static void print_table(const mw_options *given, const mw_evaluation *results) {
  size_t width = 4;
  for (size_t i = 0; i < given->data_count; i++)
    if (strlen(given->data[i]) > width) width = strlen(given->data[i]);
  printf("%-*s  %8s  %10s  %9s\n", (int)width, "data", "loss", "perplexity", "tokens");
  for (size_t i = 0; i < given->data_count; i++) {
    mw_print_plain(stdout, given->data[i]);
    printf("%*s  %8.4f  %10.3f  %9llu\n", (int)(width - strlen(given->data[i])), "", results[i].loss,
           exp(results[i].loss), (unsigned long long)results[i].tokens);
  }
}

static bool evaluate(mw_term *term, const mw_options_line *line, mw_error *err) {
  const mw_options *given = &line->options;
  mw_commands_buffer buffer;
  if (!given->data_count)
    return mw_term_fail(err, MW_USAGE, "--data FILE... is needed\n%s", mw_commands_usage(&buffer, &mw_cmd_eval));
  mw_evaluation *results = calloc(given->data_count, sizeof *results);
  if (!results) return mw_term_fail(err, MW_MEMORY, "no memory for the results");
  bool good = mw_eval_model(line->operands[0], given, progress, term, results, err);
  mw_term_clear(term);
  if (good && line->json) good = print_json(given, results, err);
  else if (good) print_table(given, results);
  free(results);
  return good;
}

static int run(mw_term *term, const mw_options_line *line) {
  mw_error err = { .status = MW_OK };
  return evaluate(term, line, &err) ? 0 : mw_term_error(term, &err);
}

const mw_command mw_cmd_eval = { "eval", "MODEL --data FILE... [--json]", "loss and perplexity of a causal model", "one model",
                                 1, 1, options, run };
