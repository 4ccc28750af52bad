/* kernels_type.h: the kernels of one compute type; kernels_body.h includes it twice. No include guard on purpose.
 * Expects R (float or double), R_BITS (its bits), R_KEY (the same, signed), R_IS_FLOAT, MW_SQRT, MW_ABS and NAME(x),
 * which gives a name its suffix; it undefines them at its end. Invariant: a result depends on no order but that of the
 * source, so that every compiler and instruction set gives the same bits. */

/* ---- maps ------------------------------------------------------------------------------------------------------- */

/* Whole groups, a constant number of elements each: compilers unroll them and need no code for what is left over.
 * Operand `x` with bit `bit` of the form set is one value, read before the loop. */
#define HOLD(x, bit, form) const R *tile_##x = p##x; const R one_##x = ((form) & (bit)) ? *tile_##x : 0; (void)one_##x
#define TAKE(x, bit, form) const R x = ((form) & (bit)) ? one_##x : tile_##x[i]

#define HOLD_1(f) HOLD(a, 1, f); (void)pb; (void)pc; (void)pd
#define HOLD_2(f) HOLD(a, 1, f); HOLD(b, 2, f); (void)pc; (void)pd
#define HOLD_3(f) HOLD(a, 1, f); HOLD(b, 2, f); HOLD(c, 4, f); (void)pd
#define HOLD_4(f) HOLD(a, 1, f); HOLD(b, 2, f); HOLD(c, 4, f); HOLD(d, 8, f)
#define TAKE_1(f) TAKE(a, 1, f)
#define TAKE_2(f) TAKE_1(f); TAKE(b, 2, f)
#define TAKE_3(f) TAKE_2(f); TAKE(c, 4, f)
#define TAKE_4(f) TAKE_3(f); TAKE(d, 8, f)

#define MAP(name, arity, form, expression) \
  static void NAME(map_##name##_##form)(void *dst, const void *pa, const void *pb, const void *pc, const void *pd, \
                                        size_t n) { \
    R *out = dst; \
    HOLD_##arity(form); \
    for (size_t group = 0; group < n; group += MW_GROUP) { \
      MW_INDEPENDENT \
      for (size_t i = group; i < group + MW_GROUP; i++) { \
        TAKE_##arity(form); \
        out[i] = (R)(expression); \
      } \
    } \
  }
#define MAPS_1(k, e) MAP(k, 1, 0, e)
#define MAPS_2(k, e) MAP(k, 2, 0, e) MAP(k, 2, 1, e) MAP(k, 2, 2, e)
#define MAPS_3(k, e) MAP(k, 3, 0, e) MAP(k, 3, 1, e) MAP(k, 3, 2, e) MAP(k, 3, 3, e) MAP(k, 3, 4, e) MAP(k, 3, 5, e) \
  MAP(k, 3, 6, e)
#define MAPS_4(k, e) MAP(k, 4, 0, e) MAP(k, 4, 1, e) MAP(k, 4, 2, e) MAP(k, 4, 3, e) MAP(k, 4, 4, e) MAP(k, 4, 5, e) \
  MAP(k, 4, 6, e) MAP(k, 4, 7, e) MAP(k, 4, 8, e) MAP(k, 4, 9, e) MAP(k, 4, 10, e) MAP(k, 4, 11, e) MAP(k, 4, 12, e) \
  MAP(k, 4, 13, e) MAP(k, 4, 14, e)

#define MW_KERNEL(name, arity, expression) MAPS_##arity(name, (expression))
#include "num/kernels.def"
#undef MW_KERNEL

/* ---- loads ------------------------------------------------------------------------------------------------------ */

/* What a load does when it may have met something that is not finite: NaN becomes the canonical one. Whether it had. */
static bool NAME(tidy)(R *x, size_t n) {
  uint32_t bad = 0;
  for (size_t i = 0; i < n; i++) {
    bad |= x[i] - x[i] != 0; /* infinity - infinity is NaN */
    x[i] = x[i] != x[i] ? (R)MW_MATHX_NAN : x[i];
  }
  return bad != 0;
}

/* Every load is fast on numbers. All stored bits are joined by OR, and only where the bits of `exponent` are then all
 * set it looks closer: the weights of models are below 2, where the highest bit of an exponent is not. */
#define LOAD(dtype, stored_type, seen_type, value, exponent) \
  static bool NAME(load_##dtype)(void *dst, const void *stored, size_t n) { \
    R *restrict out = dst; \
    const stored_type *restrict in = stored; \
    seen_type seen = 0; \
    for (size_t i = 0; i < n; i++) { \
      const seen_type s = (seen_type)in[i]; \
      out[i] = (R)(value); \
      seen |= s; \
    } \
    return (seen & (exponent)) == (exponent) && NAME(tidy)(out, n); \
  }
