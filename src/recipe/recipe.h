/* recipe.h: the parent's side of recipes: it finds their text, has children load and evaluate it, and decides on what they
 * ask for. Implements the recipe part of moonweld.h. */
#ifndef MW_RECIPE_RECIPE_H
#define MW_RECIPE_RECIPE_H

#include "train/calibration.h"
#include "recipe/sandbox.h"
#include "model/input_set.h"
#include "merge/search.h"

/* What an evaluation gives. */
typedef struct mw_host_result {
  mw_candidate made; /* graph, outputs sorted by name, trainings */
  const char *drawn_json, *required_json;
  mw_text drawn, required;
  size_t drawn_before; /* bytes of `drawn` that an earlier candidate has had */
  mw_text drawn_words; /* what was drawn since then, for people */
} mw_host_result;

/* Evaluates the recipe in a child of its own. `score` answers what it asks for, or is NULL where there is no --score;
 * while planning, the result of a recipe that asks is its first candidate. */
bool mw_host_evaluate(const mw_recipe *recipe, const mw_binding *bindings, size_t count, const mw_inputs *inputs,
                      const mw_calibration *data, const mw_options *options, mw_score *score, mw_host_result *out,
                      mw_error *err);
void mw_host_release(mw_host_result *result);
/* What a recipe over so many tensors may take. */
mw_guest_limits mw_host_limits(const mw_options *options, size_t tensors);
/* The recipe file's own text. */
const char *mw_host_text(const mw_recipe *recipe);

#endif
