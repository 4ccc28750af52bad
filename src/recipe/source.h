/* source.h: the text of a recipe, from its file. */
#ifndef MW_RECIPE_SOURCE_H
#define MW_RECIPE_SOURCE_H

#include "base/error.h"

/* Reads a recipe, at most 256 KiB: UTF-8, Lua as text, no control characters (MW_DATA). It must lie in the folder `within`, if that is
 * not NULL. free() *text. */
bool mw_source_read(const char *path, const char *within, char **text, size_t *length, mw_error *err);
/* The same check of a text that came from elsewhere under that name; `what` is how errors begin, safe to show. */
bool mw_source_check(const char *name, const char *what, const char *text, size_t length, mw_error *err);

#endif
