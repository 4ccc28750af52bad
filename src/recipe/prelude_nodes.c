/* prelude_nodes.c: nodes of the graph as Lua values, userdata that hold a node's number. The rules of operations are checked by the
 * graph; an operation that cannot be is told as nil and the reason, or raised. */
#include "recipe/prelude_nodes.h"
#include "expr/compute.h"
#include "expr/variable.h"
#include "expr/weight_sum.h"
#include "num/rng.h"
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

static const char node_type[] = "moonweld.node";

static int fail(lua_State *L, const mw_error *err) { return mw_interpreter_raise(L, err->status, err->text); }

int mw_prelude_nodes_push(lua_State *L, mw_node node) {
  mw_node *handle = lua_newuserdatauv(L, sizeof *handle, 0);
  *handle = node;
  luaL_setmetatable(L, node_type);
  return 1;
}

mw_node mw_prelude_nodes_at(lua_State *L, int index) {
  mw_error err;
  mw_node node;
  if (lua_type(L, index) == LUA_TNUMBER) {
    if (!mw_graph_number(mw_interpreter_of(L)->graph, lua_tonumber(L, index), &node, &err)) fail(L, &err);
    return node;
  }
  const mw_node *handle = luaL_testudata(L, index, node_type);
  if (!handle || *handle == 0 || *handle > mw_graph_count(mw_interpreter_of(L)->graph)) {
    mw_error_set(&err, MW_DATA, "a tensor or a number is needed here, not %s%s%s", lua_isnoneornil(L, index) ? "" : "a ",
                 lua_isnoneornil(L, index) ? "nil" : luaL_typename(L, index), lua_isboolean(L, index)
                     ? " -- x == 0 is false for Lua whatever x holds; x:eq(0), x:ne(0) give masks" : "");
    return (mw_node)fail(L, &err);
  }
  return *handle;
}

static int number(lua_State *L) { return mw_prelude_nodes_push(L, mw_prelude_nodes_at(L, 1)); }

mw_op mw_prelude_nodes_op(lua_State *L, int index) {
  const char *name = luaL_checkstring(L, index);
  for (int op = 0; op < MW_OP_COUNT; op++)
    if (mw_text_is_same_word(mw_graph_op_name((mw_op)op), name)) return (mw_op)op;
  return (mw_op)luaL_error(L, "no operation '%s'", name);
}

static uint64_t name_key(lua_State *L, int index) {
  size_t length;
  const char *name = luaL_checklstring(L, index, &length);
  return mw_rng_label(0x6d6f6f6e, name, length);
}

/* The node; where it cannot be, nil and why (not MW_DATA: raised). */
static int finish(lua_State *L, mw_op op, const mw_node *operands, uint32_t count, const uint64_t extra[2]) {
  mw_error err;
  mw_node node;
  if (mw_graph_apply(mw_interpreter_of(L)->graph, op, operands, count, extra, &node, &err)) return mw_prelude_nodes_push(L, node);
  if (err.status != MW_DATA) return fail(L, &err);
  lua_pushnil(L);
  lua_pushstring(L, err.text);
  return 2;
}

/* apply(op, list of nodes, rank) for KTH and QUANTILE, apply("tie", list, KTH node, 1 if the last of equal ones rank higher),
 * apply("kth_lazy", list, number). */
static int select_over(lua_State *L, mw_op op) {
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Integer count = luaL_len(L, 2);
  uint64_t extra[2] = {(uint64_t)luaL_optinteger(L, 4, 0), 0};
  luaL_argcheck(L, count > 0 && count < MW_GRAPH_OPERANDS, 2, "tensors are needed");
  mw_node *operands = lua_newuserdatauv(L, (size_t)(count + 1) * sizeof *operands, 0);
  for (lua_Integer i = 0; i < count; i++) {
    lua_rawgeti(L, 2, i + 1);
    operands[i] = mw_prelude_nodes_at(L, -1);
    lua_pop(L, 1);
  }
  if (op == MW_OP_TIE || op == MW_OP_KTH_LAZY) operands[count++] = mw_prelude_nodes_at(L, 3);
  else extra[0] = (uint64_t)luaL_checkinteger(L, 3);
  return finish(L, op, operands, (uint32_t)count, extra);
}

