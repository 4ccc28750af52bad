/* module.c: moonweld.so for a stock lua5.4: trusted pipelines drive whole merges; recipes still run in their locked
 * process.
 *   local mw = require "moonweld"
 *   mw.merge("lerp", { a = "A", b = "B", t = 0.3 }, { output = "OUT", force = true, dtype = "f32", seed = 1 })
 * (a recipe that scores: score = "COMMAND {dir}", score_timeout = seconds)
 *   mw.plan(recipe, arguments, options), mw.inspect(path), mw.recipes(): JSON texts and a list of names
 *   mw.eval(model, { data = { FILE, ... } }): a table for each file
 *   mw.diff("A", "B", { base = "C", html = "FILE", threads = 2 }): a JSON text and a list of warnings
 * Errors are raised as texts. */
#include "base/text.h"
#include <lauxlib.h>
#include <lua.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGUMENTS = 64 };

static int raise(lua_State *L, const mw_error *err) {
  return luaL_error(L, *err->hint ? "%s (%s)" : "%s", err->text, err->hint);
}

static const char *field(lua_State *L, int table, const char *name) {
  if (!lua_istable(L, table)) return NULL;
  lua_getfield(L, table, name); /* stays on the stack, and alive */
  return lua_tostring(L, -1);
}

static bool flag(lua_State *L, int table, const char *name) {
  if (!lua_istable(L, table)) return false;
  lua_getfield(L, table, name);
  return lua_toboolean(L, -1);
}

/* One word, or a list of words; the words stay on the stack. */
static mw_binding binding_at(lua_State *L, const char *name) {
  lua_Integer count = lua_istable(L, -1) ? luaL_len(L, -1) : 1;
  int value = lua_gettop(L);
  luaL_checkstack(L, (int)count + 8, "too many words");
  const char **words = lua_newuserdatauv(L, (size_t)(count + 1) * sizeof *words, 0);
  for (lua_Integer i = 0; i < count; i++) {
    if (lua_istable(L, value)) lua_rawgeti(L, value, i + 1);
    else lua_pushvalue(L, value);
    if (lua_isboolean(L, -1)) lua_pushstring(L, lua_toboolean(L, -1) ? "true" : "false");
    words[i] = luaL_checkstring(L, -1);
  }
  return (mw_binding){name, words, (size_t)count};
}

/* A whole number, as a number or as digits: what Lua's integers cannot hold is written so. */
static uint64_t count_at(lua_State *L, int table, const char *name, uint64_t otherwise) {
  int whole;
  uint64_t value;
  const char *text = field(L, table, name);
  if (!text) return otherwise;
  lua_Integer number = lua_tointegerx(L, -1, &whole);
  if (whole && number >= 0) return (uint64_t)number;
  if (!mw_text_parse_u64(text, strlen(text), &value)) luaL_error(L, "option '%s' is a whole number, not %s", name, text);
  return value;
}

static double seconds_at(lua_State *L, int table, const char *name) {
  return field(L, table, name) ? luaL_checknumber(L, -1) : 0;
}

static mw_binding words_at(lua_State *L, int table, const char *name) {
  bool given = lua_istable(L, table) && lua_getfield(L, table, name) != LUA_TNIL;
  return given ? binding_at(L, name) : (mw_binding){0};
}

/* Keys are the names of the fields: { missing_base = true } is --missing base. */
static mw_options options_at(lua_State *L, int index) {
  mw_options options;
  mw_binding list;
  mw_options_init(&options);
#define TAKE_SWITCH(key) options.key = flag(L, index, #key);
#define TAKE_WORD TAKE_SWITCH
#define TAKE_TEXT(key) options.key = field(L, index, #key);
#define TAKE_SIZE TAKE_COUNT
#define TAKE_COUNT(key) options.key = (__typeof__(options.key))count_at(L, index, #key, (uint64_t)options.key);
#define TAKE_SECONDS(key) options.key = seconds_at(L, index, #key);
#define TAKE_TEXTS(key) list = words_at(L, index, #key), options.key = list.words, options.key##_count = list.count;
#define TAKE_SCORE(key) TAKE_TEXT(key) TAKE_TEXTS(key##_data)
#define MW_OPTION(name, form, field, told, value, least, most, doc) TAKE_##form(field)
#include "options.def"
#undef MW_OPTION
  return options;
}

