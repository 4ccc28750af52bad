/* kernels_rows.h: the loops of networks over a row of floats; rows.def says what each computes. Included by kernels_body.h. Sums are
 * added in the fixed order of accum.h, so they have the same bits everywhere. */

/* e^x within 2 ulp for -87 <= x <= 88: x = k ln 2 + r (Cody and Waite's reduction), e^r by a polynomial (Cephes, Moshier), times
 * 2^k. Below -87 the result is 0, above 88 it is e^88. */
static inline float row_exp(float value) {
  float x = value < -87.5f ? -87.5f : value > 88.0f ? 88.0f : value;
  float rounded = x * 1.44269504f + 12582912.0f; /* adding 1.5 * 2^23 rounds to an integer, which is in the low bits */
  float k = rounded - 12582912.0f;
  float r = x - k * 0.693359375f;
  r = r - k * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  float y = p * bits_float((float_bits(rounded) + 127) << 23);
  return x < -87.0f ? 0.0f : y;
}

/* 1 / (1 + e^-x), without overflow. */
static inline float row_sigmoid(float x) {
  float e = row_exp(x < 0 ? x : -x);
  return (x < 0 ? e : 1.0f) / (1.0f + e);
}

static float row_max(const float *x, size_t n) {
  float lanes[MW_LANES];
  size_t i = 0;
  for (size_t j = 0; j < MW_LANES; j++) lanes[j] = x[j < n ? j : 0];
  for (; i + MW_LANES <= n; i += MW_LANES)
    for (size_t j = 0; j < MW_LANES; j++) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
  for (size_t j = 0; i + j < n; j++) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
  for (size_t width = MW_LANES / 2; width; width /= 2)
    for (size_t j = 0; j < width; j++) lanes[j] = lanes[j + width] > lanes[j] ? lanes[j + width] : lanes[j];
  return lanes[0];
}

static double row_fold(float *lanes) {
  for (size_t width = MW_LANES / 2; width; width /= 2)
    for (size_t j = 0; j < width; j++) lanes[j] += lanes[j + width];
  return (double)lanes[0];
}

/* The sum over i of TERM(i), in the fixed shape. */
#define ROW_SUM(name, parameters, ...) \
  static double name parameters { \
    double total = 0; \
    for (size_t from = 0; from < n; from += MW_UNIT) { \
      float lanes[MW_LANES] = {0}; \
      size_t end = n - from < MW_UNIT ? n : from + MW_UNIT, at = from; \
      for (; at + MW_LANES <= end; at += MW_LANES) { \
        MW_INDEPENDENT \
        for (size_t j = 0; j < MW_LANES; j++) { size_t i = at + j; lanes[j] += (__VA_ARGS__); } \
      } \
      for (size_t j = 0; at + j < end; j++) { size_t i = at + j; lanes[j] += (__VA_ARGS__); } \
      total += row_fold(lanes); \
    } \
    return total; \
  }
ROW_SUM(row_sum, (const float *x, size_t n), x[i])
ROW_SUM(row_dot, (const float *x, const float *y, size_t n), x[i] * y[i])
ROW_SUM(row_distance, (const float *x, const float *y, size_t n), (x[i] - y[i]) * (x[i] - y[i]))
ROW_SUM(row_exp_sum, (float *dst, const float *x, float scale, float shift, size_t n), dst[i] = row_exp(x[i] * scale - shift))
ROW_SUM(row_exp_total, (const float *x, float scale, float shift, size_t n), row_exp(x[i] * scale - shift))
ROW_SUM(row_exp_dot, (const float *x, const float *y, float scale, float shift, size_t n), row_exp(x[i] * scale - shift) * y[i])
ROW_SUM(row_exp_gap, (const float *x, const float *y, float scale, float shift, size_t n),
        row_exp(x[i] * scale - shift) * (x[i] - y[i]))

#define ROW_MAP(name, parameters, ...) \
  static void name parameters { \
    MW_INDEPENDENT \
    for (size_t i = 0; i < n; i++) { __VA_ARGS__; } \
  }
ROW_MAP(row_scale, (float *dst, const float *x, float a, size_t n), dst[i] = a * x[i])
ROW_MAP(row_add, (float *dst, const float *x, float a, size_t n), dst[i] += a * x[i])
ROW_MAP(row_plus, (float *dst, const float *x, const float *y, size_t n), dst[i] = x[i] + y[i])
ROW_MAP(row_times, (float *dst, const float *x, const float *y, float a, size_t n), dst[i] = x[i] * a * y[i])
ROW_MAP(row_times_add, (float *dst, const float *x, const float *y, float a, size_t n), dst[i] += x[i] * a * y[i])
ROW_MAP(row_norm_back, (float *dst, const float *x, const float *g, const float *dy, float a, float b, size_t n),
        dst[i] += g[i] * dy[i] * a - x[i] * b)
