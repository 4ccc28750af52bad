/* sweep.c: a recipe that tries a recipe with many values, written as Lua like any other, so that it is scored, stopped, resumed,
 * recorded and rebuilt like any other. For `sweep lerp --over t=0:1:0.5`:
 *
 *   local swept = require "lerp"
 *   return recipe {
 *     "A sweep of lerp.", arg.from(swept, "a", "b", "t"), arg.score(),
 *     function(a)
 *       local best, most
 *       for i, v in ipairs { {0}, {0.5}, {1} } do
 *         local made = swept { a = a.a, b = a.b, t = v[1] }
 *         ...
 *
 * An own recipe is packed into the text (lua/moonweld/pack.lua), as the part `swept`. */
#include "recipe/builtins.h"
#include "recipe/recipe.h"
#include "moonweld.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 10000 }; /* combinations: as many as a search has candidates */

static const mw_arg *find_arg(const mw_recipe *recipe, const char *name, mw_error *err) {
  const mw_arg *args;
  const char *names[64];
  mw_text_escaped shown;
  size_t count = mw_recipe_args(recipe, &args), known = 0;
  for (size_t i = 0; i < count; i++) {
    if (strcmp(args[i].name, name) == 0) return &args[i];
    if (known < 64 && args[i].kind < MW_ARG_SEED) names[known++] = args[i].name;
  }
  const char *near = mw_recipe_nearest(name, names, known);
  mw_error_set(err, MW_USAGE, "--over: this recipe has no '%s'", mw_text_escape_z(&shown, name));
  if (near) mw_error_hint(err, "did you mean '%s'?", near);
  return NULL;
}

/* A value as Lua writes it. Limits are asked here, since a search plans its first candidate alone. */
static bool put_value(mw_text *out, const mw_arg *arg, const char *typed, mw_error *err) {
  static const char *const kinds[] = {"number", "count"};
  mw_text_escaped shown;
  double number;
  char buffer[32], least[32], most[32];
  mw_text_escape_z(&shown, typed);
  if (arg->kind == MW_ARG_NUMBER || arg->kind == MW_ARG_MAYBE || arg->kind == MW_ARG_EACH) {
    bool fits = mw_text_parse_number(typed, &number) && (!arg->has_min || number >= arg->min) && (!arg->has_max || number <= arg->max) &&
                (!arg->whole || number == floor(number));
    if (fits) return mw_text_format(out, "%s", mw_text_number(buffer, number)), true;
    if (!arg->has_min && !arg->has_max)
      return mw_error_set(err, MW_USAGE, "--over %s: found '%s', expected a %s", arg->name, shown.bytes, kinds[arg->whole]);
    return mw_error_set(err, MW_USAGE, "--over %s: found '%s', expected a %s from %s to %s", arg->name, shown.bytes, kinds[arg->whole],
                        arg->has_min ? mw_text_number(least, arg->min) : "any", arg->has_max ? mw_text_number(most, arg->max) : "any");
  }
  if (arg->kind != MW_ARG_CHOICE) {
    mw_error_set(err, MW_USAGE, "--over %s: a sweep goes over numbers and choices alone", arg->name);
    return arg->kind == MW_ARG_FLAG && mw_error_hint(err, "sweep twice, with --%s and with --no-%s", arg->name, arg->name);
  }
  for (const char *const *choice = arg->choices; *choice; choice++) {
    if (strcmp(*choice, typed) != 0) continue;
    mw_text_json(out, typed, strlen(typed));
    return true;
  }
  return mw_error_set(err, MW_USAGE, "--over %s: there is no choice '%s'", arg->name, shown.bytes);
}

