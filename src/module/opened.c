/* opened.c: a model and its tensors as Lua values. A model is a userdata that owns what the library has opened, until it is collected or
 * closed (`local m <close> = mw.open(path)`); a tensor is a userdata with the model as its user value, so that it keeps it. Nothing is
 * read before somebody asks for values, and then only those. */
#include "module/opened.h"
#include "moonweld.h"
#include <lauxlib.h>
#include <math.h>
#include <string.h>

typedef struct model { mw_inspection *inspection; } model;
typedef struct tensor { mw_tensor_facts facts; } tensor;

static const char model_type[] = "moonweld.model", tensor_type[] = "moonweld.tensor";

static int raise(lua_State *L, const mw_error *err) { return luaL_error(L, *err->hint ? "%s (%s)" : "%s", err->text, err->hint); }

static mw_inspection *inspection_at(lua_State *L, int index) {
  model *m = luaL_checkudata(L, index, model_type);
  if (!m->inspection) luaL_error(L, "the model is closed");
  return m->inspection;
}

/* ---- models ---- */

int mw_opened_open(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  mw_error err;
  lua_settop(L, 1);
  model *m = lua_newuserdatauv(L, sizeof *m, 0);
  m->inspection = NULL;
  luaL_setmetatable(L, model_type);
  if (!mw_inspect_open(path, false, &m->inspection, &err)) return raise(L, &err);
  return 1;
}

static int close_model(lua_State *L) {
  model *m = luaL_checkudata(L, 1, model_type);
  mw_inspect_free(m->inspection);
  m->inspection = NULL;
  return 0;
}

/* m:names() */
static int names(lua_State *L) {
  const mw_inspection *inspection = inspection_at(L, 1);
  const char *name;
  lua_newtable(L);
  for (size_t i = 0; i < mw_inspect_names(inspection, i, &name, 1); i++) {
    lua_pushstring(L, name);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* m:tensor(name) and m[name] */
static int get_tensor(lua_State *L) {
  const mw_inspection *inspection = inspection_at(L, 1);
  const char *name = luaL_checkstring(L, 2);
  mw_error err;
  tensor *t = lua_newuserdatauv(L, sizeof *t, 1);
  if (!mw_inspect_tensor(inspection, name, &t->facts, &err)) return raise(L, &err);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, tensor_type);
  return 1;
}

/* A tensor may be called like a method: m:tensor(name) always gives it. */
static int index_model(lua_State *L) {
  if (lua_type(L, 2) == LUA_TSTRING && lua_getfield(L, lua_upvalueindex(1), lua_tostring(L, 2)) != LUA_TNIL) return 1;
  lua_settop(L, 2);
  return get_tensor(L);
}

static int count_tensors(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)mw_inspect_names(inspection_at(L, 1), 0, NULL, 0));
  return 1;
}

/* ---- tensors ---- */

static tensor *tensor_at(lua_State *L, int index) { return luaL_checkudata(L, index, tensor_type); }

/* `count` elements from `first` on, in a userdata at the top of the stack. */
static double *read_values(lua_State *L, const tensor *t, uint64_t first, size_t count) {
  mw_error err;
  double *values = lua_newuserdatauv(L, count ? count * sizeof *values : 1, 0);
  lua_getiuservalue(L, 1, 1);
  const mw_inspection *inspection = inspection_at(L, -1);
  lua_pop(L, 1);
  if (!mw_inspect_values(inspection, t->facts.name, first, count, values, &err)) raise(L, &err);
  return values;
}

typedef struct sums { double smallest, largest, total, squares; } sums;

/* One walk over all of it; NaN goes into every number. */
static sums sum_up(lua_State *L) {
  enum { STEP = 1 << 16 };
  const tensor *t = tensor_at(L, 1);
  sums s = {INFINITY, -INFINITY, 0, 0};
  for (uint64_t at = 0; at < t->facts.elements; at += STEP) {
    size_t count = (size_t)(t->facts.elements - at < STEP ? t->facts.elements - at : STEP);
    const double *values = read_values(L, t, at, count);
    for (size_t i = 0; i < count; i++) {
      s.smallest = values[i] < s.smallest || isnan(values[i]) ? values[i] : s.smallest;
      s.largest = values[i] > s.largest || isnan(values[i]) ? values[i] : s.largest;
      s.total += values[i];
      s.squares += values[i] * values[i];
    }
    lua_pop(L, 1);
  }
  return s;
}

static int give(lua_State *L, double number) { return lua_pushnumber(L, number), 1; }
static int norm(lua_State *L) { return give(L, sqrt(sum_up(L).squares)); }
static int total(lua_State *L) { return give(L, sum_up(L).total); }
static int mean(lua_State *L) { return give(L, sum_up(L).total / (double)tensor_at(L, 1)->facts.elements); }
static int smallest(lua_State *L) { return give(L, sum_up(L).smallest); }
static int largest(lua_State *L) { return give(L, sum_up(L).largest); }

