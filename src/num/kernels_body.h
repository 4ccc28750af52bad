/* kernels_body.h: the source of all kernels. Each kernels_<isa>.c defines MW_BODY_ISA (base, avx2, avx512) and includes this;
 * the Makefile compiles it for that instruction set with -ffp-contract=off -fno-trapping-math -fno-math-errno. Loops are
 * plain C, which compilers vectorise. Intrinsics are used only where they give the same bits and are much faster: f16 (F16C),
 * bf16 on AVX2 (kernels_bf16.h), and Philox.
 *
 * How the files fit together:
 *   kernels.def, bf16_steps.def, rows.def   what exists: one line a kernel
 *   kernels_body.h    what does not depend on the compute type, and the table at the end
 *   kernels_type.h    the functions of one compute type; included here for float and for double
 *   kernels_bf16.h    the maps that read and write bf16 directly, for float on x86
 *   kernels_rows.h    the loops of networks, for float */
#include "base/mathx.h"
#include "num/rng.h"

#ifdef MW_BODY_X86
#include <immintrin.h>
#endif

/* Iterations of the next loop are independent, though dst may be one of the operands. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed" /* POW stays scalar on SSE2 */
#define MW_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define MW_INDEPENDENT _Pragma("GCC ivdep")
#endif

/* Stored elements have any alignment. */
typedef uint8_t __attribute__((may_alias)) stored8;
typedef uint16_t __attribute__((may_alias, aligned(1))) stored16;
typedef uint32_t __attribute__((may_alias, aligned(1))) stored32;
typedef uint64_t __attribute__((may_alias, aligned(1))) stored64;

static inline uint32_t float_bits(float x) { uint32_t bits; memcpy(&bits, &x, sizeof bits); return bits; }
static inline float bits_float(uint32_t bits) { float x; memcpy(&x, &bits, sizeof x); return x; }

/* ---- small floats ----------------------------------------------------------------------------------------------- */

/* The float of a small float, which is given as `bits`: without its sign, and shifted so that its exponent is where that of float
 * is. `bias` is the difference of the exponents' biases; bits from `top` on are infinity or NaN. A denormal m * 2^-k becomes
 * a number by subtraction: (1.m - 1) * 2^-k, which is exact. */
static inline float unpack(uint32_t bits, uint32_t sign, uint32_t bias, uint32_t top) {
  uint32_t normal = bits + (bias << 23) + (bits >= top ? (255 - (top >> 23) - bias) << 23 : 0);
  uint32_t tiny = float_bits(bits_float(bits + ((bias + 1) << 23)) - bits_float((bias + 1) << 23));
  return bits_float((bits < 1 << 23 ? tiny : normal) | sign);
}

/* The bits of a small float, without its sign: x, the bits of a float >= 0, rounded to nearest even. `drop` bits of the mantissa
 * are lost; x from `over` on becomes `infinity`. A denormal is rounded by adding `unit`, a power of two so large that the
 * last bit of the sum is the last bit of the small float's denormals. */
static inline uint32_t pack(uint32_t x, unsigned drop, uint32_t bias, float unit, uint32_t over, uint32_t infinity,
                            uint32_t nan) {
  uint32_t half = (UINT32_C(1) << (drop - 1)) - 1;
  uint32_t normal = (x + half + ((x >> drop) & 1) - (bias << 23)) >> drop;
  uint32_t tiny = float_bits(bits_float(x) + unit) - float_bits(unit);
  uint32_t bits = x < (bias + 1) << 23 ? tiny : normal;
  bits = x >= over ? infinity : bits;
  return x > 0x7f800000 ? nan : bits;
}

