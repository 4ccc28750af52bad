/* prediction_layers.h: layers of multi-token prediction. Some models have further layers behind those that num_hidden_layers counts, which
 * predict the token after the next; programs run without them. For example, GLM-4.5 has num_hidden_layers = 46 and
 * num_nextn_predict_layers = 1: layer 46 of "model.layers" is such a layer. Other models have them in a stack of their own: "mtp.layers.0",
 * "model.mtp_block.0". `object` is the object of config.json that speaks of them, its root or text_config. */
#ifndef MW_MODEL_PREDICTION_LAYERS_H
#define MW_MODEL_PREDICTION_LAYERS_H

#include "format/json.h"

/* The key's name where it says how many there are; else NULL. */
const char *mw_prediction_layers_key(mw_json key);
/* How many the object says there are. */
uint64_t mw_prediction_layers_count(mw_json object);
/* Whether a layer of the stack of which the object counts the layers is one. */
bool mw_prediction_layers_is(mw_json object, uint64_t layer);
/* Whether a name, of a tensor or of a stack, says that it is of one: "mtp.layers". */
bool mw_prediction_layers_named(const char *name);
/* Whether a tensor is of one, by its name or its place. */
bool mw_prediction_layers_has(mw_json object, const char *tensor);

#endif
