/* kernels_type.h: the kernels of one compute type. kernels_body.h includes it twice, once for float and once for double, so it
 * has no include guard. It expects these macros, and undefines them at its end: R (float or double), R_BITS (the unsigned
 * integer of its size), R_KEY (the signed one), R_IS_FLOAT, MW_SQRT, MW_ABS, MW_FLOOR, MW_NEAREST,
 * MW_NARROW(x), the value as a float before it is rounded to fewer bits, and NAME(x), which gives a name its suffix.
 * No result depends on the order in which a compiler or an instruction set computes, so all give the same bits. */

/* ---- maps ------------------------------------------------------------------------------------------------------- */

/* A kernel has one function for each form: if bit k of the form is set, operand k is a single value instead of a tile. The
 * loop runs over whole groups of MW_GROUP elements, a constant number, so that compilers unroll it without code for a rest.
 *
 *   HOLD(x, bit, form)     before the loop: names the operand's tile, and reads the single value
 *   TAKE(x, bit, form)     in the loop: element i of operand x, or the single value; `form` is constant, so nothing is asked
 *   HOLD_n(f), TAKE_n(f)   the same for the first n operands
 *   MAP(name, n, form, e)  the function of one form
 *   MAPS_n(name, e)        the functions of all forms of a kernel with n operands, except the form of single values only
 *
 * One line in full. MW_ARITHMETIC(MUL, 2, a * b) of kernels.def becomes MAPS_2(MUL, (a * b)), which is the forms 0, 1 and 2;
 * form 2 (operand b is a single value) for float is:
 *
 *   static void map_MUL_2_f32(void *dst, const void *pa, const void *pb, const void *pc, const void *pd, size_t n) {
 *     float *out = dst;
 *     const float *tile_a = pa, one_a = 0;          // HOLD(a, 1, 2): bit 1 is not set in 2
 *     const float *tile_b = pb, one_b = *tile_b;    // HOLD(b, 2, 2): bit 2 is
 *     for (size_t group = 0; group < n; group += 64)
 *       for (size_t i = group; i < group + 64; i++) {
 *         const float a = tile_a[i];                // TAKE(a, 1, 2)
 *         const float b = one_b;                    // TAKE(b, 2, 2)
 *         out[i] = (float)(a * b);
 *       }
 *   } */
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

/* ---- the largest magnitude -------------------------------------------------------------------------------------- */

/* The bits without the sign are ordered as magnitudes are, with NaN above infinity. */
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

/* ---- from stored elements and back: loads and stores -------------------------------------------------------- */

#include "num/kernels_convert.h"

/* ---- elements above a threshold, or equal to it up to an index -------------------------------------------------- */

/* 1 for what is kept of x, else 0: magnitudes above the threshold, and equal ones up to index `ties`. For example, the 2 largest of
 * 5 3 3 1 have the threshold 3; of the two 3 only the first is kept, so ties = 2, and the result is 1 1 0 0. One loop for each half,
 * so that neither asks for the index. */
static void NAME(top)(void *dst, const void *x, double threshold, size_t ties, size_t n) {
  R *out = dst;
  const R *in = x;
  const R least = (R)threshold;
  MW_INDEPENDENT
  for (size_t i = 0; i < ties; i++) out[i] = least <= MW_ABS(in[i]) ? 1 : 0;
  MW_INDEPENDENT
  for (size_t i = ties; i < n; i++) out[i] = least < MW_ABS(in[i]) ? 1 : 0;
}

static void NAME(keep_top)(void *dst, const void *x, double threshold, size_t ties, size_t n) {
  R *out = dst;
  const R *in = x;
  const R least = (R)threshold;
  MW_INDEPENDENT
  for (size_t i = 0; i < ties; i++) out[i] = least <= MW_ABS(in[i]) ? in[i] : 0;
  MW_INDEPENDENT
  for (size_t i = ties; i < n; i++) out[i] = least < MW_ABS(in[i]) ? in[i] : 0;
}

/* ---- reductions ------------------------------------------------------------------------------------------------- */

/* Element i is added to lane i % 64; mw_accum_fold adds the lanes in a fixed order. So the sum does not depend on how many
 * elements a vector register holds. LANES(name, parameters, term) makes the function; TERM(k) is what element k adds. */
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

/* The key of |x|, or of x in numeric order (select.h). x + 0 turns -0 into +0. */
static inline R_KEY NAME(key_of)(R x, bool magnitude) {
  const R_KEY most = (R_KEY)((R_BITS)-1 >> 1);
  R_KEY bits;
  if (!magnitude) x = x + 0;
  memcpy(&bits, &x, sizeof bits);
  return magnitude ? bits & most : bits ^ ((bits < 0 ? -1 : 0) & most);
}

