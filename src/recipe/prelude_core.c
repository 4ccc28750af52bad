/* prelude_core.c: the C functions that the prelude uses for all but nodes (prelude_nodes.c), layouts and learning: random numbers,
 * names, printing, other recipes, scores; and what it knows of the models and options. They check their arguments and raise
 * errors. */
#include "recipe/prelude_core.h"
#include "model/adapted.h"
#include "recipe/prelude_each.h"
#include "recipe/prelude_layout.h"
#include "recipe/prelude_learn.h"
#include "recipe/prelude_nodes.h"
#include "recipe/prelude_yaml.h"
#include "num/rng.h"
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

static int fail(lua_State *L, const mw_error *err) { return mw_interpreter_raise(L, err->status, err->text); }

/* ---- chance ---- */

static int label(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 2, &length);
  lua_pushinteger(L, (lua_Integer)mw_rng_label((uint64_t)luaL_checkinteger(L, 1), text, length));
  return 1;
}

static int uniform(lua_State *L) {
  lua_pushnumber(L, mw_rng_uniform((uint64_t)luaL_checkinteger(L, 1), (uint64_t)luaL_checkinteger(L, 2)));
  return 1;
}

static int beta(lua_State *L) {
  lua_pushnumber(L, mw_rng_beta((uint64_t)luaL_checkinteger(L, 1), luaL_checknumber(L, 2), luaL_checknumber(L, 3)));
  return 1;
}

