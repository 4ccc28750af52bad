/* interpreter.c: a Lua state whose allocator refuses memory above a limit. Errors carry a status and the line of the recipe that
 * caused them. Chunks of the prelude are named "=(moonweld)", or have no name where they were compiled at build, without lines and names
 * of variables (a third of what is to be loaded); a recipe's begin with "@". */
#include "recipe/interpreter.h"
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char prelude_key[] = "moonweld.prelude", core_key[] = "moonweld.core", ours[] = "(moonweld)", unnamed[] = "?";

mw_interpreter *mw_interpreter_of(lua_State *L) { return *(mw_interpreter **)lua_getextraspace(L); }

static void *allocate(void *context, void *old, size_t old_size, size_t size) {
  mw_interpreter *state = context;
  if (!old) old_size = 0;
  bool within = size <= old_size || (state->used <= state->limit && size - old_size <= state->limit - state->used);
  if (!within) return state->refused = false, NULL;
  void *memory = mw_lua_memory_resize(&state->memory, old, old_size, size);
  if (memory || size == 0) state->used = state->used - old_size + size;
  else state->refused = true;
  return memory;
}

/* ---- where a recipe is ---- */

/* The innermost line of a recipe on the call stack. If `exact`, the search ends at a tail call, since the caller that it hides was a
 * recipe's line too: the prelude has no tail calls (tests/lint.sh). *hidden says that it ended so. */
static bool visible(lua_State *L, bool exact, bool *hidden, char buffer[300]) {
  lua_Debug ar;
  *hidden = false;
  for (int level = 0; !*hidden && lua_getstack(L, level, &ar); level++) {
    bool known = lua_getinfo(L, "Slt", &ar);
    if (known && ar.source[0] == '@' && ar.currentline > 0) {
      snprintf(buffer, 300, "%s:%d: ", ar.source + 1, ar.currentline);
      return true;
    }
    *hidden = exact && known && ar.istailcall;
  }
  return false;
}

static bool is_built_in(const char *at) { return strncmp(at, "recipes/", 8) == 0; }

/* The line of a configuration's recipe that called the built-in one which is at `at`, before that: "their.yml:9: recipes/ram.lua:15: ".
 * False: a tail call hides it, and the run is not traced. */
static bool place_caller(lua_State *L, char at[300]) {
  const mw_interpreter *state = mw_interpreter_of(L);
  char inner[300];
  lua_Debug ar;
  memcpy(inner, at, sizeof inner);
  for (int level = 0; lua_getstack(L, level, &ar); level++) {
    if (!lua_getinfo(L, "Sl", &ar) || ar.source[0] != '@' || ar.currentline <= 0 || is_built_in(ar.source + 1)) continue;
    snprintf(at, 300, "%.200s:%d: %.80s", ar.source + 1, ar.currentline, inner);
    return true;
  }
  if (state->main.line) snprintf(at, 300, "%.200s:%d: %.80s", state->main.chunk, state->main.line, inner);
  return state->main.line > 0;
}

/* The innermost line of a recipe, or false. If a tail call hides it, a traced run knows the line that was last executed. An error in
 * a recipe's result, found after it has returned, gets the last line of its file. */
static bool place(lua_State *L, char buffer[300]) {
  const mw_interpreter *state = mw_interpreter_of(L);
  bool hidden;
  if (!visible(L, !state->trace || state->last.line, &hidden, buffer)) {
    const struct mw_interpreter_place *at = hidden ? &state->last : &state->main;
    if (!at->line) return false;
    snprintf(buffer, 300, "%s:%d: ", at->chunk, at->line);
  }
  return !state->converted || !is_built_in(buffer) || place_caller(L, buffer);
}

/* The hook of a traced run: after a line, or a return to the calling line, remembers where the recipe is. Files of architectures are
 * loaded by calls from a recipe, and do not change that. */
static void trace(lua_State *L, lua_Debug *ar) {
  static const char parts[] = "@lua/moonweld/arch/";
  mw_interpreter *state = mw_interpreter_of(L);
  lua_Debug caller;
  bool line = ar->event == LUA_HOOKLINE;
  if (!line && !lua_getstack(L, 1, &caller)) return;
  if (!line) ar = &caller;
  if (!lua_getinfo(L, "Sl", ar) || ar->source[0] != '@' || ar->currentline <= 0) return;
  if (strncmp(ar->source, parts, sizeof parts - 1) == 0) return;
  state->last.line = ar->currentline;
  snprintf(state->last.chunk, sizeof state->last.chunk, "%s", ar->source + 1);
  if (!state->main.line) memcpy(state->main.chunk, state->last.chunk, sizeof state->main.chunk);
  if (strcmp(state->main.chunk, state->last.chunk) == 0) state->main.line = state->last.line;
}

