/* cmd_sweep.c: tries a recipe with many values of its arguments, and shows the score of each. It is a merge by a recipe that searches
 * (src/recipe/sweep.c): the words are a merge's, the best candidate is the output, and a sweep that was stopped goes on. */
#include "commands.h"
#include "base/json_writer.h"
#include "print.h"
#include "signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { AXES = 4, VALUES = 10000 };

typedef struct axis {
  char *name, *text; /* of the word that was typed: "t" and its values, cut by NUL */
  const char **values;
  size_t count;
} axis;

typedef struct sweep {
  mw_term *term;
  axis axes[AXES];
  size_t axis_count, total; /* combinations, the last axis fastest */
  double *scores;           /* NAN: not measured */
  char *loss;               /* the score where data alone was given, or NULL */
  const char *svg;
  bool csv;
} sweep;

/* ---- what is typed ---- */

static bool add_value(axis *a, const char *value, mw_error *err) {
  if (a->count == VALUES) return mw_term_fail(err, MW_USAGE, "--over %s: more than %d values", a->name, VALUES);
  a->values[a->count++] = value;
  return true;
}

/* "0:1:0.1": from, to, step; each value by its number, so that none is lost to rounding: 0.1 * 3 is written 0.3. */
static bool add_range(axis *a, double from, double to, double step, mw_error *err) {
  double steps = floor((to - from) / step + 1e-9);
  if (!(steps >= 0 && steps < VALUES))
    return mw_term_fail(err, MW_USAGE, "--over %s: FROM:TO:STEP must reach TO from FROM in at most %d steps", a->name, VALUES - 1);
  for (double i = 0; i <= steps; i++) {
    char *value;
    if (asprintf(&value, "%.12g", from + i * step) < 0) return mw_term_fail(err, MW_MEMORY, "out of memory");
    if (!add_value(a, value, err)) return free(value), false;
  }
  return true;
}

/* "t=0:1:0.1" or "per=model,tensor". */
static bool add_axis(sweep *s, const char *word, mw_error *err) {
  if (s->axis_count == AXES) return mw_term_fail(err, MW_USAGE, "--over: at most %d arguments are swept at once", AXES);
  axis *a = &s->axes[s->axis_count++];
  double from, to, step;
  char more;
  *a = (axis){ .name = strdup(word), .values = calloc(VALUES, sizeof *a->values) };
  if (!a->name || !a->values) return mw_term_fail(err, MW_MEMORY, "out of memory");
  char *is = strchr(a->name, '=');
  if (!is || !is[1] || is == a->name)
    return mw_term_fail(err, MW_USAGE, "--over %s: expected ARG=FROM:TO:STEP or ARG=VALUE,VALUE...\nas in --over t=0:1:0.1", word);
  *is = 0;
  for (char *c = a->name; *c; c++)
    if (*c == '-') *c = '_';
  if (sscanf(is + 1, "%lf:%lf:%lf%c", &from, &to, &step, &more) == 3) return add_range(a, from, to, step, err);
  for (char *value = is + 1, *end; value; value = end) {
    if ((end = strchr(value, ','))) *end++ = 0;
    char *copy = strdup(value);
    if (!copy) return mw_term_fail(err, MW_MEMORY, "out of memory");
    if (!add_value(a, copy, err)) return free(copy), false;
  }
  return true;
}

static void free_axes(sweep *s) {
  for (size_t i = 0; i < s->axis_count; i++) {
    for (size_t v = 0; v < s->axes[i].count; v++) free((char *)(uintptr_t)s->axes[i].values[v]);
    free(s->axes[i].values);
    free(s->axes[i].name);
  }
}

static bool is_option(const char *word, const char *name) {
  size_t length = strlen(name);
  return strncmp(word, name, length) == 0 && (word[length] == '=' || !word[length]);
}