/* "{ { 0, "model" }, { 0, "tensor" }, { 0.5, "model" }, ... }": the last axis fastest. */
static bool put_combinations(mw_text *out, const mw_recipe *recipe, const mw_sweep_axis *axes, size_t count, mw_error *err) {
  size_t total = 1;
  for (size_t i = 0; i < count; i++) {
    total *= axes[i].count;
    if (total > MOST) return mw_error_set(err, MW_USAGE, "--over: more than %d combinations", MOST);
  }
  mw_text_format(out, "{");
  for (size_t at = 0; at < total; at++) {
    size_t rest = at, step = total;
    mw_text_format(out, " {");
    for (size_t i = 0; i < count; i++) {
      const mw_arg *arg = find_arg(recipe, axes[i].name, err);
      step /= axes[i].count;
      mw_text_format(out, i ? ", " : " ");
      if (!arg || !put_value(out, arg, axes[i].values[rest / step], err)) return false;
      rest %= step;
    }
    mw_text_format(out, " },");
  }
  mw_text_format(out, " }");
  return true;
}

static bool is_swept(const char *name, const mw_sweep_axis *axes, size_t count, size_t *at) {
  for (*at = 0; *at < count; (*at)++)
    if (strcmp(axes[*at].name, name) == 0) return true;
  return false;
}

/* A text as the body of a function: a first line that begins with '#' is not Lua's. */
static const char *body_of(const char *text) { return *text == '#' ? text + strcspn(text, "\n") : text; }

static bool put_recipe(mw_text *out, const mw_recipe *recipe, const mw_sweep_axis *axes, size_t count, mw_error *err) {
  const mw_arg *args;
  size_t known = mw_recipe_args(recipe, &args), axis;
  mw_text_format(out, "return recipe {\n  \"A sweep: of many candidates the one that scores most.\",\n  arg.from(swept");
  for (size_t i = 0; i < known; i++) {
    if (args[i].kind == MW_ARG_SCORE)
      return mw_error_set(err, MW_USAGE, "%s asks for scores itself: it cannot be swept", mw_recipe_name(recipe));
    mw_text_format(out, ", \"%s\"", args[i].name);
  }
  mw_text_format(out, "),\n  arg.score(),\n  function(a)\n    local best, most\n    for i, v in ipairs ");
  MW_TRY(put_combinations(out, recipe, axes, count, err));
  mw_text_format(out, " do\n      local made = swept {");
  for (size_t i = 0; i < known; i++) {
    if (is_swept(args[i].name, axes, count, &axis)) mw_text_format(out, " [\"%s\"] = v[%zu],", args[i].name, axis + 1);
    else mw_text_format(out, " [\"%s\"] = a[\"%s\"],", args[i].name, args[i].name);
  }
  mw_text_format(out, " }\n      local score = a.score(made)\n"
                      "      print(string.format(\"sweep %%d %%.17g\", i - 1, score))\n"
                      "      if not best or score > most then best, most = made, score end\n"
                      "    end\n    return best\n  end,\n}\n");
  return true;
}

bool mw_recipe_sweep(const char *name, const mw_sweep_axis *axes, size_t count, const mw_options *options, mw_recipe **out,
                     mw_error *err) {
  mw_recipe *recipe;
  mw_text text = {0}, title = {0};
  char *packed = NULL;
  MW_TRY(mw_recipe_load(name, options, &recipe, err));
  bool ok = true, built_in = mw_builtins_find(name) != NULL;
  for (size_t i = 0; ok && i < count; i++) ok = find_arg(recipe, axes[i].name, err) != NULL;
  if (ok && !built_in) ok = mw_recipe_pack(name, options, &packed, err);
  if (packed) mw_text_format(&text, "part(\"swept\", function(_ENV)\n%s\nend)\n\n", body_of(packed));
  mw_text_format(&text, "local swept = require \"%s\"\n", built_in ? name : "swept");
  mw_text_format(&title, "sweep of %s", name);
  ok = ok && put_recipe(&text, recipe, axes, count, err) && mw_text_check(&text, err) && mw_text_check(&title, err) &&
       mw_recipe_of_text(title.bytes, text.bytes, text.length, options, out, err);
  free(packed);
  mw_text_free(&text);
  mw_text_free(&title);
  mw_recipe_free(recipe);
  return ok;
}
