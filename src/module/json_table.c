/* json_table.c: see json_table.h. The strict reader walks the document, so that it is checked before it is believed. */
#include "module/json_table.h"
#include "format/json.h"
#include <lauxlib.h>
#include <string.h>

enum { DEPTH = 32 };

static void push_text(mw_call *call, mw_json text) {
  mw_error err;
  size_t length = text.length - 2; /* without the quotes */
  const char *bytes = text.bytes + 1;
  if (memchr(bytes, '\\', length) && !mw_json_string(text, &call->arena, &bytes, &length, &err)) mw_call_raise(call, &err);
  lua_pushlstring(call->L, bytes, length);
}

static void push_number(mw_call *call, mw_json number) {
  char buffer[64];
  size_t length = number.length < sizeof buffer ? number.length : sizeof buffer - 1;
  memcpy(buffer, number.bytes, length);
  buffer[length] = 0;
  if (!lua_stringtonumber(call->L, buffer)) luaL_error(call->L, "%s is no number", buffer);
}

static void push(mw_call *call, mw_json value) {
  lua_State *L = call->L;
  mw_json key, item;
  if (value.kind == MW_JSON_STRING) push_text(call, value);
  else if (value.kind == MW_JSON_NUMBER) push_number(call, value);
  else if (value.kind == MW_JSON_TRUE || value.kind == MW_JSON_FALSE) lua_pushboolean(L, value.kind == MW_JSON_TRUE);
  else if (value.kind == MW_JSON_NULL) lua_pushnil(L);
  else {
    luaL_checkstack(L, 4, "a document is nested too deeply");
    lua_newtable(L);
    mw_json_walk walk = mw_json_enter(value);
    for (lua_Integer i = 1; mw_json_next(&walk, &key, &item); i++) {
      if (value.kind == MW_JSON_OBJECT) push_text(call, key);
      else lua_pushinteger(L, i);
      push(call, item);
      lua_rawset(L, -3);
    }
  }
}

void mw_json_table_push(mw_call *call, const char *document) {
  mw_error err;
  mw_json root;
  if (!mw_json_check("the result", document, strlen(document), DEPTH, &root, &err)) mw_call_raise(call, &err);
  push(call, root);
}
