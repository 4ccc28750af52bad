/* prelude_layout.c: as in prelude_core.c, arguments are checked here, rules of operations by the graph. */
#include "recipe/prelude_layout.h"
#include "expr/widest.h"
#include "model/layer_name.h"
#include "model/prediction_layers.h"
#include "recipe/prelude_nodes.h"
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

static int fail(lua_State *L, const mw_error *err) { return mw_interpreter_raise(L, err->status, err->text); }

/* ---- names ---- */

/* layer_of(name): its stack, its layer and what it is called there; nothing for a tensor of no layer. */
static int layer_of(lua_State *L) {
  mw_layer_name read;
  const char *name = luaL_checkstring(L, 1);
  if (!mw_layer_name_read(name, &read)) return 0;
  lua_pushlstring(L, name, read.stack);
  lua_pushinteger(L, (lua_Integer)read.layer);
  lua_pushstring(L, read.rest);
  return 3;
}

/* predicts(name): whether a stack is of multi-token prediction, by its name. */
static int predicts(lua_State *L) {
  lua_pushboolean(L, mw_prediction_layers_named(luaL_checkstring(L, 1)));
  return 1;
}

/* renamed(name, from, to): the new name, or nil where `from` does not match. */
static int renamed(lua_State *L) {
  mw_text name = {0};
  bool matches = mw_text_rename(luaL_checkstring(L, 1), luaL_checkstring(L, 2), luaL_checkstring(L, 3), &name);
  if (matches && !name.failed) lua_pushlstring(L, name.bytes ? name.bytes : "", name.length);
  else lua_pushnil(L);
  mw_text_free(&name);
  return 1;
}

/* ---- tensors ---- */

