/* model.h: a model on disk: a single file of a known format, or a Hugging Face folder (one file, or shards with an index), or a hub
 * id that is found in the local cache. Opening reads and checks the headers only. It never uses the network, and never opens a
 * file outside of the folder. */
#ifndef MW_MODEL_MODEL_H
#define MW_MODEL_MODEL_H

#include "base/warning.h"
#include "model/config.h"
#include "format/file_checksum.h"
#include "format/tensor.h"

/* Which component of a pipeline gets a part of an adapter: 72 modules of "lora_te1" for "text_encoder". */
typedef struct mw_model_adapter_part {
  const char *part, *component;
  size_t modules;
} mw_model_adapter_part;

/* An adapter that was added to a model (adapter.h). */
typedef struct mw_model_adapter {
  const char *where, *place; /* as it was typed, and its folder, or itself where it was given as a file */
  const char *hub, *commit;   /* where it came from the cache, else NULL */
  const char *file;           /* what its weights are called, if not as their path ends */
  size_t file_count;          /* of the model's files, so many are its own: they stand behind those of the adapters before it */
  const mw_model_adapter_part *parts; /* of a pipeline; else none */
  size_t part_count;
} mw_model_adapter;

typedef struct mw_model {
  char *where;         /* what the user typed */
  char *base;          /* what of it, or of an adapter's own words, the model without its adapters was opened from */
  char *folder;        /* its folder; NULL for a lone file */
  char *hub;           /* "org/name" where it came from the cache or the folder tells, else NULL */
  char *commit;        /* 40 hex digits where it came from the cache, else NULL */
  const char *stem;    /* what its files are called: "model" where it is a lone file */
  char *lone;          /* what a lone file is called, if not as its path ends */
  const char *metadata; /* of a lone file: what it says of itself, as a JSON object; else NULL */
  const char **parts;  /* [part_count] folders of its parts (modules.h); a tensor of "2_Dense" is called "2_Dense/NAME" */
  size_t part_count;
  const char **components; /* [component_count] folders of models, where this is a whole pipeline (pipeline.h): then `parts` are its
                              other components, and there are no tensors, but after mw_pipeline_open */
  size_t component_count;
  struct mw_model **opened; /* NULL, or the components, whose files are ours too */
  mw_file *files;      /* open for as long as the model */
  size_t file_count;
  mw_tensor *tensors;  /* sorted by name (bytes) */
  size_t tensor_count;
  const mw_model_adapter *adapters;
  size_t adapter_count;
  mw_config config;    /* config.text is NULL for a single file */
  mw_arena arena;
} mw_model;

/* `where` may also be MODEL+ADAPTER[+ADAPTER...], unless that is the path of something, and an adapter that names its base (adapter.h). */
bool mw_model_open(const char *where, mw_warning *warnings, mw_model **out, mw_error *err);
void mw_model_close(mw_model *model);
/* The tensor of that name, or NULL. */
const mw_tensor *mw_model_find(const mw_model *model, const char *name);
/* Bytes [at, at + length) of a tensor's elements. */
bool mw_model_read(const mw_model *model, const mw_tensor *tensor, uint64_t at, void *bytes, size_t length, mw_error *err);
/* The same where whole tensors are read in order, for the checksums of the model's files; elements that are made when they are read
 * (scaled, adapted) are left to mw_file_checksum_complete. */
bool mw_model_read_counted(const mw_model *model, const mw_tensor *tensor, uint64_t at, void *bytes, size_t length, mw_error *err);
/* Gives each of its files a checksum, which takes what is read from now on. They stay as long as the model. */
bool mw_model_count(mw_model *model, mw_file_checksum_memory *memory, mw_error *err);
/* The dtype in which a tensor's values are written unless a merge is told otherwise: that of its file, bf16 for fp8 with scales. */
mw_dtype mw_model_written(const mw_tensor *tensor);
/* The tensor as its file has it, where its elements are made when they are read; else itself. */
const mw_tensor *mw_model_source(const mw_tensor *tensor);
/* Whether two tensors have the same dtype and the same bytes; reads both until they differ. */
bool mw_model_same(const mw_model *a, const mw_tensor *x, const mw_model *b, const mw_tensor *y, bool *same, mw_error *err);
/* How many of its files are its own, and not its adapters'. */
size_t mw_model_own_files(const mw_model *model);
/* The path of the file that holds a tensor, for messages. */
const char *mw_model_path(const mw_model *model, const mw_tensor *tensor);

#endif