ROW_MAP(row_exp_difference, (float *dst, const float *x, const float *y, float scale, float x_shift, float y_shift, float a, size_t n),
        dst[i] += (row_exp(x[i] * scale - x_shift) - row_exp(y[i] * scale - y_shift)) * a)
ROW_MAP(row_exp_add, (float *dst, const float *x, float scale, float shift, float a, size_t n),
        dst[i] += row_exp(x[i] * scale - shift) * a)
ROW_MAP(row_entropy_back, (float *dst, const float *x, float shift, float c, float a, size_t n),
        dst[i] += row_exp(x[i] - shift) * (c - x[i]) * a)
ROW_MAP(row_softmax_back, (float *dst, const float *p, const float *x, float c, float a, size_t n), dst[i] = p[i] * (x[i] - c) * a)
ROW_MAP(row_shift, (float *dst, const float *x, float c, float a, size_t n), dst[i] = (x[i] - c) * a)
ROW_MAP(row_silu, (float *dst, const float *x, size_t n), dst[i] = x[i] * row_sigmoid(x[i]))
ROW_MAP(row_silu_back, (float *dst, const float *x, const float *dy, size_t n), float s = row_sigmoid(x[i]);
        dst[i] += dy[i] * s * (1.0f + x[i] * (1.0f - s)))
/* GELU by tanh, which is 2 sigmoid(2 u) - 1 for u = sqrt(2 / pi) (x + 0.044715 x^3). */
ROW_MAP(row_gelu_tanh, (float *dst, const float *x, size_t n),
        dst[i] = x[i] * row_sigmoid(1.59576912f * (x[i] + 0.044715f * x[i] * x[i] * x[i])))
ROW_MAP(row_gelu_tanh_back, (float *dst, const float *x, const float *dy, size_t n),
        float s = row_sigmoid(1.59576912f * (x[i] + 0.044715f * x[i] * x[i] * x[i]));
        dst[i] += dy[i] * (s + x[i] * s * (1.0f - s) * 1.59576912f * (1.0f + 0.134145f * x[i] * x[i])))
/* The normal distribution function by erf, within 1e-7 (Abramowitz and Stegun 7.1.26). */
static inline float row_normal(float x) {
  float a = (x < 0 ? -x : x) * 0.707106781f, t = 1.0f / (1.0f + 0.3275911f * a);
  float p = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t;
  float tail = 0.5f * p * row_exp(-a * a);
  return x < 0 ? tail : 1.0f - tail;
}
ROW_MAP(row_gelu_erf, (float *dst, const float *x, size_t n), dst[i] = x[i] * row_normal(x[i]))
ROW_MAP(row_gelu_erf_back, (float *dst, const float *x, const float *dy, size_t n),
        dst[i] += dy[i] * (row_normal(x[i]) + x[i] * 0.398942280f * row_exp(-0.5f * x[i] * x[i])))
ROW_MAP(row_rotate, (float *p, float *q, const float *x, const float *y, const float *c, const float *s, float sign, size_t n),
        float turned = x[i] * c[i] - y[i] * s[i] * sign; q[i] = y[i] * c[i] + x[i] * s[i] * sign; p[i] = turned)
ROW_MAP(row_rotate_add, (float *p, float *q, const float *x, const float *y, const float *c, const float *s, float sign, size_t n),
        p[i] += x[i] * c[i] - y[i] * s[i] * sign; q[i] += y[i] * c[i] + x[i] * s[i] * sign)

/* So many columns at a time are kept in registers while all rows are added to them, in the order of the rows. */
static bool row_times_add_bf16(float *dst, const void *x, const float *y, size_t rows, size_t n) {
  const stored16 *in = x;
  uint32_t bad = 0;
  size_t c = 0;
#ifdef MW_BODY_X86
  enum { GROUPS = 4 };
  for (; c + GROUPS * SIXTEEN <= n; c += GROUPS * SIXTEEN) {
    sixteen sums[GROUPS];
    value_bits seen = {0};
    for (int g = 0; g < GROUPS; g++) sums[g] = take_sixteen(dst + c + g * SIXTEEN);
    for (size_t r = 0; r < rows; r++)
      for (int g = 0; g < GROUPS; g++) {
        const size_t at = r * n + c + g * SIXTEEN;
        const sixteen a = take_bf16(in + at), b = take_sixteen(y + at);
        seen = join_sixteen(seen, a);
        for (int k = 0; k < PARTS; k++) sums[g].part[k] += a.part[k] * b.part[k];
      }
    for (int g = 0; g < GROUPS; g++) put_sixteen(dst + c + g * SIXTEEN, sums[g]);
    bad |= (joined(seen) >> 16 & 0x7f80) == 0x7f80;
  }
  if (bad) bad = !finite_stored(in, rows * n);
#endif
  for (size_t r = 0; r < rows; r++)
    for (size_t i = r * n + c; i < r * n + n; i++) {
      dst[i - r * n] += bits_float((uint32_t)in[i] << 16) * y[i];
      bad |= (in[i] & 0x7f80u) == 0x7f80;
    }
  return bad;
}

