/* cmd_merge.c: merge, and its dry run `plan`. A merge is a plan that is run: both read the same command line, and `plan` stops before
 * the data of tensors is read. */
#include "commands.h"
#include "base/text.h"
#include "cluster/cluster.h"
#include "mergekit_flags.h"
#include "print.h"
#include "signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct watch {
  mw_term *term;
  unsigned passes;
} watch;

static bool progress(void *context, uint64_t done, uint64_t total, unsigned pass) {
  const watch *w = context;
  /* Passes over numbers in memory are not planned. */
  if (total) mw_term_progress(w->term, done, total, pass < w->passes ? pass : w->passes, w->passes);
  return mw_signals_caught() == 0;
}

static bool printed(void *context, const char *line) {
  mw_term_printed(context, line);
  return mw_signals_caught() == 0;
}

static bool scored(void *context, const mw_scored *score) {
  mw_term_scored(context, score);
  return mw_signals_caught() == 0;
}

static bool learning(void *context, const mw_learning_facts *facts) {
  const watch *w = context;
  mw_term_learning(w->term, facts);
  return mw_signals_caught() == 0;
}

static void show_warnings(mw_term *term, const mw_plan *plan) {
  const char *const *lines;
  size_t count = mw_plan_notes(plan, &lines);
  mw_term_warnings(term, lines, count);
}

static bool run(mw_term *term, const mw_recipe *recipe, const mw_options_line *line, mw_plan *plan, mw_error *err) {
  watch w = { term, mw_plan_measure(plan).passes };
  mw_signals_hold();
  mw_term_start(term, mw_recipe_name(recipe), line->options.output, mw_plan_measure(plan));
  mw_plan_watch(plan, learning, &w);
  bool good = mw_plan_run(plan, progress, &w, err);
  show_warnings(term, plan);
  if (good) mw_term_done(term, &line->options, mw_plan_measure(plan));
  return good;
}

static void print_trainings(const mw_plan *plan) {
  const mw_plan_training *t;
  char memory[32], weights[32], activations[32];
  for (size_t count = mw_plan_trainings(plan, &t); count > 0; count--, t++) {
    printf("training      %llu steps, %llu coefficients\n", (unsigned long long)t->steps, (unsigned long long)t->coefficients);
    if (!t->steps) continue;
    printf("a step        %llu tokens, %.3g Gflop of products, about %.2g s\n", (unsigned long long)t->tokens,
           t->flops * 1e-9, t->seconds);
    printf("in memory     %s: weights %s, activations %s (%.0f bytes a token)\n", mw_text_size(memory, (double)t->memory),
           mw_text_size(weights, (double)t->weights), mw_text_size(activations, (double)t->activations),
           (double)t->activations / (double)(t->tokens ? t->tokens : 1));
  }
}

static void print_components(const mw_plan *plan) {
  const mw_plan_component *c;
  char read[32], written[32];
  for (size_t count = mw_plan_components(plan, &c); count > 0; count--, c++) {
    printf("component     ");
    mw_print_plain(stdout, c->name);
    if (c->carried) printf(" carried, since %s", c->carried);
    printf(" (tensors %zu, passes %u, read %s, written %s)\n", c->facts.tensors, c->facts.passes,
           mw_text_size(read, (double)c->facts.bytes_read), mw_text_size(written, (double)c->facts.bytes_written));
  }
}

