/* module.c: moonweld.so for a stock Lua 5.4: pipelines that one trusts drive whole merges; recipes still run in their locked
 * process. lua/moonweld/types.lua says what each function takes and gives:
 *   local mw = require "moonweld"
 *   mw.merge("lerp", { a = "A", b = "B", t = 0.3 }, { output = "OUT", dtype = "f32", seed = 1 })
 * Results are tables with the keys of the command line's JSON documents; a second result lists the warnings. Errors are
 * raised: texts of the library, or what a callback raised. */
#include "module/given.h"
#include "module/json_table.h"
#include "module/opened.h"
#include "module/prove.h"
#include <lauxlib.h>
#include <math.h>
#include <string.h>

/* The result, and its warnings. */
static int give(mw_call *call, const char *document, const char *const *lines, size_t count) {
  mw_json_table_push(call, document);
  lua_createtable(call->L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushstring(call->L, lines[i]);
    lua_rawseti(call->L, -2, (lua_Integer)i + 1);
  }
  return 2;
}

static void finish(mw_call *call, bool ok, const mw_error *err) {
  if (!ok || call->failed) mw_call_raise(call, err);
}

/* Further result `i`, a merge of its own. Its warnings are those of the first, which has the same inputs. */
static void make_also(mw_call *call, const mw_binding *bindings, size_t count, const mw_options *options, size_t i) {
  mw_error err;
  mw_options other;
  char name[64];
  finish(call, mw_options_also(options, i, name, &other, &err), &err);
  finish(call, mw_plan_make(call->recipe, bindings, count, &other, &call->also, &err), &err);
  finish(call, mw_plan_run(call->also, mw_call_progress, call, &err), &err);
  mw_plan_free(call->also);
  call->also = NULL;
}

/* plan(recipe, arguments, options), and merge, which runs it. A recipe of several lines is its text. */
static int make(lua_State *L, bool run) {
  mw_error err;
  mw_given given;
  size_t count, length;
  const char *const *lines, *name = luaL_checklstring(L, 1, &length);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 3);
  mw_call *call = mw_call_begin(L);
  mw_given_options(call, 3, NULL, &given);
  mw_options *options = &given.options;
  if (run && !options->output) return luaL_error(L, "option 'output' is needed: the folder to make, or NAME.safetensors");
  if (run && options->explain) return luaL_error(L, "option 'explain' belongs to plan, not to merge");
  options->print = mw_call_print;
  options->scored = mw_call_scored;
  options->print_context = options->scored_context = call;
  bool is_text = strchr(name, '\n') != NULL;
  finish(call, is_text ? mw_recipe_of_text("the script's recipe", name, length, options, &call->recipe, &err)
                       : mw_recipe_load(name, options, &call->recipe, &err), &err);
  const mw_binding *bindings = mw_given_arguments(call, 2, &count);
  finish(call, mw_plan_check_also(call->recipe, bindings, count, options, &err) &&
                 mw_plan_make(call->recipe, bindings, count, options, &call->plan, &err), &err);
  mw_plan_watch(call->plan, mw_call_learning, call);
  if (run) finish(call, mw_plan_run(call->plan, mw_call_progress, call, &err), &err);
  for (size_t i = 0; run && i < options->also_count; i++) make_also(call, bindings, count, options, i);
  count = mw_plan_notes(call->plan, &lines);
  return give(call, mw_plan_json(call->plan), lines, count);
}

static int merge(lua_State *L) { return make(L, true); }
static int plan(lua_State *L) { return make(L, false); }

/* inspect(path, { stats = true }) */
static int inspect(lua_State *L) {
  static const char *const names[] = {"stats", NULL};
  mw_error err;
  mw_given given;
  const char *const *lines, *path = luaL_checkstring(L, 1);
  lua_settop(L, 2);
  mw_call *call = mw_call_begin(L);
  mw_given_options(call, 2, names, &given);
  finish(call, mw_inspect_open(path, given.stats, &call->inspection, &err), &err);
  const char *document = mw_inspect_json(call->inspection);
  if (!document) return luaL_error(L, "out of memory for what is known of %s", path);
  size_t count = mw_inspect_notes(call->inspection, &lines);
  return give(call, document, lines, count);
}

/* The texts of the list at `index`, which stays, borrowed from it. */
static const char **models_of(lua_State *L, mw_call *call, int index, size_t *count) {
  mw_error err;
  *count = (size_t)luaL_len(L, index);
  const char **models = mw_mem_take(&call->arena, (*count + 1) * sizeof *models, &err);
  if (!models) mw_call_raise(call, &err);
  for (size_t i = 0; i < *count; i++, lua_pop(L, 1)) {
    if (lua_geti(L, index, (lua_Integer)i + 1) != LUA_TSTRING) luaL_error(L, "model %d of the list is no text", (int)i + 1);
    models[i] = lua_tostring(L, -1);
  }
  return models;
}

/* diff(a, b, { base =, html =, threads =, progress = }), or of several models diff({ a, b, c }, { ... }) */
static int diff(lua_State *L) {
  static const char *const names[] = {"base", "html", "threads", "progress", NULL};
  mw_error err;
  mw_given given;
  const char *const *lines, *two[2] = {NULL}, **models = two;
  size_t models_count = 2;
  bool several = lua_istable(L, 1);
  if (!several) two[0] = luaL_checkstring(L, 1), two[1] = luaL_checkstring(L, 2);
  lua_settop(L, several ? 2 : 3);
  mw_call *call = mw_call_begin(L);
  mw_given_options(call, several ? 2 : 3, names, &given);
  if (several) models = models_of(L, call, 1, &models_count);
  mw_diff_options options = {given.base, given.html, given.options.threads, mw_call_progress, call};
  finish(call, mw_diff_models(models, models_count, &options, &call->diff, &err), &err);
  size_t count = mw_diff_notes(call->diff, &lines);
  return give(call, mw_diff_json(call->diff), lines, count);
}