/* ---- the product of two thin matrices -------------------------------------------------------------------------------- */

/* Vectors as wide as the instruction set has them. Which elements are computed together changes no bit: each has its own sum. */
#ifdef MW_BODY_X86
typedef values thin;
typedef value_bits thin_bits;
#else
typedef float thin __attribute__((vector_size(16)));
typedef uint32_t thin_bits __attribute__((vector_size(16)));
#endif
enum { THIN = sizeof(thin) / sizeof(float) };
typedef uint16_t thin_stored __attribute__((vector_size(THIN * 2)));
/* A block of so many rows and vectors, whose sums stay in registers: there are 32 in AVX-512, 16 in AVX2 and SSE2. Some blocks have a row
 * less, so that none is left: 64 rows are 12 blocks of 5 and one of 4. A row that is left all the same gets more vectors: an addition takes
 * some cycles, so that eight or more have to be under way at any time. */
#ifdef __AVX512F__
enum { THIN_ROWS = 4, THIN_VECTORS = 4, THIN_ALONE = 8 };
#else
enum { THIN_ROWS = 5, THIN_VECTORS = 2, THIN_ALONE = 8 };
#endif
#define THIN_PRAGMA(text) _Pragma(#text)
#ifdef __clang__
#define THIN_UNROLL(times) THIN_PRAGMA(unroll times)
#else
#define THIN_UNROLL(times) THIN_PRAGMA(GCC unroll times)
#endif

/* x + d, or x itself where d is 0: -0 + 0 would be +0. */
static inline float thin_add(float x, float d) { return d == 0 ? x : x + d; }

static inline thin thin_add_all(thin x, thin d) {
#if defined MW_BODY_X86 && defined __AVX512F__
  return (thin)_mm512_mask_add_ps((__m512)x, _mm512_cmp_ps_mask((__m512)d, _mm512_setzero_ps(), _CMP_NEQ_UQ), (__m512)x, (__m512)d);
#elif defined MW_BODY_X86
  return (thin)_mm256_blendv_ps((__m256)(x + d), (__m256)x, _mm256_cmp_ps((__m256)d, _mm256_setzero_ps(), _CMP_EQ_OQ));
#else
  const thin_bits none = (thin_bits)(d == 0);
  return (thin)(((thin_bits)x & none) | ((thin_bits)(x + d) & ~none));
#endif
}

/* Where an element lies in dst, and in bf16 if what the product is added to is `stored` there. */
typedef struct thin_place {
  float *dst;
  const uint16_t *bf16;
} thin_place;

static inline __attribute__((always_inline)) thin thin_take(thin_place from, size_t at, bool stored) {
  thin x;
  thin_stored bits;
  if (!stored) return memcpy(&x, from.dst + at, sizeof x), x;
  memcpy(&bits, from.bf16 + at, sizeof bits);
#ifdef MW_HALVES /* compilers make four instructions of the conversion there */
  return (thin)_mm256_slli_epi32(_mm256_cvtepu16_epi32((__m128i)bits), 16);
#else
  return (thin)(__builtin_convertvector(bits, thin_bits) << 16);
#endif
}

/* What is computed: see add_product in rows.def. */
typedef struct thin_product {
  float *dst;
  const uint16_t *bf16;
  const float *left, *right;
  size_t dst_stride, left_stride, from, rank, columns;
  float scale;
} thin_product;

/* Where column `column` of the right matrix begins, of rank 0: those of rank k are k * MW_STRIP further. A strip is read from its beginning
 * to its end, in the order in which it lies in memory. */
static inline const float *thin_column(const float *right, size_t rank, size_t column) {
  return right + column / MW_STRIP * MW_STRIP * rank + column % MW_STRIP;
}

static inline thin_place thin_at(const thin_product *p, size_t row, size_t column, bool stored) {
  const size_t at = row * p->dst_stride + column;
  return (thin_place){p->dst + at, stored ? p->bf16 + at : NULL};
}