/* Takes the words that only a sweep knows out of the others: --over WORD, --svg FILE, --csv. */
static bool take_own(sweep *s, char **words, size_t *count, mw_error *err) {
  size_t kept = 0;
  for (size_t i = 0; i < *count; i++) {
    const char *word = words[i], *value = NULL;
    bool over = is_option(word, "--over"), svg = is_option(word, "--svg");
    if (strcmp(word, "--csv") == 0) s->csv = true;
    else if (!over && !svg) words[kept++] = words[i];
    else {
      const char *is = strchr(word, '=');
      value = is ? is + 1 : i + 1 < *count ? words[++i] : NULL;
      if (!value || !*value) return mw_term_fail(err, MW_USAGE, "%s needs a value", over ? "--over" : "--svg");
      if (svg) s->svg = value;
      else if (!add_axis(s, value, err)) return false;
    }
  }
  *count = kept;
  return true;
}

/* ---- scores ---- */

/* "sweep N SCORE" of our own recipe; all else is the swept recipe's. */
static bool printed(void *context, const char *line) {
  sweep *s = context;
  unsigned long long number;
  double score;
  char more;
  bool ours = sscanf(line, "sweep %llu %lf%c", &number, &score, &more) == 2 && number < s->total && isnan(s->scores[number]);
  if (ours) s->scores[number] = score;
  else mw_term_printed(s->term, line);
  return mw_signals_caught() == 0;
}

static bool scored(void *context, const mw_scored *score) {
  const sweep *s = context;
  mw_term_scored(s->term, score);
  return mw_signals_caught() == 0;
}

static bool progress(void *context, uint64_t done, uint64_t total, unsigned pass) {
  const sweep *s = context;
  if (total) mw_term_progress(s->term, done, total, pass, pass);
  return mw_signals_caught() == 0;
}

/* ---- results ---- */

/* The value of an axis in a combination. */
static const char *value_of(const sweep *s, size_t combination, size_t axis_number) {
  size_t step = s->total;
  for (size_t i = 0; i <= axis_number; i++) {
    combination %= step;
    step /= s->axes[i].count;
  }
  return s->axes[axis_number].values[combination / step];
}

static size_t best_of(const sweep *s) {
  size_t best = 0;
  for (size_t i = 1; i < s->total; i++)
    if (s->scores[i] > s->scores[best]) best = i;
  return best;
}

static void print_rows(const sweep *s) {
  const char *gap = s->csv ? "," : "  ";
  for (size_t a = 0; a < s->axis_count; a++) printf(s->csv ? "%s," : "%-12s  ", s->axes[a].name);
  puts("score");
  for (size_t i = 0; i < s->total; i++) {
    for (size_t a = 0; a < s->axis_count; a++) printf(s->csv ? "%s%s" : "%-12s%s", value_of(s, i, a), gap);
    printf(s->csv ? "%.17g\n" : i == best_of(s) ? "%.6f  best\n" : "%.6f\n", s->scores[i]);
  }
}

static bool print_json(const sweep *s, mw_error *err) {
  mw_json_writer json = { .sink = mw_print_piece, .context = stdout };
  double number;
  char more;
  mw_json_writer_list(&json, NULL);
  for (size_t i = 0; i < s->total; i++) {
    mw_json_writer_object(&json, NULL);
    mw_json_writer_object(&json, "values");
    for (size_t a = 0; a < s->axis_count; a++) {
      const char *value = value_of(s, i, a);
      if (sscanf(value, "%lf%c", &number, &more) == 1) mw_json_writer_number(&json, s->axes[a].name, number);
      else mw_json_writer_string(&json, s->axes[a].name, value);
    }
    mw_json_writer_end(&json);
    mw_json_writer_number(&json, "score", s->scores[i]);
    mw_json_writer_bool(&json, "best", i == best_of(s));
    mw_json_writer_end(&json);
  }
  mw_json_writer_end(&json);
  return mw_json_writer_finish(&json, err);
}

