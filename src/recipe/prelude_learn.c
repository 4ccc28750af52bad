/* prelude_learn.c: operations of networks are checked by the graph, not here. config.json was checked when the model was opened; in Lua
 * it is a table of plain values, limited in number and length. */
#include "recipe/prelude_learn.h"
#include "recipe/prelude_nodes.h"
#include "recipe/learn_spec.h"
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_VALUES = 4096, CONFIG_TEXT = 1024, CONFIG_DEPTH = 3 };

static int fail(lua_State *L, const mw_error *err) { return mw_interpreter_raise(L, err->status, err->text); }

/* ---- nodes ---- */

/* net(op, {operands}, a, b) */
static int net(lua_State *L) {
  mw_op op = mw_prelude_nodes_op(L, 1);
  mw_error err;
  mw_node node;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Integer count = luaL_len(L, 2);
  bool of_networks = mw_graph_op_class(op) == MW_CLASS_NET || mw_graph_op_class(op) == MW_CLASS_DATA;
  luaL_argcheck(L, count > 0 && count < MW_GRAPH_OPERANDS && of_networks, 2, "operands of a network's operation");
  mw_node *operands = lua_newuserdatauv(L, (size_t)count * sizeof *operands, 0);
  for (lua_Integer i = 0; i < count; i++) {
    lua_rawgeti(L, 2, i + 1);
    operands[i] = mw_prelude_nodes_at(L, -1);
    lua_pop(L, 1);
  }
  uint64_t extra[2] = {(uint64_t)luaL_checkinteger(L, 3), (uint64_t)luaL_checkinteger(L, 4)};
  if (!mw_graph_apply(mw_interpreter_of(L)->graph, op, operands, (uint32_t)count, extra, &node, &err)) return fail(L, &err);
  return mw_prelude_nodes_push(L, node);
}

/* coefficient(elements, initial), or coefficient(tensor, initial): a number for each of its elements */
static int coefficient(lua_State *L) {
  mw_interpreter *state = mw_interpreter_of(L);
  mw_error err;
  mw_node node;
  double initial = luaL_checknumber(L, 2);
  bool each = lua_type(L, 1) == LUA_TUSERDATA;
  uint64_t ordinal = state->coefficients++;
  uint32_t of = each ? mw_graph_facts(state->graph, mw_prelude_nodes_at(L, 1)).shape : 0;
  bool made = each ? mw_graph_coefficient_of(state->graph, ordinal, of, initial, &node, &err)
                   : mw_graph_coefficient(state->graph, ordinal, (uint64_t)luaL_checkinteger(L, 1), initial, &node, &err);
  return made ? mw_prelude_nodes_push(L, node) : fail(L, &err);
}

static int learned(lua_State *L) {
  mw_error err;
  mw_node node;
  if (!mw_graph_learned(mw_interpreter_of(L)->graph, mw_prelude_nodes_at(L, 1), (uint64_t)luaL_checkinteger(L, 2), &node,
                        &err)) return fail(L, &err);
  return mw_prelude_nodes_push(L, node);
}

/* tokens(set, windows, length) */
static int tokens(lua_State *L) {
  mw_error err;
  mw_node node;
  uint64_t windows = (uint64_t)luaL_checkinteger(L, 2), length = (uint64_t)luaL_checkinteger(L, 3);
  if (windows > MW_LEARN_SPEC_WINDOWS || length > MW_LEARN_SPEC_TOKENS || windows * length > MW_LEARN_SPEC_TOKENS) {
    mw_error_set(&err, MW_DATA, "a batch of %llu windows of %llu tokens is beyond %d tokens", (unsigned long long)windows,
                 (unsigned long long)length, MW_LEARN_SPEC_TOKENS);
    return fail(L, &err);
  }
  if (!mw_graph_tokens(mw_interpreter_of(L)->graph, (uint64_t)luaL_checkinteger(L, 1), windows * length, length, &node, &err))
    return fail(L, &err);
  return mw_prelude_nodes_push(L, node);
}

