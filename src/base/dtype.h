/* dtype.h: the dtypes of safetensors. The value of a dtype is its rank in the reference writer's order. */
#ifndef MW_BASE_DTYPE_H
#define MW_BASE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum mw_dtype {
#define MW_DTYPE(name, bits, role, word, torch) MW_DTYPE_##name,
#include "base/dtypes.def"
#undef MW_DTYPE
  MW_DTYPE_COUNT
} mw_dtype;

typedef enum mw_dtype_kind { MW_DTYPE_KIND_REAL, MW_DTYPE_KIND_INTEGER, MW_DTYPE_KIND_OPAQUE } mw_dtype_kind;

const char *mw_dtype_name(mw_dtype dtype); /* as spelt in files: "BF16" */
unsigned mw_dtype_bits(mw_dtype dtype);    /* of one element */
mw_dtype_kind mw_dtype_kind_of(mw_dtype dtype);
/* Bytes of one element; only for dtypes of whole bytes. */
size_t mw_dtype_size(mw_dtype dtype);
/* "bfloat16", as torch and config.json spell one that an output may have; NULL of all others. */
const char *mw_dtype_torch(mw_dtype dtype);
/* The one that --dtype calls so ("bf16"). */
bool mw_dtype_of_word(const char *word, mw_dtype *out);
bool mw_dtype_parse(const char *name, size_t length, mw_dtype *out);

/* The number that F64, F32, BF16 or F16 bytes spell; for a few of them, tensors go through num's kernels. */
double mw_dtype_number(mw_dtype dtype, const void *bytes);

#endif
