/* defaults.h: what a recipe brings along: a configuration of mergekit says which models are merged, and in which dtype. */
#ifndef MW_MERGE_DEFAULTS_H
#define MW_MERGE_DEFAULTS_H

#include "recipe/recipe.h"

/* Adds what the recipe's configuration says to bindings and options that do not say it themselves; of a list of words (--allow) both
 * count. The new list of bindings is in the arena. Warnings of the translation go to `warnings`. Does nothing for other recipes. */
bool mw_defaults_add(const mw_recipe *recipe, const mw_binding **bindings, size_t *count, mw_options *options, mw_warning *warnings,
                     mw_arena *arena, mw_error *err);

#endif
