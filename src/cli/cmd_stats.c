/* cmd_stats.c: statistics of data as a file: the recipe `stats`, whose one model is an operand. */
#include "commands.h"
#include "cluster/cluster.h"

#include <string.h>

static const mw_options_doc options[] = {
  { "data", "FILE...", "token windows (.safetensors, .jsonl) or texts; of several files it is the mean over all" },
  { "find", "WHAT", "fisher (default), gradient: of the loss; gram, norm, mean, peak: of what linear layers read" },
  { "output", "FILE", "NAME.safetensors" },
  { "model", "MODEL", "the same as MODEL by itself: so a lock file writes it" },
  { "window", "N", "tokens a window of text (default 256)" },
  { "dtype", "DTYPE", "of the file (default f32)" },
  { "force", "", "replace FILE, where Moonweld made it" },
  { "threads", "N", "default: OMP_NUM_THREADS, else all cores" },
  { "quiet", "", "no progress" },
  { "log_json", "", "progress, result and errors on standard error as JSON lines" },
  { NULL, NULL, NULL },
};

static bool is_file(const char *output) {
  static const char ending[] = ".safetensors";
  size_t length = output ? strlen(output) : 0;
  return length >= sizeof ending && strcmp(output + length - (sizeof ending - 1), ending) == 0;
}

static bool find(mw_term *term, const mw_options_line *line, mw_error *err) {
  const char *what = mw_options_text(line, "find");
  const char *model = mw_options_text(line, "model");
  mw_binding bindings[] = { { "model", model ? &model : line->operands, 1 }, { "find", &what, 1 } };
  mw_options_line merge = *line;
  mw_commands_buffer buffer;
  mw_recipe *recipe;
  merge.bindings = bindings;
  merge.count = what ? 2 : 1;
  const char *usage = mw_commands_usage(&buffer, &mw_cmd_stats);
  if ((model != NULL) + line->operand_count != 1) return mw_term_fail(err, MW_USAGE, "stats takes one model\n%s", usage);
  if (!line->options.data_count) return mw_term_fail(err, MW_USAGE, "--data FILE... is needed\n%s", usage);
  if (!is_file(line->options.output)) return mw_term_fail(err, MW_USAGE, "statistics are one file: -o NAME.safetensors");
  if (!mw_recipe_load("stats", &line->options, &recipe, err)) return false;
  bool good = mw_cmd_merge_run(term, recipe, &merge, err);
  mw_recipe_free(recipe);
  return good;
}

static int run(mw_term *term, const mw_options_line *line) {
  mw_error err = { .status = MW_OK };
  bool good = find(term, line, &err);
  return mw_cluster_agree(good, &err) ? 0 : mw_term_error(term, &err);
}

const mw_command mw_cmd_stats = { "stats", "MODEL --data FILE... -o FILE.safetensors [--find WHAT]",
                                  "statistics of data, as a file that recipes take", "one model", 0, 1, options, run };
