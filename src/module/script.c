/* script.c: a Lua state of its own for a script, made and closed here. */
#include "module/script.h"
#include "base/text.h"
#include "moonweld.h"
#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>
#include <unistd.h>

typedef struct script {
  const char *path;
  const char *const *words;
  size_t count;
} script;

/* What an error says: a text, or what a table says of itself; never the address of one. */
static int message_of(lua_State *L) {
  if (lua_isstring(L, 1) || (lua_istable(L, 1) && luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL)) luaL_tolstring(L, 1, NULL);
  else lua_pushfstring(L, "(error object is a %s)", luaL_typename(L, 1));
  return 1;
}

/* What lies beside the script is found by `require` before all else. */
static void find_beside(lua_State *L, const char *path) {
  const char *slash = strrchr(path, '/');
  lua_getglobal(L, "package");
  lua_pushlstring(L, slash ? path : ".", slash ? (size_t)(slash - path) : 1);
  lua_getfield(L, -2, "path");
  lua_pushfstring(L, "%s/?.lua;%s", lua_tostring(L, -2), lua_tostring(L, -1));
  lua_setfield(L, -4, "path");
  lua_pop(L, 3);
}

static int run(lua_State *L) {
  const script *s = lua_touserdata(L, 1);
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_moonweld);
  lua_setfield(L, -2, "moonweld");
  find_beside(L, s->path);
  lua_newtable(L);
  lua_pushstring(L, s->path);
  lua_rawseti(L, -2, 0);
  for (size_t i = 0; i < s->count; i++) {
    lua_pushstring(L, s->words[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setglobal(L, "arg");
  if (luaL_loadfile(L, s->path) != LUA_OK) return lua_error(L);
  luaL_checkstack(L, (int)s->count, NULL);
  for (size_t i = 0; i < s->count; i++) lua_pushstring(L, s->words[i]);
  lua_call(L, (int)s->count, 0);
  return 0;
}

bool mw_script_run(const char *path, const char *const *words, size_t count, mw_error *err) {
  mw_text_escaped shown;
  if (access(path, R_OK) != 0) return mw_error_set(err, MW_MISSING, "%s: %s", mw_text_escape_z(&shown, path), strerror(errno));
  lua_State *L = luaL_newstate();
  if (!L) return mw_error_set(err, MW_MEMORY, "out of memory for Lua");
  script s = {path, words, count};
  lua_pushcfunction(L, message_of);
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, &s);
  int status = lua_pcall(L, 1, 0, 1);
  const char *text = status == LUA_OK ? NULL : lua_tostring(L, -1); /* NULL: not even the message had memory */
  if (status == LUA_ERRMEM || (status != LUA_OK && !text))
    mw_error_set(err, MW_MEMORY, "%s: out of memory", mw_text_escape_z(&shown, path));
  else if (status != LUA_OK) mw_error_set(err, MW_DATA, "%s", mw_text_escape_z(&shown, text));
  lua_close(L);
  return status == LUA_OK;
}
