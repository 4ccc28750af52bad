/* kernels_convert.h: loads and stores of one compute type: from elements as files store them to float or double, and back.
 * kernels_type.h includes it once for each type, so it has no include guard; R and the other macros are explained there.
 *
 * Both report NaN and infinity, but are fast on numbers: they join the bits of all elements by OR, and look at single
 * elements only if the joined bits could be those of NaN or infinity. */

/* ---- loads ------------------------------------------------------------------------------------------------------ */

/* Called by a load that may have met a NaN or infinity: makes every NaN the same quiet one. Returns true if any element was NaN
 * or infinite. */
static bool NAME(tidy)(R *x, size_t n) {
  uint32_t bad = 0;
  for (size_t i = 0; i < n; i++) {
    bad |= x[i] - x[i] != 0; /* infinity - infinity is NaN */
    x[i] = x[i] != x[i] ? (R)MW_MATHX_NAN : x[i];
  }
  return bad != 0;
}

/* LOAD(dtype, type as stored, type for `seen`, the value of s, the bits of an exponent) makes load_DTYPE. All stored bits are joined
 * by OR. Only if all bits of the exponent are set then, the values are looked at one by one. This is rare: the weights of
 * models are below 2, so the highest bit of the exponent is not set. */
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
/* With the instruction set F16C. */
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

/* Looks at each result: a double that is too large for float becomes infinite. */
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

/* ---- stores ----------------------------------------------------------------------------------------------------- */

/* STORE(dtype, type as stored, conversion, mask, limit) makes store_DTYPE: a stored value is not finite if its bits in `mask` are
 * at least `limit`. */
#define STORE(dtype, stored_type, to, mask, limit) \
  static bool NAME(store_##dtype)(void *stored, const void *src, size_t n) { \
    stored_type *restrict out = stored; \
    const R *restrict in = src; \
    uint32_t bad = 0; \
    for (size_t i = 0; i < n; i++) { \
      const uint32_t s = to(MW_NARROW(in[i])); \
      out[i] = (stored_type)s; \
      bad |= (s & (mask)) >= (limit); \
    } \
    return bad != 0; \
  }
STORE(e5m2, stored8, to_e5m2, 0x7fu, 0x7cu)
STORE(e4m3, stored8, to_e4m3, 0x7fu, 0x7fu)

/* Called by a store that may have met a NaN or infinity. NaN was rounded like a number, so it is stored again. Returns true if a
 * stored bf16 is not finite. */
static bool NAME(mend_bf16)(stored16 *out, const R *in, size_t n) {
  uint32_t bad = 0;
  if (NAME(peak)(0, in, n) < 0x1.ffp127) return false;
  for (size_t i = 0; i < n; i++) {
    out[i] = in[i] != in[i] ? 0x7fc0 : out[i];
    bad |= (out[i] & 0x7f80u) == 0x7f80;
  }
  return bad != 0;
}

/* Looks at all values joined by OR, as the loads do. Rounding can give infinity only from the two highest exponents, so the lowest
 * bit of the exponent does not count. */
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
    const float x = MW_NARROW(in[i]);
    out[i] = (stored16)to_bf16(x);
    seen |= float_bits(x) >> 16;
  }
  return (seen & 0x7f00) == 0x7f00 && NAME(mend_bf16)(out, in, n);
}

#if defined MW_BODY_X86 && R_IS_FLOAT
/* With F16C, which keeps some bits of a NaN: these are stored again. */
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

/* STORE_IEEE(dtype, type as stored, type, its bits, largest positive bits, infinity, NaN) makes store_DTYPE of a type as wide as
 * floats or doubles. The bits of infinity and of a NaN, with one more step of the exponent, reach the sign. */
#define STORE_IEEE(dtype, stored_type, type, bits_of, most, infinity, nan) \
  static bool NAME(store_##dtype)(void *stored, const void *src, size_t n) { \
    stored_type *restrict out = stored; \
    const R *restrict in = src; \
    stored_type bad = 0; \
    for (size_t i = 0; i < n; i++) { \
      const stored_type bits = bits_of((type)in[i]), positive = bits & (most); \
      out[i] = positive > (infinity) ? (nan) : bits; \
      bad |= positive + ((most) - (infinity) + 1); \
    } \
    return bad > (most); \
  }
STORE_IEEE(f32, stored32, float, float_bits, INT32_MAX, 0x7f800000, 0x7fc00000)
STORE_IEEE(f64, stored64, double, mw_mathx_bits, INT64_MAX, 0x7ff0000000000000, 0x7ff8000000000000)

#undef STORE_IEEE
#undef LOAD
#undef STORE
