/* stacks.h: the stacks of layers of a result ("model.layers", "model.visual.blocks"), each beside the donor's of its name: which layers
 * there are, of which input's layer each is made, and which part of config.json speaks of it. */
#ifndef MW_MERGE_STACKS_H
#define MW_MERGE_STACKS_H

#include "model/input_set.h"
#include "recipe/recipe.h"

/* One layer of a result, and of the donor. */
typedef struct mw_stacks_layer {
  const mw_family_member *member; /* of whose layer it is made; NULL: of none */
  uint64_t layer;
  bool was, there;                /* in the donor, in the result */
  unsigned had, has;              /* which of mw_stacks_firsts its tensors have in their names there: bit i for word i */
} mw_stacks_layer;

typedef struct mw_stacks_one {
  const char *name;
  size_t length;
  uint64_t before, after;    /* layers of the donor's, and of the result's */
  mw_stacks_layer *layers;   /* [before] and [after] */
  size_t known, capacity;
} mw_stacks_one;

typedef struct mw_stacks {
  const mw_input_set *inputs;
  const mw_recipe_candidate *made;
  const mw_family_member *donor;
  mw_stacks_one *of;
  size_t count, capacity;
} mw_stacks;

/* Words of names that only tensors of the first layer have, or lack (MW_DEPTH_FIRST of depth_keys.def). */
enum { MW_STACKS_FIRSTS = 0
#define MW_DEPTH_FIRST(word) + 1
#include "model/depth_keys.def"
};
extern const char *const mw_stacks_firsts[MW_STACKS_FIRSTS];

/* MW_DATA: more layers than any model has. */
bool mw_stacks_find(mw_stacks *stacks, const mw_input_set *inputs, const mw_recipe_candidate *made, mw_error *err);
void mw_stacks_free(mw_stacks *stacks);
/* The first input tensor that a value is made of, or NULL. */
const mw_tensor *mw_stacks_made_of(const mw_input_set *inputs, const mw_recipe_candidate *made, mw_node node,
                                   const mw_family_member **member);
/* Whether any layer is another one than the donor's of its number. */
bool mw_stacks_changed(const mw_stacks *stacks, const mw_stacks_one *stack);
/* Whether that part of the donor's config.json ("text_config"; NULL: its root) speaks of the stack. */
bool mw_stacks_speaks(const mw_stacks *stacks, const char *part, const mw_stacks_one *stack);
/* Whether a key there that is for stacks with `word` in their names ("": for any) counts the layers of that one. */
bool mw_stacks_counts(const mw_stacks *stacks, const char *part, const char *word, const mw_stacks_one *stack);

#endif
