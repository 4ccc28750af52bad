/* prelude_yaml.c: makes tables of a tree. The tree lies in a userdata with a finalizer, since an error of Lua, such as the end of its
 * memory, jumps over everything else. */
#include "recipe/prelude_yaml.h"
#include "mergekit/yaml.h"
#include <lauxlib.h>

static int free_tree(lua_State *L) {
  mw_yaml_free(lua_touserdata(L, 1));
  return 0;
}

static mw_yaml *new_tree(lua_State *L) {
  mw_yaml *tree = lua_newuserdatauv(L, sizeof *tree, 0);
  *tree = (mw_yaml){0};
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, free_tree);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return tree;
}

static void set_place(lua_State *L, const mw_yaml_node *node) {
  static const char *const kinds[] = {"text", "list", "map"};
  lua_pushstring(L, kinds[node->kind]);
  lua_setfield(L, -2, "kind");
  lua_pushinteger(L, node->line);
  lua_setfield(L, -2, "line");
  lua_pushinteger(L, node->column);
  lua_setfield(L, -2, "column");
}

static void push_node(lua_State *L, const mw_yaml_node *node) {
  luaL_checkstack(L, 4, NULL);
  lua_createtable(L, (int)node->count, 5);
  set_place(L, node);
  if (node->kind == MW_YAML_TEXT) {
    lua_pushlstring(L, node->text, node->length);
    lua_setfield(L, -2, "text");
    lua_pushboolean(L, node->plain);
    lua_setfield(L, -2, "plain");
  }
  for (size_t i = 0; i < node->count; i++) {
    push_node(L, node->items[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static int yaml(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length), *name = luaL_checkstring(L, 2);
  mw_yaml *tree = new_tree(L);
  mw_error err;
  if (!mw_yaml_parse(name, text, length, tree, &err)) return mw_interpreter_raise_input(L, err.text, err.hint);
  lua_createtable(L, (int)tree->count, 0);
  for (size_t i = 0; i < tree->count; i++) {
    push_node(L, tree->documents[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

void mw_prelude_yaml_fill(lua_State *L) {
  lua_pushcfunction(L, yaml);
  lua_setfield(L, -2, "yaml");
}
