/* prelude_layout.c: as in prelude_core.c, arguments are checked here, rules of operations by the graph. */
#include "recipe/prelude_layout.h"
#include "model/layer_name.h"
#include "recipe/prelude_core.h"
#include <lauxlib.h>
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
  uint32_t s = mw_graph_facts(graph, mw_prelude_core_node(L, 1)).shape;
  if (!s) return 0;
  lua_newtable(L);
  for (unsigned i = 0; i < mw_graph_rank(graph, s); i++) {
    lua_pushinteger(L, (lua_Integer)mw_graph_dims(graph, s)[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* dtype(tensor): "bf16" of a tensor as a file has it; what is computed is "f32" or "f64". */
static int dtype(lua_State *L) {
  mw_graph_node_facts facts = mw_graph_facts(mw_interpreter_of(L)->graph, mw_prelude_core_node(L, 1));
  char word[16] = "";
  const char *name = mw_dtype_name(mw_graph_is_stored(facts.op) ? facts.dtype : facts.f64 ? MW_DTYPE_F64 : MW_DTYPE_F32);
  for (size_t i = 0; name[i] && i + 1 < sizeof word; i++)
    word[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
  lua_pushstring(L, word);
  return 1;
}

/* fill(number, {dimensions}): a tensor of one number. */
static int fill(lua_State *L) {
  mw_graph *graph = mw_interpreter_of(L)->graph;
  mw_node scalar = mw_prelude_core_node(L, 1), node;
  uint64_t dims[64];
  mw_error err;
  uint32_t shape_id;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Integer rank = luaL_len(L, 2);
  if (rank > 64) return mw_interpreter_raise(L, MW_DATA, "a shape has at most 64 dimensions");
  for (lua_Integer i = 0; i < rank; i++) {
    lua_rawgeti(L, 2, i + 1);
    dims[i] = (uint64_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
  }
  if (!mw_graph_shape(graph, dims, (unsigned)rank, &shape_id, &err) || !mw_graph_fill(graph, scalar, shape_id, &node, &err))
    return fail(L, &err);
  return mw_prelude_core_push(L, node);
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
  lua_getfield(L, index, "config");
  *out = (mw_result_layout){.own = lua_toboolean(L, -2)};
  size_t count = (size_t)luaL_len(L, -1);
  bool ok = (out->sets = mw_mem_take(arena, (count + 1) * sizeof *out->sets, err)) != NULL;
  for (; out->set_count < count && ok; out->set_count++) {
    lua_rawgeti(L, -1, (lua_Integer)out->set_count + 1);
    ok = take_set(L, arena, &out->sets[out->set_count], err);
    if (ok) lua_pop(L, 1);
  }
  lua_settop(L, index);
  return ok;
}

void mw_prelude_layout_fill(lua_State *L) {
  static const luaL_Reg functions[] = {{"layer_of", layer_of}, {"renamed", renamed}, {"shape", shape}, {"dtype", dtype}, {"fill", fill},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
