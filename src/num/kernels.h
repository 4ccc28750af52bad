/* kernels.h: the tables of compute kernels, one for each instruction set; all give the same bits. A kernel takes any bits,
 * NaN too, and has no errors. All tables are compiled from the same source (kernels_body.h), without contraction of a * b + c
 * and without fast-math. */
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

enum { MW_UNIT = 2048, MW_LANES = 64, MW_GROUP = 64, MW_DRAWS = 256, MW_STRIP = 16 };

/* dst[i] = f(a, b, c, d). A kernel has a function for every *form*: bit k of the form says that operand k is a single value,
 * not a tile of n values. So form 2 of MUL is a tile times one number: dst[i] = a[i] * b[0]. At least one operand is a tile.
 * dst may be any of the tiles. Values are float, or double in the table of doubles. Whole groups of MW_GROUP values are read
 * and written, so tiles must be padded to a multiple of that; values beyond n mean nothing. */
typedef void (*mw_kernel_map)(void *dst, const void *a, const void *b, const void *c, const void *d, size_t n);

/* A map without load and store (bf16_steps.def): operands whose bit is set in `stored` are bf16 in the input's buffer, those whose
 * bit is set in `one` a single value, the others tiles; the result is bf16 in the output's buffer if it `stores`, else a tile.
 * Buffers of bf16 must be padded to 16 elements: whole vectors are read and written. Returns true if one of the n results
 * is not finite: then the results may have other NaN bits than a load, a map and a store would give, and must not be used. */
typedef bool (*mw_kernel_map_direct)(void *dst, const void *a, const void *b, const void *c, const void *d, size_t n);
typedef struct mw_kernel_direct {
  uint8_t kernel, one, stored, stores;
  mw_kernel_map_direct map;
} mw_kernel_direct;

/* From stored elements (at any alignment) to compute values and back, with one rounding to nearest even. Every NaN becomes the
 * same quiet NaN. Both return true if a NaN or infinity was among the values read (load) or written (store). F8_E4M3 has no
 * infinity: values beyond 448 become its NaN, as in torch. */
typedef bool (*mw_kernel_load)(void *dst, const void *stored, size_t n);
typedef bool (*mw_kernel_store)(void *stored, const void *src, size_t n);

/* Adds x (or x*y) to 64 lanes; element i goes to lane i % 64. n <= MW_UNIT, starting at a multiple of 64. */
typedef void (*mw_kernel_sum)(void *lanes, const void *x, size_t n);
typedef void (*mw_kernel_dot)(void *lanes, const void *x, const void *y, size_t n);
/* dot of two tensors of bf16 as stored, padded to 16 elements; and whether one of such is not finite, which dot does not tell. */
typedef bool (*mw_kernel_odd)(const void *stored, size_t n);
/* dot of such a tensor and itself. True, and no lane has changed, where one of the elements is not finite. */
typedef bool (*mw_kernel_squares)(void *lanes, const void *x, size_t n);
/* All dots of two such tensors in one look: lanes[0] of x and y, lanes[1] of x and x, lanes[2] of y and y. True, and no lane has
 * changed, where one of the elements is not finite. */
typedef bool (*mw_kernel_dots)(float *const lanes[3], const void *x, const void *y, size_t n);
/* The largest of `peak` and |x[i]| for n values; NaN if one is NaN. */
typedef double (*mw_kernel_peak)(double peak, const void *x, size_t n);
/* dst[i] = 1 where |x[i]| > threshold, or equals it for i < ties; else 0. keep_top: x[i] there. dst may be x. */
typedef void (*mw_kernel_top)(void *dst, const void *x, double threshold, size_t ties, size_t n);

/* Elements whose key was found in a range of at most 2^20 keys: index << 20 | key - low of each, as long as there is room. */
enum { MW_KERNEL_LISTED = 65536, MW_KERNEL_LISTED_KEYS = 20 };
typedef struct mw_kernel_list {
  uint64_t *items;
  size_t count;   /* at most MW_KERNEL_LISTED */
  uint64_t start; /* index of the first element that a call looks at */
} mw_kernel_list;

/* Selection (select.h): of n keys, counts those from `low` to `high` into bins[(key - low) >> shift], and returns how many
 * are below `low`. A key is the bits as a signed integer: of |x| if `magnitude`, else in numeric order. `common` is a key that many
 * elements may have, anywhere: these are counted fastest. `list` may be NULL; else it takes what is not common of at most 2^20 keys. */