static void print_plan(const mw_recipe *recipe, const mw_plan *plan) {
  mw_plan_facts facts = mw_plan_measure(plan);
  char buffer[32];
  printf("recipe        ");
  mw_print_plain(stdout, mw_recipe_name(recipe));
  printf("\ndonor         ");
  mw_print_plain(stdout, facts.donor);
  printf(" (%s)\n", facts.adapter ? "the adapter's base" : "of config, tokenizer and side files");
  if (facts.vocabulary) printf("vocabulary    %s\n", facts.vocabulary);
  if (facts.config) {
    printf(facts.adapter ? "adapter       " : "config.json   ");
    mw_print_plain(stdout, facts.config);
    putchar('\n');
  }
  if (facts.adapters) {
    printf("adapters      ");
    mw_print_plain(stdout, facts.adapters);
    putchar('\n');
  }
  printf("tensors       %zu\npasses        %u\n", facts.tensors, facts.passes);
  printf("bytes read    %llu (%s)\n", (unsigned long long)facts.bytes_read,
         mw_text_size(buffer, (double)facts.bytes_read));
  printf("bytes written %llu (%s)\n", (unsigned long long)facts.bytes_written,
         mw_text_size(buffer, (double)facts.bytes_written));
  printf("peak memory   %s\n", mw_text_size(buffer, (double)facts.peak_memory));
  if (facts.matrix_memory)
    printf("matrices      %s of that, %.3g floating-point operations\n", mw_text_size(buffer, (double)facts.matrix_memory),
           facts.matrix_flops);
  if (facts.statistic_batches) {
    printf("statistics    %s before the passes, ", mw_text_size(buffer, (double)facts.statistic_memory));
    printf("%s on the disk, %llu batches, %.3g floating-point operations\n", mw_text_size(buffer, (double)facts.statistic_bytes),
           (unsigned long long)facts.statistic_batches, facts.statistic_flops);
  }
  print_components(plan);
  print_trainings(plan);
  if (facts.candidates)
    printf("candidates    %zu to be scored, if all score alike; this is the plan of the first\n", facts.candidates);
  for (size_t i = 0; i < facts.files; i++) {
    const char *name;
    uint64_t bytes;
    mw_plan_file(plan, i, &name, &bytes);
    printf("file          ");
    mw_print_plain(stdout, name);
    printf(" (%s)\n", mw_text_size(buffer, (double)bytes));
  }
}

static void print_explained(const mw_plan *plan) {
  const mw_plan_number *n;
  size_t count = mw_plan_explained(plan, &n);
  if (count == 0) puts("explained     no argument varies over the model: every tensor gets the same numbers");
  for (; count > 0; count--, n++) {
    int gap = 13 - (int)strlen(n->argument);
    mw_print_plain(stdout, n->argument);
    printf("%*s %-12.10g ", gap > 0 ? gap : 0, "", n->number);
    mw_print_plain(stdout, n->tensor);
    putchar('\n');
  }
}

static bool plan_and_run(mw_term *term, const mw_recipe *recipe, const mw_options_line *line, bool dry, mw_error *err) {
  mw_plan *plan = NULL;
  if (!dry && line->json)
    return mw_term_fail(err, MW_USAGE, "--json belongs to `plan`\n--log-json reports a merge as JSON lines");
  if (!dry && line->explain)
    return mw_term_fail(err, MW_USAGE, "--explain belongs to `plan`\n`moonweld plan` before the same words explains them");
  if (!dry && !line->options.output)
    return mw_term_fail(err, MW_USAGE, "no output is named\nadd -o FOLDER, or begin with `plan` for a dry run");
  mw_options options = line->options;
  options.explain = line->explain;
  options.print = printed;
  options.print_context = term;
  options.scored = scored;
  options.scored_context = term;
  bool good = mw_plan_make(recipe, line->bindings, line->count, &options, &plan, err);
  if (plan) show_warnings(term, plan);
  if (good) {
    if (!dry) good = run(term, recipe, line, plan, err);
    else if (line->json) fputs(mw_plan_json(plan), stdout);
    else print_plan(recipe, plan);
    if (line->explain && !line->json) print_explained(plan);
  }
  if (plan) mw_plan_free(plan);
  return good;
}