static inline float from_f16(uint32_t h) { return unpack((h & 0x7fff) << 13, (h & 0x8000) << 16, 112, 31 << 23); }
static inline float from_e5m2(uint32_t b) { return unpack((b & 0x7f) << 21, (b & 0x80) << 24, 112, 31 << 23); }
/* E4M3 has no infinity; its only NaN has all bits but the sign set. */
static inline float from_e4m3(uint32_t b) {
  float x = unpack((b & 0x7f) << 20, (b & 0x80) << 24, 120, UINT32_C(255) << 23);
  return (b & 0x7f) == 0x7f ? bits_float(0x7fc00000) : x;
}

/* The sign bit, shifted down; 0 for NaN, which is written without its sign. */
static inline uint32_t sign_of(uint32_t bits, unsigned shift) {
  return (bits & INT32_MAX) > 0x7f800000 ? 0 : (bits & 0x80000000) >> shift;
}
static inline uint32_t to_f16(float x) {
  uint32_t bits = float_bits(x);
  return pack(bits & INT32_MAX, 13, 112, 0.5f, 0x477ff000, 0x7c00, 0x7e00) | sign_of(bits, 16);
}
static inline uint32_t to_e5m2(float x) {
  uint32_t bits = float_bits(x);
  return pack(bits & INT32_MAX, 21, 112, 128, 0x47700000, 0x7c, 0x7e) | sign_of(bits, 24);
}
static inline uint32_t to_e4m3(float x) {
  uint32_t bits = float_bits(x);
  return pack(bits & INT32_MAX, 20, 120, 16384, 0x43e80001, 0x7f, 0x7f)
    | (float_bits(x) << 1 > UINT32_C(0x43e80000) << 1 ? 0 : (bits & 0x80000000) >> 24);
}
/* Wrong for NaN, which the store writes again (mend_bf16). */
static inline uint32_t to_bf16(float x) {
  uint32_t bits = float_bits(x);
  return (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
}

#ifdef MW_BODY_X86
/* All 16-bit words of a vector joined by OR. */
static inline uint32_t joined16(__m256i x) {
  uint16_t word[16];
  uint32_t all = 0;
  _mm256_storeu_si256((__m256i *)(void *)word, x);
  for (int i = 0; i < 16; i++)
    all |= word[i];
  return all;
}
#endif

/* A double as a float, such that rounding that to fewer bits gives the same as rounding the double once: it is cut towards zero,
 * and its last bit is set if anything was lost ("round to odd", Boldo and Melquiond 2008). The set bit keeps a value from
 * looking like the exact middle of two smaller floats. */
static inline float round_odd(double x) {
  float f = (float)x;
  double back = (double)f;
  uint32_t bits = float_bits(f), far = mw_mathx_abs(back) > mw_mathx_abs(x);
  uint32_t lost = back != x && x == x;
  return bits_float((bits - far) | lost);
}

/* Rounded to fewer bits; NaN stays. Of a double they are given round_odd(x). */
static inline float as_bf16(float x) { return x == x ? bits_float(to_bf16(x) << 16) : x; }
static inline float as_f16(float x) { return x == x ? from_f16(to_f16(x)) : x; }

/* ---- Philox4x32-10 ---------------------------------------------------------------------------------------------- */

/* A counter and a key give a block of four random words of 32 bits, whichever block was made before (Salmon et al. 2011). */

#if defined MW_BODY_X86 && defined __AVX512F__
enum { PAIRS = 8 };
typedef __m512i words;
#define WORDS_LOAD(p) _mm512_loadu_si512(p)
#define WORDS_STORE(p, x) _mm512_storeu_si512(p, x)
#define WORDS_ALL(x) _mm512_set1_epi32((int)(x))
#define WORDS_XOR(a, b) _mm512_xor_si512(a, b)
#define WORDS_MUL(a, b) _mm512_mul_epu32(a, b)
#define WORDS_HIGH(a) _mm512_srli_epi64(a, 32)
#define WORDS_JOIN(a, b) _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), 0x88))
#elif defined MW_BODY_X86
enum { PAIRS = 4 };
typedef __m256i words;
#define WORDS_LOAD(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define WORDS_STORE(p, x) _mm256_storeu_si256((__m256i *)(void *)(p), x)
#define WORDS_ALL(x) _mm256_set1_epi32((int)(x))
#define WORDS_XOR(a, b) _mm256_xor_si256(a, b)
#define WORDS_MUL(a, b) _mm256_mul_epu32(a, b)
#define WORDS_HIGH(a) _mm256_srli_epi64(a, 32)
#define WORDS_JOIN(a, b) _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88))
#endif

/* A stream, and the key of each round. */
typedef struct philox {
  uint64_t name;
  mw_rng_keys keys;
} philox;

static philox philox_of(mw_kernel_stream stream) { return (philox){stream.name, mw_rng_keys_of(stream.key)}; }

/* The 64 words of group g: word i is word 64 * g + i of the stream.
 *
 * Blocks are computed in vectors of 64 bits a word: products have these, and what lies above a word's 32 bits is not looked at. Of a
 * group's 16 blocks only the first word of the counter differs, so the first round's second product and the second round's first are the
 * same for all of them. At the end the lower halves of two vectors are joined to one: 4 blocks of each come in turns, 2 and 2. */
static void philox_group(const philox *p, uint64_t group, uint32_t out[MW_GROUP]) {
#ifdef MW_BODY_X86
  enum { PARTS = 16 / PAIRS };
  static const uint64_t steps[16] = {
#ifdef __AVX512F__
      0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15
#else
      0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15
#endif
  };
  const words m0 = WORDS_ALL(MW_RNG_M0), m1 = WORDS_ALL(MW_RNG_M1);
  const uint32_t(*keys)[2] = p->keys.round, low = (uint32_t)(group << 4), name = (uint32_t)(p->name >> 32);
  const uint64_t product1 = (uint64_t)MW_RNG_M1 * (uint32_t)p->name;
  const uint64_t product0 = (uint64_t)MW_RNG_M0 * ((uint32_t)(product1 >> 32) ^ (uint32_t)(group >> 28) ^ keys[0][0]);
  words x0[PARTS], x1[PARTS], x2[PARTS], x3[PARTS];
  for (int i = 0; i < PARTS; i++) {
    const words first = WORDS_MUL(WORDS_XOR(WORDS_ALL(low), WORDS_LOAD(steps + i * PAIRS)), m0);
    const words second = WORDS_MUL(WORDS_XOR(WORDS_HIGH(first), WORDS_ALL(name ^ keys[0][1])), m1);
    x0[i] = WORDS_XOR(WORDS_HIGH(second), WORDS_ALL((uint32_t)product1 ^ keys[1][0]));
    x1[i] = second;
    x2[i] = WORDS_XOR(first, WORDS_ALL((uint32_t)(product0 >> 32) ^ keys[1][1]));
    x3[i] = WORDS_ALL(product0);
  }
  for (int round = 2; round < MW_RNG_ROUNDS; round++)
    for (int i = 0; i < PARTS; i++) {
      const words a = WORDS_MUL(x0[i], m0), b = WORDS_MUL(x2[i], m1);
      x0[i] = WORDS_XOR(WORDS_XOR(x1[i], WORDS_ALL(keys[round][0])), WORDS_HIGH(b));
      x2[i] = WORDS_XOR(WORDS_XOR(x3[i], WORDS_ALL(keys[round][1])), WORDS_HIGH(a));
      x1[i] = b;
      x3[i] = a;
    }
  for (int i = 0; i < PARTS; i += 2) {
    WORDS_STORE(out + i * PAIRS, WORDS_JOIN(x0[i], x0[i + 1]));
    WORDS_STORE(out + 16 + i * PAIRS, WORDS_JOIN(x1[i], x1[i + 1]));
    WORDS_STORE(out + 32 + i * PAIRS, WORDS_JOIN(x2[i], x2[i + 1]));
    WORDS_STORE(out + 48 + i * PAIRS, WORDS_JOIN(x3[i], x3[i + 1]));
  }
#else
  for (uint32_t i = 0; i < 16; i++) {
    uint32_t word[4];
    mw_rng_block(&p->keys, group << 4 | i, p->name, word);
    for (uint32_t k = 0; k < 4; k++) out[16 * k + i] = word[k];
  }
#endif
}

/* ---- chance ------------------------------------------------------------------------------------------------------ */

/* Which of SPAN bytes equal `value`: a mask with SPAN_BITS bits for each byte, of which the lowest is set if it does. */
#if defined MW_BODY_X86 && defined __AVX512F__
enum { SPAN = 64, SPAN_BITS = 1 };
static inline uint64_t equal_bytes(const uint8_t *in, uint8_t value) {
  return _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(in), _mm512_set1_epi8((char)value));
}
#elif defined MW_BODY_X86
enum { SPAN = 32, SPAN_BITS = 1 };
static inline uint64_t equal_bytes(const uint8_t *in, uint8_t value) {
  return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(WORDS_LOAD(in), _mm256_set1_epi8((char)value)));
}
#else
enum { SPAN = 8, SPAN_BITS = 8 };
static inline uint64_t equal_bytes(const uint8_t *in, uint8_t value) {
  const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
  uint64_t differ;
  memcpy(&differ, in, sizeof differ);
  differ ^= (low & ~(low << 1)) * value;
  return ~(((differ & low) + low) | differ | low) >> 7;
}
#endif