static void set_number(lua_State *L, const char *name, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

/* eval(model, { data = { FILE... }, window =, threads =, progress = }): a table for each file. */
static int eval(lua_State *L) {
  static const char *const names[] = {"data", "window", "threads", "progress", NULL};
  mw_error err;
  mw_given given;
  const char *model = luaL_checkstring(L, 1);
  lua_settop(L, 2);
  mw_call *call = mw_call_begin(L);
  mw_given_options(call, 2, names, &given);
  size_t count = given.options.data_count;
  if (!count) return luaL_error(L, "option 'data' is needed: the files to predict");
  mw_evaluation *results = mw_mem_take(&call->arena, count * sizeof *results, &err);
  finish(call, results && mw_eval_models(&model, 1, &given.options, mw_call_evaluating, call, results, &err), &err);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, given.options.data[i]);
    lua_setfield(L, -2, "data");
    set_number(L, "loss", results[i].loss);
    set_number(L, "perplexity", exp(results[i].loss));
    lua_pushinteger(L, (lua_Integer)results[i].tokens);
    lua_setfield(L, -2, "tokens");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* Built-in recipes, then those of the homes. */
static int recipes(lua_State *L) {
  const char *const *names = mw_recipe_builtins(), *const *paths;
  mw_call *call = mw_call_begin(L);
  mw_error err;
  lua_Integer at = 0;
  lua_newtable(L);
  for (; names[at]; at++) {
    lua_pushstring(L, names[at]);
    lua_rawseti(L, -2, at + 1);
  }
  finish(call, mw_recipe_homes_open(&call->homes, &err), &err);
  size_t count = mw_recipe_homes_own(call->homes, &names, &paths);
  for (size_t i = 0; i < count; i++) {
    lua_pushstring(L, names[i]);
    lua_rawseti(L, -2, ++at);
  }
  return 1;
}

/* A list of texts or numbers in the field `name` of the table at 1, as texts in the call's arena. */
static const char **texts_of(lua_State *L, mw_call *call, const char *name, size_t *count) {
  mw_error err;
  if (lua_getfield(L, 1, name) != LUA_TTABLE) luaL_error(L, "plot: '%s' is a list", name);
  *count = (size_t)luaL_len(L, -1);
  const char **texts = mw_mem_take(&call->arena, (*count + 1) * sizeof *texts, &err);
  if (!texts) mw_call_raise(call, &err);
  for (size_t i = 0; i < *count; i++) {
    size_t length;
    lua_geti(L, -1, (lua_Integer)i + 1);
    const char *text = luaL_tolstring(L, -1, &length);
    texts[i] = mw_mem_copy(&call->arena, text, length, &err);
    if (!texts[i]) mw_call_raise(call, &err);
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
  return texts;
}

static const char *field_text(lua_State *L, const char *name) {
  if (lua_getfield(L, 1, name) != LUA_TSTRING) luaL_error(L, "plot: '%s' is a text", name);
  return lua_tostring(L, -1); /* it stays on the stack */
}

/* plot{ file = "t.svg", x = "t", y = "loss", values = { 0, 0.5, 1 }, labels = { "" }, curves = { { 3, 2, 4 } } } */
static int plot(lua_State *L) {
  mw_error err;
  mw_plot picture = {0};
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  mw_call *call = mw_call_begin(L);
  const char *file = field_text(L, "file");
  picture.x = field_text(L, "x"), picture.y = field_text(L, "y");
  picture.values = texts_of(L, call, "values", &picture.count);
  picture.labels = texts_of(L, call, "labels", &picture.curves);
  if (!picture.count || !picture.curves) return luaL_error(L, "plot: there are no values, or no labels of curves");
  double *figures = mw_mem_take(&call->arena, picture.count * picture.curves * sizeof *figures, &err);
  if (!figures) return mw_call_raise(call, &err);
  if (lua_getfield(L, 1, "curves") != LUA_TTABLE) return luaL_error(L, "plot: 'curves' is a list of lists of numbers");
  for (size_t c = 0; c < picture.curves; c++, lua_pop(L, 1)) {
    if (lua_geti(L, -1, (lua_Integer)c + 1) != LUA_TTABLE) return luaL_error(L, "plot: there is no curve %d", (int)c + 1);
    for (size_t i = 0; i < picture.count; i++, lua_pop(L, 1)) {
      lua_geti(L, -1, (lua_Integer)i + 1);
      figures[c * picture.count + i] = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : NAN;
    }
  }
  picture.figures = figures;
  finish(call, mw_plot_write(&picture, file, &err), &err);
  return 0;
}

int luaopen_moonweld(lua_State *L) {
  static const luaL_Reg functions[] = {{"merge", merge},     {"plan", plan},           {"inspect", inspect}, {"diff", diff}, {"eval", eval},
                                       {"recipes", recipes}, {"open", mw_opened_open}, {"plot", plot},       {NULL, NULL}};
  mw_call_prepare(L);
  mw_opened_prepare(L);
  luaL_newlib(L, functions);
  luaL_setfuncs(L, mw_prove_functions, 0);
  lua_pushstring(L, mw_version().version);
  lua_setfield(L, -2, "version");
  return 1;
}
