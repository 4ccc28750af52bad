/* tensor.h: tensors as they lie in files, whatever a file's format is. A format is a table of four functions; which there
 * are says formats.def, and nobody else asks. */
#ifndef MW_FORMAT_TENSOR_H
#define MW_FORMAT_TENSOR_H

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
  uint8_t format;        /* of its file: a line of formats.def */
  const struct mw_scaled *scaled; /* NULL, or how its elements are made when they are read (model/scaled.h) */
} mw_tensor;

/* Where a format's reader puts the tensors of a file. */
typedef struct mw_tensor_list {
  mw_tensor *tensors; /* free() them */
  size_t count, capacity;
} mw_tensor_list;

typedef struct mw_tensor_format {
  const char *ending; /* of its files' names: ".safetensors" */
  /* Whether a file that begins with these (at most 64) bytes is of this format. */
  bool (*recognise)(const char *start, size_t length);
  /* Appends every tensor of an open file, strictly checked: what is accepted lies wholly inside the file. Sets all of a
   * tensor but `file` and `format`. Errors (MW_DATA) name the file and the field. */
  bool (*list)(const mw_file *file, mw_arena *arena, mw_tensor_list *out, mw_error *err);
  /* How many bytes at the beginning tell what the file holds: files that agree in them differ in values alone. */
  bool (*head)(const mw_file *file, uint64_t *bytes, mw_error *err);
  /* Bytes [at, at + length) of a tensor's elements: little-endian, one behind the other, the last dimension first. */
  bool (*read)(const mw_file *file, const mw_tensor *tensor, uint64_t at, void *bytes, size_t length, mw_error *err);
} mw_tensor_format;

/* All formats; ends with NULL. */
extern const mw_tensor_format *const mw_tensor_formats[];

/* The ending of some format that a file's name has, or NULL. */
const char *mw_tensor_ending(const char *name);
/* The same as the functions of the format that recognises the file; the first format says what is wrong with a file that none
 * recognises. `index` becomes the tensors' `file`. */
bool mw_tensor_find(const mw_file *file, uint32_t index, mw_arena *arena, mw_tensor_list *out, mw_error *err);
bool mw_tensor_head(const mw_file *file, uint64_t *bytes, mw_error *err);
bool mw_tensor_read(const mw_file *file, const mw_tensor *tensor, uint64_t at, void *bytes, size_t length, mw_error *err);

/* How many bytes its elements take. */
uint64_t mw_tensor_bytes(const mw_tensor *tensor);

#endif
