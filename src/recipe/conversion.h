/* conversion.h: a configuration of mergekit (YAML) as a recipe: the text in the language of recipes, and what is typed with it. The file
 * is read and translated in a locked process, as any stranger's text; the recipe then runs in another one, like any recipe. */
#ifndef MW_RECIPE_CONVERSION_H
#define MW_RECIPE_CONVERSION_H

#include "base/warning.h"
#include "recipe/sandbox.h"

/* What a configuration says beside the recipe: the words of its arguments and options, "models" with a word a model, "dtype", ... */
typedef struct mw_conversion {
  mw_binding *words;
  size_t count;
  mw_warning warnings; /* keys that mergekit ignores, and the like */
} mw_conversion;

/* Whether a recipe of this name is a configuration: NAME.yml or NAME.yaml. */
bool mw_conversion_is_one(const char *name);
/* Translates `length` bytes of the file `name` (safe to show). *recipe is malloc'd; the words are in the arena. `opened` is an
 * interpreter as mw_interpreter_open leaves it; `strict`: what mergekit ignores is an error. MW_DATA with the line. */
bool mw_conversion_run(const mw_interpreter *opened, mw_sandbox_limits limits, const char *name, const char *text, size_t length,
                       bool strict, char **recipe, size_t *recipe_length, mw_conversion *out, mw_arena *arena, mw_error *err);
void mw_conversion_free(mw_conversion *conversion);
/* What the file calls the model that is models[2] here; any other label is itself. Not safe to show. */
const char *mw_conversion_model(const mw_conversion *conversion, const char *label);
/* Calls models[2] as the file calls it, in every warning. */
void mw_conversion_name_models(const mw_conversion *conversion, mw_warning *warnings);
/* Tells an error of a converted recipe by the configuration: "FILE.yml:12: ..." names a line of the recipe, whose comment
 * "-- line 7:5: t" says which line of the file it comes from; models[2] is called as the file calls it. */
void mw_conversion_explain(const mw_conversion *conversion, const char *recipe_name, const char *recipe, mw_error *err);

#endif
