/* kernels_bf16.h: bf16, the dtype of most models, 16 elements at a time in vector registers: from bf16 to float, from float to
 * bf16, and the maps of bf16_steps.def, which shows one of them in full. kernels_body.h includes this file before
 * kernels_type.h, for AVX2 and AVX-512.
 *
 * A bf16 is the upper half of a float. So a load shifts 16 bits up, exactly; a store rounds the lower half away.
 *
 * Whether a value is not finite (all bits of its exponent are set) is not asked of each one. All values are joined by OR, and
 * only if the joined bits have the higher 7 of the 8 exponent bits set, the results are looked at one by one. Weights of
 * models are below 2, so this is rare: the highest exponent bit means 2 or more. The lowest one is left out since rounding
 * may still carry into it. */

/* ---- sixteen values ---------------------------------------------------------------------------------------------- */

#ifdef __AVX512F__
#define VALUES 16
#else
#define VALUES 8
/* A vector of AVX2 has two halves of 16 bytes, and moving data from one half to the other is slow. The unpack instructions
 * work within each half: of 16 bf16 (0 to 7 in the lower half, 8 to 15 in the upper) they make one vector with elements 0 to 3
 * and 8 to 11 and one with 4 to 7 and 12 to 15. So this is the order of elements in part[0] and part[1]; packing within the
 * halves brings them back. */
#define MW_HALVES 1
#endif
enum { SIXTEEN = 16, PARTS = SIXTEEN / VALUES };
typedef float values __attribute__((vector_size(VALUES * 4)));
typedef uint32_t value_bits __attribute__((vector_size(VALUES * 4)));
typedef uint16_t value_halves __attribute__((vector_size(VALUES * 2)));
typedef struct sixteen { values part[PARTS]; } sixteen;

/* 16 floats from memory, and to memory. */
static inline sixteen take_sixteen(const float *p) {
  sixteen x;
#ifdef MW_HALVES
  for (int i = 0; i < PARTS; i++)
    x.part[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p + 4 * i)), _mm_loadu_ps(p + 4 * i + 8), 1);
#else
  memcpy(&x, p, sizeof x);
#endif
  return x;
}

static inline void put_sixteen(float *p, sixteen x) {
#ifdef MW_HALVES
  _mm256_storeu_ps(p, _mm256_permute2f128_ps(x.part[0], x.part[1], 0x20));
  _mm256_storeu_ps(p + 8, _mm256_permute2f128_ps(x.part[0], x.part[1], 0x31));
#else
  memcpy(p, &x, sizeof x);
#endif
}

/* 16 bf16 from memory, as floats: each becomes the upper half of a float whose lower half is 0. */
static inline sixteen take_bf16(const stored16 *p) {
  sixteen x;
#ifdef MW_HALVES
  const __m256i zero = _mm256_setzero_si256(), s = _mm256_loadu_si256((const __m256i *)(const void *)p);
  x.part[0] = _mm256_castsi256_ps(_mm256_unpacklo_epi16(zero, s));
  x.part[1] = _mm256_castsi256_ps(_mm256_unpackhi_epi16(zero, s));
#else
  for (int i = 0; i < PARTS; i++) {
    value_halves h;
    memcpy(&h, p + i * VALUES, sizeof h);
    x.part[i] = (values)(__builtin_convertvector(h, value_bits) << 16);
  }
#endif
  return x;
}

/* Joins the bits of 16 values to `seen`. */
static inline value_bits join_sixteen(value_bits seen, sixteen x) {
  for (int i = 0; i < PARTS; i++)
    seen |= (value_bits)x.part[i];
  return seen;
}

/* Rounds to nearest even, as to_bf16 does, and joins the bits of the values to `seen` for joined_stored.
 *
 * With halves, the high and the low words of 16 floats are separated into two vectors, so that one instruction works on 16
 * words. The high word is rounded up by adding 1 if low > 0x8000, or if low = 0x8000 and high is odd. Both cases: the top bit
 * of low - 1 (0 if low is 0), or of low if high is odd:
 *
 *   low      high is even: low - 1    high is odd: low
 *   0x7fff   0x7ffe  down             0x7fff  down
 *   0x8000   0x7fff  down             0x8000  up
 *   0x8001   0x8000  up               0x8001  up */
