/* dtype.c: the table of dtypes.def. */
#include "base/dtype.h"
#include <string.h>

static const struct {
  const char *name;
  unsigned bits;
  mw_dtype_kind role;
} dtypes[MW_DTYPE_COUNT] = {
#define MW_DTYPE(name, bits, role) {#name, bits, MW_DTYPE_KIND_##role},
#include "base/dtypes.def"
#undef MW_DTYPE
};

const char *mw_dtype_name(mw_dtype dtype) { return dtypes[dtype].name; }
unsigned mw_dtype_bits(mw_dtype dtype) { return dtypes[dtype].bits; }
mw_dtype_kind mw_dtype_kind_of(mw_dtype dtype) { return dtypes[dtype].role; }
size_t mw_dtype_size(mw_dtype dtype) { return dtypes[dtype].bits / 8; }

bool mw_dtype_parse(const char *name, size_t length, mw_dtype *out) {
  for (int i = 0; i < MW_DTYPE_COUNT; i++)
    if (strlen(dtypes[i].name) == length && memcmp(dtypes[i].name, name, length) == 0) {
      *out = (mw_dtype)i;
      return true;
    }
  return false;
}