/* The same of a vector of keys. */
typedef R NAME(key_values) __attribute__((vector_size(KEY_BYTES)));
typedef R_KEY NAME(keys) __attribute__((vector_size(KEY_BYTES)));

static inline NAME(keys) NAME(keys_of)(const R *in, bool magnitude) {
  const NAME(keys) most = (NAME(keys)){0} + (R_KEY)((R_BITS)-1 >> 1);
  NAME(key_values) x;
  memcpy(&x, in, sizeof x);
  if (!magnitude) x = x + 0;
  const NAME(keys) bits = (NAME(keys))x;
  return magnitude ? bits & most : bits ^ ((bits < 0) & most);
}

/* Counts element i, and lists it if there is a list. */
static inline void NAME(count_key)(uint32_t *bins, R_KEY key, R_KEY from, unsigned shift, mw_kernel_list *list, size_t i) {
  const R_BITS within = (R_BITS)key - (R_BITS)from;
  bins[within >> shift]++;
  if (list && list->count < MW_KERNEL_LISTED) list->items[list->count++] = (list->start + i) << MW_KERNEL_LISTED_KEYS | within;
}

/* Few keys lie in a predicted range, and often many of these are one and the same: the prediction itself, or the zeros of what has been
 * trimmed or dropped. So the keys below the range and the common ones, if there are `any_common`, are counted in vectors, 32 at a time, and
 * only if there are others in the range these are looked at: bit j of `inside` is set if key j is such a one. */
__attribute__((always_inline))
static inline uint64_t NAME(keys_in)(uint32_t *bins, const R *in, size_t n, bool magnitude, R_KEY from, R_KEY to, bool any_common,
                                     R_KEY common, unsigned shift, mw_kernel_list *list) {
  enum { LANES = KEY_BYTES / sizeof(R) };
  NAME(keys) below = {0}, same = {0}, bit[KEYS / LANES];
  uint64_t under = 0, equal = 0;
  size_t i = 0;
  for (size_t j = 0; j < KEYS; j++) bit[j / LANES][j % LANES] = (R_KEY)((R_BITS)1 << j);
  for (; i + KEYS <= n; i += KEYS) {
    NAME(keys) other = {0};
    uint32_t inside = 0;
    for (size_t part = 0; part < KEYS / LANES; part++) {
      const NAME(keys) key = NAME(keys_of)(in + i + part * LANES, magnitude);
      const NAME(keys) is_below = key < from;
      NAME(keys) is_common = {0};
      if (any_common) is_common = key == common;
      below -= is_below;
      same -= is_common;
      other |= ~(is_below | (key > to) | is_common) & bit[part];
    }
    if (!any_bit(&other)) continue;
    for (size_t j = 0; j < LANES; j++) inside |= (uint32_t)other[j];
    if (inside == UINT32_MAX && !list) /* no range was predicted */
      for (size_t j = 0; j < KEYS; j++) bins[((R_BITS)NAME(key_of)(in[i + j], magnitude) - (R_BITS)from) >> shift]++;
    else
      for (; inside; inside &= inside - 1) {
        const size_t at = i + (size_t)__builtin_ctz(inside);
        NAME(count_key)(bins, NAME(key_of)(in[at], magnitude), from, shift, list, at);
      }
  }
  for (; i < n; i++) {
    const R_KEY key = NAME(key_of)(in[i], magnitude);
    if (key >= from && key <= to) NAME(count_key)(bins, key, from, shift, list, i);
    else under += key < from;
  }
  for (size_t j = 0; j < LANES; j++) under += (uint64_t)below[j], equal += (uint64_t)same[j];
  if (any_common) bins[((R_BITS)common - (R_BITS)from) >> shift] += (uint32_t)equal;
  return under;
}

static uint64_t NAME(key_range)(uint32_t *bins, const void *x, size_t n, bool magnitude, int64_t low, int64_t high, int64_t common,
                                unsigned shift, mw_kernel_list *list) {
  const R_KEY from = (R_KEY)low, to = (R_KEY)high, same = (R_KEY)common;
  if (common < low || common > high)
    return magnitude ? NAME(keys_in)(bins, x, n, true, from, to, false, 0, shift, list)
                     : NAME(keys_in)(bins, x, n, false, from, to, false, 0, shift, list);
  return magnitude ? NAME(keys_in)(bins, x, n, true, from, to, true, same, shift, list)
                   : NAME(keys_in)(bins, x, n, false, from, to, true, same, shift, list);
}

