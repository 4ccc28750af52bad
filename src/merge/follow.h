/* follow.h: config.json follows the tensors. Of a result whose layout is its own, the layers are found by the names of its tensors, and
 * where each comes from by the graph: the first input that it is made of. From that follow the depth, lists with an element for
 * each layer, lists of layers, the size of the vocabulary, and whether the head is tied. For example, of
 * stack{ a:layers(0, 2), b:layers(1, 3) }:
 *
 *   "num_hidden_layers": 4              four layers of "model.layers"
 *   "layer_types": ["x", "y", "y", "z"] of a's list the elements 0 and 1, of b's 1 and 2
 *
 * Where a layer's kind follows from its number (every 6th layer is global) a layer that would be of another kind is an error. */
#ifndef MW_MERGE_FOLLOW_H
#define MW_MERGE_FOLLOW_H

#include "model/config_edit.h"
#include "model/input_set.h"
#include "recipe/recipe.h"
#include "vocabulary/alignment.h"

/* The edits: those of the recipe (with_config), those of another tokenizer (or NULL), and what follows beside them. Everything is in
 * the arena. */
bool mw_follow_config(const mw_input_set *inputs, const mw_recipe_candidate *made, const mw_alignment *vocabulary, mw_arena *arena,
                      mw_warning *warnings, const mw_config_edit_set **sets, size_t *count, mw_error *err);

#endif
