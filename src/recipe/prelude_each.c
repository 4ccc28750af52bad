/* prelude_each.c: a block holds nodes in the order of its names, and the table of their places, by which it is indexed. Operands that
 * are blocks over the same places are read by place, others by name. */
#include "recipe/prelude_each.h"
#include "recipe/prelude_nodes.h"
#include <lauxlib.h>
#include <math.h>

static const char block_type[] = "moonweld.block";

typedef struct block {
  size_t count;
  mw_node nodes[];
} block;

enum { OP = 1, PLACES, NAMES, FIRST, MOST = 3 };

/* block[name] */
static int at(lua_State *L) {
  const block *of = lua_touserdata(L, 1);
  lua_getiuservalue(L, 1, 1);
  lua_pushvalue(L, 2);
  lua_rawget(L, -2);
  lua_Integer place = lua_tointeger(L, -1);
  if (place < 1 || (size_t)place > of->count) return 0;
  return mw_prelude_nodes_push(L, of->nodes[place - 1]);
}

/* The block at a stack index, if its places are those of this call. */
static const block *block_at(lua_State *L, int index) {
  const block *of = luaL_testudata(L, index, block_type);
  if (!of) return NULL;
  lua_getiuservalue(L, index, 1);
  bool same = lua_rawequal(L, -1, PLACES);
  lua_pop(L, 1);
  return same ? of : NULL;
}

/* One operand of all lanes: a block, one value for all (`table` false), or a table by names. */
typedef struct operand {
  const block *of;
  mw_node value;
  bool table, number;
} operand;

static bool is_by_name(lua_State *L, int index) { return lua_istable(L, index) || luaL_testudata(L, index, block_type); }

static operand operand_at(lua_State *L, int index) {
  operand o = {.of = block_at(L, index)};
  o.table = !o.of && is_by_name(L, index);
  o.number = lua_type(L, index) == LUA_TNUMBER;
  if (!o.of && !o.table) o.value = mw_prelude_nodes_at(L, index);
  return o;
}

/* The operand of a lane; whether it is one. */
static bool read(lua_State *L, const operand *o, int index, lua_Integer lane, mw_node *node, bool *number) {
  *number = o->number;
  *node = o->of ? o->of->nodes[lane] : o->value;
  if (!o->table) return true;
  lua_rawgeti(L, NAMES, lane + 1);
  lua_gettable(L, index);
  *number = lua_type(L, -1) == LUA_TNUMBER;
  bool found = *number || lua_isuserdata(L, -1);
  if (found) *node = mw_prelude_nodes_at(L, -1);
  lua_pop(L, 1);
  return found;
}

static block *new_block(lua_State *L, lua_Integer lanes, int places) {
  block *made = lua_newuserdatauv(L, sizeof *made + (size_t)lanes * sizeof *made->nodes, 1);
  made->count = (size_t)lanes;
  lua_pushvalue(L, places);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, block_type);
  return made;
}

/* block(places, names, nodes by name): a block; nothing where a name has no node. */
static int block_of(lua_State *L) {
  const lua_Integer lanes = luaL_len(L, 2);
  block *made = new_block(L, lanes, 1);
  for (lua_Integer lane = 0; lane < lanes; lane++) {
    lua_rawgeti(L, 2, lane + 1);
    lua_gettable(L, 3);
    if (!lua_isuserdata(L, -1)) return 0;
    made->nodes[lane] = mw_prelude_nodes_at(L, -1);
    lua_pop(L, 1);
  }
  return 1;
}

static int each(lua_State *L) {
  const mw_op op = mw_prelude_nodes_op(L, OP);
  const int count = lua_gettop(L) - FIRST + 1;
  const mw_graph_class class = mw_graph_op_class(op);
  if (count != mw_graph_op_operands(op) || count > MOST || (class != MW_CLASS_MAP && class != MW_CLASS_SUM)) return 0;
  operand operands[MOST];
  for (int k = 0; k < count; k++) {
    operands[k] = operand_at(L, FIRST + k);
    if (operands[k].number && isnan(lua_tonumber(L, FIRST + k))) return 0; /* no limit of anything: prelude_nodes.c says so */
  }
  const lua_Integer lanes = luaL_len(L, NAMES);
  block *made = new_block(L, lanes, PLACES);
  mw_graph *graph = mw_interpreter_of(L)->graph;
  for (lua_Integer lane = 0; lane < lanes; lane++) {
    mw_node nodes[MOST];
    mw_error err;
    bool all_numbers = true, number;
    for (int k = 0; k < count; k++) {
      if (!read(L, &operands[k], FIRST + k, lane, &nodes[k], &number)) return 0;
      all_numbers &= number;
    }
    if (all_numbers || !mw_graph_apply(graph, op, nodes, (uint32_t)count, NULL, &made->nodes[lane], &err)) return 0;
  }
  return 1;
}

void mw_prelude_each_fill(lua_State *L) {
  luaL_newmetatable(L, block_type);
  lua_pushcfunction(L, at);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, each);
  lua_setfield(L, -2, "each");
  lua_pushcfunction(L, block_of);
  lua_setfield(L, -2, "block");
}
