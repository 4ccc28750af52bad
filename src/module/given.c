/* given.c: see given.h. What is read is copied into the call's arena, so that the stack stays as it was. */
#include "module/given.h"
#include "base/option_table.h"
#include "base/text.h"
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_NAMES = 64 };

static void *take(mw_call *call, size_t bytes) {
  mw_error err;
  void *buffer = mw_mem_take(&call->arena, bytes, &err);
  if (!buffer) mw_call_raise(call, &err);
  return buffer;
}

static const char *keep(mw_call *call, const char *text) {
  char *copy = take(call, strlen(text) + 1);
  return strcpy(copy, text);
}

/* "option 'threads'", "argument 't' of lerp": how errors name what is read. */
typedef struct named { char text[160]; } named;

static named option_called(const char *name) {
  named n;
  snprintf(n.text, sizeof n.text, "option '%s'", name);
  return n;
}

static named argument_called(const mw_call *call, const char *name) {
  named n;
  mw_text_escaped recipe, shown;
  mw_text_escape_z(&shown, name);
  mw_text_escape_z(&recipe, mw_recipe_name(call->recipe));
  snprintf(n.text, sizeof n.text, "argument '%.60s' of %.60s", shown.bytes, recipe.bytes);
  return n;
}

/* ---- words ---- */

/* The text at the top of the stack, copied; nothing but a text is one. */
static const char *text_at_top(mw_call *call, const named *what) {
  size_t length;
  lua_State *L = call->L;
  if (lua_type(L, -1) == LUA_TTABLE) luaL_error(L, "%s takes one value, not a list", what->text);
  if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "%s is a text, not a %s", what->text, luaL_typename(L, -1));
  const char *text = lua_tolstring(L, -1, &length);
  if (strlen(text) != length) luaL_error(L, "%s holds a NUL character", what->text);
  return keep(call, text);
}

/* The number at the top of the stack, as a word that reads back as the same number. */
static const char *number_at_top(mw_call *call, const named *what) {
  char buffer[32];
  lua_State *L = call->L;
  if (lua_isinteger(L, -1)) snprintf(buffer, sizeof buffer, "%lld", (long long)lua_tointeger(L, -1));
  else if (isfinite(lua_tonumber(L, -1))) mw_text_number(buffer, lua_tonumber(L, -1));
  else luaL_error(L, "%s is not a finite number", what->text);
  return keep(call, buffer);
}

/* A list's words, or a single one. Each is read by `word`. */
static const char **words_at_top(mw_call *call, const named *what, const char *(*word)(mw_call *, const named *), size_t *count) {
  lua_State *L = call->L;
  if (lua_type(L, -1) != LUA_TTABLE) {
    const char **one = take(call, sizeof *one);
    *one = word(call, what);
    *count = 1;
    return one;
  }
  size_t found = 0;
  *count = lua_rawlen(L, -1);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) found++;
  if (found != *count) luaL_error(L, "%s is a list: only values at 1, 2, 3 and so on", what->text);
  const char **words = take(call, (*count + 1) * sizeof *words);
  for (size_t i = 0; i < *count; i++) {
    if (lua_rawgeti(L, -1, (lua_Integer)i + 1) == LUA_TTABLE)
      luaL_error(L, "%s: value %d is a list, expected one value", what->text, (int)i + 1);
    words[i] = word(call, what);
    lua_pop(L, 1);
  }
  return words;
}

/* ---- options ---- */

/* What is at the top of the stack, for a message: a number or text as it is, of anything else what it is. */
static const char *shown_at_top(lua_State *L) {
  int type = lua_type(L, -1);
  if (type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TBOOLEAN) return luaL_tolstring(L, -1, NULL);
  return lua_pushfstring(L, "a %s", luaL_typename(L, -1));
}

static void count_at_top(mw_call *call, const mw_option_table_row *row, mw_options *options) {
  lua_State *L = call->L;
  uint64_t value = 0;
  int whole = 0;
  char expected[96];
  bool good = false;
  if (lua_type(L, -1) == LUA_TNUMBER) {
    lua_Integer number = lua_tointegerx(L, -1, &whole);
    good = whole && number >= 0;
    value = (uint64_t)number;
  } else if (lua_type(L, -1) == LUA_TSTRING) { /* what Lua's integers cannot hold is written as a text */
    const char *text = lua_tostring(L, -1);
    good = row->form == MW_OPTION_SIZE ? mw_text_parse_size(text, &value) : mw_text_parse_u64(text, strlen(text), &value);
  }
  if (good && mw_option_table_set_count(row, options, value)) return;
  luaL_error(L, "option '%s' = %s: %s", row->name, shown_at_top(L), mw_option_table_expected(row, expected));
}

