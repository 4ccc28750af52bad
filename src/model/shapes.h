/* shapes.h: whether config.json and the tensors of a model tell of the same model: how many layers, and how large the weights are
 * (shapes.def). For architectures that we know; of others nothing is said. */
#ifndef MW_MODEL_SHAPES_H
#define MW_MODEL_SHAPES_H

#include "model/model.h"

/* MW_DATA names the key, its value, and the tensor that has another one. `label` is where the message begins ("base"). Only config and
 * tensors of the model are looked at. */
bool mw_shapes_check(const mw_model *model, const char *label, mw_error *err);

#endif
