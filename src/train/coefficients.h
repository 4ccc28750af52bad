/* coefficients.h: writes and reads learned coefficients: OUT/moonweld/coefficients.safetensors. A tensor's name is LABEL.NAME
 * ("experts[1].model.norm.weight"), or LABEL if one number scales the whole model; those of a recipe's second training begin with
 * "learn2.", and so on. All are F32 with one dimension. */
#ifndef MW_TRAIN_COEFFICIENTS_H
#define MW_TRAIN_COEFFICIENTS_H

#include "recipe/learn_spec.h"

/* The file's bytes: `values[i]` holds the elements of spec i, part after part. */
bool mw_coefficients_compose(const mw_learn_spec *specs, size_t count, const mw_graph *graph, float *const *values,
                             mw_text *out, mw_error *err);
/* Fills values from a file that holds exactly these tensors, all finite; `hash` gets the file's SHA-256. */
bool mw_coefficients_load(const char *path, const mw_learn_spec *specs, size_t count, const mw_graph *graph,
                          float *const *values, char hash[65], mw_error *err);

#endif
