/* embed.h: the Lua files that are built into the program, a table that src/tools/embed.c makes. Names are paths such as
 * "lua/moonweld/init" and "recipes/soup". */
#ifndef MW_BASE_EMBED_H
#define MW_BASE_EMBED_H

#include <stddef.h>

typedef struct mw_embed {
  const char *name, *bytes;
  size_t length;
  const char *compiled; /* files of the prelude, as mw_embed_compiler compiles them; else NULL */
  size_t compiled_length;
  const char *summary;  /* of a recipe: what it says that it does; else NULL */
  const char *formula;  /* of a recipe: as recipes/README.md has it; else NULL */
} mw_embed;

extern const mw_embed mw_embed_files[]; /* sorted; ends with a NULL name */
extern const char *const mw_embed_recipes[]; /* "soup": the names below recipes/, sorted; ends with NULL */
extern const char mw_embed_compiler[];       /* lua_ident of the Lua that made `compiled`: another release may mean it otherwise */

#endif