/* Draws the scores over the first axis, a curve for each combination of the others. */
static bool draw(const sweep *s, mw_error *err) {
  size_t points = s->axes[0].count, curves = s->total / points;
  char **labels = calloc(curves, sizeof *labels);
  double *scores = calloc(s->total, sizeof *scores);
  bool good = (labels && scores) || mw_term_fail(err, MW_MEMORY, "out of memory");
  for (size_t c = 0; good && c < curves; c++) {
    char label[256] = "";
    for (size_t a = 1, used = 0; a < s->axis_count; a++) {
      used += (size_t)snprintf(label + used, sizeof label - used, "%s%s = %s", a > 1 ? ", " : "", s->axes[a].name, value_of(s, c, a));
      if (used >= sizeof label) break;
    }
    if (!(labels[c] = strdup(label))) good = mw_term_fail(err, MW_MEMORY, "out of memory");
    for (size_t p = 0; p < points; p++) scores[c * points + p] = s->scores[p * curves + c];
  }
  mw_plot plot = { s->axes[0].name, "score", s->axes[0].values, points, (const char *const *)labels, scores, curves };
  good = good && mw_plot_write(&plot, s->svg, err);
  for (size_t c = 0; labels && c < curves; c++) free(labels[c]);
  free(labels);
  free(scores);
  return good;
}

/* ---- the command ---- */

static bool sweep_all(sweep *s, mw_recipe *recipe, mw_options_line *line, mw_error *err) {
  mw_plan *plan = NULL;
  const char *const *lines;
  line->options.print = printed;
  line->options.scored = scored;
  line->options.print_context = line->options.scored_context = s;
  bool good = mw_plan_make(recipe, line->bindings, line->count, &line->options, &plan, err);
  size_t count = plan ? mw_plan_notes(plan, &lines) : 0;
  if (plan) mw_term_warnings(s->term, lines, count);
  if (good) {
    mw_signals_hold();
    mw_term_start(s->term, mw_recipe_name(recipe), line->options.output, mw_plan_measure(plan));
    good = mw_plan_run(plan, progress, s, err);
    count = mw_plan_notes(plan, &lines);
    mw_term_warnings(s->term, lines, count);
    if (good) mw_term_done(s->term, &line->options, mw_plan_measure(plan));
  }
  if (plan) mw_plan_free(plan);
  return good;
}

/* An argument has its values from --over or as it was typed, not both. */
static bool check_typed(const sweep *s, const mw_options_line *line, mw_error *err) {
  for (size_t i = 0; i < line->count; i++)
    for (size_t a = 0; a < s->axis_count; a++)
      if (strcmp(line->bindings[i].name, s->axes[a].name) == 0)
        return mw_term_fail(err, MW_USAGE, "--%s has its values from --over\nleave out one of the two", s->axes[a].name);
  return true;
}

/* Data that the recipe does not learn from is what each candidate's loss is measured on: --score loss:FILE... of the same files. */
static bool score_by_data(sweep *s, mw_options *options, const mw_recipe *recipe, mw_error *err) {
  const mw_arg *args;
  size_t count = mw_recipe_args(recipe, &args);
  if (options->score || !options->data_count) return true;
  for (size_t i = 0; i < count; i++)
    if (args[i].kind == MW_ARG_CALIBRATION) return true;
  if (asprintf(&s->loss, "loss:%s", options->data[0]) < 0) return s->loss = NULL, mw_term_fail(err, MW_MEMORY, "out of memory");
  const char **files = (const char **)options->data; /* what `line` owns goes on as the files that follow loss:FILE */
  options->score = s->loss;
  options->score_data_count = options->data_count - 1;
  memmove(files, files + 1, options->score_data_count * sizeof *files);
  options->score_data = files;
  options->data = NULL;
  options->data_count = 0;
  return true;
}

