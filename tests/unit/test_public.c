/* test_public.c: moonweld.h as a program uses it: what is asked for is held against signature and ranges, nothing that was
 * passed in is needed after the call, and a callback that returns false ends the work. */
#include "toys.h"
#include <math.h>

static void fails(bool ok, const mw_error *err, mw_status status, const char *text, const char *hint) {
  if (ok || err->status != status || !strstr(err->text, text) || !strstr(err->hint, hint)) printf("%d %d %s (%s)\n", ok, err->status, err->text, err->hint);
  CHECK(!ok && err->status == status && strstr(err->text, text) && strstr(err->hint, hint));
}

/* Plans a recipe on the models `a` and `b`; the error holds the texts. */
static void refuses(const char *recipe, const mw_binding *bindings, size_t count, const mw_options *options, const char *text, const char *hint) {
  mw_recipe *loaded = NULL;
  mw_plan *plan = NULL;
  mw_error err = {0};
  bool ok = mw_recipe_load(recipe, options, &loaded, &err) && mw_plan_make(loaded, bindings, count, options, &plan, &err);
  fails(ok, &err, MW_USAGE, text, hint);
  mw_plan_free(plan);
  mw_recipe_free(loaded);
}

static void arguments(void) {
  const char *a = "a", *b = "b", *numbers[] = {"0.5", "0.6"}, *word = "maybe";
  mw_binding lerp[] = {{"a", &a, 1}, {"b", &b, 1}, {"t", numbers, 1}};
  mw_options options;
  mw_options_init(&options);
  refuses("lerpp", lerp, 3, &options, "there is no recipe 'lerpp'", "did you mean 'lerp'?");
  lerp[2] = (mw_binding){"t", numbers, 2};
  refuses("lerp", lerp, 3, &options, "'t' takes one value, not 2", "");
  lerp[2] = (mw_binding){"t", numbers, 0};
  refuses("lerp", lerp, 3, &options, "'t' takes one value, not 0", "");
  lerp[2] = (mw_binding){"weights", numbers, 1};
  refuses("lerp", lerp, 3, &options, "'lerp' has no argument 'weights'", "its help lists them");
  mw_binding soup[] = {{"model", &a, 1}};
  refuses("soup", soup, 1, &options, "'soup' has no argument 'model'", "did you mean 'models'?");
  mw_binding seeded[] = {{"models", &a, 1}, {"seed", numbers, 1}};
  refuses("m3", seeded, 2, &options, "has no argument 'seed'", "it is an option of the merge");
  put_text("flag.lua", "return recipe { \"A flag.\", arg.model(\"a\", \"a model\"), arg(\"on\", true, \"a flag\"), function(a) return a.a end }");
  mw_binding flag[] = {{"a", &a, 1}, {"on", &word, 1}};
  refuses("flag.lua", flag, 2, &options, "'on' = 'maybe': true or false is expected", "");
}

/* A pipeline beside a model, for which vocabularies would be united first. */
static void mixtures(void) {
  const char *pipeline = "whole", *b = "b";
  const mw_binding bindings[] = {{"a", &pipeline, 1}, {"b", &b, 1}};
  mw_options options;
  mw_options_init(&options);
  options.tokenizer = "union";
  mkdir("whole", 0700);
  put_model("whole/unet", any, second, 1);
  put_text("whole/model_index.json", "{\"unet\": [\"diffusers\", \"X\"]}");
  refuses("lerp", bindings, 2, &options, "a is a whole pipeline of diffusers, and b is one model", "give pipelines everywhere");
}

static void refuses_option(mw_options options, const char *text) {
  const char *a = "a", *b = "b";
  const mw_binding bindings[] = {{"a", &a, 1}, {"b", &b, 1}};
  refuses("lerp", bindings, 2, &options, text, "");
}

static void ranges(void) {
  mw_options plain, o;
  const char *file = "f";
  mw_options_init(&plain);
  o = plain, o.threads = -1, refuses_option(o, "option 'threads': a whole number from 1 to 1024 is expected");
  o = plain, o.threads = 1025, refuses_option(o, "option 'threads'");
  o = plain, o.window = 1, refuses_option(o, "option 'window': a whole number from 2 to 262144 is expected");
  o = plain, o.shard_size = 0, refuses_option(o, "option 'shard_size': a size is expected");
  o = plain, o.recipe_memory = UINT64_MAX, refuses_option(o, "option 'recipe_memory'");
  o = plain, o.recipe_seconds = 1e30, refuses_option(o, "option 'recipe_seconds' = 1e+30: a time in seconds is expected, above 0 up to 1000000");
  o = plain, o.recipe_seconds = NAN, refuses_option(o, "option 'recipe_seconds'");
  o = plain, o.score_timeout = -1, refuses_option(o, "option 'score_timeout'");
  o = plain, o.tied = "unite", refuses_option(o, "option 'tied' = 'unite': expected one of untie|ignore");
  o = plain, o.score_timeout = 1, refuses_option(o, "--score-timeout belongs to --score");
  o = plain, o.score_jobs = 2, refuses_option(o, "--score-jobs belongs to --score");
  o = plain, o.score_jobs = 65, refuses_option(o, "option 'score_jobs'");
  o = plain, o.score = "echo 1 {dir}", refuses_option(o, "'lerp' does not use --score");
  o = plain, o.score = "echo 1", refuses_option(o, "does not name the candidate");
  o = plain, o.score = "echo {dir}", o.score_data = &file, o.score_data_count = 1, refuses_option(o, "takes no files");
  o = plain, o.data = &file, o.data_count = 1, refuses_option(o, "'lerp' does not use --data");
  mw_diff *diff;
  mw_error err = {0};
  fails(mw_diff_make("a", "b", &(mw_diff_options){.threads = -2}, &diff, &err), &err, MW_USAGE, "option 'threads'", "");
  mw_evaluation result;
  o = plain, o.window = -5, o.data = &file, o.data_count = 1;
  fails(mw_eval_models((const char *[]){"a"}, 1, &o, NULL, NULL, &result, &err), &err, MW_USAGE, "option 'window'", "");
}

