/* homes.h: where people keep recipes of their own, to be found by name. The homes are the folders of $MOONWELD_PATH, with ':' between
 * them, then $XDG_CONFIG_HOME/moonweld/recipes, which is mostly ~/.config/moonweld/recipes. NAME.lua in a home is the recipe NAME:
 *
 *   ~/.config/moonweld/recipes/mine.lua      moonweld mine --a A --b B -o OUT
 *
 * The first home that has a name gives it; a name that is built in is always the built-in recipe. */
#ifndef MW_RECIPE_HOMES_H
#define MW_RECIPE_HOMES_H

#include "base/mem.h"

/* Whether it can be a recipe's name: letters, digits, _ and -, at most 127 of them. */
bool mw_homes_is_name(const char *name);
/* The file of an own recipe, and its home, which ends with '/'; both NULL where no home has it. */
bool mw_homes_find(const char *name, mw_arena *arena, const char **path, const char **home, mw_error *err);

#endif