/* A limit, or what somebody compares with: a NaN there would change nothing, in silence. */
static bool takes_limits(mw_op op) {
  return op == MW_OP_MIN || op == MW_OP_MAX || op == MW_OP_LT || op == MW_OP_LE || op == MW_OP_EQ || op == MW_OP_NE;
}

/* The node of op(operands...); where there is none, nil and why. */
static int operate(lua_State *L) {
  mw_op op = mw_prelude_nodes_op(L, 1);
  uint64_t extra[2] = {0, 0};
  mw_node operands[3];
  if (mw_graph_op_class(op) == MW_CLASS_SELECT) return select_over(L, op);
  int count = mw_graph_op_operands(op);
  if (count < 1 || count > 3) return luaL_error(L, "'%s' is not for recipes", mw_graph_op_name(op));
  for (int i = 0; i < count; i++) {
    operands[i] = mw_prelude_nodes_at(L, 2 + i);
    if (!takes_limits(op) || lua_type(L, 2 + i) != LUA_TNUMBER || !isnan(lua_tonumber(L, 2 + i))) continue;
    lua_pushnil(L);
    lua_pushliteral(L, "nan is no limit, and nothing compares with it");
    return 2;
  }
  if (mw_graph_op_class(op) == MW_CLASS_CHANCE) {
    extra[0] = (uint64_t)luaL_checkinteger(L, 2 + count);
    extra[1] = name_key(L, 3 + count);
  }
  if (mw_graph_op_class(op) == MW_CLASS_MATRIX) extra[0] = (uint64_t)luaL_optinteger(L, 2 + count, 0);
  if (op == MW_OP_TOP) extra[0] = (uint64_t)luaL_checkinteger(L, 2 + count), extra[1] = (uint64_t)luaL_optinteger(L, 3 + count, 0);
  if (mw_graph_op_class(op) == MW_CLASS_ROW)
    for (int i = 0; i < 2; i++) extra[i] = (uint64_t)luaL_checkinteger(L, 2 + count + i);
  return finish(L, op, operands, (uint32_t)count, extra);
}

/* compute(op, numbers...): an elementwise operation on plain numbers, with the bits that the graph gives a constant. */
static int compute(lua_State *L) {
  mw_op op = mw_prelude_nodes_op(L, 1);
  double operands[3];
  if (mw_graph_op_class(op) != MW_CLASS_MAP) return luaL_error(L, "'%s' is not computed element by element", mw_graph_op_name(op));
  for (int i = 0; i < mw_graph_op_operands(op); i++) operands[i] = luaL_checknumber(L, 2 + i);
  lua_pushnumber(L, mw_compute(op, operands));
  return 1;
}

/* apply(op, operands...): the node; what cannot be is raised. */
static int apply(lua_State *L) {
  if (operate(L) == 1) return 1;
  return mw_interpreter_raise(L, MW_DATA, lua_tostring(L, -1));
}

/* try(op, tensors and numbers...): the node, or the number where all are numbers. Else nil and why there is none: the place of the
 * operand that is neither, or a text. */
static int try(lua_State *L) {
  bool numbers = true;
  for (int i = 2, last = lua_gettop(L); i <= last; i++) {
    bool is_number = lua_type(L, i) == LUA_TNUMBER;
    numbers &= is_number;
    if (is_number || luaL_testudata(L, i, node_type)) continue;
    lua_pushnil(L);
    lua_pushinteger(L, i - 1);
    return 2;
  }
  int results = operate(L);
  double number_value;
  if (results == 1 && numbers && mw_graph_is_number(mw_interpreter_of(L)->graph, mw_prelude_nodes_at(L, -1), &number_value))
    lua_pushnumber(L, number_value);
  return results;
}

