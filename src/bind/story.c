/* story.c: arguments keep their spelling, so that a lock file says what was typed. */
#include "bind/story.h"
#include <string.h>

static const mw_binding *binding_of(const mw_binding *bindings, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(bindings[i].name, name) == 0) return &bindings[i];
  return NULL;
}

static bool is_list(const mw_arg *arg) { return arg->kind == MW_ARG_EACH || arg->kind == MW_ARG_MODELS || arg->kind == MW_ARG_WORDS; }

/* The default that held: what is typed for `profile` may have changed it. */
static const char *fallback_of(const mw_arg *args, size_t count, const mw_arg *arg, const mw_binding *profile) {
  for (size_t i = 0; i < count && arg->profiled && profile && profile->count == 1; i++)
    for (size_t k = 0; strcmp(args[i].name, "profile") == 0 && args[i].choices && args[i].choices[k]; k++)
      if (strcmp(args[i].choices[k], profile->words[0]) == 0) return arg->profiled[k];
  return arg->fallback;
}

static void put_argument(mw_text *json, const mw_arg *arg, const char *fallback, const mw_binding *binding) {
  bool list = is_list(arg) && binding;
  mw_text_json(json, arg->name, strlen(arg->name));
  mw_text_format(json, list ? ": [" : ": ");
  for (size_t w = 0; binding && w < binding->count; w++) {
    if (w) mw_text_format(json, ", ");
    mw_text_json(json, binding->words[w], strlen(binding->words[w]));
  }
  if (!binding) mw_text_json(json, fallback, strlen(fallback));
  if (list) mw_text_format(json, "]");
}

static void put_word(mw_text *text, const char *word) {
  mw_text_format(text, " ");
  mw_text_shell(text, word);
}

bool mw_story_compose(mw_story_texts *texts, const mw_recipe *recipe, const mw_binding *bindings, size_t count,
                      const mw_options *options, mw_error *err) {
  const mw_arg *args;
  size_t arg_count = mw_recipe_args(recipe, &args);
  bool first = true;
  mw_text_format(&texts->command, "moonweld");
  put_word(&texts->command, mw_recipe_name(recipe));
  mw_text_format(&texts->arguments, "{");
  for (size_t i = 0; i < arg_count; i++) {
    const mw_binding *binding = binding_of(bindings, count, args[i].name);
    bool reserved = args[i].kind >= MW_ARG_SEED;
    const char *fallback = fallback_of(args, arg_count, &args[i], binding_of(bindings, count, "profile"));
    if (!reserved && (binding || *fallback)) {
      if (!first) mw_text_format(&texts->arguments, ", ");
      put_argument(&texts->arguments, &args[i], fallback, binding);
      first = false;
    }
    if (!binding || reserved) continue;
    mw_text_format(&texts->command, " --%s", args[i].name);
    for (size_t w = 0; w < binding->count; w++) put_word(&texts->command, binding->words[w]);
  }
  mw_text_format(&texts->arguments, "}");
  if (options->score) {
    mw_text_format(&texts->command, " --score");
    put_word(&texts->command, options->score);
  }
  if (options->dtype) mw_text_format(&texts->command, " --dtype %s", options->dtype);
  if (options->seed) mw_text_format(&texts->command, " --seed %llu", (unsigned long long)options->seed);
  if (options->data_count) mw_text_format(&texts->command, " --data");
  for (size_t i = 0; i < options->data_count; i++) put_word(&texts->command, options->data[i]);
  if (options->window) mw_text_format(&texts->command, " --window %u", options->window);
  if (options->coefficients) mw_text_format(&texts->command, " --coefficients");
  if (options->coefficients) put_word(&texts->command, options->coefficients);
  return mw_text_check(&texts->arguments, err) && mw_text_check(&texts->command, err);
}

/* config.json spells dtypes as torch does. */
static const char *config_dtype(const char *word) {
  static const char *const words[][2] = {{"f32", "float32"}, {"f16", "float16"}, {"bf16", "bfloat16"}, {"f64", "float64"}};
  for (size_t i = 0; word && i < sizeof words / sizeof *words; i++)
    if (strcmp(words[i][0], word) == 0) return words[i][1];
  return NULL;
}

mw_story mw_story_of(const mw_story_texts *texts, const mw_recipe *recipe, const mw_host_result *result,
                     const mw_score *scores, const mw_options *options) {
  return (mw_story){.recipe_name = mw_recipe_name(recipe), .recipe_summary = mw_recipe_summary(recipe),
                    .recipe_paper = mw_recipe_paper(recipe), .recipe_text = mw_host_text(recipe),
                    .arguments_json = texts->arguments.bytes, .drawn_json = result->drawn_json,
                    .required_json = result->required_json, .scores_json = scores ? scores->json.bytes : NULL,
                    .scores_lines = scores ? scores->lines.bytes : NULL, .command = texts->command.bytes, .seed = options->seed,
                    .dtype = config_dtype(options->dtype), .copy_code = options->copy_code};
}

void mw_story_free(mw_story_texts *texts) {
  mw_text_free(&texts->arguments);
  mw_text_free(&texts->command);
}