/* How many magnitudes are equal to the threshold. */
static size_t NAME(ties)(const void *x, size_t n, double threshold) {
  const R *in = x;
  const R sought = (R)threshold;
  R_BITS count = 0;
  for (size_t i = 0; i < n; i++) count += MW_ABS(in[i]) == sought ? 1 : 0;
  return (size_t)count;
}

/* ---- votes -------------------------------------------------------------------------------------------------------- */

/* A value agrees if it is above 0 once its sign has been inverted where minus was elected. What disagrees adds 0. Of a `sum` where a is 0
 * plus is elected, and it does not matter where. */
__attribute__((always_inline))
static inline bool NAME(mean_of)(R *out, const R *a, R b, const void *const *voters, size_t count, size_t n, bool sum_alone) {
  enum { LANES = KEY_BYTES / sizeof(R) };
  const NAME(key_values) zero = {0}, one = zero + 1, drawn = zero + b;
  const NAME(keys) sign = (NAME(keys))-zero;
  NAME(keys) open = {0};
  for (size_t i = 0; i < n; i += LANES) {
    NAME(key_values) x, v, sum = zero;
    memcpy(&x, a + i, sizeof x);
    const NAME(keys) is_drawn = x == zero;
    const NAME(keys) plus = sum_alone ? zero <= x : zero < x + (NAME(key_values))(is_drawn & (NAME(keys))one) * drawn, flip = ~plus & sign;
    NAME(keys) agreeing = {0}, any = {0};
    for (size_t k = 0; k < count; k++) {
      memcpy(&v, (const R *)voters[k] + i, sizeof v);
      const NAME(keys) agrees = zero < (NAME(key_values))((NAME(keys))v ^ flip);
      sum += (NAME(key_values))((NAME(keys))v & agrees);
      agreeing -= agrees;
      any |= (NAME(keys))v;
    }
    const NAME(keys) least = (agreeing == 0) & (NAME(keys))one;
    if (!sum_alone) sum /= (NAME(key_values))((NAME(keys))__builtin_convertvector(agreeing, NAME(key_values)) | least);
    memcpy(out + i, &sum, sizeof sum);
    open |= is_drawn & ((any & ~sign) != 0);
  }
  return any_bit(&open);
}

/* Of so many values that their addresses fit registers, the loop over them is unrolled. */
__attribute__((always_inline))
static inline bool NAME(mean_of_few)(R *out, const R *a, R b, const void *const *voters, size_t count, size_t n, bool sum_alone) {
  switch (count) {
  case 2: return NAME(mean_of)(out, a, b, (const void *const[]){voters[0], voters[1]}, 2, n, sum_alone);
  case 3: return NAME(mean_of)(out, a, b, (const void *const[]){voters[0], voters[1], voters[2]}, 3, n, sum_alone);
  case 4: return NAME(mean_of)(out, a, b, (const void *const[]){voters[0], voters[1], voters[2], voters[3]}, 4, n, sum_alone);
  default: return NAME(mean_of)(out, a, b, voters, count, n, sum_alone);
  }
}

static bool NAME(disjoint_mean)(void *dst, const void *a, const void *b, const void *const *voters, size_t count, size_t n) {
  return NAME(mean_of_few)(dst, a, *(const R *)b, voters, count, n, false);
}

static void NAME(disjoint_sum)(void *dst, const void *a, const void *const *voters, size_t count, size_t n) {
  NAME(mean_of_few)(dst, a, 0, voters, count, n, true);
}

/* ---- chance and columns ----------------------------------------------------------------------------------------- */

/* Uses n draws: the top bit of hit[i] << shift says whether draw i is true. Without tiles the result is 1 where true, else 0; with
 * one tile 0 where true, else x; with two tiles 0 where true, else x - y; times `factor`. */
__attribute__((always_inline))
static inline void NAME(pick)(R *out, const R *x, const R *y, int tiles, R factor, const uint32_t *hit, unsigned shift, size_t n) {
  MW_INDEPENDENT
  for (size_t i = 0; i < n; i++) {
    const R_BITS drawn = (int32_t)(hit[i] << shift) < 0 ? (R_BITS)-1 : 0;
    R value = tiles == 0 ? 1 : tiles == 1 ? x[i] : x[i] - y[i];
    R_BITS bits;
    memcpy(&bits, &value, sizeof bits);
    bits &= tiles ? ~drawn : drawn;
    memcpy(&value, &bits, sizeof bits);
    out[i] = value * factor;
  }
}