static int input(lua_State *L) {
  mw_interpreter *state = mw_interpreter_of(L);
  uint64_t model = (uint64_t)luaL_checkinteger(L, 1) - 1, index = (uint64_t)luaL_checkinteger(L, 2) - 1;
  const uint64_t *dims;
  unsigned rank;
  mw_dtype dtype;
  mw_error err;
  mw_node node;
  uint32_t shape;
  if (!state->inputs || !mw_input_set_find(state->inputs, model, index, &dtype, &dims, &rank)) return luaL_error(L, "no such tensor");
  if (!mw_graph_shape(state->graph, dims, rank, &shape, &err) ||
      !mw_graph_input(state->graph, (uint32_t)model, (uint32_t)index, dtype, shape, &node, &err))
    return fail(L, &err);
  return mw_prelude_nodes_push(L, node);
}

/* gradient(loss, variable) */
static int gradient(lua_State *L) {
  mw_error err;
  mw_node node;
  mw_node loss = mw_prelude_nodes_at(L, 1), variable = mw_prelude_nodes_at(L, 2);
  if (!mw_variable_gradient(mw_interpreter_of(L)->graph, loss, variable, &node, &err)) return fail(L, &err);
  return mw_prelude_nodes_push(L, node);
}

/* minimise(start, variable, gradient, rate, steps, kind): the tensor after the steps. */
static int minimise(lua_State *L) {
  mw_node operands[4];
  mw_error err;
  mw_node node;
  for (int i = 0; i < 4; i++) operands[i] = mw_prelude_nodes_at(L, 1 + i);
  const uint64_t extra[2] = {(uint64_t)luaL_checkinteger(L, 5), (uint64_t)luaL_checkinteger(L, 6)};
  if (!mw_graph_apply(mw_interpreter_of(L)->graph, MW_OP_MINIMISE, operands, 4, extra, &node, &err)) return fail(L, &err);
  return mw_prelude_nodes_push(L, node);
}

/* depends_on(node, variable) */
static int depends_on(lua_State *L) {
  lua_pushboolean(L, mw_graph_facts(mw_interpreter_of(L)->graph, mw_prelude_nodes_at(L, 1)).variable == mw_prelude_nodes_at(L, 2));
  return 1;
}

/* is_factor(node): whether it can only weigh tensors of models: a mask, a number, or made of these. */
static int is_factor(lua_State *L) {
  lua_pushboolean(L, mw_graph_facts(mw_interpreter_of(L)->graph, mw_prelude_nodes_at(L, 1)).factor);
  return 1;
}

/* is_matrix(node): whether it is made of functions of whole matrices. */
static int is_matrix(lua_State *L) {
  lua_pushboolean(L, mw_graph_facts(mw_interpreter_of(L)->graph, mw_prelude_nodes_at(L, 1)).matrices);
  return 1;
}

/* is_tensor(node): whether it has a shape; a lazy scalar has none. */
static int is_tensor(lua_State *L) {
  lua_pushboolean(L, mw_graph_facts(mw_interpreter_of(L)->graph, mw_prelude_nodes_at(L, 1)).shape != 0);
  return 1;
}

/* is_vector(node): "row" or "column" of a vector along these, which goes with its tensor; else false. */
static int is_vector(lua_State *L) {
  const mw_graph_node_facts facts = mw_graph_facts(mw_interpreter_of(L)->graph, mw_prelude_nodes_at(L, 1));
  if (facts.over) lua_pushstring(L, facts.column ? "column" : "row");
  else lua_pushboolean(L, false);
  return 1;
}

static int elements(lua_State *L) {
  const mw_graph *graph = mw_interpreter_of(L)->graph;
  lua_pushinteger(L, (lua_Integer)mw_graph_elements(graph, mw_graph_facts(graph, mw_prelude_nodes_at(L, 1)).shape));
  return 1;
}