/* The draws of MW_DRAWS elements, a byte each: byte i / 64 of hit[i % 64] is 0xff if element i's number of 32 bits is below
 * `limit`, else 0. The number's first byte nearly always decides. Only if it equals the first byte of limit - 1, the other
 * 24 bits are drawn from a word of their own. */
static void draw(const philox *p, uint64_t group, uint64_t limit, uint32_t *restrict hit) {
  const uint32_t last = limit ? (uint32_t)(limit - 1) : 0, rest = last & 0xffffff;
  const uint8_t first = (uint8_t)(last >> 24), yes = limit ? 0xff : 0;
  _Alignas(64) uint32_t word[MW_GROUP];
  philox_group(p, group, word);
  const uint8_t *restrict byte = (const uint8_t *)word; /* from here on nothing else writes there */
  uint8_t *restrict out = (uint8_t *)hit;
  for (size_t i = 0; i < MW_DRAWS; i++)
    out[i] = byte[i] <= first ? yes : 0;
  if (rest == 0xffffff) return;
  for (size_t span = 0; span < MW_DRAWS; span += SPAN)
    for (uint64_t equal = equal_bytes(byte + span, first); equal; equal &= equal - 1) {
      const size_t at = span + (size_t)__builtin_ctzll(equal) / SPAN_BITS;
      const uint64_t i = (UINT64_C(1) << 63) + MW_DRAWS * group + at % 4 * MW_GROUP + at / 4;
      uint32_t block[4];
      mw_rng_block(&p->keys, i / 64 << 4 | i % 16, p->name, block);
      out[at] &= block[i / 16 % 4] >> 8 > rest ? 0 : 0xff;
    }
}