typedef uint64_t (*mw_kernel_key_range)(uint32_t *bins, const void *x, size_t n, bool magnitude, int64_t low, int64_t high,
                                        int64_t common, unsigned shift, mw_kernel_list *list);
/* The mean of those of `count` values v that have an elected sign, 0 where none has: plus if 0 < a + (a == 0) * b, where b is one number,
 * else minus. Values are tiles, added in their order; dst may be one of the tiles. Returns whether b mattered: a is 0 somewhere where
 * not all values are. */
typedef bool (*mw_kernel_disjoint_mean)(void *dst, const void *a, const void *b, const void *const *values, size_t count, size_t n);
/* The sum of these, where a sign of 0 counts as plus. */
typedef void (*mw_kernel_disjoint_sum)(void *dst, const void *a, const void *const *values, size_t count, size_t n);
/* How many of n values have |x| = threshold. */
typedef size_t (*mw_kernel_ties)(const void *x, size_t n, double threshold);

/* A stream of random numbers: word e of tensor `name` comes from Philox4x32-10 with this key; the counter's high
 * words are `name`, its low words 16 * (e / 64) + e % 16, and of the block's words it is (e / 16) % 4. */
typedef struct mw_kernel_stream { uint64_t key, name; } mw_kernel_stream;

/* Chance: each of the elements [start, start + n) of a tensor draws true with probability p: if its number of 32 bits is below
 * p * 2^32 (computed in double; p >= 1 is always true). The number's highest 8 bits are those of element e: byte (e / 64) % 4,
 * from the lowest, of word 64 * (e / 256) + e % 64. Its lower 24 bits are the highest 24 of word 2^63 + e. So one word serves
 * four elements, and most draws need no second word: the first byte decides unless it equals that of p * 2^32.
 * bernoulli: dst[i] = 1 where true, else 0. drop: dst[i] = 0 where true, else x[i], or (x[i] - y[i]) * factor if there is a y; dst may
 * be x or y. */
typedef void (*mw_kernel_bernoulli)(void *dst, mw_kernel_stream stream, uint64_t start, size_t n, double p);
/* A byte for each of the n elements: 0xff where it draws true, else 0. */
typedef void (*mw_kernel_draws)(uint8_t *dst, mw_kernel_stream stream, uint64_t start, size_t n, double p);
/* bernoulli with a probability for each element: p[i], of the compute type. dst may be p. */
typedef void (*mw_kernel_bernoulli_each)(void *dst, const void *p, mw_kernel_stream stream, uint64_t start, size_t n);
typedef void (*mw_kernel_drop)(void *dst, const void *x, const void *y, mw_kernel_stream stream, uint64_t start, size_t n,
                               double p, double factor);
/* Standard normal variates (Box-Muller on two words of the element's own block, over mathx). */
typedef void (*mw_kernel_normal)(void *dst, mw_kernel_stream stream, uint64_t start, size_t n);
/* dst[i] = x[i] * columns[(start + i) % width]. */
typedef void (*mw_kernel_columns)(void *dst, const void *x, const void *columns, uint64_t start, uint64_t width, size_t n);

/* The kernels of one compute type: mw_kernels.type[0] has those of float, type[1] those of double. */
typedef struct mw_kernel_set {
  mw_kernel_map map[MW_KERNEL_COUNT][16]; /* [kernel][form] */
  const mw_kernel_direct *direct;         /* only in the table of float (bf16_steps.def) */
  size_t direct_count;
  mw_kernel_dot dot_stored;               /* likewise, as the one below; or NULL */
  mw_kernel_odd odd_stored;
  mw_kernel_squares squares_stored;
  mw_kernel_dots dots_stored;
  mw_kernel_load load[MW_DTYPE_COUNT];    /* NULL where a dtype is not REAL (base/dtypes.def) */
  mw_kernel_store store[MW_DTYPE_COUNT];
  mw_kernel_sum sum;
  mw_kernel_dot dot;
  mw_kernel_peak peak;
  mw_kernel_top top, keep_top;
  mw_kernel_key_range key_range;
  mw_kernel_ties ties;
  mw_kernel_disjoint_mean disjoint_mean;
  mw_kernel_disjoint_sum disjoint_sum;
  mw_kernel_bernoulli bernoulli;
  mw_kernel_draws draws;
  mw_kernel_bernoulli_each bernoulli_each;
  mw_kernel_drop drop;
  mw_kernel_normal normal;
  mw_kernel_columns columns;
} mw_kernel_set;

/* The loops of networks, in f32: rows.def says what each does. */
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
