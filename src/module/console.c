/* console.c: the functions that prompt.lua gets, and its Lua. */
#include "module/console.h"
#include "base/embed.h"
#include "base/text.h"
#include "moonweld.h"
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct talk {
  const mw_console *console;
  const char *base;
  const char *const *models;
  size_t count;
} talk;

static const char functions_key[] = "moonweld.console"; /* of the functions, in the registry */
static lua_State *talking; /* the one that completes words; there is one terminal */

static const mw_console *console_of(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(1)); }

/* read(prompt): a line, or nil */
static int read(lua_State *L) {
  const mw_console *console = console_of(L);
  char *line = console->read(console->context, luaL_checkstring(L, 1));
  lua_pushstring(L, line);
  free(line);
  return 1;
}

static int say(lua_State *L) {
  const mw_console *console = console_of(L);
  console->say(console->context, luaL_checkstring(L, 1));
  return 0;
}

static int stopped(lua_State *L) {
  const mw_console *console = console_of(L);
  return lua_pushboolean(L, console->stopped(console->context)), 1;
}

/* home(): the first home of recipes, made if it is not there; or nil */
static int home(lua_State *L) {
  mw_recipe_homes *homes;
  mw_error err;
  if (!mw_recipe_homes_open(&homes, &err)) return luaL_error(L, "%s", err.text);
  lua_pushstring(L, mw_recipe_homes_folder(homes));
  mw_recipe_homes_free(homes);
  char *path = lua_isnil(L, -1) ? NULL : strdup(lua_tostring(L, -1));
  for (char *slash = path ? strchr(path + 1, '/') : NULL; slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    mkdir(path, 0777); /* what cannot be made is told when the file is */
    *slash = '/';
  }
  free(path);
  return 1;
}

static const mw_embed *embedded(const char *name) {
  const mw_embed *file = mw_embed_files;
  while (file->name && strcmp(file->name, name) != 0) file++;
  return file;
}

static int message_of(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  return 1;
}

static int run(lua_State *L) {
  const talk *t = lua_touserdata(L, 1);
  static const luaL_Reg functions[] = {{"read", read}, {"say", say}, {"stopped", stopped}, {"home", home}, {NULL, NULL}};
  const mw_embed *text = embedded("lua/moonweld/prompt/prompt"), *types = embedded("lua/moonweld/types");
  luaL_openlibs(L);
  if (luaL_loadbufferx(L, text->bytes, text->length, "=prompt", "t") != LUA_OK) return lua_error(L);
  luaL_requiref(L, "moonweld", luaopen_moonweld, 0);
  luaL_newlibtable(L, functions);
  lua_pushlightuserdata(L, (void *)(uintptr_t)t->console);
  luaL_setfuncs(L, functions, 1);
  lua_pushlstring(L, types->bytes, types->length);
  lua_setfield(L, -2, "types");
  lua_pushboolean(L, t->console->typed);
  lua_setfield(L, -2, "typed");
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, functions_key);
  lua_pushstring(L, t->base);
  lua_createtable(L, (int)t->count, 0);
  for (size_t i = 0; i < t->count; i++) {
    lua_pushstring(L, t->models[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_call(L, 4, 0);
  return 0;
}

bool mw_console_run(const mw_console *console, const char *base, const char *const *models, size_t count, mw_error *err) {
  mw_text_escaped shown;
  lua_State *L = luaL_newstate();
  if (!L) return mw_error_set(err, MW_MEMORY, "out of memory for Lua");
  talk t = {console, base, models, count};
  talking = L;
  lua_pushcfunction(L, message_of);
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, &t);
  bool ok = lua_pcall(L, 1, 0, 1) == LUA_OK;
  if (!ok) mw_error_set(err, MW_DATA, "%s", mw_text_escape_z(&shown, lua_tostring(L, -1)));
  talking = NULL;
  lua_close(L);
  return ok;
}

/* console.complete(line), which prompt.lua sets, gives a list of texts. */
static int complete(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, functions_key);
  if (lua_getfield(L, -1, "complete") != LUA_TFUNCTION) return 0;
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

char *mw_console_complete(const char *line) {
  lua_State *L = talking;
  mw_text words = {0};
  if (!L || !lua_checkstack(L, 8)) return NULL;
  int top = lua_gettop(L);
  lua_pushcfunction(L, complete);
  lua_pushstring(L, line);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_istable(L, -1))
    for (lua_Integer i = 1; lua_geti(L, -1, i) == LUA_TSTRING; i++, lua_pop(L, 1))
      mw_text_add(&words, lua_tostring(L, -1), strlen(lua_tostring(L, -1)) + 1);
  lua_settop(L, top);
  mw_text_add(&words, "", 1);
  if (!words.failed) return words.bytes;
  mw_text_free(&words);
  return NULL;
}