/* The lower 24 bits of element e's number, from its own word (kernels.h). */
static inline uint32_t draw_rest(const philox *p, uint64_t e) {
  const uint64_t i = (UINT64_C(1) << 63) + e;
  uint32_t block[4];
  mw_rng_block(&p->keys, i / 64 << 4 | i % 16, p->name, block);
  return block[i / 16 % 4] >> 8;
}

/* p as a part of 2^32, rounded up. */
static inline uint64_t draw_limit(double p) {
  const double bound = p > 0 ? p * 0x1p32 : 0;
  uint64_t limit = bound < 0x1p32 ? (uint64_t)bound : UINT64_C(1) << 32;
  if (bound < 0x1p32) limit += (double)limit < bound;
  return limit;
}

/* A loop over the groups of `size` elements that [start, start + n) touches: elements [from, to) of each group belong to it. */
#define EACH_GROUP(size) \
  for (uint64_t at = start, end = start + n, from, to; \
       at < end && (from = at % (size), to = end - (at - from) < (size) ? end - (at - from) : (size), true); \
       at += to - from)

/* Brings the answers of draw() into the order of their elements. On x86 four words of a lane become the four elements of each of their
 * bytes, then four such vectors their byte's elements in the order of lanes. */
static void in_order(const uint32_t *hit, uint8_t *out) {
#ifdef MW_BODY_X86
  const __m256i bytes = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  const __m256i lanes = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  for (size_t from = 0; from < MW_GROUP; from += 32) {
    __m256i x[4], pair[4], all[4];
    for (int k = 0; k < 4; k++)
      x[k] = _mm256_shuffle_epi8(_mm256_loadu_si256((const __m256i *)(const void *)(hit + from + 8 * (size_t)k)), bytes);
    for (int k = 0; k < 4; k += 2) {
      pair[k] = _mm256_unpacklo_epi32(x[k], x[k + 1]);
      pair[k + 1] = _mm256_unpackhi_epi32(x[k], x[k + 1]);
    }
    for (int k = 0; k < 2; k++) {
      all[2 * k] = _mm256_unpacklo_epi64(pair[k], pair[k + 2]);
      all[2 * k + 1] = _mm256_unpackhi_epi64(pair[k], pair[k + 2]);
    }
    for (int k = 0; k < 4; k++)
      _mm256_storeu_si256((__m256i *)(void *)(out + MW_GROUP * (size_t)k + from), _mm256_permutevar8x32_epi32(all[k], lanes));
  }
#else
  for (size_t k = 0; k < 4; k++)
    for (size_t i = 0; i < MW_GROUP; i++) out[MW_GROUP * k + i] = (uint8_t)(hit[i] >> 8 * k);
#endif
}

