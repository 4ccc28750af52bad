/* learn_spec.h: what a recipe wants learned: one record for each learn{...}, as it leaves Lua and crosses the wire beside the
 * graph. A record from a child is hostile until it was checked here against the graph and the data. */
#ifndef MW_RECIPE_LEARN_SPEC_H
#define MW_RECIPE_LEARN_SPEC_H

#include "recipe/message.h"

enum {
  MW_LESSON_MOST = 64,           /* trainings of a model */
  MW_LESSON_STEPS = 1000000,     /* of all trainings together */
  MW_LESSON_WINDOWS = 1024,      /* of a data set and step */
  MW_LESSON_TOKENS = 1 << 18     /* of a batch of one data set */
};

/* A trained coefficient and what it is called: the tensor that it scales ("": all) and whose it is. */
typedef struct mw_lesson_part {
  mw_node node; /* a COEFFICIENT */
  const char *tensor, *label;
} mw_lesson_part;

typedef struct mw_lesson {
  mw_lesson_part *parts; /* in the order of the recipe */
  size_t count;
  mw_node loss;          /* a scalar; 0 where steps is 0 */
  uint32_t steps, windows;
  double rate, decay, clip; /* clip 0: none */
  double share;          /* MoFO: of every coefficient only this share, of largest momentum, moves; 1: plain AdamW */
  uint64_t seed;         /* key of the stream that orders the windows */
} mw_lesson;

/* A data set as a recipe may know it. */
typedef struct mw_lesson_set {
  const char *name;  /* the file's, without its folder */
  uint64_t windows;  /* how many there are */
  uint32_t length;   /* positions of a window in a batch */
} mw_lesson_set;

/* What outputs need of a recipe's graph, which may hold other candidates of a search: the nodes below them and, where they
 * use what was learned, its lesson with all that it is made of. Both keep their order. free() choice->nodes, which holds
 * both. A LEARNED of no lesson (of which a hostile graph may take the shape) asks for none. MW_DATA: more than
 * MW_LESSON_MOST lessons are needed. */
bool mw_lesson_choose(const mw_graph *graph, const mw_wire_output *outputs, size_t output_count, const mw_lesson *lessons,
                      size_t count, mw_wire_choice *choice, mw_error *err);
/* Without a choice: all. */
void mw_lesson_put(mw_text *out, const mw_lesson *lessons, size_t count, const mw_wire_choice *choice);
/* Reads what mw_lesson_put wrote; node ids go through `map` (of `nodes` entries after [0]) and are checked against the
 * graph: coefficients are COEFFICIENTs, each once; a loss is a scalar that depends on one of them, on no training that
 * comes later, and on batches of `windows` windows of the given sets; what is LEARNED of a lesson is one of its
 * coefficients. */
bool mw_lesson_take(mw_wire *in, const mw_node *map, uint32_t nodes, const mw_graph *graph, const mw_lesson_set *sets,
                    size_t set_count, mw_arena *arena, mw_lesson **lessons, size_t *count, mw_error *err);
/* Whether the outputs use coefficients only after learning, where they are learned at all. */
bool mw_lesson_applied(const mw_graph *graph, const mw_wire_output *outputs, size_t output_count, const mw_lesson *lessons,
                       size_t count, mw_error *err);
/* Whether they need every lesson, be it through another one; after all checks above. */
bool mw_lesson_needed(const mw_graph *graph, const mw_wire_output *outputs, size_t output_count, const mw_lesson *lessons,
                      size_t count, mw_error *err);

#endif
