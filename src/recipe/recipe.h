/* recipe.h: recipes as the program sees them: it finds a recipe's text, lets a child process load and evaluate it, and answers
 * what that asks for. Implements the recipe part of moonweld.h.
 *
 * Two processes. A recipe is a Lua program from somewhere, and may be hostile. So it never runs in the process that reads models
 * and writes outputs. That process, the parent, forks a child, which locks itself (sandbox.h): from then on the child can
 * compute, and read from and write to one socket, but not open a file, start a process or use the network, even if the recipe
 * finds a fault in Lua. The child builds the graph of the merge and sends it; the parent trusts nothing that comes (message.h),
 * and executes the graph itself. So all that a hostile recipe can do is to describe a bad merge.
 *
 * For example, `moonweld lerp --a A --b B --t 0.3 -o C`:
 *
 *   parent                                          child 1: describes the recipe
 *     reads the text of lerp.lua, forks               loads the prelude and lerp.lua
 *     takes the signature: arguments a, b, t  <-      SIGNATURE
 *     parses the command line by it                   ends
 *     opens A and B, reads their headers
 *                                                   child 2: evaluates the recipe
 *     forks                                           has the text, the typed words, the names and shapes of A's and B's
 *                                                     tensors: all in memory that it inherited. Calls the recipe.
 *     answers what it asks, for example
 *     the text of another recipe              <->     REQUIRE "ties"
 *     rebuilds the graph node by node, and
 *     checks each like a new one              <-      GRAPH: for each output, (1 - 0.3) * a + 0.3 * b
 *     plans the passes, merges, writes C              ends
 *
 * A recipe may also send PRINT (a line for the user) and DRAWN (random numbers that it used, for the lock file), ask that its
 * PROMPTS be read by the donor's tokenizer, which gives it no more than the number and the length of the windows, and ask for
 * the SCORE of a candidate: then the graph goes to the parent, which merges and measures the candidate, and answers a number.
 * What a candidate's score is, is not decided here: who evaluates a recipe brings a scorer. A recipe that searches is evaluated
 * twice: when planning, with scores that mean nothing, only to know what a candidate costs, and then in the run. */
#ifndef MW_RECIPE_RECIPE_H
#define MW_RECIPE_RECIPE_H

#include "base/json_writer.h"
#include "model/input_set.h"
#include "recipe/conversion.h"
#include "recipe/result_layout.h"
#include "recipe/sandbox.h"

/* A model as a recipe has made it: the graph of its tensors, and the trainings that must run before. */
typedef struct mw_recipe_candidate {
  mw_graph *graph;
  uint32_t score;           /* if one is asked for: which of score_words.h, from 0 */
  mw_graph_output *outputs; /* sorted by name */
  size_t output_count;
  mw_learn_spec *specs;   /* in the order in which they are learned */
  size_t spec_count;
  mw_result_layout layout;
  mw_arena arena;           /* of the outputs' names, the specs and the layout */
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

/* Who reads the prompts of a recipe: `texts` become a data set behind those of the task, or are one already; *index counts from 0. */
typedef struct mw_recipe_prompts {
  void *context;
  bool (*read)(void *context, const mw_text_piece *texts, size_t count, size_t *index, mw_error *err);
} mw_recipe_prompts;

/* All that a recipe is evaluated with. Everything is borrowed. */
typedef struct mw_recipe_task {
  const mw_binding *bindings;
  size_t binding_count;
  const mw_input_set *inputs;
  const mw_learn_spec_set *sets; /* of --data; those of prompts are put behind them */
  size_t set_count;
  mw_recipe_prompts prompts;
  const mw_options *options;
  mw_warning *warnings;
  const mw_recipe_scorer *scorer; /* NULL: there is no --score */
} mw_recipe_task;

/* A recipe that another one required: its text as it was read, and the hash of that. */
typedef struct mw_recipe_required {
  const char *name, *sha256, *text;
  size_t length;
} mw_recipe_required;

/* What an evaluation gives. */
typedef struct mw_recipe_result {
  mw_recipe_candidate made; /* graph, outputs, trainings; empty where a planned search ended without one */
  mw_recipe_drawn *drawn;   /* by a seed, in the order of the recipe */
  size_t drawn_count, drawn_capacity;
  mw_plan_number *explained; /* where options->explain asks for it */
  size_t explained_count, explained_capacity, explained_bytes;
  size_t drawn_before;      /* so many an earlier candidate has had */
  mw_recipe_required *required; /* the recipes that it required, each once */
  size_t required_count, required_capacity;
  mw_arena arena;           /* of the texts of all */
} mw_recipe_result;

/* Evaluates the recipe in a new child. */
bool mw_recipe_evaluate(const mw_recipe *recipe, const mw_recipe_task *task, mw_recipe_result *out, mw_error *err);
void mw_recipe_release(mw_recipe_result *result);
/* What was made, as a child would send it, for another process with the same inputs; and there it is checked as if a child had sent it. */
bool mw_recipe_send(const mw_recipe_candidate *made, mw_text *out, mw_error *err);
bool mw_recipe_receive(const mw_recipe_task *task, const char *bytes, size_t length, mw_recipe_candidate *out, mw_error *err);
/* The limits of time and memory for a recipe over so many tensors. */
mw_sandbox_limits mw_recipe_limits(const mw_options *options, size_t tensors);
/* The configuration of mergekit that it says it was made of, any text; "" of others. */
const char *mw_recipe_mergekit(const mw_recipe *recipe);
/* What a configuration of mergekit says beside the recipe that it became; NULL of any other recipe. */
const mw_conversion *mw_recipe_conversion(const mw_recipe *recipe);
/* Loads a recipe from its text, as a lock file holds it. What it requires is found among `required`, borrowed, and nowhere else. */
bool mw_recipe_load_text(const char *name, const char *text, size_t length, const mw_recipe_required *required, size_t count,
                         const mw_options *options, mw_recipe **out, mw_error *err);

#endif
