/* dtype.c: the table of dtypes.def. */
#include "base/dtype.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

/* Kernels, headers of files and messages read numbers where they lie: safetensors files are little-endian, and so are we. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "moonweld runs on little-endian machines only");

static const struct {
  const char *name;
  unsigned bits;
  mw_dtype_kind role;
  const char *word, *torch;
} dtypes[MW_DTYPE_COUNT] = {
#define MW_DTYPE(name, bits, role, word, torch) {#name, bits, MW_DTYPE_KIND_##role, word, torch},
#include "base/dtypes.def"
#undef MW_DTYPE
};

const char *mw_dtype_name(mw_dtype dtype) { return dtypes[dtype].name; }
unsigned mw_dtype_bits(mw_dtype dtype) { return dtypes[dtype].bits; }
mw_dtype_kind mw_dtype_kind_of(mw_dtype dtype) { return dtypes[dtype].role; }
size_t mw_dtype_size(mw_dtype dtype) { return dtypes[dtype].bits / 8; }

const char *mw_dtype_torch(mw_dtype dtype) { return dtypes[dtype].torch; }

bool mw_dtype_of_word(const char *word, mw_dtype *out) {
  for (int i = 0; i < MW_DTYPE_COUNT; i++)
    if (dtypes[i].word && strcmp(dtypes[i].word, word) == 0) return *out = (mw_dtype)i, true;
  return false;
}

bool mw_dtype_parse(const char *name, size_t length, mw_dtype *out) {
  for (int i = 0; i < MW_DTYPE_COUNT; i++)
    if (strlen(dtypes[i].name) == length && memcmp(dtypes[i].name, name, length) == 0) { /* `name` may hold anything */
      *out = (mw_dtype)i;
      return true;
    }
  return false;
}

double mw_dtype_number(mw_dtype dtype, const void *bytes) {
  double number;
  float single;
  uint16_t half;
  if (dtype == MW_DTYPE_F64) return memcpy(&number, bytes, 8), number;
  if (dtype == MW_DTYPE_F32) return memcpy(&single, bytes, 4), (double)single;
  memcpy(&half, bytes, 2);
  uint32_t bits = (uint32_t)half << 16;
  if (dtype == MW_DTYPE_BF16) return memcpy(&single, &bits, 4), (double)single;
  int exponent = half >> 10 & 31, mantissa = half & 1023;
  number = exponent == 31 ? (mantissa ? (double)NAN : (double)INFINITY) : exponent ? ldexp(1024 + mantissa,
                                                                                           exponent - 25) : ldexp(mantissa, -24);
  return half & 0x8000 ? -number : number;
}
