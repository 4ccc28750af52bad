/* tensor_entry.h: a member of a safetensors header as nearly all writers spell it, read in one look:
 *   "model.norm.weight":{"dtype":"BF16","shape":[4096],"data_offsets":[0,8192]}
 * with one space behind each ':' and ',' or without. Headers have up to a million of these, and the strict reader of JSON looks at each
 * byte several times. What is spelt otherwise is left to it, so nothing is refused here. */
#ifndef MW_FORMAT_TENSOR_ENTRY_H
#define MW_FORMAT_TENSOR_ENTRY_H

#include "base/dtype.h"
#include "format/json.h"
#include <stdint.h>

enum { MW_TENSOR_ENTRY_DIMS = 64, MW_TENSOR_ENTRY_NAME = 4096 };

typedef struct mw_tensor_entry {
  const char *name; /* in the text: not empty, ASCII, without escapes */
  size_t name_length;
  mw_dtype dtype;
  mw_json shape, data_offsets; /* where they are spelt */
  unsigned rank;
  uint64_t dims[MW_TENSOR_ENTRY_DIMS], offsets[2];
} mw_tensor_entry;

/* Reads the member at the beginning of a text that was not checked: the bytes that it takes, or 0 if it is spelt in another way, or its
 * end is not there. A member that is read is what mw_json_check and a walk over its values would find. */
size_t mw_tensor_entry_read(const char *text, size_t length, mw_tensor_entry *out);

#endif
