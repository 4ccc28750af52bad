/* layout.h: the place of every tensor in the output files, decided before anything is written. Shards are filled in name order, as
 * huggingface_hub does; a tensor larger than the limit has a shard of its own. */
#ifndef MW_OUTPUT_LAYOUT_H
#define MW_OUTPUT_LAYOUT_H

#include "format/safetensors.h"

typedef struct mw_layout_file {
  const char *name; /* model.safetensors or model-00001-of-00003.safetensors */
  mw_text header;   /* its first bytes, padding included */
  uint64_t size;    /* of the whole file */
} mw_layout_file;

/* What files are called. Tensors named PART/NAME lie in PART/model.safetensors as NAME; all others in STEM.safetensors or its shards. */
typedef struct mw_layout_names {
  const char *stem; /* "model" */
  const char *const *parts;
  size_t part_count;
  const char *metadata; /* of the files of the root; NULL: {"format":"pt"} */
  bool lone;            /* one file STEM.safetensors is all that is wanted: there are no parts, no shards and no folder */
} mw_layout_names;

typedef struct mw_layout {
  mw_tensor *tensors; /* [count] in the caller's (name) order; `file` is the shard, `offset` the place in it */
  size_t count;
  mw_layout_file *shards; /* of the root, then one a part that has tensors */
  size_t shard_count, root_count;
  uint64_t total_size; /* tensor bytes of the root's shards, without headers */
  mw_layout_names names;
  const char **filled; /* the part of each file behind root_count */
  mw_arena arena;
} mw_layout;

/* `tensors` are copied (name, shape, dtype, elements); names are borrowed, those of files too. */
bool mw_layout_make(const mw_tensor *tensors, size_t count, uint64_t shard_size, const mw_layout_names *names, mw_layout *out,
                    mw_error *err);
/* What a tensor of the layout was called when it was made: with its part before the name that it has in the part's file. */
const char *mw_layout_name_of(const mw_layout *layout, const mw_tensor *tensor);
void mw_layout_free(mw_layout *layout);
/* STEM.safetensors.index.json (only for more than one shard of the root): indent 2, sorted keys, total_size, weight_map. */
bool mw_layout_index(const mw_layout *layout, mw_text *out, mw_error *err);

#endif