/* Pushes an error: a table that take_error() reads, marked by a metatable that no recipe can get. */
static void push_error(lua_State *L, mw_status status, bool placed, const char *at, const char *text, const char *hint) {
  lua_createtable(L, 0, 5);
  lua_pushstring(L, hint);
  lua_setfield(L, -2, "hint");
  lua_pushfstring(L, "%s%s", at, text);
  lua_setfield(L, -2, "text");
  lua_pushinteger(L, status);
  lua_setfield(L, -2, "status");
  lua_pushboolean(L, placed);
  lua_setfield(L, -2, "placed");
  lua_pushlightuserdata(L, (void *)(uintptr_t)prelude_key);
  lua_rawsetp(L, -2, prelude_key);
}

int mw_interpreter_raise(lua_State *L, mw_status status, const char *text) {
  char at[300] = "";
  bool placed = status == MW_USAGE || place(L, at); /* an error in the command line has no line of a recipe */
  push_error(L, status, placed, at, text, "");
  return lua_error(L);
}

int mw_interpreter_raise_input(lua_State *L, const char *text, const char *hint) {
  char at[300] = "";
  bool placed = place(L, at), own = !strstr(at, "recipes/");
  push_error(L, MW_DATA, placed || !own, own ? at : "", text, hint);
  return lua_error(L);
}

int mw_interpreter_raise_placed(lua_State *L, const char *text) {
  push_error(L, MW_DATA, true, "", text, "");
  return lua_error(L);
}

int mw_interpreter_interrupt(lua_State *L, mw_status status, const char *text) {
  char at[300] = "";
  bool hidden, placed = visible(L, false, &hidden, at) || place(L, at);
  push_error(L, status, placed, at, text, "");
  return lua_error(L);
}

/* Whether the innermost function of Lua is the prelude's. */
static bool is_ours(lua_State *L) {
  lua_Debug ar;
  for (int level = 1; lua_getstack(L, level, &ar); level++)
    if (lua_getinfo(L, "S", &ar) && *ar.what != 'C') return strcmp(ar.short_src, ours) == 0 || strcmp(ar.short_src, unnamed) == 0;
  return false;
}

/* Behind "(moonweld):12: " or "?:-1: ", which Lua puts before what it says of the prelude. */
static const char *without_place(const char *text) {
  const char *name = strncmp(text, ours, sizeof ours - 1) == 0 ? ours : unnamed;
  if (strncmp(text, name, strlen(name)) != 0 || text[strlen(name)] != ':') return text;
  const char *end = strstr(text, ": ");
  return end ? end + 2 : text;
}

/* The message handler: makes every error one of mw_interpreter_raise's form. */
static int handle(lua_State *L) {
  if (lua_istable(L, 1)) {
    lua_rawgetp(L, 1, prelude_key);
    bool mine = lua_islightuserdata(L, -1);
    lua_pop(L, 1);
    if (mine) return 1;
  }
  char at[300] = "", text[700];
  const char *message = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : NULL;
  if (!message) snprintf(text, sizeof text, "(error object is a %s)", luaL_typename(L, 1));
  else snprintf(text, sizeof text, "%s", message);
  bool own = is_ours(L), placed = message != NULL;
  if (own || !message || !strchr(text, ':')) placed = place(L, at);
  push_error(L, MW_DATA, placed, at, own ? without_place(text) : text, "");
  return 1;
}

static bool take_error(mw_interpreter *state, int result, mw_error *err) {
  lua_State *L = state->L;
  if (result == LUA_ERRMEM && state->refused) {
    mw_error_memory(err, 0);
    lua_pop(L, 1);
    return false;
  }
  if (result == LUA_ERRMEM) {
    char size[32];
    mw_error_set(err, MW_DATA, "the recipe needs more than %s of memory (--recipe-memory allows more)",
                 mw_text_size(size, (double)state->limit));
    lua_pop(L, 1);
    return false;
  }
  if (!lua_istable(L, -1)) {
    mw_error_set(err, MW_DATA, "the recipe failed: %s", lua_tostring(L, -1) ? lua_tostring(L, -1) : "(no message)");
    lua_pop(L, 1);
    return false;
  }
  lua_getfield(L, -1, "text");
  lua_getfield(L, -2, "status");
  lua_getfield(L, -3, "placed");
  lua_getfield(L, -4, "hint");
  const char *text = lua_tostring(L, -4), *hint = lua_tostring(L, -1); /* made safe to show by the parent */
  mw_error_set(err, (mw_status)lua_tointeger(L, -3), "%s", text ? text : "");
  if (hint) mw_error_hint(err, "%s", hint);
  state->line_hidden = !lua_toboolean(L, -2);
  lua_pop(L, 5);
  return false;
}

bool mw_interpreter_call(mw_interpreter *state, const char *name, int args, int results, mw_error *err) {
  lua_State *L = state->L;
  int base = lua_gettop(L) - args + 1;
  lua_pushcfunction(L, handle);
  lua_insert(L, base);
  lua_getfield(L, LUA_REGISTRYINDEX, prelude_key);
  lua_getfield(L, -1, name);
  lua_remove(L, -2);
  lua_insert(L, base + 1);
  if (state->trace) lua_sethook(L, trace, LUA_MASKLINE | LUA_MASKRET, 0);
  int result = lua_pcall(L, args, results, base);
  lua_sethook(L, NULL, 0, 0);
  bool ok = result == LUA_OK || take_error(state, result, err);
  lua_remove(L, base);
  return ok;
}