static mw_plan *plan_of(lua_State *L, mw_recipe **recipe, mw_error *err) {
  mw_plan *plan = NULL;
  mw_binding bindings[MAX_ARGUMENTS];
  const mw_arg *args;
  mw_options options = options_at(L, 3);
  luaL_checktype(L, 2, LUA_TTABLE);
  if (!mw_recipe_load(luaL_checkstring(L, 1), &options, recipe, err)) return NULL;
  size_t count = mw_recipe_args(*recipe, &args), bound = 0, given = 0;
  for (size_t i = 0; i < count; i++)
    if (lua_getfield(L, 2, args[i].name) != LUA_TNIL) bindings[bound++] = binding_at(L, args[i].name);
  for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) given++;
  if (given != bound) {
    err->status = MW_USAGE;
    strcpy(err->text, "an argument that the recipe does not have");
    err->hint[0] = 0;
  } else if (!mw_plan_make(*recipe, bindings, bound, &options, &plan, err)) plan = NULL;
  return plan;
}

static int run(lua_State *L, bool merging) {
  mw_error err;
  mw_recipe *recipe = NULL;
  mw_plan *plan = plan_of(L, &recipe, &err);
  bool ok = plan != NULL;
  if (ok) lua_pushstring(L, mw_plan_json(plan));
  if (ok && merging) ok = mw_plan_run(plan, NULL, NULL, &err);
  mw_plan_free(plan);
  mw_recipe_free(recipe);
  return ok ? 1 : raise(L, &err);
}

static int merge(lua_State *L) { return run(L, true); }
static int plan(lua_State *L) { return run(L, false); }

static int inspect(lua_State *L) {
  mw_error err;
  mw_inspection *inspection;
  if (!mw_inspect_open(luaL_checkstring(L, 1), lua_toboolean(L, 2), &inspection, &err)) return raise(L, &err);
  lua_pushstring(L, mw_inspect_json(inspection));
  mw_inspect_free(inspection);
  return 1;
}

static int diff(lua_State *L) {
  mw_error err;
  mw_diff *diff;
  const char *number, *const *lines;
  mw_diff_options options = {.base = field(L, 3, "base"), .html = field(L, 3, "html")};
  if ((number = field(L, 3, "threads"))) options.threads = atoi(number);
  if (!mw_diff_make(luaL_checkstring(L, 1), luaL_checkstring(L, 2), &options, &diff, &err)) return raise(L, &err);
  lua_pushstring(L, mw_diff_json(diff));
  lua_newtable(L);
  for (size_t i = 0, count = mw_diff_notes(diff, &lines); i < count; i++) {
    lua_pushstring(L, lines[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  mw_diff_free(diff);
  return 2;
}

/* eval(model, options): a list of { data =, loss =, perplexity =, tokens = }, one for each of options.data. */
static int eval(lua_State *L) {
  mw_error err;
  const char *model = luaL_checkstring(L, 1);
  mw_options options = options_at(L, 2);
  mw_evaluation *results = lua_newuserdatauv(L, (options.data_count + 1) * sizeof *results, 0);
  if (!mw_eval_model(model, &options, NULL, NULL, results, &err)) return raise(L, &err);
  lua_createtable(L, (int)options.data_count, 0);
  for (size_t i = 0; i < options.data_count; i++) {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, options.data[i]);
    lua_setfield(L, -2, "data");
    lua_pushnumber(L, results[i].loss);
    lua_setfield(L, -2, "loss");
    lua_pushnumber(L, exp(results[i].loss));
    lua_setfield(L, -2, "perplexity");
    lua_pushinteger(L, (lua_Integer)results[i].tokens);
    lua_setfield(L, -2, "tokens");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

static int recipes(lua_State *L) {
  lua_newtable(L);
  const char *const *names = mw_recipe_builtins();
  for (lua_Integer i = 0; names[i]; i++) {
    lua_pushstring(L, names[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

int luaopen_moonweld(lua_State *L) {
  static const luaL_Reg functions[] = {{"merge", merge}, {"plan", plan}, {"inspect", inspect},
                                       {"diff", diff},   {"eval", eval},       {"recipes", recipes}, {NULL, NULL}};
  luaL_newlib(L, functions);
  lua_pushstring(L, MW_VERSION);
  lua_setfield(L, -2, "version");
  return 1;
}
