/* learn_spec.h: what a recipe wants learned: one record for each learn{...}, as it leaves Lua and crosses the wire beside the
 * graph. A record from a child is hostile until it was checked here against the graph and the data. */
#ifndef MW_RECIPE_LEARN_SPEC_H
#define MW_RECIPE_LEARN_SPEC_H

#include "recipe/message.h"

enum {
  MW_LEARN_SPEC_MOST = 64,           /* trainings of a model */
  MW_LEARN_SPEC_STEPS = 1000000,     /* of all trainings together */
  MW_LEARN_SPEC_WINDOWS = 1024,      /* of a data set and step */
  MW_LEARN_SPEC_TOKENS = 1 << 18     /* of a batch of one data set */
};

/* A trained coefficient and what it is called: the tensor that it scales ("": all) and whose it is. */
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
  double share;          /* MoFO: of every coefficient only this share, of largest momentum, moves; 1: plain AdamW */
  uint64_t seed;         /* key of the stream that orders the windows */
} mw_learn_spec;

/* A data set as a recipe may know it. */
typedef struct mw_learn_spec_set {
  const char *name;  /* the file's, without its folder */
  uint64_t windows;  /* how many there are */
  uint32_t length;   /* positions of a window in a batch */
} mw_learn_spec_set;

/* What outputs need of a recipe's graph, which may hold other candidates of a search: the nodes below them and, where they
 * use what was learned, its spec with all that it is made of. Both keep their order. free() choice->nodes, which holds
 * both. A LEARNED of no spec (of which a hostile graph may take the shape) asks for none. MW_DATA: more than
 * MW_LEARN_SPEC_MOST specs are needed. */
bool mw_learn_spec_choose(const mw_graph *graph, const mw_graph_output *outputs, size_t output_count, const mw_learn_spec *specs,
                      size_t count, mw_message_choice *choice, mw_error *err);
/* Without a choice: all. */
void mw_learn_spec_put(mw_text *out, const mw_learn_spec *specs, size_t count, const mw_message_choice *choice);
/* Reads what mw_learn_spec_put wrote; node ids go through `map` (of `nodes` entries after [0]) and are checked against the
 * graph: coefficients are COEFFICIENTs, each once; a loss is a scalar that depends on one of them, on no training that
 * comes later, and on batches of `windows` windows of the given sets; what is LEARNED of a spec is one of its
 * coefficients. */
bool mw_learn_spec_take(mw_message *in, const mw_node *map, uint32_t nodes, const mw_graph *graph, const mw_learn_spec_set *sets,
                    size_t set_count, mw_arena *arena, mw_learn_spec **specs, size_t *count, mw_error *err);
/* Whether the outputs use coefficients only after learning, where they are learned at all. */
bool mw_learn_spec_applied(const mw_graph *graph, const mw_graph_output *outputs, size_t output_count, const mw_learn_spec *specs,
                       size_t count, mw_error *err);
/* Whether they need every spec, be it through another one; after all checks above. */
bool mw_learn_spec_needed(const mw_graph *graph, const mw_graph_output *outputs, size_t output_count, const mw_learn_spec *specs,
                      size_t count, mw_error *err);

#endif