/* ---- the prelude ---- */

static const mw_embed *embedded(const char *name) {
  for (const mw_embed *file = mw_embed_files; file->name; file++)
    if (strcmp(file->name, name) == 0) return file;
  return NULL;
}

/* Whether the interpreter is the release of Lua that compiled the prelude. A host of the Lua module may be another one, or hide it. */
static bool is_compiler(void) {
  extern const char lua_ident[] __attribute__((weak));
  return lua_ident && strcmp(lua_ident, mw_embed_compiler) == 0;
}

/* core.module(name): a prelude file, loaded once. Upvalue 1 is core. */
static int module(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, "moonweld.modules");
  if (lua_getfield(L, -1, name) != LUA_TNIL) return 1;
  lua_pop(L, 1);
  const mw_embed *file = embedded(lua_pushfstring(L, "lua/moonweld/%s", name));
  if (!file) return luaL_error(L, "the prelude has no module '%s'", name);
  bool ready = file->compiled && is_compiler();
  int result = ready ? luaL_loadbufferx(L, file->compiled, file->compiled_length, "=(moonweld)", "b")
                     : luaL_loadbufferx(L, file->bytes, file->length, "=(moonweld)", "t");
  if (result != LUA_OK) return lua_error(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_call(L, 1, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, 2, name);
  return 1;
}

/* Lua links its short texts in a table, and when that is full, writes to each of them: in a child that would be to every page of the
 * prelude. So it grows here: texts are made until memory grows by more than one of them. */
static void make_room_for_texts(lua_State *L) {
  enum { MOST = 1 << 16, MUCH = 4 };
  for (int i = 0, before; i < MOST; i++) {
    before = lua_gc(L, LUA_GCCOUNT);
    lua_pushfstring(L, "%d", i);
    lua_pop(L, 1);
    if (lua_gc(L, LUA_GCCOUNT) - before >= MUCH) return;
  }
}

static int start(lua_State *L) {
  lua_gc(L, LUA_GCSTOP);
  luaL_openlibs(L);
  lua_newtable(L);
  mw_interpreter_of(L)->prelude->fill(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, core_key);
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, module, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "module");
  lua_pushstring(L, "init");
  lua_call(L, 1, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, prelude_key);
  /* Most of what a recipe makes stays to its end: garbage is looked for when memory is four times as much. It is counted from here, so that
   * a child with a small recipe never marks the prelude, whose pages it shares with its parent as long as it does not write to them. */
  lua_gc(L, LUA_GCRESTART);
  lua_gc(L, LUA_GCINC, 400, 0, 0);
  lua_gc(L, LUA_GCSTEP, -3 * lua_gc(L, LUA_GCCOUNT)); /* a credit of so many KB: nothing is looked for before */
  make_room_for_texts(L);
  return 0;
}

static int tell(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, core_key);
  mw_interpreter_of(L)->prelude->tell(L);
  return 0;
}

/* Runs a chunk of the prelude. If it fails, that is a bug of ours, unless memory was exhausted. */
static bool run(mw_interpreter *state, lua_CFunction work, mw_error *err) {
  lua_pushcfunction(state->L, handle);
  lua_pushcfunction(state->L, work);
  int result = lua_pcall(state->L, 0, 0, 1);
  if (result != LUA_OK) {
    take_error(state, result, err);
    if (result != LUA_ERRMEM) err->status = MW_BUG;
    return false;
  }
  lua_settop(state->L, 0);
  return true;
}

bool mw_interpreter_open(mw_interpreter *state, const mw_interpreter_prelude *prelude, mw_error *err) {
  *state = (mw_interpreter){.limit = SIZE_MAX, .prelude = prelude};
  MW_TRY(mw_graph_new(&state->graph, err));
  state->L = lua_newstate(allocate, state);
  if (!state->L) {
    mw_interpreter_close(state);
    return mw_error_memory(err, 1 << 16);
  }
  *(mw_interpreter **)lua_getextraspace(state->L) = state;
  if (run(state, start, err)) return true;
  mw_interpreter_close(state);
  return false;
}

bool mw_interpreter_begin(mw_interpreter *state, mw_error *err) {
  *(mw_interpreter **)lua_getextraspace(state->L) = state;
  lua_setallocf(state->L, allocate, state);
  mw_lua_memory_leave(&state->memory);
  return run(state, tell, err);
}

void mw_interpreter_close(mw_interpreter *state) {
  mw_lua_memory_free(&state->memory); /* no object of the prelude owns anything else, so that none has to be looked at */
  mw_graph_free(state->graph);
  free(state->widest);
  free(state->specs);
  mw_mem_release(&state->arena);
  state->L = NULL;
  state->graph = NULL;
}
