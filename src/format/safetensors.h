/* safetensors.h: files in the format safetensors, read strictly, and written as the reference writer does, byte for byte.
 * Rules: https://github.com/huggingface/safetensors (README and tests). Ours are stricter about duplicate and empty names,
 * unknown fields and nesting. All bytes of a tensor that this reader accepts are inside its file. */
#ifndef MW_FORMAT_SAFETENSORS_H
#define MW_FORMAT_SAFETENSORS_H

#include "format/tensor.h"

/* How its files' names end; whatever is written is of this format. */
#define MW_SAFETENSORS_ENDING ".safetensors"

/* Tensors are listed in file order. */
extern const mw_tensor_format mw_safetensors_format;

/* The reference writer's order: dtype rank descending, then name by bytes. For qsort over pointers to mw_tensor. */
int mw_safetensors_order(const void *a, const void *b);

/* The header of a file that holds `count` tensors, already in writer's order: the 8 bytes of its length, the
 * JSON, the padding. `metadata` is a checked JSON object of texts, whose hashes are left out, or NULL: {"format":"pt"}. Sets every
 * tensor's `offset`. */
bool mw_safetensors_header(mw_tensor *const *tensors, size_t count, const char *metadata, mw_text *out, mw_error *err);

#endif
