/* layout.h: which byte of which output file every tensor gets. Pure: decided before the first byte is written.
 * Shards are filled greedily in name order (as huggingface_hub does); a tensor over the limit gets its own. */
#ifndef MW_OUTPUT_LAYOUT_H
#define MW_OUTPUT_LAYOUT_H

#include "format/safetensors.h"

typedef struct mw_layout_file {
  const char *name; /* model.safetensors or model-00001-of-00003.safetensors */
  mw_text header;   /* its first bytes, padding included */
  uint64_t size;    /* of the whole file */
} mw_layout_file;

typedef struct mw_layout {
  mw_tensor *tensors; /* [count] in the caller's (name) order; `file` is the shard, `offset` the place in it */
  size_t count;
  mw_layout_file *shards;
  size_t shard_count;
  uint64_t total_size; /* tensor bytes, without headers */
  mw_arena arena;
} mw_layout;

/* `tensors` are copied (name, shape, dtype, elements); names are borrowed. */
bool mw_layout_make(const mw_tensor *tensors, size_t count, uint64_t shard_size, mw_layout *out, mw_error *err);
void mw_layout_free(mw_layout *layout);
/* model.safetensors.index.json (only for more than one shard): indent 2, sorted keys, total_size, weight_map. */
bool mw_layout_index(const mw_layout *layout, mw_text *out, mw_error *err);

#endif
