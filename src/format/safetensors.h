/* safetensors.h: the container, read strictly and written byte for byte as the reference writer does.
 * Rules: https://github.com/huggingface/safetensors (README and tests); ours are stricter about duplicate and empty
 * names, unknown fields and nesting. A tensor that this reader accepts lies wholly inside its file. */
#ifndef MW_FORMAT_SAFETENSORS_H
#define MW_FORMAT_SAFETENSORS_H

#include "format/file.h"
#include "format/tensor.h"

uint64_t mw_safetensors_bytes(const mw_tensor *tensor);

/* Every tensor of an open file, in file order, appended to *tensors (grown by mw_mem_grow). `index` becomes their
 * `file`. Errors name the file and the field (formats: "header length", "dtype", "data_offsets" ...). */
bool mw_safetensors_read(const mw_file *file, uint32_t index, mw_arena *arena, mw_tensor **tensors, size_t *count,
                         size_t *capacity, mw_error *err);

/* The reference writer's order: dtype rank descending, then name by bytes. For qsort over pointers to mw_tensor. */
int mw_safetensors_order(const void *a, const void *b);

/* The header of a file that holds `count` tensors, already in writer's order, with metadata {"format":"pt"}: the 8
 * bytes of its length, the JSON, the padding. Sets every tensor's `offset`. */
bool mw_safetensors_header(mw_tensor *const *tensors, size_t count, mw_text *out, mw_error *err);

#endif