static inline value_bits put_bf16(stored16 *p, sixteen x, value_bits seen) {
#ifdef MW_HALVES
  const __m256i apart = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15,
                                         0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
  __m256i first = _mm256_shuffle_epi8(_mm256_castps_si256(x.part[0]), apart);
  __m256i second = _mm256_shuffle_epi8(_mm256_castps_si256(x.part[1]), apart);
  __m256i low = _mm256_unpacklo_epi64(first, second), high = _mm256_unpackhi_epi64(first, second);
  __m256i up = _mm256_srli_epi16(_mm256_subs_epu16(low, _mm256_andnot_si256(high, _mm256_set1_epi16(1))), 15);
  _mm256_storeu_si256((__m256i *)(void *)p, _mm256_add_epi16(high, up));
  return seen | (value_bits)high;
#else
  for (int i = 0; i < PARTS; i++) {
    const value_bits bits = (value_bits)x.part[i];
    const value_halves h = __builtin_convertvector((bits + 0x7fff + (bits >> 16 & 1)) >> 16, value_halves);
    memcpy(p + i * VALUES, &h, sizeof h);
  }
  return join_sixteen(seen, x);
#endif
}

/* All bits of a vector joined by OR. */
static inline uint32_t joined(value_bits x) {
  uint32_t all = 0;
  for (int i = 0; i < VALUES; i++)
    all |= x[i];
  return all;
}

/* The high words of all values joined by OR: after put_bf16, or after join_sixteen. */
static inline uint32_t joined_stored(value_bits seen) {
#ifdef MW_HALVES
  return joined(seen | seen << 16) >> 16;
#else
  return joined(seen) >> 16;
#endif
}
static inline uint32_t joined_tile(value_bits seen) { return joined(seen) >> 16; }

/* ---- maps of stored bf16 ------------------------------------------------------------------------------------------- */

/* MW_BF16_STEP glues names from the words of its line: hold_X prepares an operand before the loop, read_X gives 16 of its
 * values, write_X takes 16 results, joined_X and finite_X look for values that are not finite. X is stored, tile, one, none. */

/* An operand within a loop: its memory, or its single value in all places of a vector. */
typedef struct operand { const void *p; values one; } operand;

static inline operand hold_none(const void *p) { return (operand){p, {0}}; }
static inline operand hold_one(const void *p) { return (operand){p, (values){0} + *(const float *)p}; }
#define hold_stored hold_none
#define hold_tile hold_none

static inline sixteen read_stored(operand x, size_t i) { return take_bf16((const stored16 *)x.p + i); }
static inline sixteen read_tile(operand x, size_t i) { return take_sixteen((const float *)x.p + i); }
static inline sixteen read_one(operand x, size_t i) {
  sixteen all;
  (void)i;
  for (int k = 0; k < PARTS; k++)
    all.part[k] = x.one;
  return all;
}
#define read_none read_one

/* Both join the bits of the values to `seen`. */
static inline value_bits write_stored(void *p, size_t i, sixteen x, value_bits seen) {
  return put_bf16((stored16 *)p + i, x, seen);
}
static inline value_bits write_tile(void *p, size_t i, sixteen x, value_bits seen) {
  put_sixteen((float *)p + i, x);
  return join_sixteen(seen, x);
}

/* The closer look: whether all n results are finite. */
static bool finite_stored(const void *p, size_t n) {
  const stored16 *in = p;
  uint32_t bad = 0;
  for (size_t i = 0; i < n; i++)
    bad |= (in[i] & 0x7f80u) == 0x7f80;
  return !bad;
}
static bool finite_tile(const void *p, size_t n) {
  const float *in = p;
  uint32_t bad = 0;
  for (size_t i = 0; i < n; i++)
    bad |= in[i] - in[i] != 0;
  return !bad;
}

