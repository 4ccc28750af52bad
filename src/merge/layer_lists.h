/* layer_lists.h: the ways in which config.json says something of each layer (depth_keys.def). */
#ifndef MW_MERGE_LAYER_LISTS_H
#define MW_MERGE_LAYER_LISTS_H

#include "base/text.h"
#include "format/json.h"

typedef enum mw_layer_lists_kind {
  MW_LAYER_LISTS_PLAIN, /* ["a", "b", "b"]: an element for each */
  MW_LAYER_LISTS_ROUND, /* the same, which comes again and again */
  MW_LAYER_LISTS_TEXT,  /* "M-M*": a character for each; none is escaped */
  MW_LAYER_LISTS_TYPES  /* [[["a", "b"], 12]]: what is in it comes so many times */
} mw_layer_lists_kind;

/* Of how many layers it says something; 0 where it is of another kind. */
uint64_t mw_layer_lists_length(mw_json value, mw_layer_lists_kind kind);
/* What it says of a layer, a character without quotes; MW_JSON_END where that is nothing. */
mw_json mw_layer_lists_element(mw_json value, mw_layer_lists_kind kind, uint64_t layer);
/* What stands before, between and behind the elements of one that is written anew for all layers. */
extern const char *const mw_layer_lists_marks[4][3];
/* Whether a list holds a number. */
bool mw_layer_lists_holds(mw_json list, uint64_t number);
/* The key of a list with a number for each of the stages of a model that has so many; NULL where there is none. */
const char *mw_layer_lists_of_stages(mw_json object, uint64_t stages);
/* Whether a list of a key that is not known has an element for each layer: as many, all of one plain kind, and so many (4 or more) that
 * it is no chance. Ids of tokens and names of classes are none. */
bool mw_layer_lists_unknown(mw_json key, mw_json value, uint64_t layers);
/* A backbone's stages, "stem" and one for each layer: what its stage_names, out_features or out_indices are with another number of layers.
 * False where it is another key, or takes other stages than the last one alone. */
bool mw_layer_lists_stages(mw_json key, mw_json value, uint64_t before, uint64_t after, mw_text *out);

#endif