/* prompts({text, ...}): the number of their data set, from 1, its windows, length, tokens */
static int prompts(lua_State *L) {
  mw_interpreter *state = mw_interpreter_of(L);
  mw_error err;
  mw_text texts = {0};
  uint64_t facts[4];
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer count = luaL_len(L, 1);
  mw_message_put_u32(&texts, (uint32_t)count);
  for (lua_Integer i = 1; i <= count; i++) {
    size_t length;
    lua_rawgeti(L, 1, i);
    const char *text = lua_tolstring(L, -1, &length);
    mw_message_put_text(&texts, text ? text : "", text ? length : 0);
    lua_pop(L, 1);
  }
  bool ok = mw_text_check(&texts, &err) && state->world.prompts(state->world.context, &texts, facts, &err);
  mw_text_free(&texts);
  if (!ok) return fail(L, &err);
  lua_pushinteger(L, (lua_Integer)facts[0] + 1);
  for (size_t i = 1; i < 4; i++) lua_pushinteger(L, (lua_Integer)facts[i]);
  return 4;
}

/* ---- trainings ---- */

static double number_of(lua_State *L, int table, const char *name) {
  lua_getfield(L, table, name);
  double value = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return value;
}

static const char *text_of(lua_State *L, int table, lua_Integer index, mw_arena *arena) {
  size_t length;
  mw_error err;
  lua_rawgeti(L, table, index);
  const char *text = luaL_checklstring(L, -1, &length), *copy = mw_mem_copy(arena, text, length, &err);
  lua_pop(L, 1);
  if (!copy) fail(L, &err);
  return copy;
}

/* learn(record): remembers a training and gives its number, from 0. */
static int learn(lua_State *L) {
  mw_interpreter *state = mw_interpreter_of(L);
  mw_error err;
  luaL_checktype(L, 1, LUA_TTABLE);
  if (!mw_mem_grow(&state->specs, &state->spec_capacity, state->spec_count + 1, sizeof *state->specs, &err)) return fail(L, &err);
  mw_learn_spec *spec = &state->specs[state->spec_count];
  *spec = (mw_learn_spec){.steps = (uint32_t)number_of(L, 1, "steps"), .windows = (uint32_t)number_of(L, 1, "windows"),
                        .rate = number_of(L, 1, "rate"), .decay = number_of(L, 1, "decay"), .clip = number_of(L, 1, "clip"),
                        .share = number_of(L, 1, "share")};
  lua_getfield(L, 1, "seed");
  spec->seed = (uint64_t)luaL_checkinteger(L, -1);
  if (lua_getfield(L, 1, "loss") != LUA_TNIL) spec->loss = mw_prelude_nodes_at(L, -1);
  lua_getfield(L, 1, "coefficients");
  int list = lua_gettop(L);
  spec->count = (size_t)luaL_len(L, list);
  if (!(spec->parts = mw_mem_take(&state->arena, (spec->count + 1) * sizeof *spec->parts, &err))) return fail(L, &err);
  for (size_t i = 0; i < spec->count; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    lua_rawgeti(L, -1, 1);
    spec->parts[i].node = mw_prelude_nodes_at(L, -1);
    lua_pop(L, 1);
    if (mw_graph_facts(state->graph, spec->parts[i].node).op != MW_OP_COEFFICIENT)
      return mw_interpreter_raise(L, MW_DATA, "learn's 'start' holds coefficients as columns, tensors or scalars made them");
    spec->parts[i].tensor = text_of(L, list + 1, 2, &state->arena);
    spec->parts[i].label = text_of(L, list + 1, 3, &state->arena);
    lua_pop(L, 1);
  }
  lua_pushinteger(L, (lua_Integer)state->spec_count++);
  return 1;
}

/* ---- configs, data sets, architectures ---- */

static void push_text(lua_State *L, mw_json value) {
  mw_arena arena = {0};
  mw_error err;
  const char *text;
  size_t length;
  if (value.length <= CONFIG_TEXT && mw_json_string(value, &arena, &text, &length, &err)) lua_pushlstring(L, text, length);
  else lua_pushnil(L);
  mw_mem_release(&arena);
}

