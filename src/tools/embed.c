/* embed.c: a build tool: embed OUT.c RECIPES.md NAME=FILE... writes the files as one C table of mw_embed, and the names of recipes. The
 * prelude (lua/moonweld/x.lua, but not the folders in it) is written compiled too: to compile it takes 8 ms of each start, to load it 1.
 * Names of variables and numbers of lines, which no message shows, are left out. The formulas of recipes are those of their sections in
 * RECIPES.md. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct output {
  FILE *file;
  size_t length, column;
} output;

/* A piece of a string constant of C. */
static int put(lua_State *L, const void *bytes, size_t length, void *context) {
  output *out = context;
  (void)L;
  for (size_t i = 0; i < length; i++) {
    unsigned char c = ((const unsigned char *)bytes)[i];
    if (c == '\n') fputs("\\n", out->file);
    else if (c == '"' || c == '\\') fprintf(out->file, "\\%c", c);
    else if (c >= 0x20 && c < 0x7f && c != '?') putc(c, out->file);
    else fprintf(out->file, "\\%03o", (unsigned)c);
    if (c == '\n' || ++out->column >= 100) fputs("\"\n\"", out->file), out->column = 0;
  }
  out->length += length;
  return 0;
}

static char *read_file(const char *path, size_t *length) {
  FILE *in = fopen(path, "rb");
  char *text = NULL;
  if (in && fseek(in, 0, SEEK_END) == 0 && (text = malloc((size_t)ftell(in) + 1))) {
    *length = (size_t)ftell(in);
    rewind(in);
    *length = fread(text, 1, *length, in);
  } else perror(path);
  if (in) fclose(in);
  return text;
}

/* What a recipe says that it does: the first text of its recipe{...}. All other words of its file stand for nothing here. */
static const char summary_of[] =
    "local text, path = ...\n"
    "local nothing, said\n"
    "local function none() return nothing end\n"
    "nothing = setmetatable({}, { __index = none, __call = none })\n"
    "local words = setmetatable({ recipe = function(parts) said = parts[1] return nothing end }, { __index = none })\n"
    "assert(load(text, '@' .. path, 't', words))()\n"
    "return assert(type(said) == 'string' and said, path .. ': no recipe')\n";

static int put_summary(FILE *file, lua_State *L, const char *path, const char *text, size_t length) {
  luaL_loadstring(L, summary_of);
  lua_pushlstring(L, text, length);
  lua_pushstring(L, path);
  if (lua_pcall(L, 2, 1, 0) != LUA_OK) return fprintf(stderr, "embed: %s\n", lua_tostring(L, -1)), 65;
  const char *summary = lua_tolstring(L, -1, &length);
  fputs("\"", file);
  put(NULL, summary, length, &(output){.file = file});
  fputs("\"", file);
  return 0;
}

static int put_compiled(FILE *file, lua_State *L, const char *path, const char *text, size_t length) {
  output out = {.file = file};
  if (luaL_loadbufferx(L, text, length, "=(moonweld)", "t") != LUA_OK)
    return fprintf(stderr, "embed: %s: %s\n", path, lua_tostring(L, -1)), 65;
  fputs("\"", file);
  lua_dump(L, put, &out, 1);
  fprintf(file, "\", %zu", out.length);
  return 0;
}

/* Of the section "### `ties`" the paragraph that begins with "Formula: ". */
static int put_formula(FILE *file, const char *name, const char *document) {
  static const char begin[] = "\nFormula: ";
  char heading[200];
  snprintf(heading, sizeof heading, "\n### `%s`\n", name);
  const char *section = strstr(document, heading), *formula = section ? strstr(section + 1, begin) : NULL;
  const char *end = formula ? strstr(formula + 1, "\n\n") : NULL, *next = section ? strstr(section + 1, "\n### ") : NULL;
  if (!end || (next && next < formula)) return fprintf(stderr, "embed: the document of recipes has no formula of %s\n", name), 65;
  formula += strlen(begin);
  fputs(", \"", file);
  for (output out = {.file = file}; formula < end; formula++) put(NULL, *formula == '\n' ? " " : formula, 1, &out);
  fputs("\"", file);
  return 0;
}

/* A row of the table: name, text, what is compiled, summary, formula. */
static int put_file(FILE *file, const char *name, const char *path, const char *document, lua_State *L) {
  static const char prelude[] = "lua/moonweld/";
  bool is_prelude = strncmp(name, prelude, strlen(prelude)) == 0 && !strchr(name + strlen(prelude), '/');
  bool is_recipe = strncmp(name, "recipes/", 8) == 0;
  size_t length;
  int failed = 0;
  char *text = read_file(path, &length);
  if (!text) return 66;
  fprintf(file, "{\"%s\",\n\"", name);
  put(NULL, text, length, &(output){.file = file});
  fprintf(file, "\", %zu,\n", length);
  if (is_prelude) failed = put_compiled(file, L, path, text, length);
  else fputs("0, 0", file);
  fputs(", ", file);
  if (is_recipe) failed = put_summary(file, L, path, text, length) || put_formula(file, name + strlen("recipes/"), document) ? 65 : 0;
  else fputs("0, 0", file);
  fputs("},\n", file);
  lua_settop(L, 0);
  free(text);
  return failed;
}

int main(int argc, char **argv) {
  size_t length;
  char *document = argc < 3 ? NULL : read_file(argv[2], &length);
  if (!document) return fprintf(stderr, "usage: embed OUT.c RECIPES.md NAME=FILE...\n"), 64;
  document[length] = 0;
  lua_State *L = luaL_newstate();
  if (L) luaL_openlibs(L);
  FILE *out = fopen(argv[1], "wb");
  if (!out || !L) return perror(argv[1]), 73;
  fputs("#include \"base/embed.h\"\nconst mw_embed mw_embed_files[] = {\n", out);
  for (int i = 3; i < argc; i++) {
    char *path = strchr(argv[i], '=');
    if (!path) return fprintf(stderr, "embed: %s: expected NAME=FILE\n", argv[i]), 64;
    *path++ = 0;
    int failed = put_file(out, argv[i], path, document, L);
    if (failed) return failed;
  }
  fputs("{0, 0, 0, 0, 0, 0, 0}};\n\nconst char *const mw_embed_recipes[] = {\n", out);
  for (int i = 3; i < argc; i++) /* the names end where their '=' was */
    if (strncmp(argv[i], "recipes/", 8) == 0) fprintf(out, "\"%s\",\n", argv[i] + 8);
  fputs("0};\n\nconst char mw_embed_compiler[] = \"", out);
  put(NULL, lua_ident, strlen(lua_ident), &(output){out, 0, 0});
  fputs("\";\n", out);
  lua_close(L);
  free(document);
  return fclose(out) == 0 ? 0 : 74;
}
