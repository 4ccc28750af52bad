/* prelude_core.h: the C half of the prelude; the Lua half is lua/moonweld/. */
#ifndef MW_RECIPE_PRELUDE_CORE_H
#define MW_RECIPE_PRELUDE_CORE_H

#include "recipe/interpreter.h"

/* The options of every merge: no recipe may declare an argument of such a name. NULL-terminated. */
extern const char *const mw_prelude_core_reserved[];
/* All of the C half, learning included. */
extern const mw_interpreter_prelude mw_prelude_core;

#endif