LOAD(e5m2, stored8, uint32_t, from_e5m2(s), 0x7cu)
LOAD(e4m3, stored8, uint32_t, from_e4m3(s), 0x7fu)
LOAD(f32, stored32, uint32_t, bits_float(s), 0x7f800000u)

#if R_IS_FLOAT && defined MW_BODY_X86
static bool NAME(load_bf16)(void *dst, const void *stored, size_t n) {
  R *restrict out = dst;
  const stored16 *restrict in = stored;
  size_t i = 0;
  value_bits all = {0};
  for (; i + SIXTEEN <= n; i += SIXTEEN) {
    const sixteen x = take_bf16(in + i);
    all = join_sixteen(all, x);
    put_sixteen(out + i, x);
  }
  uint32_t seen = joined_tile(all);
  for (; i < n; i++) {
    out[i] = bits_float((uint32_t)in[i] << 16);
    seen |= in[i];
  }
  return (seen & 0x7f80) == 0x7f80 && NAME(tidy)(out, n);
}
#else
LOAD(bf16, stored16, uint16_t, bits_float((uint32_t)s << 16), 0x7f80)
#endif

#ifndef MW_BODY_X86
LOAD(f16, stored16, uint32_t, from_f16(s), 0x7c00u)
#else
/* F16C. */
static bool NAME(load_f16)(void *dst, const void *stored, size_t n) {
  R *restrict out = dst;
  const stored16 *restrict in = stored;
  size_t i = 0;
  __m256i all = _mm256_setzero_si256();
  for (; i + 16 <= n; i += 16) {
    __m256i s = _mm256_loadu_si256((const __m256i *)(const void *)(in + i));
    all = _mm256_or_si256(all, s);
#if R_IS_FLOAT && defined __AVX512F__
    _mm512_storeu_ps(out + i, _mm512_cvtph_ps(s));
#elif R_IS_FLOAT
    _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm256_castsi256_si128(s)));
    _mm256_storeu_ps(out + i + 8, _mm256_cvtph_ps(_mm256_extracti128_si256(s, 1)));
#else
    float x[16];
    _mm256_storeu_ps(x, _mm256_cvtph_ps(_mm256_castsi256_si128(s)));
    _mm256_storeu_ps(x + 8, _mm256_cvtph_ps(_mm256_extracti128_si256(s, 1)));
    for (size_t j = 0; j < 16; j++)
      out[i + j] = (R)x[j];
#endif
  }
  uint32_t seen = joined16(all);
  for (; i < n; i++) {
    out[i] = (R)from_f16(in[i]);
    seen |= in[i];
  }
  return (seen & 0x7c00) == 0x7c00 && NAME(tidy)(out, n);
}
#endif

/* Looks at the result: what is too large for float counts as infinite. */
static bool NAME(load_f64)(void *dst, const void *stored, size_t n) {
  R *restrict out = dst;
  const stored64 *restrict in = stored;
  uint32_t bad = 0;
  for (size_t i = 0; i < n; i++) {
    const R x = (R)mw_mathx_from(in[i]);
    out[i] = x;
    bad |= x - x != 0;
  }
  return bad && NAME(tidy)(out, n);
}

/* ---- the largest ------------------------------------------------------------------------------------------------ */

/* Bits without sign are ordered as magnitudes are, NaN above all. */
static double NAME(peak)(double peak, const void *x, size_t n) {
  const R *in = x;
  R_BITS most = 0;
  R value;
  for (size_t i = 0; i < n; i++) {
    R_BITS bits;
    memcpy(&bits, in + i, sizeof bits);
    bits &= (R_BITS)-1 >> 1;
    most = bits > most ? bits : most;
  }
  memcpy(&value, &most, sizeof value);
  return value > peak || value != value ? (double)value : peak;
}

/* ---- the largest and what ties with them ------------------------------------------------------------------------ */

static void NAME(top)(void *dst, const void *x, double threshold, size_t ties, size_t n) {
  R *out = dst;
  const R *in = x;
  const R least = (R)threshold;
  MW_INDEPENDENT
  for (size_t i = 0; i < ties; i++) out[i] = least <= MW_ABS(in[i]) ? 1 : 0;
  MW_INDEPENDENT
  for (size_t i = ties; i < n; i++) out[i] = least < MW_ABS(in[i]) ? 1 : 0;
}