/* A value of config.json; nil if it is so large that no forward pass needs it. */
static void push_json(lua_State *L, mw_json value, int depth, int *budget) {
  double number;
  uint64_t whole;
  mw_json key, member;
  if (--*budget < 0 || depth > CONFIG_DEPTH) {
    lua_pushnil(L);
    return;
  }
  switch (value.kind) {
  case MW_JSON_TRUE:
  case MW_JSON_FALSE: lua_pushboolean(L, value.kind == MW_JSON_TRUE); return;
  case MW_JSON_NUMBER:
    if (mw_json_u64(value, &whole) && whole < INT64_MAX) lua_pushinteger(L, (lua_Integer)whole);
    else if (mw_json_double(value, &number)) lua_pushnumber(L, number);
    else lua_pushnil(L);
    return;
  case MW_JSON_STRING: push_text(L, value); return;
  case MW_JSON_OBJECT:
    lua_newtable(L);
    for (mw_json_walk walk = mw_json_enter(value); mw_json_next(&walk, &key, &member);) {
      push_text(L, key);
      if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        continue;
      }
      push_json(L, member, depth + 1, budget);
      lua_rawset(L, -3);
    }
    return;
  case MW_JSON_ARRAY:
    lua_newtable(L);
    lua_Integer index = 1;
    for (mw_json_walk walk = mw_json_enter(value); mw_json_next(&walk, &key, &member);) {
      push_json(L, member, depth + 1, budget);
      lua_rawseti(L, -2, index++);
    }
    return;
  default: lua_pushnil(L);
  }
}

void mw_prelude_learn_push_json(lua_State *L, mw_json value) {
  int budget = CONFIG_VALUES;
  push_json(L, value, 0, &budget);
}

/* core.configs: label of a model -> its config.json; core.config: the donor's. */
static void fill_configs(lua_State *L, const mw_input_set *inputs) {
  lua_newtable(L);
  for (size_t m = 0; inputs && m < inputs->count; m++) {
    const mw_config *config = &inputs->members[m].model->config;
    if (!config->text) continue;
    mw_prelude_learn_push_json(L, config->root);
    if (m == inputs->donor) {
      lua_pushvalue(L, -1);
      lua_setfield(L, -4, "config");
    }
    lua_setfield(L, -2, inputs->members[m].label);
  }
  lua_setfield(L, -2, "configs");
}

static void fill_data(lua_State *L, const mw_interpreter *state) {
  if (!state->sets) return;
  lua_newtable(L);
  for (size_t i = 0; i < state->set_count; i++) {
    lua_newtable(L);
    lua_pushstring(L, state->sets[i].name);
    lua_setfield(L, -2, "name");
    lua_pushinteger(L, (lua_Integer)state->sets[i].windows);
    lua_setfield(L, -2, "windows");
    lua_pushinteger(L, state->sets[i].length);
    lua_setfield(L, -2, "length");
    lua_pushinteger(L, (lua_Integer)state->sets[i].tokens);
    lua_setfield(L, -2, "tokens");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "data");
}

static const char folder[] = "lua/moonweld/arch/";

/* core.architectures: the names of the files of lua/moonweld/arch, in the order of their bytes. */
static void fill_architectures(lua_State *L) {
  lua_Integer count = 0;
  lua_newtable(L);
  for (const mw_embed *file = mw_embed_files; file->name; file++) {
    if (strncmp(file->name, folder, strlen(folder)) != 0) continue;
    lua_pushstring(L, file->name + strlen(folder));
    lua_rawseti(L, -2, ++count);
  }
  lua_setfield(L, -2, "architectures");
}

/* architecture(name): the text of one. */
static int architecture(lua_State *L) {
  const char *name = lua_pushfstring(L, "%s%s", folder, luaL_checkstring(L, 1));
  for (const mw_embed *file = mw_embed_files; file->name; file++)
    if (strcmp(file->name, name) == 0) {
      lua_pushlstring(L, file->bytes, file->length);
      return 1;
    }
  return luaL_error(L, "no architecture '%s'", name);
}

void mw_prelude_learn_fill(lua_State *L) {
  static const luaL_Reg functions[] = {{"net", net}, {"coefficient", coefficient}, {"learned", learned}, {"tokens", tokens},
                                       {"learn", learn}, {"prompts", prompts}, {"architecture", architecture}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  fill_architectures(L);
}

void mw_prelude_learn_tell(lua_State *L) {
  fill_configs(L, mw_interpreter_of(L)->inputs);
  fill_data(L, mw_interpreter_of(L));
}