/* `rows`, `vectors` and `stored` are constants where it is called, so that their loops become plain code and the sums registers. */
static inline __attribute__((always_inline)) void thin_block(const thin_product *p, size_t row, size_t column, int rows, int vectors,
                                                             bool stored) {
  const thin_place to = thin_at(p, row, column, stored);
  const float *left = p->left + row, *right = thin_column(p->right, p->rank, p->from + column);
  const size_t rank = p->rank, left_stride = p->left_stride, stride = p->dst_stride;
  thin sums[THIN_ROWS][THIN_ALONE], r[THIN_ALONE];
  THIN_UNROLL(8) for (int i = 0; i < rows; i++)
    THIN_UNROLL(8) for (int v = 0; v < vectors; v++) sums[i][v] = (thin){0};
  THIN_UNROLL(4) for (size_t k = 0; k < rank; k++) {
    THIN_UNROLL(8) for (int v = 0; v < vectors; v++)
      memcpy(&r[v], thin_column(right, rank, (size_t)v * THIN) + k * MW_STRIP, sizeof r[v]);
    THIN_UNROLL(8) for (int i = 0; i < rows; i++) {
      const float l = left[k * left_stride + (size_t)i];
      THIN_UNROLL(8) for (int v = 0; v < vectors; v++) sums[i][v] += l * r[v];
    }
  }
  THIN_UNROLL(8) for (int i = 0; i < rows; i++)
    THIN_UNROLL(8) for (int v = 0; v < vectors; v++) {
      const size_t at = (size_t)i * stride + (size_t)v * THIN;
      const thin x = thin_add_all(thin_take(to, at, stored), p->scale * sums[i][v]);
      memcpy(to.dst + at, &x, sizeof x);
    }
}

/* One column of some rows. */
static inline void thin_single(const thin_product *p, size_t row, size_t column, int rows, bool stored) {
  const float *right = thin_column(p->right, p->rank, p->from + column);
  for (size_t i = row; i < row + (size_t)rows; i++) {
    const thin_place to = thin_at(p, i, column, stored);
    float sum = 0;
    for (size_t k = 0; k < p->rank; k++) sum += p->left[k * p->left_stride + i] * right[k * MW_STRIP];
    *to.dst = thin_add(stored ? bits_float((uint32_t)*to.bf16 << 16) : *to.dst, p->scale * sum);
  }
}

/* Single columns up to a strip's beginning, then blocks, whose columns lie in whole strips or in one, then what is left. */
static inline __attribute__((always_inline)) void thin_rows(const thin_product *p, size_t row, int rows, int vectors, bool stored) {
  const size_t wide = (size_t)vectors * THIN, head = (MW_STRIP - p->from % MW_STRIP) % MW_STRIP;
  size_t c = 0;
  for (; c < head && c < p->columns; c++) thin_single(p, row, c, rows, stored);
  for (; c + wide <= p->columns; c += wide) thin_block(p, row, c, rows, vectors, stored);
  for (; c + THIN <= p->columns; c += THIN) thin_block(p, row, c, rows, 1, stored);
  for (; c < p->columns; c++) thin_single(p, row, c, rows, stored);
}

/* Functions of their own, so that what their loops need finds registers. */
#define THIN_ROWS_OF(name, rows, vectors, stored) \
  static __attribute__((noinline)) void name(const thin_product *p, size_t row) { thin_rows(p, row, rows, vectors, stored); }
THIN_ROWS_OF(thin_most, THIN_ROWS, THIN_VECTORS, false)
THIN_ROWS_OF(thin_most_stored, THIN_ROWS, THIN_VECTORS, true)
THIN_ROWS_OF(thin_less, THIN_ROWS - 1, THIN_VECTORS, false)
THIN_ROWS_OF(thin_less_stored, THIN_ROWS - 1, THIN_VECTORS, true)
THIN_ROWS_OF(thin_alone, 1, THIN_ALONE, false)
THIN_ROWS_OF(thin_alone_stored, 1, THIN_ALONE, true)

static void row_add_product(float *dst, size_t dst_stride, const void *bf16, const float *left, size_t left_stride, const float *right,
                            size_t from, float scale, size_t rows, size_t rank, size_t columns) {
  const thin_product p = {dst, bf16, left, right, dst_stride, left_stride, from, rank, columns, scale};
  for (size_t i = 0, taken; i < rows; i += taken) {
    taken = (rows - i) % THIN_ROWS == 0 ? THIN_ROWS : rows - i >= THIN_ROWS - 1 ? THIN_ROWS - 1 : 1;
    if (taken == THIN_ROWS) (bf16 ? thin_most_stored : thin_most)(&p, i);
    else if (taken == 1) (bf16 ? thin_alone_stored : thin_alone)(&p, i);
    else (bf16 ? thin_less_stored : thin_less)(&p, i);
  }
}

#undef THIN_ROWS_OF
#undef THIN_UNROLL
#undef THIN_PRAGMA
#undef ROW_SUM
#undef ROW_MAP
