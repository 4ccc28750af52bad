/* learn_spec.h: the trainings of a recipe: one record for each learn{...}. A child sends them after the graph; what it sends is
 * checked here against the graph and the data, since the child may be hostile. */
#ifndef MW_RECIPE_LEARN_SPEC_H
#define MW_RECIPE_LEARN_SPEC_H

#include "recipe/message.h"

enum {
  MW_LEARN_SPEC_MOST = 64,           /* trainings of a model */
  MW_LEARN_SPEC_STEPS = 1000000,     /* of all trainings together */
  MW_LEARN_SPEC_WINDOWS = 1024,      /* of a data set and step */
  MW_LEARN_SPEC_TOKENS = 1 << 18     /* of a batch of one data set */
};

/* A trained coefficient, with the tensor that it scales ("": all) and the model whose tensor that is. */
typedef struct mw_learn_spec_part {
  mw_node node; /* a COEFFICIENT */
  const char *tensor, *label;
} mw_learn_spec_part;

typedef struct mw_learn_spec {
  mw_learn_spec_part *parts; /* in the order of the recipe */
  size_t count;
  mw_node loss;          /* a scalar; 0 where steps is 0 */
  uint32_t steps, windows;
  double rate, decay, clip; /* clip 0: none */
  double share;          /* MoFO: of every coefficient only this share of elements is updated, those of largest momentum;
                            1: plain AdamW */
  uint64_t seed;         /* key of the stream that orders the windows */
} mw_learn_spec;

/* A data set as a recipe may know it. */
typedef struct mw_learn_spec_set {
  const char *name;  /* the file's, without its folder */
  uint64_t windows;  /* how many there are */
  uint32_t length;   /* positions of a window in a batch: one less than its longest has, whose last id is only predicted */
  uint64_t tokens;   /* of all windows */
} mw_learn_spec_set;

/* Chooses what these outputs need of a recipe's graph, which may have nodes of other candidates: the nodes that they depend on, and
 * for each LEARNED among these its spec, with the nodes that it depends on. Both keep their order. A LEARNED that names no spec
 * (in a hostile graph) needs none. free() choice->nodes, which is the memory of both. MW_DATA: they need more than
 * MW_LEARN_SPEC_MOST specs. */
bool mw_learn_spec_choose(const mw_graph *graph, const mw_graph_output *outputs, size_t output_count, const mw_learn_spec *specs,
                      size_t count, mw_message_choice *choice, mw_error *err);
/* Writes the specs that were chosen; all if choice is NULL. */
void mw_learn_spec_put(mw_text *out, const mw_learn_spec *specs, size_t count, const mw_message_choice *choice);
/* Reads what mw_learn_spec_put wrote. map[i] is the graph's node for number i of the message, from 1 to `nodes`. Checks that
 * coefficients are COEFFICIENTs, each once; that a loss is a scalar that depends on one of them, on no later training, and on
 * batches of `windows` windows of the given sets; and that LEARNED nodes of a spec name its coefficients. */
bool mw_learn_spec_take(mw_message *in, const mw_node *map, uint32_t nodes, const mw_graph *graph, const mw_learn_spec_set *sets,
                    size_t set_count, mw_arena *arena, mw_learn_spec **specs, size_t *count, mw_error *err);
/* Checks that outputs use a coefficient that is learned only as LEARNED, never by its initial value. */
bool mw_learn_spec_applied(const mw_graph *graph, const mw_graph_output *outputs, size_t output_count, const mw_learn_spec *specs,
                       size_t count, mw_error *err);
/* Checks that the outputs need every spec, directly or through another one. To be called after the checks above. */
bool mw_learn_spec_needed(const mw_graph *graph, const mw_graph_output *outputs, size_t output_count, const mw_learn_spec *specs,
                      size_t count, mw_error *err);

#endif