/* ---- what was passed in is gone after the call ---- */

static char *heap(const char *text) {
  char *copy = malloc(strlen(text) + 1);
  return copy ? strcpy(copy, text) : NULL;
}

static void destroy(char *text) {
  memset(text, 'x', strlen(text));
  free(text);
}

static bool exists(const char *path) { return access(path, F_OK) == 0; }

static void ownership(void) {
  char *name = heap("greedy_soup"), *output = heap("out"), *score = heap("stat -c %i {dir}/model.safetensors"), *dtype = heap("bf16"), *a = heap("a"),
       *b = heap("b"), *models = heap("models");
  mw_recipe *recipe = NULL;
  mw_plan *plan = NULL;
  mw_error err = {0};
  const char **words = malloc(2 * sizeof *words);
  mw_binding *binding = malloc(sizeof *binding);
  mw_options *options = malloc(sizeof *options);
  if (!words || !binding || !options) return;
  words[0] = a, words[1] = b;
  *binding = (mw_binding){models, words, 2};
  mw_options_init(options);
  options->output = output, options->score = score, options->dtype = dtype;
  bool ok = mw_recipe_load(name, options, &recipe, &err) && mw_plan_make(recipe, binding, 1, options, &plan, &err);
  destroy(name), destroy(output), destroy(score), destroy(dtype), destroy(a), destroy(b), destroy(models);
  memset(words, 0x55, 2 * sizeof *words), memset(binding, 0x55, sizeof *binding), memset(options, 0x55, sizeof *options);
  free(words), free(binding), free(options);
  ok = ok && mw_plan_run(plan, NULL, NULL, &err);
  if (!ok) printf("%s\n", err.text);
  CHECK(ok && exists("out/model.safetensors"));
  mw_plan_free(plan);
  mw_recipe_free(recipe);
}

/* ---- callbacks that stop the work ---- */

static bool no_score(void *context, const mw_scored *scored) {
  *(size_t *)context = scored->candidate;
  return false;
}

static bool no_line(void *context, const char *line) {
  return *(bool *)context = strcmp(line, "one") != 0;
}

static void stops(void) {
  const char *words[] = {"a", "b"};
  const mw_binding models = {"models", words, 2}, first_model = {"a", words, 1};
  mw_recipe *recipe = NULL;
  mw_plan *plan = NULL;
  mw_error err = {0};
  size_t scored = 0;
  bool told = true;
  mw_options options;
  mw_options_init(&options);
  options.output = "stopped", options.score = "echo 1 {dir}", options.scored = no_score, options.scored_context = &scored;
  CHECK(mw_recipe_load("greedy_soup", &options, &recipe, &err) && mw_plan_make(recipe, &models, 1, &options, &plan, &err));
  fails(mw_plan_run(plan, NULL, NULL, &err), &err, MW_INTERRUPTED, "interrupted", "");
  CHECK(scored == 1 && !exists("stopped"));
  mw_plan_free(plan);
  mw_recipe_free(recipe);
  put_text("prints.lua", "return recipe { \"Prints.\", arg.model(\"a\", \"a model\"), function(a) print 'one' print 'two' return a.a end }");
  mw_options_init(&options);
  options.print = no_line, options.print_context = &told;
  CHECK(mw_recipe_load("prints.lua", &options, &recipe, &err));
  fails(mw_plan_make(recipe, &first_model, 1, &options, &plan, &err), &err, MW_INTERRUPTED, "interrupted", "");
  CHECK(!told);
  mw_recipe_free(recipe);
}

static void build(void) {
  mw_build build = mw_version();
  CHECK_TEXT(build.version, MW_VERSION);
  CHECK(*build.kernels && strstr(build.lua, "Lua 5.4") && *build.sandbox);
  const char *const *names = mw_recipe_builtins();
  size_t count = 0;
  for (; names[count]; count++) CHECK(count == 0 || strcmp(names[count - 1], names[count]) < 0);
  CHECK(count >= 15 && names == mw_recipe_builtins());
}

int main(void) {
  toys_begin();
  put_model("a", any, whole, COUNT(whole));
  put_model("b", any, whole, COUNT(whole));
  RUN(arguments());
  RUN(ranges());
  RUN(mixtures());
  RUN(ownership());
  RUN(stops());
  RUN(build());
  toys_end();
  UNIT_END();
}
