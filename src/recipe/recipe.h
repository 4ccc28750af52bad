/* recipe.h: the parent's side of recipes: it finds their text, has children load and evaluate it, and decides on what they
 * ask for. What a candidate is worth is not known here: whoever evaluates a recipe brings a scorer. Implements the recipe
 * part of moonweld.h. */
#ifndef MW_RECIPE_RECIPE_H
#define MW_RECIPE_RECIPE_H

#include "base/json_writer.h"
#include "model/input_set.h"
#include "recipe/sandbox.h"

/* A model as a recipe has made it: what is computed, and what is to be learned before that. */
typedef struct mw_recipe_candidate {
  mw_graph *graph;
  mw_graph_output *outputs; /* sorted by name */
  size_t output_count;
  mw_learn_spec *specs;   /* in the order in which they are learned */
  size_t spec_count;
  mw_arena arena;           /* of the outputs' names and the specs */
} mw_recipe_candidate;

void mw_recipe_candidate_free(mw_recipe_candidate *candidate);

/* A number that a seed gave, and what it was drawn as: "seed:beta(0.5, 0.5)". */
typedef struct mw_recipe_drawn {
  const char *what;
  double value;
} mw_recipe_drawn;

typedef struct mw_recipe_draws {
  const mw_recipe_drawn *first;
  size_t count;
} mw_recipe_draws;

/* {"what": ..., "value": ...} */
void mw_recipe_drawn_tell(const mw_recipe_drawn *drawn, mw_json_writer *json);

/* Who answers a recipe that asks for scores. */
typedef struct mw_recipe_scorer {
  void *context;
  /* A candidate's number; the candidate is kept or freed by the scorer. `drawn` is what was drawn since the last one. */
  bool (*ask)(void *context, mw_recipe_candidate *candidate, mw_recipe_draws drawn, double *value, mw_error *err);
  bool real; /* false while planning: the numbers mean nothing, and what the recipe makes of them is no error */
} mw_recipe_scorer;

/* What a recipe is evaluated on. Everything is borrowed. */
typedef struct mw_recipe_task {
  const mw_binding *bindings;
  size_t binding_count;
  const mw_input_set *inputs;
  const mw_learn_spec_set *sets; /* of --data */
  size_t set_count;
  const mw_options *options;
  mw_warning *warnings;
  const mw_recipe_scorer *scorer; /* NULL: there is no --score */
} mw_recipe_task;

/* A recipe that another one required, and the hash of its text. */
typedef struct mw_recipe_required {
  const char *name, *sha256;
} mw_recipe_required;

/* What an evaluation gives. */
typedef struct mw_recipe_result {
  mw_recipe_candidate made; /* graph, outputs, trainings; empty where a planned search ended without one */
  mw_recipe_drawn *drawn;   /* by a seed, in the order of the recipe */
  size_t drawn_count, drawn_capacity;
  size_t drawn_before;      /* so many an earlier candidate has had */
  mw_recipe_required *required; /* the recipes that it required, each once */
  size_t required_count, required_capacity;
  mw_arena arena;           /* of the texts in both */
} mw_recipe_result;

/* Evaluates the recipe in a child of its own. */
bool mw_recipe_evaluate(const mw_recipe *recipe, const mw_recipe_task *task, mw_recipe_result *out, mw_error *err);
void mw_recipe_release(mw_recipe_result *result);
/* What a recipe over so many tensors may take. */
mw_sandbox_limits mw_recipe_limits(const mw_options *options, size_t tensors);
/* The recipe file's own text. */
const char *mw_recipe_text(const mw_recipe *recipe);

#endif