/* ---- stores ----------------------------------------------------------------------------------------------------- */

/* The value before the last rounding. */
#if R_IS_FLOAT
#define NARROW(x) (x)
#else
#define NARROW(x) round_odd(x)
#endif

#define STORE(dtype, stored_type, to, mask, limit) \
  static bool NAME(store_##dtype)(void *stored, const void *src, size_t n) { \
    stored_type *restrict out = stored; \
    const R *restrict in = src; \
    uint32_t bad = 0; \
    for (size_t i = 0; i < n; i++) { \
      const uint32_t s = to(NARROW(in[i])); \
      out[i] = (stored_type)s; \
      bad |= (s & (mask)) >= (limit); \
    } \
    return bad != 0; \
  }
STORE(e5m2, stored8, to_e5m2, 0x7fu, 0x7cu)
STORE(e4m3, stored8, to_e4m3, 0x7fu, 0x7fu)

/* Whether a bf16 of these values is not finite; NaN, which was rounded as if it were a number, is mended. */
static bool NAME(mend_bf16)(stored16 *out, const R *in, size_t n) {
  uint32_t bad = 0;
  if (NAME(peak)(0, in, n) < 0x1.ffp127) return false;
  for (size_t i = 0; i < n; i++) {
    out[i] = in[i] != in[i] ? 0x7fc0 : out[i];
    bad |= (out[i] & 0x7f80u) == 0x7f80;
  }
  return bad != 0;
}

/* As in the loads: the rounding can reach infinity only from the two highest exponents on. */
static bool NAME(store_bf16)(void *stored, const void *src, size_t n) {
  stored16 *restrict out = stored;
  const R *restrict in = src;
  uint32_t seen = 0;
  size_t i = 0;
#if R_IS_FLOAT && defined MW_BODY_X86
  value_bits all = {0};
  for (; i + SIXTEEN <= n; i += SIXTEEN) {
    const sixteen x = take_sixteen(in + i);
    all = put_bf16(out + i, x, all);
  }
  seen = joined_stored(all);
#endif
  for (; i < n; i++) {
    const float x = NARROW(in[i]);
    out[i] = (stored16)to_bf16(x);
    seen |= float_bits(x) >> 16;
  }
  return (seen & 0x7f00) == 0x7f00 && NAME(mend_bf16)(out, in, n);
}

