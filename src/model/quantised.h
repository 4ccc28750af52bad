/* quantised.h: whether a model's numbers are codes of weights rather than weights. Codes cannot be averaged: the mean of two
 * codes, under the mean of their scales, is garbage that looks like a model. Every common scheme is known by the names of its
 * tensors, by their dtypes, or by its key in config.json: fp8 with scales, GPTQ, AWQ, bitsandbytes, MLX, mxfp4, exl2 and exl3,
 * compressed-tensors, HQQ, AQLM, QuIP#, VPTQ, quanto, torchao. */
#ifndef MW_MODEL_QUANTISED_H
#define MW_MODEL_QUANTISED_H

#include "model/family.h"

/* What of the tensors that are seen of a model gives it away, for a message ("I32 tensor 'x.qweight'", "quantization_config in
 * config.json"), or NULL. `scaled`: it has fp8 weights that are computed with (scaled.h), so that its configuration alone
 * says nothing. *configured_only: no tensor says it. */
const char *mw_quantised_mark(const mw_family_member *member, bool scaled, bool *configured_only, mw_text_escaped *buffer);
/* The first weight of no elements, which is what a sharded training leaves that was saved without being gathered, or NULL.
 * Other empty tensors are markers and legal. */
const mw_tensor *mw_quantised_empty(const mw_model *model);

#endif
