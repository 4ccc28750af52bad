/* shards.h: which files of a folder hold the weights: a single file, those of an index, or names that count themselves
 * (model-00002-of-00005.safetensors). */
#ifndef MW_MODEL_SHARDS_H
#define MW_MODEL_SHARDS_H

#include "base/warning.h"
#include "format/json.h"
#include "format/tensor.h"

/* A tensor in the index; sorted by name. */
typedef struct mw_shards_entry {
  const char *tensor;
  uint32_t file; /* in names */
} mw_shards_entry;

typedef struct mw_shards {
  const char *stem;   /* what the files are called: "model", or "diffusion_pytorch_model" */
  const char **names; /* file names within the folder, sorted by bytes */
  size_t count, capacity;
  mw_shards_entry *entries; /* NULL without an index */
  size_t entry_count, entry_capacity;
  uint64_t total; /* the index's metadata.total_size; 0 if it is missing or not a number */
} mw_shards;

/* Texts are in the arena; mw_shards_free frees names and entries. */
bool mw_shards_find(const char *folder, mw_arena *arena, mw_warning *warnings, mw_shards *out, mw_error *err);
/* Whether a file of this name is an index: "model.safetensors.index.json". */
bool mw_shards_is_index(const char *name);
/* Whether a name counts itself, and so is one of several: "x-00001-of-00003.safetensors" of 3. */
bool mw_shards_is_one(const char *name, unsigned *of);
void mw_shards_free(mw_shards *shards);

#endif