static int shape(lua_State *L) {
  const mw_graph *graph = mw_interpreter_of(L)->graph;
  uint32_t s = mw_graph_facts(graph, mw_prelude_nodes_at(L, 1)).shape;
  if (!s) return 0;
  lua_newtable(L);
  for (unsigned i = 0; i < mw_graph_rank(graph, s); i++) {
    lua_pushinteger(L, (lua_Integer)mw_graph_dims(graph, s)[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

static int push_dtype(lua_State *L, mw_dtype dtype) {
  char word[16] = "";
  const char *name = mw_dtype_name(dtype);
  for (size_t i = 0; name[i] && i + 1 < sizeof word; i++)
    word[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
  lua_pushstring(L, word);
  return 1;
}

/* widest(tensor): the least dtype that holds all that it is made of (expr/widest.h); nothing where it is made of no model's. */
static int widest(lua_State *L) {
  mw_interpreter *state = mw_interpreter_of(L);
  const mw_node node = mw_prelude_nodes_at(L, 1);
  mw_error err;
  if (!mw_mem_grow(&state->widest, &state->widest_capacity, (size_t)mw_graph_count(state->graph) + 1, 1, &err)) return fail(L, &err);
  for (; state->widest_count <= node; state->widest_count++) {
    if (!state->widest_count) continue; /* nodes begin with 1 */
    mw_graph_node_facts facts = mw_graph_facts(state->graph, (mw_node)state->widest_count);
    state->widest[state->widest_count] = (uint8_t)mw_widest_of(state->graph, facts, facts.dtype, state->widest);
  }
  return state->widest[node] == MW_DTYPE_COUNT ? 0 : push_dtype(L, state->widest[node]);
}

/* dtype(tensor): "bf16" of a tensor as a file has it; what is computed is "f32" or "f64". */
static int dtype(lua_State *L) {
  mw_graph_node_facts facts = mw_graph_facts(mw_interpreter_of(L)->graph, mw_prelude_nodes_at(L, 1));
  return push_dtype(L, mw_graph_is_stored(facts.op) ? facts.dtype : facts.f64 ? MW_DTYPE_F64 : MW_DTYPE_F32);
}

/* The shape of a list of dimensions, which are whole numbers. */
static uint32_t take_dims(lua_State *L, int index) {
  uint64_t dims[64];
  uint32_t s = 0;
  mw_error err;
  luaL_checktype(L, index, LUA_TTABLE);
  lua_Integer rank = luaL_len(L, index);
  if (rank > 64) mw_interpreter_raise(L, MW_DATA, "a shape has at most 64 dimensions");
  for (lua_Integer i = 0; i < rank; i++) {
    lua_rawgeti(L, index, i + 1);
    dims[i] = (uint64_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
  }
  if (!mw_graph_shape(mw_interpreter_of(L)->graph, dims, (unsigned)rank, &s, &err)) fail(L, &err);
  return s;
}

/* fill(number, {dimensions}): a tensor of one number. */
static int fill(lua_State *L) {
  mw_node scalar = mw_prelude_nodes_at(L, 1), node;
  uint32_t s = take_dims(L, 2);
  mw_error err;
  if (!mw_graph_fill(mw_interpreter_of(L)->graph, scalar, s, &node, &err)) return fail(L, &err);
  return mw_prelude_nodes_push(L, node);
}

/* The node; where it cannot be, nil and why. */
static int finish(lua_State *L, bool made, const mw_node *node, const mw_error *err) {
  if (made) return mw_prelude_nodes_push(L, *node);
  if (err->status != MW_DATA) return fail(L, err);
  lua_pushnil(L);
  lua_pushstring(L, err->text);
  return 2;
}

/* slice(tensor, "rows" | "columns", first, end), counted from 0. */
static int slice(lua_State *L) {
  mw_node of = mw_prelude_nodes_at(L, 1), node;
  mw_op op = strcmp(luaL_checkstring(L, 2), "rows") == 0 ? MW_OP_SLICE_ROWS : MW_OP_SLICE_COLUMNS;
  uint64_t extra[2] = {(uint64_t)luaL_checkinteger(L, 3), (uint64_t)luaL_checkinteger(L, 4)};
  mw_error err;
  return finish(L, mw_graph_apply(mw_interpreter_of(L)->graph, op, &of, 1, extra, &node, &err), &node, &err);
}

/* join({tensors}, "row" | "column") */
static int join(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer count = luaL_len(L, 1);
  luaL_argcheck(L, count > 0 && count < MW_GRAPH_OPERANDS, 1, "tensors are needed");
  mw_op op = strcmp(luaL_checkstring(L, 2), "row") == 0 ? MW_OP_JOIN_ROWS : MW_OP_JOIN_COLUMNS;
  mw_node node, *operands = lua_newuserdatauv(L, (size_t)count * sizeof *operands, 0);
  for (lua_Integer i = 0; i < count; i++) {
    lua_rawgeti(L, 1, i + 1);
    operands[i] = mw_prelude_nodes_at(L, -1);
    lua_pop(L, 1);
  }
  mw_error err;
  return finish(L, mw_graph_apply(mw_interpreter_of(L)->graph, op, operands, (uint32_t)count, NULL, &node, &err), &node, &err);
}

/* gather(tensor, {row, ...}): rows counted from 0; false for a row of zeros. */
static int gather(lua_State *L) {
  mw_graph *graph = mw_interpreter_of(L)->graph;
  mw_node of = mw_prelude_nodes_at(L, 1), node;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Integer count = luaL_len(L, 2);
  luaL_argcheck(L, count >= 0 && count <= MW_GRAPH_ROWS, 2, "too many rows");
  uint32_t *rows = lua_newuserdatauv(L, ((size_t)count + 1) * sizeof *rows, 0);
  for (lua_Integer i = 0; i < count; i++) {
    lua_rawgeti(L, 2, i + 1);
    lua_Integer row = lua_toboolean(L, -1) ? lua_tointeger(L, -1) : -1;
    rows[i] = row < 0 || row >= UINT32_MAX ? MW_GRAPH_NO_ROW : (uint32_t)row;
    lua_pop(L, 1);
  }
  mw_error err;
  uint64_t extra[2] = {0, 0};
  if (!mw_graph_table(graph, rows, (size_t)count, &extra[0], &err)) return fail(L, &err);
  return finish(L, mw_graph_apply(graph, MW_OP_GATHER, &of, 1, extra, &node, &err), &node, &err);
}

/* turned(tensor): its transpose. */
static int turned(lua_State *L) {
  mw_node of = mw_prelude_nodes_at(L, 1), node;
  mw_error err;
  return finish(L, mw_graph_apply(mw_interpreter_of(L)->graph, MW_OP_TRANSPOSE, &of, 1, NULL, &node, &err), &node, &err);
}

/* reshape(tensor, {dimensions}) */
static int reshape(lua_State *L) {
  mw_node of = mw_prelude_nodes_at(L, 1), node;
  uint32_t s = take_dims(L, 2);
  mw_error err;
  return finish(L, mw_graph_reshape(mw_interpreter_of(L)->graph, of, s, &node, &err), &node, &err);
}

/* values(vector): a tensor of its shape, [rows, 1] or [1, columns]: of the tensor that the vector fills, the first element of each run. */
static int values(lua_State *L) {
  mw_graph *graph = mw_interpreter_of(L)->graph;
  mw_node node = mw_prelude_nodes_at(L, 1);
  const mw_graph_node_facts facts = mw_graph_facts(graph, node);
  const uint64_t run = mw_graph_run(graph, facts), elements = mw_graph_elements(graph, facts.shape);
  const uint64_t dims[2] = {facts.column ? mw_graph_elements(graph, facts.over) / elements : elements, facts.column ? elements : run};
  uint32_t runs;
  mw_error err;
  bool ok = mw_graph_spread(graph, node, &node, &err);
  if (!ok || !mw_graph_rank(graph, facts.over)) return finish(L, ok, &node, &err); /* of a tensor of one number it is that tensor */
  ok = mw_graph_shape(graph, dims, 2, &runs, &err) && mw_graph_reshape(graph, node, runs, &node, &err) &&
       mw_graph_apply(graph, facts.column ? MW_OP_SLICE_ROWS : MW_OP_SLICE_COLUMNS, &node, 1, (uint64_t[]){0, 1}, &node, &err) &&
       mw_graph_reshape(graph, node, facts.shape, &node, &err);
  return finish(L, ok, &node, &err);
}

/* ---- the result ---- */

/* One entry of the list `config`: { json =, key, key, ... }, at the top of the stack. */
static bool take_set(lua_State *L, mw_arena *arena, mw_config_edit_set *set, mw_error *err) {
  set->depth = (size_t)luaL_len(L, -1);
  const char **path = mw_mem_take(arena, (set->depth + 1) * sizeof *path, err);
  if (!path) return false;
  for (size_t k = 0; k < set->depth; k++) {
    lua_rawgeti(L, -1, (lua_Integer)k + 1);
    const char *key = lua_tostring(L, -1);
    if (!(path[k] = mw_mem_copy(arena, key, strlen(key), err))) return false;
    lua_pop(L, 1);
  }
  lua_getfield(L, -1, "json");
  const char *json = lua_tostring(L, -1);
  set->path = path;
  set->json = mw_mem_copy(arena, json, strlen(json), err);
  lua_pop(L, 1);
  return set->json != NULL;
}

bool mw_prelude_layout_result(lua_State *L, int index, mw_result_layout *out, mw_error *err) {
  mw_arena *arena = &mw_interpreter_of(L)->arena;
  lua_getfield(L, index, "laid_out");
  lua_getfield(L, index, "adapter");
  lua_getfield(L, index, "config");
  *out = (mw_result_layout){.own = lua_toboolean(L, -3), .adapter = lua_toboolean(L, -2)};
  size_t count = (size_t)luaL_len(L, -1);
  bool ok = (out->sets = mw_mem_take(arena, (count + 1) * sizeof *out->sets, err)) != NULL;
  for (; out->set_count < count && ok; out->set_count++) {
    lua_rawgeti(L, -1, (lua_Integer)out->set_count + 1);
    ok = take_set(L, arena, &out->sets[out->set_count], err);
    if (ok) lua_pop(L, 1);
  }
  lua_settop(L, index);
  lua_getfield(L, index, "shown"); /* of a result, not of a candidate that is scored */
  mw_graph_output *shown = ok && lua_istable(L, -1) ? mw_prelude_nodes_outputs(L, index + 1, &out->shown_count, err) : NULL;
  if (ok && lua_istable(L, -1)) ok = shown && (out->shown = mw_mem_take(arena, (out->shown_count + 1) * sizeof *out->shown, err));
  for (size_t i = 0; ok && shown && i < out->shown_count; i++) {
    out->shown[i] = shown[i];
    ok = (out->shown[i].name = mw_mem_copy(arena, shown[i].name, strlen(shown[i].name), err)) != NULL;
  }
  free(shown);
  lua_settop(L, index);
  return ok;
}

void mw_prelude_layout_fill(lua_State *L) {
  static const luaL_Reg functions[] = {{"layer_of", layer_of}, {"predicts", predicts}, {"renamed", renamed}, {"shape", shape},
                                       {"dtype", dtype}, {"widest", widest}, {"fill", fill}, {"slice", slice}, {"join", join},
                                       {"gather", gather}, {"turned", turned}, {"values", values}, {"reshape", reshape}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
