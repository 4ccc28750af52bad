/* required.h: the recipes and modules that a recipe requires: where they are found, and what is recorded of them. */
#ifndef MW_RECIPE_REQUIRED_H
#define MW_RECIPE_REQUIRED_H

#include "recipe/recipe.h"

/* Who requires. */
typedef struct mw_required_place {
  const char *name, *folder; /* of the recipe, and where its file lies, with a '/'; NULL for a built-in one */
  const mw_recipe_required *given; /* where the recipe came as a text: all that there is */
  size_t given_count;
  bool from_text;
} mw_required_place;

/* What was found. */
typedef struct mw_required {
  const char *bytes;
  size_t length;
  char *owned;     /* the bytes, where they were read from a file: free() it */
  char chunk[200]; /* what errors call it */
  bool built_in;
} mw_required;

/* Finds what is required by that name: beside the recipe, so that no later version of the program changes what it means; built in; in a
 * home.
 * A built-in recipe requires "recipes/NAME", which is found built in alone, whatever lies beside the recipe that runs. */
bool mw_required_find(const mw_required_place *place, const char *name, mw_required *out, mw_error *err);
/* Records it in the result, once, with its hash: an own one by its name, a built-in one as "recipes/NAME". */
bool mw_required_record(mw_recipe_result *result, const char *name, const mw_required *found, mw_error *err);

#endif
