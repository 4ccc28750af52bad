/* safetensors.h: the container, read strictly and written byte for byte as the reference writer does.
 * Rules: https://github.com/huggingface/safetensors (README and tests); ours are stricter about duplicate and empty
 * names, unknown fields and nesting. A tensor that this reader accepts lies wholly inside its file. */
#ifndef MW_FORMAT_SAFETENSORS_H
#define MW_FORMAT_SAFETENSORS_H

#include "base/dtype.h"
#include "format/file.h"

/* One tensor as a file declares it. Strings and shapes live in the owner's arena. */
typedef struct mw_tensor {
  const char *name;      /* UTF-8, not empty, no NUL inside */
  const uint64_t *shape; /* rank numbers */
  uint64_t elements;     /* their product; 1 for rank 0 */
  uint64_t offset;       /* of its first byte, from the start of the file */
  uint32_t file;         /* which file of the model; 0 for a lone file */
  uint8_t rank;          /* at most 64 */
  uint8_t dtype;         /* mw_dtype */
} mw_tensor;

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
