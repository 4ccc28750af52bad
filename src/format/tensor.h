/* tensor.h: a tensor as it lies in some file, whatever the file's format is. */
#ifndef MW_FORMAT_TENSOR_H
#define MW_FORMAT_TENSOR_H

#include "base/dtype.h"

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

#endif