#if defined MW_BODY_X86 && R_IS_FLOAT
/* F16C; it keeps the bits of a NaN, so that those are mended. */
static bool NAME(store_f16)(void *stored, const void *src, size_t n) {
  stored16 *restrict out = stored;
  const R *restrict in = src;
  uint32_t bad = 0;
  size_t i = 0;
  __m256i sum = _mm256_setzero_si256(), mask = _mm256_set1_epi16(INT16_MAX), carry = _mm256_set1_epi16(0x0400);
  for (; i + 16 <= n; i += 16) {
#ifdef __AVX512F__
    __m256i s = _mm512_cvtps_ph(_mm512_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
    __m256i s = _mm256_set_m128i(_mm256_cvtps_ph(_mm256_loadu_ps(in + i + 8), _MM_FROUND_TO_NEAREST_INT),
                                 _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
#endif
    sum = _mm256_or_si256(sum, _mm256_add_epi16(_mm256_and_si256(s, mask), carry));
    _mm256_storeu_si256((__m256i *)(void *)(out + i), s);
  }
  bad = ((uint32_t)_mm256_movemask_epi8(sum) & 0xaaaaaaaa) ? 0x8000 : 0;
  for (; i < n; i++) {
    out[i] = (stored16)to_f16(in[i]);
    bad |= (out[i] & 0x7fffu) + 0x0400;
  }
  if (!(bad & 0x8000))
    return false;
  for (i = 0; i < n; i++)
    if (in[i] != in[i])
      out[i] = 0x7e00;
  return true;
}
#else
STORE(f16, stored16, to_f16, 0x7fffu, 0x7c00u)
#endif

static bool NAME(store_f32)(void *stored, const void *src, size_t n) {
  stored32 *restrict out = stored;
  const R *restrict in = src;
  uint32_t bad = 0;
  for (size_t i = 0; i < n; i++) {
    const uint32_t bits = float_bits((float)in[i]), positive = bits & INT32_MAX;
    out[i] = positive > 0x7f800000 ? 0x7fc00000 : bits;
    bad |= positive + 0x00800000;
  }
  return bad >> 31;
}

static bool NAME(store_f64)(void *stored, const void *src, size_t n) {
  stored64 *restrict out = stored;
  const R *restrict in = src;
  uint64_t bad = 0;
  for (size_t i = 0; i < n; i++) {
    const uint64_t bits = mw_mathx_bits((double)in[i]), positive = bits & INT64_MAX;
    out[i] = positive > 0x7ff0000000000000 ? 0x7ff8000000000000 : bits;
    bad |= positive + 0x0010000000000000;
  }
  return bad >> 63;
}

/* ---- reductions ------------------------------------------------------------------------------------------------- */

#define LANES(name, parameters, term) \
  static void NAME(name) parameters { \
    const R *restrict a = x; \
    R *restrict total = lanes; \
    R sums[MW_LANES]; \
    size_t i = 0; \
    memcpy(sums, total, sizeof sums); \
    for (; i + MW_LANES <= n; i += MW_LANES) \
      for (size_t j = 0; j < MW_LANES; j++) \
        sums[j] += term(i + j); \
    for (size_t j = 0; i + j < n; j++) \
      sums[j] += term(i + j); \
    memcpy(total, sums, sizeof sums); \
  }
#define TERM(k) a[k]
LANES(sum, (void *lanes, const void *x, size_t n), TERM)
#undef TERM
#define TERM(k) (a[k] * ((const R *)y)[k])
LANES(dot, (void *lanes, const void *x, const void *y, size_t n), TERM)
#undef TERM

/* ---- selection --------------------------------------------------------------------------------------------------- */

/* The key of |x|, or of x in numeric order, where -0 is +0. */
static inline R_KEY NAME(key_of)(R x, bool magnitude) {
  const R_KEY most = (R_KEY)((R_BITS)-1 >> 1);
  R_KEY bits;
  if (!magnitude) x = x + 0;
  memcpy(&bits, &x, sizeof bits);
  return magnitude ? bits & most : bits ^ ((bits < 0 ? -1 : 0) & most);
}

/* Few keys lie within an aimed window: parts that have none are passed over after few operations a key. */
__attribute__((always_inline))
static inline uint64_t NAME(window_of)(uint32_t *bins, const R *in, size_t n, bool magnitude, R_KEY from, R_KEY to,
                                       unsigned shift) {
  enum { PART = 32 };
  R_KEY below[PART] = {0};
  uint64_t total = 0;
  for (size_t i = 0; i < n; i += PART) {
    R_BITS outside = (R_BITS)-1;
    const size_t end = n - i < PART ? n : i + PART;
    if (end == i + PART)
      for (size_t j = 0; j < PART; j++) {
        const R_KEY key = NAME(key_of)(in[i + j], magnitude);
        const R_KEY under = key < from ? -1 : 0, over = key > to ? -1 : 0;
        below[j] -= under;
        outside &= (R_BITS)(under | over);
      }
    if (end == i + PART && outside) continue;
    for (size_t k = i; k < end; k++) {
      const R_KEY key = NAME(key_of)(in[k], magnitude);
      if (key >= from && key <= to) bins[((R_BITS)key - (R_BITS)from) >> shift]++;
      else if (end != i + PART) total += key < from; /* a whole part has counted these */
    }
  }
  for (size_t j = 0; j < PART; j++)
    total += (uint64_t)below[j];
  return total;
}

static uint64_t NAME(window)(uint32_t *bins, const void *x, size_t n, bool magnitude, int64_t low, int64_t high,
                             unsigned shift) {
  return magnitude ? NAME(window_of)(bins, x, n, true, (R_KEY)low, (R_KEY)high, shift)
                   : NAME(window_of)(bins, x, n, false, (R_KEY)low, (R_KEY)high, shift);
}

static size_t NAME(ties)(const void *x, size_t n, double threshold) {
  const R *in = x;
  const R sought = (R)threshold;
  R_BITS count = 0;
  for (size_t i = 0; i < n; i++) count += MW_ABS(in[i]) == sought ? 1 : 0;
  return (size_t)count;
}

/* ---- chance and columns ----------------------------------------------------------------------------------------- */

/* Calls for every group of `size` elements that [start, start + n) touches; `from` and `to` bound its elements within it. */
#define EACH_GROUP(size) \
  for (uint64_t at = start, end = start + n, from, to; \
       at < end && (from = at % (size), to = end - (at - from) < (size) ? end - (at - from) : (size), true); \
       at += to - from)

/* n draws, their byte shifted up by `shift`, of none, one or two tiles: 1 where they are true; else x; else x - y. */
__attribute__((always_inline))
static inline void NAME(pick)(R *out, const R *x, const R *y, int tiles, const uint32_t *hit, unsigned shift, size_t n) {
  MW_INDEPENDENT
  for (size_t i = 0; i < n; i++) {
    const R_BITS drawn = (int32_t)(hit[i] << shift) < 0 ? (R_BITS)-1 : 0;
    const R value = tiles == 0 ? 1 : tiles == 1 ? x[i] : x[i] - y[i];
    R_BITS bits;
    memcpy(&bits, &value, sizeof bits);
    bits &= tiles ? ~drawn : drawn;
    memcpy(&out[i], &bits, sizeof bits);
  }
}

__attribute__((always_inline))
static inline void NAME(chance)(R *out, const R *x, const R *y, int tiles, mw_kernel_stream stream, uint64_t start, size_t n,
                                double p) {
  const double bound = p > 0 ? p * 0x1p32 : 0;
  uint64_t limit = bound < 0x1p32 ? (uint64_t)bound : UINT64_C(1) << 32;
  if (bound < 0x1p32)
    limit += (double)limit < bound;
  const philox source = philox_of(stream);
  EACH_GROUP(MW_DRAWS) {
    _Alignas(64) uint32_t hit[MW_GROUP];
    draw(&source, at / MW_DRAWS, limit, hit);
    for (size_t i = from, step; i < to; i += step) {
      const size_t lane = i % MW_GROUP;
      const unsigned shift = 24 - 8 * (unsigned)(i / MW_GROUP);
      step = MW_GROUP - lane < to - i ? MW_GROUP - lane : to - i;
      if (step == MW_GROUP) NAME(pick)(out, x, y, tiles, hit, shift, MW_GROUP);
      else NAME(pick)(out, x, y, tiles, hit + lane, shift, step);
      out += step;
      if (tiles > 0) x += step;
      if (tiles > 1) y += step;
    }
  }
}

static void NAME(bernoulli)(void *dst, mw_kernel_stream stream, uint64_t start, size_t n, double p) {
  NAME(chance)(dst, NULL, NULL, 0, stream, start, n, p);
}

static void NAME(drop)(void *dst, const void *x, const void *y, mw_kernel_stream stream, uint64_t start, size_t n, double p) {
  if (y) NAME(chance)(dst, x, y, 2, stream, start, n, p);
  else NAME(chance)(dst, x, NULL, 1, stream, start, n, p);
}

/* Words 0 and 1 of a block give its elements 0 and 1, words 2 and 3 its elements 2 and 3. */
static void NAME(normal)(void *dst, mw_kernel_stream stream, uint64_t start, size_t n) {
  R *out = dst;
  const philox source = philox_of(stream);
  EACH_GROUP(MW_GROUP) {
    uint32_t word[MW_GROUP];
    R value[MW_GROUP];
    philox_group(&source, at / MW_GROUP, word);
    for (size_t half = 0; half < MW_GROUP; half += MW_GROUP / 2)
      for (size_t j = half; j < half + MW_GROUP / 4; j++) {
        double radius = __builtin_sqrt(-2 * mw_mathx_log(((double)word[j] + 0.5) * 0x1p-32));
        double angle = ((double)word[j + MW_GROUP / 4] + 0.5) * (0x1p-32 * 6.28318530717958647693);
        value[j] = (R)(radius * mw_mathx_cos(angle));
        value[j + MW_GROUP / 4] = (R)(radius * mw_mathx_sin(angle));
      }
    memcpy(out + (at - start), value + from, (to - from) * sizeof(R));
  }
}

static void NAME(columns)(void *dst, const void *x, const void *columns, uint64_t start, uint64_t width, size_t n) {
  R *out = dst;
  const R *in = x, *by = columns;
  uint64_t column = start % width;
  for (size_t i = 0; i < n; column = 0) {
    size_t run = width - column < n - i ? (size_t)(width - column) : n - i;
    MW_INDEPENDENT
    for (size_t j = 0; j < run; j++)
      out[i + j] = in[i + j] * by[column + j];
    i += run;
  }
}

#undef R
#undef R_BITS
#undef R_KEY
#undef R_IS_FLOAT
#undef MW_SQRT
#undef MW_ABS
#undef NAME
#undef HOLD
#undef TAKE
#undef HOLD_1
#undef HOLD_2
#undef HOLD_3
#undef HOLD_4
#undef TAKE_1
#undef TAKE_2
#undef TAKE_3
#undef TAKE_4
#undef MAP
#undef MAPS_1
#undef MAPS_2
#undef MAPS_3
#undef MAPS_4
#undef LOAD
#undef STORE
#undef NARROW
#undef LANES
#undef EACH_GROUP