static bool run_words(sweep *s, char **words, size_t count, mw_error *err) {
  mw_sweep_axis axes[AXES];
  mw_options_line line = { 0 };
  mw_recipe *recipe = NULL;
  if (!take_own(s, words, &count, err)) return false;
  if (!s->axis_count) return mw_term_fail(err, MW_USAGE, "sweep needs --over ARG=FROM:TO:STEP or --over ARG=VALUE,VALUE...");
  s->total = 1;
  for (size_t i = 0; i < s->axis_count; i++) {
    axes[i] = (mw_sweep_axis){ s->axes[i].name, s->axes[i].values, s->axes[i].count };
    s->total *= s->axes[i].count;
    if (s->total > VALUES) return mw_term_fail(err, MW_USAGE, "--over: more than %d combinations", VALUES);
  }
  if (!(s->scores = malloc(s->total * sizeof *s->scores))) return mw_term_fail(err, MW_MEMORY, "out of memory");
  for (size_t i = 0; i < s->total; i++) s->scores[i] = NAN;
  bool good = mw_options_parse(&line, words + 1, count - 1, NULL, err);
  s->term->quiet = line.quiet;
  s->term->json = line.log_json;
  good = good && mw_recipe_is_known(words[0], NULL, 0, err) && mw_recipe_sweep(words[0], axes, s->axis_count, &line.options, &recipe, err);
  mw_options_free(&line);
  good = good && mw_options_parse(&line, words + 1, count - 1, recipe, err);
  good = good && check_typed(s, &line, err) && score_by_data(s, &line.options, recipe, err);
  if (good && !line.options.score)
    good = mw_term_fail(err, MW_USAGE, "a sweep needs --score COMMAND or --score loss:FILE...\ngreater is better");
  if (good && !line.options.output)
    good = mw_term_fail(err, MW_USAGE, "no output is named\nadd -o FOLDER, for the best of the candidates");
  good = good && (!s->svg || mw_plot_allowed(s->svg, err));
  good = good && sweep_all(s, recipe, &line, err);
  if (good && line.json) good = print_json(s, err);
  else if (good) print_rows(s);
  good = good && (!s->svg || draw(s, err)); /* last: a full disk takes no scores away */
  if (recipe) mw_options_free(&line);
  mw_recipe_free(recipe);
  return good;
}

int mw_cmd_sweep_words(mw_term *term, char **words, size_t count) {
  mw_error err = { .status = MW_OK };
  mw_commands_buffer buffer;
  sweep s = { .term = term };
  bool good = true;
  for (size_t i = 0; i < count; i++)
    if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0) return mw_cmd_help_command(stdout, &mw_cmd_sweep), 0;
  if (!count || words[0][0] == '-')
    good = mw_term_fail(&err, MW_USAGE, "sweep needs a recipe\n%s", mw_commands_usage(&buffer, &mw_cmd_sweep));
  good = good && run_words(&s, words, count, &err);
  free_axes(&s);
  free(s.scores);
  free(s.loss);
  return good ? 0 : mw_term_error(term, &err);
}

static const mw_options_doc options[] = {
  { "over", "ARG=VALUES", "an argument and its values: t=0:1:0.1 (from, to, step) or per=model,tensor; several times: every combination" },
  { "score", "COMMAND|loss:FILE...", "measures a candidate, as in a merge; greater is better" },
  { "data", "FILE...", "of a recipe that learns from no data: as --score loss:FILE..." },
  { "output", "OUT", "where the best candidate goes" },
  { "csv", "", "the scores as comma-separated values" },
  { "json", "", "the scores as one JSON document" },
  { "svg", "FILE", "draw the scores, over the first argument" },
  { NULL, NULL, NULL },
};

const mw_command mw_cmd_sweep = { "sweep", "RECIPE [--ARG VALUE...]... --over ARG=FROM:TO:STEP --score COMMAND -o OUT",
                                  "try a recipe with many values, and show the score of each", "a recipe", 1, 1, options, NULL };