static void draws(uint8_t *dst, mw_kernel_stream stream, uint64_t start, size_t n, double p) {
  const uint64_t limit = draw_limit(p);
  const philox source = philox_of(stream);
  EACH_GROUP(MW_DRAWS) {
    _Alignas(64) uint32_t hit[MW_GROUP];
    uint8_t part[MW_DRAWS];
    draw(&source, at / MW_DRAWS, limit, hit);
    if (to - from == MW_DRAWS) in_order(hit, dst);
    else in_order(hit, part), memcpy(dst, part + from, to - from);
    dst += to - from;
  }
}

/* ---- selection --------------------------------------------------------------------------------------------------- */

/* Keys are counted so many at a time, in vectors of so many bytes. */
#ifdef __AVX512F__
enum { KEYS = 32, KEY_BYTES = 64 };
#elif defined __AVX2__
enum { KEYS = 32, KEY_BYTES = 32 };
#else
enum { KEYS = 32, KEY_BYTES = 16 };
#endif

/* Whether a vector of KEY_BYTES has a bit that is set. */
static inline bool any_bit(const void *vector) {
#ifdef __AVX512F__
  const __m512i x = _mm512_loadu_si512(vector);
  return _mm512_test_epi64_mask(x, x) != 0;
#elif defined __AVX2__
  const __m256i x = _mm256_loadu_si256(vector);
  return !_mm256_testz_si256(x, x);
#else
  uint64_t half[2];
  memcpy(half, vector, sizeof half);
  return (half[0] | half[1]) != 0;
#endif
}

#ifdef MW_BODY_X86
#include "num/kernels_bf16.h"
#define DIRECT .direct = direct_maps, .direct_count = sizeof direct_maps / sizeof *direct_maps, \
               .dot_stored = dot_stored, .odd_stored = odd_stored, .squares_stored = squares_stored, .dots_stored = dots_stored,
#else
#define DIRECT
#endif

/* ---- both compute types, and the table --------------------------------------------------------------------------- */