/* What --also asks for, each a merge of its own, after the first. All are looked at before anything is made. */
static bool make_all(mw_term *term, const mw_recipe *recipe, const mw_options_line *line, bool dry, mw_error *err) {
  mw_options_line other = *line;
  mw_text_escaped done, out;
  char name[64];
  bool good = mw_plan_check_also(recipe, line->bindings, line->count, &line->options, err) && plan_and_run(term, recipe, line, dry, err);
  for (size_t i = 0; i < line->options.also_count && good && !dry; i++) {
    good = mw_options_also(&line->options, i, name, &other.options, err) && plan_and_run(term, recipe, &other, false, err);
    if (!good)
      mw_error_hint(err, "%s is complete; --result %s -o %s, in the place of its -o and every --also, goes on with this one",
                    mw_text_escape_z(&done, line->options.output), name, mw_text_escape_z(&out, other.options.output));
  }
  return good;
}

bool mw_cmd_merge_run(mw_term *term, const mw_recipe *recipe, const mw_options_line *line, mw_error *err) {
  return plan_and_run(term, recipe, line, false, err);
}

/* Whether there is such a recipe; if not, commands with similar names are suggested too. */
static bool check_name(const char *name, mw_error *err) {
  const char *words[32];
  size_t count = 0;
  for (size_t i = 0; mw_commands_all[i] && count < sizeof words / sizeof *words; i++) words[count++] = mw_commands_all[i]->word;
  return mw_recipe_is_known(name, words, count, err);
}

static int merge(mw_term *term, char **words, size_t count, bool dry) {
  mw_error err = { .status = MW_OK };
  mw_recipe *recipe = NULL;
  mw_options_line line = { 0 };
  char **rest = words + 1, **translated = NULL, note[400] = "";
  size_t rest_count = count - 1;
  bool good = !mw_mergekit_flags_apply(words[0]) ||
              mw_mergekit_flags_translate(rest, rest_count, &translated, &rest_count, note, &err);
  if (translated) rest = translated;
  good = good && mw_options_parse(&line, rest, rest_count, NULL, &err);
  term->quiet = line.quiet || term->mute;
  term->json = line.log_json && !term->mute;
  if (*note) mw_term_printed(term, note);
  bool help = good && line.help;
  mw_error unnamed; /* reported before errors in the words after the name */
  if (!check_name(words[0], &unnamed)) good = false, err = unnamed;
  good = good && mw_recipe_load(words[0], &line.options, &recipe, &err);
  mw_options_free(&line);
  if (good && help) {
    mw_cmd_help_recipe(stdout, recipe);
  } else if (good) {
    good = mw_options_parse(&line, rest, rest_count, recipe, &err) && make_all(term, recipe, &line, dry, &err);
    mw_options_free(&line);
  }
  if (recipe) mw_recipe_free(recipe);
  mw_mergekit_flags_free(translated);
  good = mw_cluster_agree(good, &err);
  return good ? 0 : mw_term_error(term, &err);
}

int mw_cmd_merge(mw_term *term, char **words, size_t count) { return merge(term, words, count, false); }

static const mw_options_doc plan_options[] = {
  { "json", "", "one JSON document" },
  { "explain", "", "all that does not fit, and the number that every tensor gets of an argument that varies, such as --t 0,0.5,1" },
  { NULL, NULL, NULL },
};

const mw_command mw_cmd_merge_plan = { "plan", "RECIPE|FILE.lua [--ARG VALUE...]... [--json] [--explain]",
                                       "dry run of the same command line, headers only", "a recipe", 1, 1, plan_options, NULL };

int mw_cmd_merge_dry(mw_term *term, char **words, size_t count) {
  mw_error err;
  mw_commands_buffer buffer;
  if (count > 0 && words[0][0] != '-') return merge(term, words, count, true);
  for (size_t i = 0; i < count; i++)
    if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0) return mw_cmd_help_command(stdout, &mw_cmd_merge_plan), 0;
  mw_term_fail(&err, MW_USAGE, "plan needs a recipe\n%s", mw_commands_usage(&buffer, &mw_cmd_merge_plan));
  return mw_term_error(term, &err);
}