static void seconds_at_top(mw_call *call, const mw_option_table_row *row, mw_options *options) {
  lua_State *L = call->L;
  char expected[96];
  if (lua_type(L, -1) == LUA_TNUMBER && mw_option_table_set_seconds(row, options, lua_tonumber(L, -1))) return;
  luaL_error(L, "option '%s' = %s: %s", row->name, shown_at_top(L), mw_option_table_expected(row, expected));
}

static bool flag_at_top(mw_call *call, const char *name) {
  lua_State *L = call->L;
  if (lua_type(L, -1) != LUA_TBOOLEAN) luaL_error(L, "option '%s' is true or false, not a %s", name, luaL_typename(L, -1));
  return lua_toboolean(call->L, -1);
}

static void option_at_top(mw_call *call, const mw_option_table_row *row, mw_options *options) {
  const named what = option_called(row->name);
  size_t *count;
  const char *word, ***list;
  switch (row->form) {
  case MW_OPTION_SWITCH: *(bool *)((char *)options + row->at) = flag_at_top(call, row->name); break;
  case MW_OPTION_TEXT: mw_option_table_set_text(row, options, text_at_top(call, &what)); break;
  case MW_OPTION_COUNT:
  case MW_OPTION_SIZE: count_at_top(call, row, options); break;
  case MW_OPTION_SECONDS: seconds_at_top(call, row, options); break;
  case MW_OPTION_WORD:
    word = text_at_top(call, &what);
    if (!mw_option_table_takes(row, word)) luaL_error(call->L, "option '%s' = '%s': '%s' is expected", row->name, word, row->value);
    mw_option_table_set_text(row, options, word);
    break;
  case MW_OPTION_SCORE: /* the first word, and the files behind it */
  case MW_OPTION_TEXTS:
    list = mw_option_table_list(row, options, &count);
    *list = words_at_top(call, &what, text_at_top, count);
    if (!*count || row->form == MW_OPTION_TEXTS) break;
    mw_option_table_set_text(row, options, *(*list)++);
    --*count;
    break;
  }
}

static bool is_callback(const char *name) {
  for (const char *const *known = mw_call_names; *known; known++)
    if (strcmp(*known, name) == 0) return true;
  return false;
}

/* The score is a function at the top of the stack; else it is a command, a text as on the command line. */
static void take_judge(mw_call *call, mw_options *options) {
  mw_call_set(call, "score");
  options->score = "function";
  options->judge = mw_call_judge;
  options->judge_context = call;
}

/* The names that a function knows: those it lists, or the options and callbacks of a merge. */
static size_t known_names(const char *const *names, const char *known[MOST_NAMES]) {
  size_t count = 0;
  for (const char *const *name = names; name && *name; name++) known[count++] = *name;
  for (const mw_option_table_row *row = mw_option_table; !names && row->name; row++) known[count++] = row->name;
  for (const char *const *name = mw_call_names; !names && *name; name++)
    if (!mw_option_table_find(*name)) known[count++] = *name;
  if (!names) known[count++] = "explain";
  return count;
}

static void refuse(mw_call *call, const char *name, const char *const *known, size_t count) {
  mw_text_escaped shown;
  const char *near = mw_recipe_nearest(name, known, count);
  mw_text_escape_z(&shown, name);
  const mw_arg *args = NULL;
  size_t arg_count = call->recipe ? mw_recipe_args(call->recipe, &args) : 0;
  for (size_t i = 0; i < arg_count; i++)
    if (strcmp(args[i].name, name) == 0)
      luaL_error(call->L, "'%s' is an argument of the recipe: it stands in the table before the options", shown.bytes);
  if (near) luaL_error(call->L, "there is no option '%s' (did you mean '%s'?)", shown.bytes, near);
  luaL_error(call->L, "there is no option '%s'", shown.bytes);
}