#define R float
#define R_BITS uint32_t
#define R_KEY int32_t
#define R_IS_FLOAT 1
#define MW_SQRT __builtin_sqrtf
#define MW_ABS __builtin_fabsf
#define MW_FLOOR mw_mathx_floorf
#define MW_NEAREST mw_mathx_nearestf
#define MW_NARROW(x) (x)
#define NAME(name) name##_f32
#include "num/kernels_type.h"

#define R double
#define R_BITS uint64_t
#define R_KEY int64_t
#define R_IS_FLOAT 0
#define MW_SQRT __builtin_sqrt
#define MW_ABS __builtin_fabs
#define MW_FLOOR mw_mathx_floor
#define MW_NEAREST mw_mathx_nearest
#define MW_NARROW(x) round_odd(x)
#define NAME(name) name##_f64
#include "num/kernels_type.h"

#include "num/kernels_rows.h"

/* FORMS_n(map_NAME, suffix): the functions of all forms of a kernel with n operands, in order; MAPS_n of kernels_type.h made them. */
#define FORMS_1(k, r) {k##_0##r}
#define FORMS_2(k, r) {k##_0##r, k##_1##r, k##_2##r}
#define FORMS_3(k, r) {k##_0##r, k##_1##r, k##_2##r, k##_3##r, k##_4##r, k##_5##r, k##_6##r}
#define FORMS_4(k, r) {k##_0##r, k##_1##r, k##_2##r, k##_3##r, k##_4##r, k##_5##r, k##_6##r, k##_7##r, \
                       k##_8##r, k##_9##r, k##_10##r, k##_11##r, k##_12##r, k##_13##r, k##_14##r}

/* REST(suffix): all kernels of a compute type but the maps. */
#define REST(r) \
  .load = {[MW_DTYPE_F8_E5M2] = load_e5m2##r, [MW_DTYPE_F8_E4M3] = load_e4m3##r, [MW_DTYPE_F16] = load_f16##r, \
           [MW_DTYPE_BF16] = load_bf16##r, [MW_DTYPE_F32] = load_f32##r, [MW_DTYPE_F64] = load_f64##r}, \
  .store = {[MW_DTYPE_F8_E5M2] = store_e5m2##r, [MW_DTYPE_F8_E4M3] = store_e4m3##r, [MW_DTYPE_F16] = store_f16##r, \
            [MW_DTYPE_BF16] = store_bf16##r, [MW_DTYPE_F32] = store_f32##r, [MW_DTYPE_F64] = store_f64##r}, \
  .sum = sum##r, .dot = dot##r, .peak = peak##r, .top = top##r, .keep_top = keep_top##r, .key_range = key_range##r, \
  .ties = ties##r, .disjoint_mean = disjoint_mean##r, .disjoint_sum = disjoint_sum##r, \
  .bernoulli = bernoulli##r, .draws = draws, .bernoulli_each = bernoulli_each##r, .drop = drop##r, .normal = normal##r, \
  .columns = columns##r

#define TEXT(name) #name
#define ISA_TEXT(name) TEXT(name)
#define JOIN(a, b) a##b
#define TABLE(isa) JOIN(mw_kernels_, isa)

const mw_kernels TABLE(MW_BODY_ISA) = {
  .isa = ISA_TEXT(MW_BODY_ISA),
  .type = {
    {.map = {
#define MW_KERNEL(name, arity, expression) [MW_KERNEL_##name] = FORMS_##arity(map_##name, _f32),
#include "num/kernels.def"
#undef MW_KERNEL
     }, DIRECT REST(_f32)},
    {.map = {
#define MW_KERNEL(name, arity, expression) [MW_KERNEL_##name] = FORMS_##arity(map_##name, _f64),
#include "num/kernels.def"
#undef MW_KERNEL
     }, REST(_f64)},
  },
  .rows = {
#define MW_ROW(result, name, parameters) .name = row_##name,
#include "num/rows.def"
#undef MW_ROW
  },
};
