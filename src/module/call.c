/* call.c: see call.h. A callback runs under lua_pcall, arguments included, since an error may not jump over the library: it
 * is kept in the call, the library is told to stop, and when it has returned the error is raised again. */
#include "module/call.h"
#include <lauxlib.h>
#include <math.h>
#include <string.h>

enum { PROGRESS = 1, LEARNING, SCORED, PRINT, SCORE, ERROR }; /* user values of a call: its callbacks, and the error of one */
const char *const mw_call_names[] = {"progress", "learning", "scored", "print", "score", NULL};

static const char type[] = "moonweld.call";

static int release(lua_State *L) {
  mw_call *call = luaL_checkudata(L, 1, type);
  mw_plan_free(call->plan);
  mw_plan_free(call->also);
  mw_recipe_free(call->recipe);
  mw_inspect_free(call->inspection);
  mw_diff_free(call->diff);
  mw_recipe_homes_free(call->homes);
  mw_mem_release(&call->arena);
  mw_text_free(&call->document);
  *call = (mw_call){0};
  return 0;
}

void mw_call_prepare(lua_State *L) {
  static const luaL_Reg methods[] = {{"__gc", release}, {"__close", release}, {NULL, NULL}};
  luaL_newmetatable(L, type);
  luaL_setfuncs(L, methods, 0);
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

mw_call *mw_call_begin(lua_State *L) {
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  mw_call *call = lua_newuserdatauv(L, sizeof *call, ERROR);
  *call = (mw_call){.L = L, .self = lua_gettop(L)};
  luaL_setmetatable(L, type);
  lua_toclose(L, call->self);
  return call;
}

int mw_call_raise(mw_call *call, const mw_error *err) {
  if (!call->failed) return luaL_error(call->L, *err->hint ? "%s (%s)" : "%s", err->text, err->hint);
  lua_getiuservalue(call->L, call->self, ERROR);
  return lua_error(call->L);
}

void mw_call_set(mw_call *call, const char *name) {
  int which = 0;
  while (strcmp(mw_call_names[which], name) != 0) which++;
  if (!lua_isfunction(call->L, -1)) luaL_error(call->L, "option '%s' is a function, not a %s", name, luaL_typename(call->L, -1));
  lua_pushvalue(call->L, -1);
  lua_setiuservalue(call->L, call->self, PROGRESS + which);
}

/* ---- telling ---- */

/* What is told: `push` puts the arguments on the stack and says how many. */
typedef struct news {
  int (*push)(lua_State *L, const void *facts);
  const void *facts;
} news;

static int tell(lua_State *L) {
  const news *n = lua_touserdata(L, 2);
  lua_settop(L, 1);
  lua_call(L, n->push(L, n->facts), 1);
  return 1;
}

/* Calls a callback, whose result stays on the stack; false if it raised. Without one the result is nil. */
static bool reach(mw_call *call, int which, int (*push)(lua_State *L, const void *facts), const void *facts) {
  lua_State *L = call->L;
  news n = {push, facts};
  if (call->failed || !lua_checkstack(L, 4)) return false;
  lua_pushcfunction(L, tell);
  if (lua_getiuservalue(L, call->self, which) == LUA_TNIL) return lua_remove(L, -2), true;
  lua_pushlightuserdata(L, &n);
  if (lua_pcall(L, 2, 1, 0) == LUA_OK) return true;
  lua_setiuservalue(L, call->self, ERROR);
  call->failed = true;
  return false;
}

/* Whether to go on: unless the callback returned false or raised. */
static bool ask(mw_call *call, int which, int (*push)(lua_State *L, const void *facts), const void *facts) {
  if (!reach(call, which, push, facts)) return false;
  bool stop = lua_isboolean(call->L, -1) && !lua_toboolean(call->L, -1);
  lua_pop(call->L, 1);
  return !stop;
}

static void put_integer(lua_State *L, const char *name, uint64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

static void put_number(lua_State *L, const char *name, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

typedef struct share { uint64_t done, total, part; } share;

static int push_share(lua_State *L, const void *facts) {
  const share *s = facts;
  lua_pushinteger(L, (lua_Integer)s->done);
  lua_pushinteger(L, (lua_Integer)s->total);
  lua_pushinteger(L, (lua_Integer)s->part);
  return 3;
}

bool mw_call_progress(void *call, uint64_t done, uint64_t total, unsigned pass) {
  return ask(call, PROGRESS, push_share, &(share){done, total, pass});
}

bool mw_call_evaluating(void *call, const mw_learning_facts *facts) {
  return ask(call, PROGRESS, push_share, &(share){facts->step, facts->steps, facts->training});
}

static int push_learning(lua_State *L, const void *facts) {
  const mw_learning_facts *f = facts;
  lua_createtable(L, 0, 5);
  put_integer(L, "training", f->training);
  put_integer(L, "trainings", f->trainings);
  put_integer(L, "step", f->step);
  put_integer(L, "steps", f->steps);
  put_number(L, "loss", f->loss);
  return 1;
}

bool mw_call_learning(void *call, const mw_learning_facts *facts) { return ask(call, LEARNING, push_learning, facts); }

static int push_scored(lua_State *L, const void *facts) {
  const mw_scored *s = facts;
  lua_createtable(L, 0, 4);
  put_integer(L, "candidate", s->candidate);
  put_number(L, "score", s->score);
  put_number(L, "seconds", s->seconds);
  lua_pushstring(L, s->made_of);
  lua_setfield(L, -2, "made_of");
  lua_pushstring(L, s->by); /* nil where it has no name */
  lua_setfield(L, -2, "by");
  return 1;
}

bool mw_call_scored(void *call, const mw_scored *scored) { return ask(call, SCORED, push_scored, scored); }

static int push_line(lua_State *L, const void *line) {
  lua_pushstring(L, line);
  return 1;
}

bool mw_call_print(void *call, const char *line) { return ask(call, PRINT, push_line, line); }

bool mw_call_judge(void *context, const char *folder, double *score) {
  mw_call *call = context;
  if (!reach(call, SCORE, push_line, folder)) return false;
  *score = lua_type(call->L, -1) == LUA_TNUMBER ? lua_tonumber(call->L, -1) : NAN;
  lua_pop(call->L, 1);
  return true;
}