/* { first, end } of a field of the table at 2, counted from 0; end is not part of it, and negative numbers count from the end. */
static void read_range(lua_State *L, const char *field, uint64_t length, uint64_t *first, uint64_t *end) {
  *first = 0, *end = length;
  if (lua_isnoneornil(L, 2) || lua_getfield(L, 2, field) == LUA_TNIL) return lua_settop(L, 2);
  if (lua_type(L, -1) != LUA_TTABLE) luaL_error(L, "slice: %s is { first, end }, not a %s", field, luaL_typename(L, -1));
  lua_Integer bounds[2];
  for (int i = 0; i < 2; i++) {
    int whole;
    lua_geti(L, -1, i + 1);
    bounds[i] = lua_tointegerx(L, -1, &whole);
    if (!whole) luaL_error(L, "slice: %s is { first, end }, two whole numbers", field);
    if (bounds[i] < 0) bounds[i] += (lua_Integer)length;
    lua_pop(L, 1);
  }
  if (bounds[0] < 0 || bounds[0] > bounds[1] || bounds[1] > (lua_Integer)length)
    luaL_error(L, "slice: %s { %d, %d } is outside of the tensor, which has %d", field, (int)bounds[0], (int)bounds[1], (int)length);
  *first = (uint64_t)bounds[0], *end = (uint64_t)bounds[1];
  lua_settop(L, 2);
}

static void push_row(lua_State *L, const tensor *t, uint64_t row, uint64_t width, uint64_t first, uint64_t end) {
  const double *values = read_values(L, t, row * width + first, (size_t)(end - first));
  lua_createtable(L, (int)(end - first), 0);
  for (uint64_t i = 0; i < end - first; i++) {
    lua_pushnumber(L, values[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_remove(L, -2);
}

static void check_ranges(lua_State *L) {
  if (lua_isnoneornil(L, 2)) return;
  luaL_checktype(L, 2, LUA_TTABLE);
  for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
    if (strcmp(key, "rows") != 0 && strcmp(key, "columns") != 0) luaL_error(L, "slice knows rows and columns, no '%s'", key);
  }
}

/* t:slice{ rows = {0, 8}, columns = {0, 4} }: a list of rows, which are lists of numbers; of a vector one list. */
static int slice(lua_State *L) {
  const tensor *t = tensor_at(L, 1);
  size_t rank = t->facts.rank;
  uint64_t width = rank ? t->facts.shape[rank - 1] : 1, height = width ? t->facts.elements / width : 0, first, end, row, last;
  lua_settop(L, 2);
  check_ranges(L);
  read_range(L, "columns", width, &first, &end);
  read_range(L, "rows", rank < 2 ? 1 : height, &row, &last);
  if (rank < 2) return push_row(L, t, 0, width, first, end), 1;
  lua_createtable(L, (int)(last - row), 0);
  for (uint64_t r = row; r < last; r++) {
    push_row(L, t, r, width, first, end);
    lua_rawseti(L, -2, (lua_Integer)(r - row) + 1);
  }
  return 1;
}

/* Fields name, dtype, shape; else methods. */
static int index_tensor(lua_State *L) {
  const tensor *t = tensor_at(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (strcmp(key, "name") == 0) return lua_pushstring(L, t->facts.name), 1;
  if (strcmp(key, "dtype") == 0) return lua_pushstring(L, t->facts.dtype), 1;
  if (strcmp(key, "shape") == 0) {
    lua_createtable(L, (int)t->facts.rank, 0);
    for (size_t i = 0; i < t->facts.rank; i++) {
      lua_pushinteger(L, (lua_Integer)t->facts.shape[i]);
      lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
  }
  if (lua_getfield(L, lua_upvalueindex(1), key) == LUA_TNIL)
    return luaL_error(L, "a tensor has no '%s': name, dtype, shape, slice{}, norm(), mean(), total(), min(), max()", key);
  return 1;
}

static int count_elements(lua_State *L) { return lua_pushinteger(L, (lua_Integer)tensor_at(L, 1)->facts.elements), 1; }

static int tensor_text(lua_State *L) {
  const tensor *t = tensor_at(L, 1);
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  luaL_addstring(&text, t->facts.name);
  luaL_addstring(&text, ": ");
  luaL_addstring(&text, t->facts.dtype);
  for (size_t i = 0; i < t->facts.rank; i++) {
    lua_pushfstring(L, i ? ",%I" : " [%I", (LUAI_UACINT)t->facts.shape[i]);
    luaL_addvalue(&text);
  }
  if (t->facts.rank) luaL_addstring(&text, "]");
  luaL_pushresult(&text);
  return 1;
}

static void make(lua_State *L, const char *type, const luaL_Reg *own, const luaL_Reg *methods, lua_CFunction index) {
  luaL_newmetatable(L, type);
  luaL_setfuncs(L, own, 0);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_pushcclosure(L, index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

void mw_opened_prepare(lua_State *L) {
  static const luaL_Reg of_model[] = {{"__gc", close_model}, {"__close", close_model}, {"__len", count_tensors}, {NULL, NULL}};
  static const luaL_Reg model_methods[] = {{"names", names}, {"tensor", get_tensor}, {"close", close_model}, {NULL, NULL}};
  static const luaL_Reg of_tensor[] = {{"__len", count_elements}, {"__tostring", tensor_text}, {NULL, NULL}};
  static const luaL_Reg tensor_methods[] = {{"slice", slice}, {"norm", norm},    {"mean", mean}, {"total", total},
                                            {"min", smallest}, {"max", largest}, {NULL, NULL}};
  make(L, model_type, of_model, model_methods, index_model);
  make(L, tensor_type, of_tensor, tensor_methods, index_tensor);
}
