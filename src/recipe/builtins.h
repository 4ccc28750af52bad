/* builtins.h: the recipes that are built into the program. */
#ifndef MW_RECIPE_BUILTINS_H
#define MW_RECIPE_BUILTINS_H

#include "base/embed.h"

/* The built-in recipe of that name, or NULL. */
const mw_embed *mw_builtins_find(const char *name);

#endif
