/* script.h: runs a program in Lua, for which `require "moonweld"` gives the module of this program. */
#ifndef MW_MODULE_SCRIPT_H
#define MW_MODULE_SCRIPT_H

#include "base/error.h"
#include <stddef.h>

/* Runs the file with all of Lua's libraries: it is a program like any other that somebody starts, not a recipe, and runs behind no lock.
 * Its words are in `arg` and `...`. MW_MISSING for no file, MW_DATA for one that does not compile or that raises an error, with its
 * line. */
bool mw_script_run(const char *path, const char *const *words, size_t count, mw_error *err);

#endif
