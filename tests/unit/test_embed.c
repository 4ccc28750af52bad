/* test_embed.c: the prelude is carried compiled, for the release of Lua that compiled it; another one, as this program pretends to
 * have, reads the text. */
#include "base/embed.h"
#include "recipe/prelude_core.h"
#include "unit.h"
#include <lua.h>
#include <string.h>

const char lua_ident[] = "$LuaVersion: Lua 5.4.another $";

static void the_prelude_is_carried_compiled(void) {
  size_t compiled = 0;
  for (const mw_embed *file = mw_embed_files; file->name; file++) {
    bool prelude = strncmp(file->name, "lua/moonweld/", 13) == 0 && !strchr(file->name + 13, '/');
    CHECK(prelude == (file->compiled != NULL));
    compiled += prelude && file->compiled_length > 12 && memcmp(file->compiled, LUA_SIGNATURE, 4) == 0;
  }
  CHECK(compiled > 15);
  CHECK(strncmp(mw_embed_compiler, "$LuaVersion: Lua 5.4.", 21) == 0);
}

static void another_release_reads_the_text(void) {
  mw_interpreter state;
  mw_error err;
  CHECK(strcmp(lua_ident, mw_embed_compiler) != 0);
  CHECK(mw_interpreter_open(&state, &mw_prelude_core, &err));
  mw_interpreter_close(&state);
}

int main(void) {
  RUN(the_prelude_is_carried_compiled());
  RUN(another_release_reads_the_text());
  UNIT_END();
}