/* Of a tensor times a number that is known only from data: the tensor, and the number's id. */
static int unscaled(lua_State *L) {
  const mw_graph *graph = mw_interpreter_of(L)->graph;
  const mw_graph_node_facts facts = mw_graph_facts(graph, mw_prelude_nodes_at(L, 1));
  double number_value;
  for (uint32_t i = 0; i < 2 && facts.op == MW_OP_MUL; i++) {
    const mw_node factor = facts.operand[1 - i];
    if (!mw_graph_facts(graph, facts.operand[i]).shape || mw_graph_facts(graph, factor).shape) continue;
    if (mw_graph_is_number(graph, factor, &number_value)) return 0;
    mw_prelude_nodes_push(L, facts.operand[i]);
    lua_pushinteger(L, factor);
    return 2;
  }
  return 0;
}

static int value(lua_State *L) {
  double number_value;
  if (!mw_graph_is_number(mw_interpreter_of(L)->graph, mw_prelude_nodes_at(L, 1), &number_value)) return 0;
  lua_pushnumber(L, number_value);
  return 1;
}

static int id(lua_State *L) {
  lua_pushinteger(L, mw_prelude_nodes_at(L, 1));
  return 1;
}

static int is_node(lua_State *L) {
  lua_pushboolean(L, luaL_testudata(L, 1, node_type) != NULL);
  return 1;
}

static int mass(lua_State *L) {
  const mw_graph *graph = mw_interpreter_of(L)->graph;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer count = luaL_len(L, 1);
  double *masses = lua_newuserdatauv(L, (mw_graph_count(graph) + 1u) * sizeof *masses, 0);
  mw_weight_sum(graph, masses);
  lua_createtable(L, (int)count, 0);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, 1, i);
    lua_pushnumber(L, masses[mw_prelude_nodes_at(L, -1)]);
    lua_rawseti(L, -3, i);
    lua_pop(L, 1);
  }
  return 1;
}

mw_graph_output *mw_prelude_nodes_outputs(lua_State *L, int index, size_t *count, mw_error *err) {
  *count = (size_t)luaL_len(L, index);
  mw_graph_output *outputs = mw_mem_new(*count, sizeof *outputs, err);
  for (size_t i = 0; i < *count && outputs; i++) {
    lua_rawgeti(L, index, (lua_Integer)i + 1);
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    outputs[i] = (mw_graph_output){lua_tostring(L, -2), mw_prelude_nodes_at(L, -1)};
    lua_pop(L, 3);
  }
  return outputs;
}

/* ---- what the prelude is given ---- */

/* Every elementwise operation, how a recipe writes it, and its kind: a list of {name, written, kind}. */
static void fill_elementwise(lua_State *L) {
  static const struct { const char *name, *written, *kind; } words[] = {
#define MW_ELEMENTWISE(name, kind, operands, written, meaning, expression) {#name, written, #kind},
#include "base/elementwise.def"
#undef MW_ELEMENTWISE
  };
  lua_newtable(L);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    lua_newtable(L);
    lua_pushstring(L, words[i].name);
    lua_rawseti(L, -2, 1);
    lua_pushstring(L, words[i].written);
    lua_rawseti(L, -2, 2);
    lua_pushstring(L, words[i].kind);
    lua_rawseti(L, -2, 3);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "elementwise");
}

void mw_prelude_nodes_fill(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"number", number}, {"apply", apply}, {"try", try}, {"compute", compute}, {"input", input}, {"elements", elements},
      {"value", value}, {"id", id}, {"is_node", is_node}, {"is_tensor", is_tensor}, {"is_factor", is_factor}, {"is_vector", is_vector},
      {"is_matrix", is_matrix}, {"gradient", gradient}, {"minimise", minimise}, {"depends_on", depends_on},
      {"mass", mass}, {"unscaled", unscaled}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  luaL_newmetatable(L, node_type);
  lua_setfield(L, -2, "node_metatable");
  fill_elementwise(L);
}
