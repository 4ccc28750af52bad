/* kernels.h: the tables of compute kernels, one a instruction set, all equal bit for bit. Kernels are total: any bits
 * in, some bits out, no errors. They are compiled from one body without contraction or fast-math. */
#ifndef MW_NUM_KERNELS_H
#define MW_NUM_KERNELS_H

#include "base/dtype.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum mw_kernel {
#define MW_KERNEL(name, arity, expression) MW_KERNEL_##name,
#include "num/kernels.def"
#undef MW_KERNEL
  MW_KERNEL_COUNT
} mw_kernel;

enum { MW_UNIT = 2048, MW_LANES = 64, MW_GROUP = 64, MW_DRAWS = 256 };

/* dst[i] = f(a, b, c, d). An operand is a tile of n values, or with its bit set in the form one value. dst may be any
 * of the tiles. At least one operand is a tile. Values are float, double in the table of doubles. Whole groups of MW_GROUP
 * values are read and written: a tile has room for them, and what lies beyond its n values means nothing. */
typedef void (*mw_kernel_map)(void *dst, const void *a, const void *b, const void *c, const void *d, size_t n);

/* A map that reads bf16 as they are stored where the operand's bit is set in `stored`, one value where it is set in `one`,
 * and writes bf16 if it `stores`. Whole sixteens are read and written: what is stored has room for them. Returns whether
 * one of the n results is not finite; then they are not what a load, a map and a store would make of NaN. */
typedef bool (*mw_kernel_map_direct)(void *dst, const void *a, const void *b, const void *c, const void *d, size_t n);
typedef struct mw_kernel_direct {
  uint8_t kernel, one, stored, stores;
  mw_kernel_map_direct map;
} mw_kernel_direct;

/* Stored elements (any alignment) to compute values and back, one rounding to nearest even; NaN becomes the canonical
 * quiet one. Both return whether a NaN or infinity was among the values read (load) or written (store). F8_E4M3 has no
 * infinity: what is beyond 448 becomes its NaN, as in torch. */
typedef bool (*mw_kernel_load)(void *dst, const void *stored, size_t n);
typedef bool (*mw_kernel_store)(void *stored, const void *src, size_t n);

/* Adds x (or x*y) to 64 lanes; element i goes to lane i % 64. n <= MW_UNIT, starting at a multiple of 64. */
typedef void (*mw_kernel_sum)(void *lanes, const void *x, size_t n);
typedef void (*mw_kernel_dot)(void *lanes, const void *x, const void *y, size_t n);
/* max(|x|) of n values and `peak`. */
typedef double (*mw_kernel_peak)(double peak, const void *x, size_t n);
/* dst[i] = 1 where |x[i]| > threshold, or equals it for i < ties; else 0. dst may be x. */
typedef void (*mw_kernel_top)(void *dst, const void *x, double threshold, size_t ties, size_t n);

/* Selection (select.h): of n keys, counts those from `low` to `high` into bins[(key - low) >> shift], and returns how many
 * are below `low`. A key is the bits as a signed integer: of |x| if `magnitude`, else in numeric order. */
typedef uint64_t (*mw_kernel_window)(uint32_t *bins, const void *x, size_t n, bool magnitude, int64_t low, int64_t high,
                                     unsigned shift);
/* How many of n values have |x| = threshold. */
typedef size_t (*mw_kernel_ties)(const void *x, size_t n, double threshold);

/* A stream of random numbers: word e of tensor `name` comes from Philox4x32-10 with this key; the counter's high
 * words are `name`, its low words 16 * (e / 64) + e % 16, and of the block's words it is (e / 16) % 4. */
typedef struct mw_kernel_stream { uint64_t key, name; } mw_kernel_stream;

/* Chance: for elements [start, start + n) of a tensor, whether a number of 32 bits is below p * 2^32 (computed in double;
 * p >= 1 is always true). Element e's number has byte (e / 64) % 4, from the lowest, of word 64 * (e / 256) + e % 64 as
 * its highest 8 bits, and the highest 24 bits of word 2^63 + e below them: most draws are decided without those.
 * bernoulli: dst[i] = 1 where it is, else 0. drop: dst[i] = 0 where it is, else x[i], or with y x[i] - y[i]; dst may be
 * x or y. */
typedef void (*mw_kernel_bernoulli)(void *dst, mw_kernel_stream stream, uint64_t start, size_t n, double p);
typedef void (*mw_kernel_drop)(void *dst, const void *x, const void *y, mw_kernel_stream stream, uint64_t start, size_t n,
                               double p);
/* Standard normal variates (Box-Muller on two words of the element's own block, over mathx). */
typedef void (*mw_kernel_normal)(void *dst, mw_kernel_stream stream, uint64_t start, size_t n);
/* dst[i] = x[i] * columns[(start + i) % width]. */
typedef void (*mw_kernel_columns)(void *dst, const void *x, const void *columns, uint64_t start, uint64_t width, size_t n);

/* Everything that differs by compute type. Index 0 of mw_kernels.type: float, 1: double. */
typedef struct mw_kernel_set {
  mw_kernel_map map[MW_KERNEL_COUNT][16]; /* [kernel][form] */
  const mw_kernel_direct *direct;         /* of float alone (bf16_steps.def) */
  size_t direct_count;
  mw_kernel_load load[MW_DTYPE_COUNT];    /* NULL but for REAL dtypes */
  mw_kernel_store store[MW_DTYPE_COUNT];
  mw_kernel_sum sum;
  mw_kernel_dot dot;
  mw_kernel_peak peak;
  mw_kernel_top top;
  mw_kernel_window window;
  mw_kernel_ties ties;
  mw_kernel_bernoulli bernoulli;
  mw_kernel_drop drop;
  mw_kernel_normal normal;
  mw_kernel_columns columns;
} mw_kernel_set;

/* The loops of networks, in f32: their meaning is in rows.def. */
typedef struct mw_kernel_rows {
#define MW_ROW(result, name, parameters) result(*name) parameters;
#include "num/rows.def"
#undef MW_ROW
} mw_kernel_rows;

typedef struct mw_kernels {
  const char *isa; /* "base" "avx2" "avx512" */
  mw_kernel_set type[2];
  mw_kernel_rows rows;
} mw_kernels;

extern const mw_kernels mw_kernels_base;
#ifdef __x86_64__
extern const mw_kernels mw_kernels_avx2, mw_kernels_avx512;
#endif

#endif
