/* fuzz_mergekit.c: whatever a configuration of mergekit holds, it becomes a recipe that loads, or is refused with its name first: an error of
 * the translation's own Lua has no such beginning. Errors of that recipe are told by the configuration, one line and safe to show. It runs
 * in one interpreter, which must not grow. An even first byte: what mergekit ignores is an error; the rest is the file.
 * The lines of the translation that were run are told to libFuzzer, which sees what C executes. */
#include "base/text.h"
#include "fuzz.h"
#include "recipe/conversion.h"
#include "recipe/prelude_core.h"
#include "recipe/required.h"
#include "recipe/source.h"
#include <lauxlib.h>

enum { LINES = 1 << 13, MOST_NAMES = 64, MOST_WORDS = 512, GROWTH = 1 << 20 };

static mw_interpreter self;
static size_t settled; /* bytes that the interpreter had when all was loaded */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t executed[LINES];

/* ---- the interpreter ---- */

static char *find_recipe(void *context, const char *name, size_t *length, char chunk[256], bool *built_in, mw_error *err) {
  mw_required found;
  (void)context;
  if (!mw_required_find(&(mw_required_place){.name = "x.yml"}, name, &found, err)) return NULL;
  char *copy = malloc(found.length + 1);
  REQUIRE(copy != NULL);
  memcpy(copy, found.bytes, *length = found.length);
  snprintf(chunk, 256, "%s", found.chunk);
  *built_in = found.built_in;
  return copy;
}

static void warn(void *context, const char *bytes, size_t length) {
  (void)context;
  REQUIRE(length > 6 && memcmp(bytes, "x.yml:", 6) == 0);
}

static void count_line(lua_State *L, lua_Debug *ar) {
  if (lua_getinfo(L, "S", ar) && ar->source[0] == '=') executed[(unsigned)(ar->linedefined * 61 + ar->currentline) % LINES]++;
}

/* The translation's files as they are written, since those that were compiled with the program have no lines. */
static void load_translation(lua_State *L) {
  static const char *const files[] = {"node", "methods", "parameter", "read", "write", "experts", "convert"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char name[64];
    snprintf(name, sizeof name, "lua/moonweld/mergekit/%s", files[i]);
    const mw_embed *file = mw_embed_files;
    while (file->name && strcmp(file->name, name) != 0) file++;
    luaL_getsubtable(L, LUA_REGISTRYINDEX, "moonweld.modules");
    REQUIRE(file->name && luaL_loadbufferx(L, file->bytes, file->length, "=(moonweld)", "t") == LUA_OK);
    lua_getfield(L, LUA_REGISTRYINDEX, "moonweld.core");
    REQUIRE(lua_pcall(L, 1, 1, 0) == LUA_OK);
    lua_setfield(L, -2, name + strlen("lua/moonweld/"));
    lua_pop(L, 1);
  }
}

static size_t used(void) {
  lua_gc(self.L, LUA_GCCOLLECT);
  return self.used;
}

/* Looks for what stays behind, now and then: it takes as long as a hundred runs. */
static void check_growth(void) {
  static unsigned runs;
  if (++runs % 2048 == 0) REQUIRE(used() < settled + GROWTH);
}

/* ---- what is made of a configuration ---- */

/* The words of the table on top of the stack, { { name =, word, ... }, ... }, whose texts they are. */
static void take_words(lua_State *L, mw_conversion *out) {
  static mw_binding bindings[MOST_NAMES];
  static const char *words[MOST_WORDS];
  int made = lua_gettop(L);
  size_t at = 0;
  *out = (mw_conversion){.words = bindings};
  for (lua_Integer i = 1; i <= luaL_len(L, made); i++) {
    REQUIRE(out->count < MOST_NAMES && lua_rawgeti(L, made, i) == LUA_TTABLE && lua_getfield(L, -1, "name") == LUA_TSTRING);
    mw_binding *binding = &bindings[out->count++];
    *binding = (mw_binding){lua_tostring(L, -1), words + at, (size_t)luaL_len(L, -2)};
    for (size_t w = 0; w < binding->count; w++) {
      REQUIRE(at < MOST_WORDS && lua_rawgeti(L, made + 1, (lua_Integer)w + 1) == LUA_TSTRING);
      words[at++] = lua_tostring(L, -1);
      lua_pop(L, 1);
    }
    lua_settop(L, made);
  }
}

/* One line without anything that a terminal would obey. */
static void check_shown(const char *text) {
  char escaped[16];
  REQUIRE(*text);
  for (size_t n; *text; text += n) {
    n = mw_text_character(text, strlen(text), escaped);
    REQUIRE(!*escaped);
  }
}

/* An error at each line of the recipe, and errors and a warning without one. */
static void explain(const mw_conversion *conversion, const char *recipe) {
  static const char *const said[] = {"models[1] and models[2]: no such tensor", "the weights sum to 0", "models[3]: vocab_size is 5"};
  mw_error err;
  unsigned line = 1;
  for (const char *at = recipe; at; at = strchr(at, '\n'), at = at ? at + 1 : NULL, line++) {
    mw_error_set(&err, MW_DATA, "x.yml:%u: %s", line, said[line % 3]);
    mw_conversion_explain(conversion, "x.yml", recipe, &err);
    check_shown(err.text);
  }
  for (size_t i = 0; i < 3; i++) {
    mw_error_set(&err, MW_DATA, "%s", said[i]);
    mw_conversion_explain(conversion, "x.yml", recipe, &err);
    check_shown(err.text);
  }
  mw_warning warnings = {0};
  mw_warning_add(&warnings, "models[2] has what models[1] and models[99] have not");
  mw_conversion_name_models(conversion, &warnings);
  check_shown(warnings.lines[0]);
  mw_warning_free(&warnings);
}

static void convert(const char *text, size_t length, bool strict) {
  lua_State *L = self.L;
  mw_error err;
  mw_conversion conversion;
  size_t made;
  lua_pushlstring(L, text, length);
  lua_pushstring(L, "x.yml");
  lua_pushboolean(L, strict);
  lua_sethook(L, count_line, LUA_MASKLINE, 0);
  if (!mw_interpreter_call(&self, "convert", 3, 1, &err)) {
    REQUIRE(strncmp(err.text, "x.yml:", 6) == 0);
    return;
  }
  take_words(L, &conversion);
  lua_getfield(L, -1, "text");
  const char *recipe = lua_tolstring(L, -1, &made);
  if (!mw_source_check("", "x.yml", recipe, made, &err)) {
    REQUIRE(strncmp(err.text, "x.yml:", 6) == 0);
    return;
  }
  explain(&conversion, recipe);
  lua_pushvalue(L, -1);
  lua_pushstring(L, "@x.yml");
  if (!mw_interpreter_call(&self, "signature", 2, 1, &err)) fprintf(stderr, "%s\n%s\n", recipe, err.text), abort();
}

static void open_interpreter(void) {
  mw_error err;
  REQUIRE(mw_interpreter_open(&self, &mw_prelude_core, &err) && mw_interpreter_begin(&self, &err));
  self.world = (mw_interpreter_world){.require = find_recipe, .warn = warn};
  load_translation(self.L);
  settled = used();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  if (!self.L) open_interpreter();
  if (!length) return 0;
  convert((const char *)bytes + 1, length - 1, bytes[0] % 2 == 0);
  lua_settop(self.L, 0);
  check_growth();
  return 0;
}
