/* tensor.h: tensors in files of any format. A format is a table of four functions; formats.def lists all formats. Other files do not
 * know which format a file has. */
#ifndef MW_FORMAT_TENSOR_H
#define MW_FORMAT_TENSOR_H

#include "base/dtype.h"
#include "format/file.h"

/* A model has at most so many tensors. */
enum { MW_TENSOR_MOST = 1 << 20 };

/* Where a tensor's elements come from: they are stored so, or made when they are read. */
typedef enum mw_tensor_made { MW_TENSOR_STORED, MW_TENSOR_SCALED, MW_TENSOR_ADAPTED, MW_TENSOR_GATHERED } mw_tensor_made;

/* One tensor as a file declares it. Strings and shapes are in the owner's arena. A model may have a million of these, so they are
 * small. */
typedef struct mw_tensor {
  const char *name;      /* UTF-8, not empty, no NUL inside */
  const uint64_t *shape; /* rank numbers, whose product is below 2^64 */
  union {
    uint64_t offset;                /* of its first byte, from the start of the file */
    const struct mw_scaled *scaled;   /* MW_TENSOR_SCALED: how its elements are made when they are read (model/scaled.h) */
    const struct mw_adapted *adapted; /* MW_TENSOR_ADAPTED: the same of adapters (model/adapted.h) */
    const struct mw_gathered *gathered; /* MW_TENSOR_GATHERED: which rows of which models (model/gathered.h) */
  };
  uint32_t file;  /* which file of the model; 0 if it is a single file */
  uint8_t rank;   /* at most 64 */
  uint8_t dtype;  /* mw_dtype */
  uint8_t format; /* of its file: a line of formats.def */
  uint8_t made;   /* mw_tensor_made */
} mw_tensor;

/* Where a format's reader puts the tensors of a file. */
typedef struct mw_tensor_list {
  mw_tensor *tensors; /* free() them */
  size_t count, capacity;
  const char *metadata; /* what the file says of itself, as a JSON object of texts, in the arena; NULL where it says nothing */
} mw_tensor_list;

typedef struct mw_tensor_format {
  const char *ending; /* how its files' names end: ".safetensors" */
  /* Whether a file that begins with these (at most 64) bytes is of this format. */
  bool (*recognise)(const char *start, size_t length);
  /* Adds every tensor of an open file. Checks strictly: all bytes of a tensor are inside the file. Sets all fields of a tensor but
   * `file` and `format`. Errors (MW_DATA) name the file and the field. */
  bool (*list)(const mw_file *file, mw_arena *arena, mw_tensor_list *out, mw_error *err);
  /* How many bytes at the beginning describe the file: files in which these are equal differ only in values. */
  bool (*head)(const mw_file *file, uint64_t *bytes, mw_error *err);
  /* Bytes [at, at + length) of a tensor's elements: little-endian, without gaps, the index of the last dimension running fastest. */
  bool (*read)(const mw_file *file, const mw_tensor *tensor, uint64_t at, void *bytes, size_t length, mw_error *err);
} mw_tensor_format;

/* All formats; ends with NULL. */
extern const mw_tensor_format *const mw_tensor_formats[];

/* The ending of a format, if the file's name has one, else NULL. */
const char *mw_tensor_ending(const char *name);
/* Calls the functions of the format that recognises the file. If none does, the file is named for what it is (recognise.h), or the
 * first format tells what is wrong. `index` becomes the tensors' `file`. */
bool mw_tensor_find(const mw_file *file, uint32_t index, mw_arena *arena, mw_tensor_list *out, mw_error *err);
bool mw_tensor_head(const mw_file *file, uint64_t *bytes, mw_error *err);
bool mw_tensor_read(const mw_file *file, const mw_tensor *tensor, uint64_t at, void *bytes, size_t length, mw_error *err);

/* The product of its shape; 1 for rank 0. */
uint64_t mw_tensor_elements(const mw_tensor *tensor);
/* How many bytes its elements take. */
uint64_t mw_tensor_bytes(const mw_tensor *tensor);

/* Sorts in place, with 8 bytes of memory for each tensor. */
typedef int mw_tensor_order(const mw_tensor *a, const mw_tensor *b);
bool mw_tensor_sort(mw_tensor *tensors, size_t count, mw_tensor_order *order, mw_error *err);
/* Whether two have one name. Moves none. */
bool mw_tensor_repeats(const mw_tensor *tensors, size_t count, bool *repeats, mw_error *err);
/* The order of names, by bytes. */
mw_tensor_order mw_tensor_by_name;
/* The tensor of that name among tensors that are sorted by name, or NULL. */
const mw_tensor *mw_tensor_named(const mw_tensor *tensors, size_t count, const char *name);

#endif