static int dirichlet(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 2);
  luaL_argcheck(L, n >= 1 && n <= 65536, 2, "1 to 65536 parts");
  double *parts = lua_newuserdatauv(L, (size_t)n * sizeof *parts, 0);
  mw_rng_dirichlet((uint64_t)luaL_checkinteger(L, 1), luaL_checknumber(L, 3), (size_t)n, parts);
  lua_createtable(L, (int)n, 0);
  for (lua_Integer i = 0; i < n; i++) {
    lua_pushnumber(L, parts[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int drawn(lua_State *L) {
  mw_interpreter *state = mw_interpreter_of(L);
  if (state->world.drawn) state->world.drawn(state->world.context, luaL_checkstring(L, 1), luaL_checknumber(L, 2));
  return 0;
}

/* explained(argument, tensor, number) */
static int explained(lua_State *L) {
  mw_interpreter *state = mw_interpreter_of(L);
  const char *argument = luaL_checkstring(L, 1), *tensor = luaL_checkstring(L, 2);
  state->world.explained(state->world.context, argument, tensor, luaL_checknumber(L, 3));
  return 0;
}

/* ---- names, printing, other recipes, scores ---- */

static int glob(lua_State *L) {
  size_t length;
  const char *pattern = luaL_checklstring(L, 1, &length);
  if (strlen(pattern) != length) return mw_interpreter_raise(L, MW_DATA, "a pattern of names holds no NUL character");
  lua_pushboolean(L, mw_text_glob(luaL_checkstring(L, 1), luaL_checkstring(L, 2)));
  return 1;
}

static int distance(lua_State *L) {
  lua_pushinteger(L, mw_text_distance(luaL_checkstring(L, 1), luaL_checkstring(L, 2), 8));
  return 1;
}

static int shown(lua_State *L) {
  size_t length;
  mw_text_escaped escaped;
  const char *text = luaL_checklstring(L, 1, &length);
  lua_pushstring(L, mw_text_escape(&escaped, text, length));
  return 1;
}

/* core.plain(text): whether it may be shown as it is. */
static int plain(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  lua_pushboolean(L, mw_text_is_plain(text, length));
  return 1;
}

static int core_fail(lua_State *L) {
  const char *kind = luaL_checkstring(L, 1);
  if (strcmp(kind, "input") == 0) return mw_interpreter_raise_input(L, luaL_checkstring(L, 2), luaL_optstring(L, 3, ""));
  if (strcmp(kind, "placed") == 0) return mw_interpreter_raise_placed(L, luaL_checkstring(L, 2));
  return mw_interpreter_raise(L, strcmp(kind, "usage") == 0 ? MW_USAGE : strcmp(kind, "unavailable") == 0 ? MW_UNAVAILABLE : MW_DATA,
                        luaL_checkstring(L, 2));
}

/* Gives a text to one of the world's functions, if it has that one. */
static int tell_text(lua_State *L, void (*told)(void *context, const char *text, size_t length)) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  if (told) told(mw_interpreter_of(L)->world.context, text, length);
  return 0;
}

static int print(lua_State *L) { return tell_text(L, mw_interpreter_of(L)->world.print); }

/* warn(text): a finding of the prelude, for the user. */
static int warn(lua_State *L) { return tell_text(L, mw_interpreter_of(L)->world.warn); }

/* score(list of {name, tensor}, which): a plain number. */
static int score(lua_State *L) {
  mw_interpreter *state = mw_interpreter_of(L);
  mw_error err;
  size_t count;
  double number_value = 0;
  const uint32_t which = (uint32_t)luaL_checkinteger(L, 2);
  lua_settop(L, 1);
  mw_graph_output *outputs = mw_prelude_nodes_outputs(L, 1, &count, &err);
  if (outputs && !state->world.score) mw_error_set(&err, MW_USAGE, "there is no --score");
  mw_result_layout layout;
  bool ok = outputs && state->world.score && mw_prelude_layout_result(L, 1, &layout, &err) &&
            state->world.score(state->world.context, state, which, outputs, count, &layout, &number_value, &err);
  free(outputs);
  if (!ok) return fail(L, &err);
  lua_pushnumber(L, number_value);
  return 1;
}

static int require(lua_State *L) {
  mw_interpreter *state = mw_interpreter_of(L);
  mw_error err;
  size_t length;
  char chunk[256];
  const char *name = luaL_checklstring(L, 1, &length);
  if (strlen(name) != length) return mw_interpreter_raise(L, MW_DATA, "require takes a recipe's name: letters, digits, _ and -");
  bool built_in = false;
  char *text = state->world.require ? state->world.require(state->world.context, name, &length, chunk, &built_in, &err) : NULL;
  if (!text) return fail(L, &err);
  lua_pushlstring(L, text, length);
  free(text);
  lua_pushstring(L, chunk);
  lua_pushboolean(L, built_in);
  return 3;
}

/* A first line that begins with '#' is not Lua's; its end stays, so that lines keep their numbers. */
static int load_text(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  for (bool hidden = *text == '#'; hidden && *text && *text != '\n'; text++) length--;
  if (luaL_loadbufferx(L, text, length, luaL_checkstring(L, 2), "t") != LUA_OK) {
    if (lua_istable(L, -1)) lua_getfield(L, -1, "text"); /* the message handler has already seen it */
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
  }
  lua_pushvalue(L, 3);
  lua_setupvalue(L, -2, 1);
  return 1;
}

const char *const mw_prelude_core_reserved[] = {
#define MW_OPTION(name, form, field, told, value, least, most, doc) #name,
#include "options.def"
#undef MW_OPTION
    "quiet", "log_json", "help", "version", "json", "explain", NULL};

static void fill_reserved(lua_State *L) {
  lua_newtable(L);
  for (const char *const *word = mw_prelude_core_reserved; *word; word++) {
    lua_pushboolean(L, true);
    lua_setfield(L, -2, *word);
  }
  lua_setfield(L, -2, "reserved");
}

/* The names of the tensors that adapters change. */
static void push_adapted(lua_State *L, const mw_family_member *member) {
  lua_Integer count = 0;
  lua_newtable(L);
  for (size_t i = 0; i < member->count; i++) {
    const mw_tensor *tensor = &member->tensors[i];
    if (tensor->made != MW_TENSOR_ADAPTED || !tensor->adapted->count) continue;
    lua_pushstring(L, tensor->name);
    lua_rawseti(L, -2, ++count);
  }
}

/* One model: its label; names of the tensors that are computed with, and their numbers; the numbers of those that are kept,
 * by name; and the names of those that adapters change. */
static void push_model(lua_State *L, const mw_family_member *member) {
  lua_newtable(L);
  lua_pushstring(L, member->label);
  lua_setfield(L, -2, "label");
  lua_pushstring(L, member->model->where);
  lua_setfield(L, -2, "where");
  lua_newtable(L); /* names */
  lua_newtable(L); /* rows */
  lua_newtable(L); /* kept */
  lua_Integer next = 1;
  for (size_t i = 0; i < member->count; i++) {
    lua_pushinteger(L, (lua_Integer)i + 1);
    if (member->kept[i]) {
      lua_setfield(L, -2, member->tensors[i].name);
      continue;
    }
    lua_rawseti(L, -3, next);
    lua_pushstring(L, member->tensors[i].name);
    lua_rawseti(L, -4, next++);
  }
  lua_setfield(L, -4, "kept");
  lua_setfield(L, -3, "rows");
  lua_setfield(L, -2, "names");
  push_adapted(L, member);
  lua_setfield(L, -2, "adapted");
}

static void fill_models(lua_State *L, const mw_input_set *inputs) {
  lua_newtable(L);
  for (size_t m = 0; inputs && m < inputs->count; m++) {
    push_model(L, &inputs->members[m]);
    lua_rawseti(L, -2, (lua_Integer)m + 1);
  }
  lua_setfield(L, -2, "models");
  if (!inputs) return;
  lua_pushinteger(L, (lua_Integer)inputs->donor + 1);
  lua_setfield(L, -2, "donor");
  lua_pushboolean(L, inputs->family.rules.missing_base);
  lua_setfield(L, -2, "missing_base");
}

static void fill(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"label", label}, {"uniform", uniform}, {"beta", beta}, {"dirichlet", dirichlet}, {"drawn", drawn}, {"explained", explained},
      {"glob", glob}, {"distance", distance}, {"shown", shown}, {"plain", plain}, {"fail", core_fail}, {"print", print},
      {"warn", warn}, {"require", require}, {"load", load_text}, {"score", score}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  fill_reserved(L);
  mw_prelude_nodes_fill(L);
  mw_prelude_each_fill(L);
  mw_prelude_layout_fill(L);
  mw_prelude_learn_fill(L);
  mw_prelude_yaml_fill(L);
}

/* core.scores: nil without --score; else the names of its scores, a list that is empty where there is one without a name. */
static void push_scores(lua_State *L, const mw_score_words *scores) {
  if (!scores) return;
  lua_newtable(L);
  for (size_t i = 0; i < scores->count && scores->all[i].name; i++) {
    lua_pushstring(L, scores->all[i].name);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "scores");
}

static void tell(lua_State *L) {
  const mw_interpreter *state = mw_interpreter_of(L);
  lua_pushinteger(L, (lua_Integer)state->seed);
  lua_setfield(L, -2, "seed");
  push_scores(L, state->scores);
  if (state->asked) {
    lua_pushstring(L, state->asked);
    lua_setfield(L, -2, "asked");
  }
  lua_pushboolean(L, state->explain);
  lua_setfield(L, -2, "explain");
  lua_pushboolean(L, state->built_in);
  lua_setfield(L, -2, "built_in");
  fill_models(L, state->inputs);
  mw_prelude_learn_tell(L);
}

const mw_interpreter_prelude mw_prelude_core = {fill, tell};