void mw_given_options(mw_call *call, int index, const char *const *names, mw_given *out) {
  lua_State *L = call->L;
  const char *known[MOST_NAMES];
  size_t count = known_names(names, known);
  *out = (mw_given){.html = NULL};
  mw_options_init(&out->options);
  if (lua_isnoneornil(L, index)) return;
  luaL_checktype(L, index, LUA_TTABLE);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) luaL_error(L, "options are named, such as { threads = 4 }");
    const char *name = lua_tostring(L, -2);
    const named what = option_called(name);
    size_t i = 0;
    while (i < count && strcmp(known[i], name) != 0) i++;
    if (i == count) refuse(call, name, known, count);
    else if (strcmp(name, "score") == 0 && lua_isfunction(L, -1)) take_judge(call, &out->options);
    else if (is_callback(name) && strcmp(name, "score") != 0) mw_call_set(call, name);
    else if (strcmp(name, "stats") == 0) out->stats = flag_at_top(call, name);
    else if (strcmp(name, "inputs") == 0) out->proof.inputs = flag_at_top(call, name);
    else if (strcmp(name, "models") == 0) out->proof.models = text_at_top(call, &what);
    else if (strcmp(name, "input") == 0) out->proof.places = words_at_top(call, &what, text_at_top, &out->proof.place_count);
    else if (strcmp(name, "explain") == 0) out->options.explain = flag_at_top(call, name);
    else if (strcmp(name, "base") == 0) out->base = text_at_top(call, &what);
    else if (strcmp(name, "html") == 0) out->html = text_at_top(call, &what);
    else option_at_top(call, mw_option_table_find(name), &out->options);
  }
}

/* ---- arguments ---- */

/* A number may be typed as on the command line, too: "0,0.5,1" over the layers. */
static const char *number_or_text(mw_call *call, const named *what) {
  return lua_type(call->L, -1) == LUA_TNUMBER ? number_at_top(call, what) : text_at_top(call, what);
}

static const char *flag_word(mw_call *call, const named *what) {
  if (lua_type(call->L, -1) != LUA_TBOOLEAN) luaL_error(call->L, "%s is true or false, not a %s", what->text, luaL_typename(call->L, -1));
  return lua_toboolean(call->L, -1) ? "true" : "false";
}

static void argument_at_top(mw_call *call, const mw_arg *arg, mw_binding *binding) {
  const named what = argument_called(call, arg->name);
  bool number = arg->kind == MW_ARG_NUMBER || arg->kind == MW_ARG_MAYBE || arg->kind == MW_ARG_EACH;
  bool list = arg->kind == MW_ARG_EACH || arg->kind == MW_ARG_MODELS || arg->kind == MW_ARG_WORDS || arg->kind == MW_ARG_PARTS;
  const char *(*word)(mw_call *, const named *) = number ? number_or_text : arg->kind == MW_ARG_FLAG ? flag_word : text_at_top;
  binding->name = arg->name;
  if (lua_type(call->L, -1) == LUA_TTABLE && !list) {
    const char *way = arg->kind == MW_ARG_NUMBER ? "; one that varies over the layers is a text, \"layers:0,0.5,1\"" : "";
    luaL_error(call->L, "%s takes one value, not a list%s", what.text, way);
  }
  binding->words = words_at_top(call, &what, word, &binding->count);
}

const mw_binding *mw_given_arguments(mw_call *call, int index, size_t *count) {
  lua_State *L = call->L;
  const mw_arg *args;
  size_t arg_count = mw_recipe_args(call->recipe, &args);
  luaL_checktype(L, index, LUA_TTABLE);
  *count = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) ++*count;
  mw_binding *bindings = take(call, (*count + 1) * sizeof *bindings), *next = bindings;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1), next++) {
    if (lua_type(L, -2) != LUA_TSTRING) luaL_error(L, "arguments are named, such as { models = { \"A\", \"B\" } }");
    const char *name = lua_tostring(L, -2);
    size_t i = 0;
    while (i < arg_count && strcmp(args[i].name, name) != 0) i++;
    if (i < arg_count && args[i].kind < MW_ARG_SEED) argument_at_top(call, &args[i], next);
    else *next = (mw_binding){.name = keep(call, name)}; /* refused by mw_plan_make, which knows what may be meant */
  }
  return bindings;
}