/* Elements [start, start + n) of a tensor of draws. Draw i depends only on the stream and i, so it is the same however the tensor is
 * cut. MW_DRAWS elements are drawn at once, with an answer of a byte each: word k of `hit` has those of elements k, k + 64,
 * k + 128 and k + 192, and `shift` brings the one that is needed to the top bit. `limit` is p as a part of 2^32, rounded up, so that
 * p = 1 is always true and p = 0 never. */
__attribute__((always_inline))
static inline void NAME(chance)(R *out, const R *x, const R *y, int tiles, mw_kernel_stream stream, uint64_t start, size_t n,
                                double p, R factor) {
  const uint64_t limit = draw_limit(p);
  const philox source = philox_of(stream);
  EACH_GROUP(MW_DRAWS) {
    _Alignas(64) uint32_t hit[MW_GROUP];
    draw(&source, at / MW_DRAWS, limit, hit);
    for (size_t i = from, step; i < to; i += step) {
      const size_t lane = i % MW_GROUP;
      const unsigned shift = 24 - 8 * (unsigned)(i / MW_GROUP);
      step = MW_GROUP - lane < to - i ? MW_GROUP - lane : to - i;
      if (step == MW_GROUP) NAME(pick)(out, x, y, tiles, factor, hit, shift, MW_GROUP);
      else NAME(pick)(out, x, y, tiles, factor, hit + lane, shift, step);
      out += step;
      if (tiles > 0) x += step;
      if (tiles > 1) y += step;
    }
  }
}

static void NAME(bernoulli)(void *dst, mw_kernel_stream stream, uint64_t start, size_t n, double p) {
  NAME(chance)(dst, NULL, NULL, 0, stream, start, n, p, 1);
}

/* The first byte of an element's number nearly always decides, as in draw(). */
/* A number of 32 bits is below p * 2^32, which need not be whole, or it is not. Of its first byte f it is known that it lies between
 * f * 2^24 and f * 2^24 + (2^24 - 1): if p * 2^32 does not lie between these too, as for 255 of 256 elements, the draw is decided. */
static void NAME(bernoulli_each)(void *dst, const void *p, mw_kernel_stream stream, uint64_t start, size_t n) {
  R *out = dst;
  const R *in = p;
  const philox source = philox_of(stream);
  EACH_GROUP(MW_DRAWS) {
    uint32_t word[MW_GROUP];
    philox_group(&source, at / MW_DRAWS, word);
    for (size_t i = from, step; i < to; i += step, in += step, out += step) {
      const size_t lane = i % MW_GROUP;
      const unsigned shift = 8 * (unsigned)(i / MW_GROUP);
      double bound[MW_GROUP];
      uint32_t open[MW_GROUP], any = 0;
      step = MW_GROUP - lane < to - i ? MW_GROUP - lane : to - i;
      MW_INDEPENDENT
      for (size_t j = 0; j < step; j++) {
        const double low = (double)(int32_t)(word[lane + j] >> shift & 0xff) * 0x1p24;
        bound[j] = (double)in[j] * 0x1p32;
        out[j] = low + 0xffffff < bound[j] ? 1 : 0;
        open[j] = (low < bound[j]) & !(low + 0xffffff < bound[j]);
        any |= open[j];
      }
      for (size_t j = 0; any && j < step; j++)
        if (open[j]) out[j] = (word[lane + j] >> shift & 0xff) * 0x1p24 + draw_rest(&source, at - from + i + j) < bound[j] ? 1 : 0;
    }
  }
}

static void NAME(drop)(void *dst, const void *x, const void *y, mw_kernel_stream stream, uint64_t start, size_t n, double p,
                       double factor) {
  if (!y) NAME(chance)(dst, x, NULL, 1, stream, start, n, p, 1);
  else if (factor == 1) NAME(chance)(dst, x, y, 2, stream, start, n, p, 1); /* which leaves the product out */
  else NAME(chance)(dst, x, y, 2, stream, start, n, p, (R)factor);
}

/* Box-Muller: two random words give two normal values, radius * cos(angle) and radius * sin(angle). Words 0 and 1 of a Philox block
 * give elements 0 and 1 of the block, words 2 and 3 elements 2 and 3. */
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

/* Multiplies each element by the value of its column. [start, start + n) may begin in the middle of a row: the first run ends with
 * that row, and every other one is a whole row or the beginning of the last. */
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
#undef MW_FLOOR
#undef MW_NEAREST
#undef MW_NARROW
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
#undef LANES