/* vector_ADD, vector_SUB ...: the expressions of kernels.def on whole vectors. */
#define MW_KERNEL(name, arity, expression)
#define MW_ARITHMETIC(name, arity, expression) \
  static inline values vector_##name(values a, values b, values c, values d) { \
    (void)a, (void)b, (void)c, (void)d; \
    return expression; \
  }
#include "num/kernels.def"
#undef MW_KERNEL

/* + - * of a value that is not finite gives one that is not finite, so it is enough to look at the results. So does a quotient of
 * what is stored by a number, but not that of a number: 1 by infinity is 0. */
static inline values vector_DIV(values a, values b, values c, values d) { return (void)c, (void)d, a / b; }
#define DIRECT_NAME(name, a, b, c, d, result) direct_##name##_##a##_##b##_##c##_##d##_##result
#define MW_BF16_STEP(name, a, b, c, d, result) \
  static bool DIRECT_NAME(name, a, b, c, d, result)(void *dst, const void *pa, const void *pb, const void *pc, \
                                                    const void *pd, size_t n) { \
    const operand oa = hold_##a(pa), ob = hold_##b(pb), oc = hold_##c(pc), od = hold_##d(pd); \
    value_bits seen = {0}; \
    for (size_t i = 0; i < n; i += SIXTEEN) { \
      const sixteen xa = read_##a(oa, i), xb = read_##b(ob, i), xc = read_##c(oc, i), xd = read_##d(od, i); \
      sixteen x; \
      for (int k = 0; k < PARTS; k++) \
        x.part[k] = vector_##name(xa.part[k], xb.part[k], xc.part[k], xd.part[k]); \
      seen = write_##result(dst, i, x, seen); \
    } \
    return (joined_##result(seen) & 0x7f00) == 0x7f00 && !finite_##result(dst, n); \
  }
#include "num/bf16_steps.def"
#undef MW_BF16_STEP

/* `dot` of bf16 as stored: the same lanes get the same products in the same order (kernels_type.h). */
static void dot_stored(void *lanes, const void *px, const void *py, size_t n) {
  enum { ROW = MW_LANES / SIXTEEN };
  const stored16 *x = px, *y = py;
  float *total = lanes;
  sixteen sums[ROW];
  size_t i = 0;
  for (int r = 0; r < ROW; r++) sums[r] = take_sixteen(total + r * SIXTEEN);
  for (; i + MW_LANES <= n; i += MW_LANES)
    for (int r = 0; r < ROW; r++) {
      const sixteen a = take_bf16(x + i + r * SIXTEEN), b = take_bf16(y + i + r * SIXTEEN);
      for (int k = 0; k < PARTS; k++) sums[r].part[k] += a.part[k] * b.part[k];
    }
  for (int r = 0; r < ROW; r++) put_sixteen(total + r * SIXTEEN, sums[r]);
  for (size_t j = 0; i + j < n; j++) total[j] += bits_float((uint32_t)x[i + j] << 16) * bits_float((uint32_t)y[i + j] << 16);
}

/* 16 bf16 as floats; their bits as stored are joined to `seen`, for joined_stored. */
static inline sixteen take_seen(const stored16 *p, value_bits *seen) {
  const sixteen x = take_bf16(p);
#ifdef MW_HALVES
  *seen |= (value_bits)_mm256_loadu_si256((const __m256i *)(const void *)p);
#else
  *seen = join_sixteen(*seen, x);
#endif
  return x;
}

/* The same of a tensor and itself, looked at on the way. */
static bool squares_stored(void *lanes, const void *p, size_t n) {
  enum { ROW = MW_LANES / SIXTEEN };
  const stored16 *x = p;
  float *total = lanes;
  sixteen sums[ROW];
  value_bits seen = {0};
  size_t i = 0;
  uint32_t rest = 0;
  for (int r = 0; r < ROW; r++) sums[r] = take_sixteen(total + r * SIXTEEN);
  for (; i + MW_LANES <= n; i += MW_LANES)
    for (int r = 0; r < ROW; r++) {
      const sixteen a = take_seen(x + i + r * SIXTEEN, &seen);
      for (int k = 0; k < PARTS; k++) sums[r].part[k] += a.part[k] * a.part[k];
    }
  for (size_t j = i; j < n; j++) rest |= x[j];
  if (((joined_stored(seen) | rest) & 0x7f00) == 0x7f00 && !finite_stored(p, n)) return true;
  for (int r = 0; r < ROW; r++) put_sixteen(total + r * SIXTEEN, sums[r]);
  for (size_t j = 0; i + j < n; j++) total[j] += bits_float((uint32_t)x[i + j] << 16) * bits_float((uint32_t)x[i + j] << 16);
  return false;
}

/* Whether one of n bf16 is not finite. */
static bool odd_stored(const void *p, size_t n) {
  value_bits seen = {0};
  for (size_t i = 0; i < n; i += SIXTEEN) seen = join_sixteen(seen, take_bf16((const stored16 *)p + i));
  return (joined_tile(seen) & 0x7f00) == 0x7f00 && !finite_stored(p, n);
}

/* Sixteen lanes of each dot at a time, so that their sums stay in registers. */
static bool dots_stored(float *const lanes[3], const void *px, const void *py, size_t n) {
  const stored16 *x = px, *y = py;
  const size_t whole = n - n % MW_LANES;
  float sums[3][MW_LANES];
  value_bits seen = {0};
  for (size_t lane = 0; lane < MW_LANES; lane += SIXTEEN) {
    sixteen xy = take_sixteen(lanes[0] + lane), xx = take_sixteen(lanes[1] + lane), yy = take_sixteen(lanes[2] + lane);
    for (size_t i = lane; i < whole; i += MW_LANES) {
      const sixteen a = take_bf16(x + i), b = take_bf16(y + i);
      for (int k = 0; k < PARTS; k++) {
        xy.part[k] += a.part[k] * b.part[k];
        xx.part[k] += a.part[k] * a.part[k];
        yy.part[k] += b.part[k] * b.part[k];
      }
      seen = join_sixteen(join_sixteen(seen, a), b);
    }
    put_sixteen(sums[0] + lane, xy), put_sixteen(sums[1] + lane, xx), put_sixteen(sums[2] + lane, yy);
  }
  bool odd = (joined_tile(seen) & 0x7f00) == 0x7f00;
  for (size_t i = whole; i < n; i++) {
    const float a = bits_float((uint32_t)x[i] << 16), b = bits_float((uint32_t)y[i] << 16);
    sums[0][i - whole] += a * b, sums[1][i - whole] += a * a, sums[2][i - whole] += b * b;
    odd |= (x[i] & 0x7f00) == 0x7f00 || (y[i] & 0x7f00) == 0x7f00;
  }
  if (odd && (!finite_stored(px, n) || !finite_stored(py, n))) return true;
  for (int d = 0; d < 3; d++) memcpy(lanes[d], sums[d], sizeof sums[d]);
  return false;
}

/* A mask of operands: MASK(ONE, ...) has bit 0 set if a is `one`, bit 1 if b is, ...; MASK(STORED, ...) likewise. */
enum { ONE_none = 0, ONE_one = 1, ONE_tile = 0, ONE_stored = 0, STORED_none = 0, STORED_one = 0, STORED_tile = 0, STORED_stored = 1 };
#define MASK(what, a, b, c, d) (what##_##a | what##_##b << 1 | what##_##c << 2 | what##_##d << 3)

static const mw_kernel_direct direct_maps[] = {
#define MW_BF16_STEP(name, a, b, c, d, result) \
  {MW_KERNEL_##name, MASK(ONE, a, b, c, d), MASK(STORED, a, b, c, d), STORED_##result, DIRECT_NAME(name, a, b, c, d, result)},
#include "num/bf16_steps.def"
#undef MW_BF16_STEP
};
