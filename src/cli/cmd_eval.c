/* cmd_eval.c: how well causal models predict texts: loss and perplexity of each data file. */
#include "commands.h"
#include "base/json_writer.h"
#include "cluster/cluster.h"
#include "print.h"
#include "signals.h"

#include <math.h>
#include <stdint.h>
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

/* The results of model m on data file d are results[m * data_count + d]. */
static bool print_json(const mw_options_line *line, const mw_evaluation *results, mw_error *err) {
  const mw_options *given = &line->options;
  mw_json_writer json = { .sink = mw_print_piece, .context = stdout };
  mw_json_writer_list(&json, NULL);
  for (size_t i = 0; i < line->operand_count * given->data_count; i++) {
    mw_json_writer_object(&json, NULL);
    mw_json_writer_string(&json, "model", line->operands[i / given->data_count]);
    mw_json_writer_string(&json, "data", given->data[i % given->data_count]);
    mw_json_writer_number(&json, "loss", results[i].loss);
    mw_json_writer_number(&json, "perplexity", exp(results[i].loss));
    mw_json_writer_u64(&json, "tokens", results[i].tokens);
    mw_json_writer_end(&json);
  }
  mw_json_writer_end(&json);
  return mw_json_writer_finish(&json, err);
}

static size_t widest(const char *const *words, size_t count, size_t least) {
  for (size_t i = 0; i < count; i++)
    if (strlen(words[i]) > least) least = strlen(words[i]);
  return least;
}

static void print_word(const char *word, size_t width) {
  mw_print_plain(stdout, word);
  printf("%*s  ", (int)(width - strlen(word)), "");
}

/* A line a data file and model; the models of one file stand below one another. A model alone is not named. */
static void print_table(const mw_options_line *line, const mw_evaluation *results) {
  const mw_options *given = &line->options;
  size_t models = line->operand_count, files = widest(given->data, given->data_count, 4), names = widest(line->operands, models, 5);
  print_word("data", files);
  if (models > 1) print_word("model", names);
  printf("%8s  %10s  %9s\n", "loss", "perplexity", "tokens");
  for (size_t d = 0; d < given->data_count; d++)
    for (size_t m = 0; m < models; m++) {
      const mw_evaluation *result = &results[m * given->data_count + d];
      print_word(given->data[d], files);
      if (models > 1) print_word(line->operands[m], names);
      printf("%8.4f  %10.3f  %9llu\n", result->loss, exp(result->loss), (unsigned long long)result->tokens);
    }
}

static bool evaluate(mw_term *term, const mw_options_line *line, mw_error *err) {
  const mw_options *given = &line->options;
  mw_commands_buffer buffer;
  if (!given->data_count)
    return mw_term_fail(err, MW_USAGE, "--data FILE... is needed\n%s", mw_commands_usage(&buffer, &mw_cmd_eval));
  mw_evaluation *results = calloc(line->operand_count * given->data_count, sizeof *results);
  if (!results) return mw_term_fail(err, MW_MEMORY, "no memory for the results");
  bool good = mw_eval_models(line->operands, line->operand_count, given, progress, term, results, err);
  good = mw_cluster_agree(good, err);
  mw_term_clear(term);
  if (good && line->json && !term->mute) good = print_json(line, results, err);
  else if (good && !term->mute) print_table(line, results);
  free(results);
  return good;
}

static int run(mw_term *term, const mw_options_line *line) {
  mw_error err = { .status = MW_OK };
  return evaluate(term, line, &err) ? 0 : mw_term_error(term, &err);
}

const mw_command mw_cmd_eval = { "eval", "MODEL... --data FILE... [--json]", "loss and perplexity of causal models",
                                 "one model or more", 1, SIZE_MAX, options, run };
