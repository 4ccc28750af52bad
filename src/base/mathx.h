/* mathx.h: exp, log, tanh, sin, pow and others as fixed polynomials in double, within 2 ulp, with the same bits on every machine
 * (glibc's results differ between CPUs). They use only + - * /, square root and integer operations on bits, no FMA: files that
 * include this are compiled with -ffp-contract=off. They are inline and without branches, so that compilers vectorise loops
 * over them. Polynomials: fdlibm (Sun Microsystems, 1993). sin and cos of angles beyond 2^20 are NaN. */
#ifndef MW_BASE_MATHX_H
#define MW_BASE_MATHX_H

#include <stdint.h>
#include <string.h>

#define MW_MATHX_NAN (__builtin_nan(""))
#define MW_MATHX_INFINITY (__builtin_inf())
#define MW_MATHX_ANGLE 1048576.0 /* the largest angle of sin and cos */
/* Adding this number rounds a number below 2^51 to an integer, which is then in the low bits of the sum. */
#define MW_MATHX_ROUND 0x1.8p52

/* ln 2 in two parts. The first ends in 21 zero bits, so its product with an exponent is exact. */
#define MW_MATHX_LN2 6.93147180369123816490e-01
#define MW_MATHX_LN2_LOW 1.90821492927058770002e-10

static inline uint64_t mw_mathx_bits(double x) { uint64_t bits; memcpy(&bits, &x, sizeof bits); return bits; }
static inline double mw_mathx_from(uint64_t bits) { double x; memcpy(&x, &bits, sizeof x); return x; }
static inline double mw_mathx_abs(double x) { return mw_mathx_from(mw_mathx_bits(x) & INT64_MAX); }

/* Whole numbers: the nearest one, the even one of two, and the next one below. From 2^52 on every double is one, from 2^23 on every
 * float; below, adding that and taking it away again leaves no fraction. Never -0, which a processor may give or not. */
static inline double mw_mathx_nearest(double x) {
  const double up = x < 0 ? -0x1p52 : 0x1p52;
  return mw_mathx_abs(x) < 0x1p52 ? (x + up) - up : x;
}
static inline double mw_mathx_floor(double x) {
  const double whole = mw_mathx_nearest(x);
  return whole > x ? whole - 1 : whole;
}
static inline float mw_mathx_nearestf(float x) {
  const float up = x < 0 ? -0x1p23f : 0x1p23f;
  return __builtin_fabsf(x) < 0x1p23f ? (x + up) - up : x;
}
static inline float mw_mathx_floorf(float x) {
  const float whole = mw_mathx_nearestf(x);
  return whole > x ? whole - 1 : whole;
}

/* |x| with the sign of `sign`. */
static inline double mw_mathx_signed(double x, double sign) {
  return mw_mathx_from((mw_mathx_bits(x) & INT64_MAX) | (mw_mathx_bits(sign) & ~(uint64_t)INT64_MAX));
}

/* 2^k for a whole k in [-1022, 1023]. */
static inline double mw_mathx_power_of_two(double k) {
  return mw_mathx_from((mw_mathx_bits(k + MW_MATHX_ROUND) + 1023) << 52);
}

/* ---- sums and products as pairs of doubles: high + low is exact ------------------------------------------------- */

/* The exact sum of two doubles, if |high| > |low| or high is 0. */
typedef struct mw_mathx_pair { double high, low; } mw_mathx_pair;

static inline mw_mathx_pair mw_mathx_sum(double high, double low) {
  double sum = high + low;
  return (mw_mathx_pair){sum, low - (sum - high)};
}

/* The exact product (Dekker 1971), for factors below 2^990. */
static inline mw_mathx_pair mw_mathx_product(double a, double b) {
  double ca = a * 134217729.0, cb = b * 134217729.0, product = a * b;
  double ah = ca - (ca - a), bh = cb - (cb - b), al = a - ah, bl = b - bh;
  return (mw_mathx_pair){product, ((ah * bh - product) + ah * bl + al * bh) + al * bl};
}

static inline mw_mathx_pair mw_mathx_times(mw_mathx_pair a, mw_mathx_pair b) {
  mw_mathx_pair p = mw_mathx_product(a.high, b.high);
  return mw_mathx_sum(p.high, p.low + (a.high * b.low + a.low * b.high));
}

/* ---- exp and its family ----------------------------------------------------------------------------------------- */

/* exp(r) - 1 - r for |r| <= ln 2 / 2, by fdlibm's rational form. */
static inline double mw_mathx_exp_rest(double r) {
  double t = r * r;
  double c = r - t * (1.66666666666666019037e-01 + t * (-2.77777777770155933842e-03 + t * (6.61375632143793436117e-05
    + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))));
  return r * c / (2 - c);
}

/* exp(x + low) for a tiny low. */
static inline double mw_mathx_exp_pair(double x, double low) {
  x = x > 720 ? 720 : x;
  x = x < -760 ? -760 : x;
  double k = (x * 1.44269504088896338700 + MW_MATHX_ROUND) - MW_MATHX_ROUND;
  double high = x - k * MW_MATHX_LN2, rest = k * MW_MATHX_LN2_LOW - low;
  mw_mathx_pair one = mw_mathx_sum(1, high);
  double y = one.high + (one.low + (mw_mathx_exp_rest(high - rest) - rest));
  /* 2^k is multiplied in two halves, since 2^k itself may be outside the range of doubles. */
  double half = (k * 0.5 + MW_MATHX_ROUND) - MW_MATHX_ROUND;
  return y * mw_mathx_power_of_two(half) * mw_mathx_power_of_two(k - half);
}

static inline double mw_mathx_exp(double x) { return mw_mathx_exp_pair(x, 0); }

static inline double mw_mathx_tanh(double x) {
  double twice = 2 * mw_mathx_abs(x);
  twice = twice > 44 ? 44 : twice;
  /* t = exp(2|x|) - 1, without cancellation near 0. */
  double k = (twice * 1.44269504088896338700 + MW_MATHX_ROUND) - MW_MATHX_ROUND;
  double high = twice - k * MW_MATHX_LN2, low = k * MW_MATHX_LN2_LOW, scale = mw_mathx_power_of_two(k);
  double rest = mw_mathx_exp_rest(high - low) - low;
  double whole = scale - 1, sum = whole + scale * high;
  /* whole is 0 or at least twice the term after it. */
  mw_mathx_pair t = mw_mathx_sum(sum, (scale * high - (sum - whole)) + scale * rest);
  /* t / (t + 2), corrected by what the two lost. */
  double under = t.high + 2, under_low = (t.high < 2 ? t.high - (under - 2) : 2 - (under - t.high)) + t.low;
  double quotient = t.high / under, y = quotient + (t.low - quotient * under_low) / under;
  return x != x ? x : mw_mathx_signed(y, x);
}

/* ---- log -------------------------------------------------------------------------------------------------------- */

/* Splits a finite x > 0 into mantissa * 2^exponent, the mantissa between sqrt(1/2) and sqrt(2). */
static inline double mw_mathx_split(double x, double *exponent) {
  double tiny = x < 0x1p-1022 ? 54 : 0;
  uint64_t bits = mw_mathx_bits(x < 0x1p-1022 ? x * 0x1p54 : x) + (0x3ff0000000000000 - 0x3fe6a09e00000000);
  /* The integer becomes a double by its bits: without AVX-512 a conversion of 64 bits is slow. */
  *exponent = mw_mathx_from(0x4330000000000000 | ((bits >> 52) & 0xfff)) - (0x1p52 + 1023) - tiny;
  return mw_mathx_from((bits & 0xfffffffffffff) + 0x3fe6a09e00000000);
}

static inline double mw_mathx_log(double x) {
  double k, f = mw_mathx_split(x, &k) - 1, half = 0.5 * f * f, s = f / (2 + f), z = s * s, w = z * z;
  double even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
  double odd = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01
    + w * 1.479819860511658591e-01)));
  double y = s * (half + (even + odd)) + k * MW_MATHX_LN2_LOW - half + f + k * MW_MATHX_LN2;
  y = x == MW_MATHX_INFINITY ? x : y;
  y = x == 0 ? -MW_MATHX_INFINITY : y;
  return x >= 0 ? y : MW_MATHX_NAN;
}

/* ---- pow -------------------------------------------------------------------------------------------------------- */

/* ln x to about 66 bits: 2 atanh((m - 1) / (m + 1)) by its series, the first two terms in pairs. */
static inline mw_mathx_pair mw_mathx_log_pair(double x) {
  double k, m = mw_mathx_split(x, &k), f = m - 1, g = m + 1, g_low = m - (g - 1);
  double q = f / g;
  mw_mathx_pair back = mw_mathx_product(q, g);
  mw_mathx_pair s = mw_mathx_sum(q, (((f - back.high) - back.low) - q * g_low) / g);
  mw_mathx_pair square = mw_mathx_times(s, s), cube = mw_mathx_times(square, s);
  mw_mathx_pair third = mw_mathx_times(cube, (mw_mathx_pair){0x1.5555555555555p-1, 0x1.5555555555555p-55});
  double z = square.high, series = 2.0 / 27;
  series = 2.0 / 25 + z * series;
  series = 2.0 / 23 + z * series;
  series = 2.0 / 21 + z * series;
  series = 2.0 / 19 + z * series;
  series = 2.0 / 17 + z * series;
  series = 2.0 / 15 + z * series;
  series = 2.0 / 13 + z * series;
  series = 2.0 / 11 + z * series;
  series = 2.0 / 9 + z * series;
  series = 2.0 / 7 + z * series;
  series = 2.0 / 5 + z * series;
  mw_mathx_pair a = mw_mathx_sum(k * MW_MATHX_LN2, 2 * s.high);
  mw_mathx_pair b = mw_mathx_sum(a.high, third.high);
  /* LN2_LOW is itself a rounded number: its error, 2^-86, is below what is needed. */
  double low = series * (cube.high * z) + third.low + 2 * s.low + k * MW_MATHX_LN2_LOW;
  return mw_mathx_sum(b.high, (a.low + b.low) + low);
}

/* As C's pow, also for infinities, zeros and negative bases. It is always inlined, so that loops over it are vectorised. */
__attribute__((always_inline))
static inline double mw_mathx_pow(double x, double y) {
  double base = mw_mathx_abs(x), power = mw_mathx_abs(y);
  /* Beyond 2^66 every power of a base other than 1 is 0 or infinite, and products would overflow. */
  double exponent = power > 0x1p66 ? mw_mathx_signed(0x1p66, y) : y;
  mw_mathx_pair log = mw_mathx_log_pair(base);
  mw_mathx_pair p = mw_mathx_product(exponent, log.high);
  mw_mathx_pair sum = mw_mathx_sum(p.high, p.low + exponent * log.low);
  double z = mw_mathx_exp_pair(sum.high, mw_mathx_abs(sum.high) < 800 ? sum.low : 0);
  z = base == 0 || base == MW_MATHX_INFINITY ? ((base == 0) == (y < 0) ? MW_MATHX_INFINITY : 0) : z;
  z = base == 1 ? 1 : z;
  /* Whether the exponent is an odd integer: from 2^53 on all doubles are even, from 2^52 on the last bit tells. */
  double near = power < 0x1p52 ? (power + 0x1p52) - 0x1p52 : power;
  double half = power * 0.5, near_half = half < 0x1p52 ? (half + 0x1p52) - 0x1p52 : half;
  int negative = (int)(mw_mathx_bits(x) >> 63), whole = near == power, odd = whole & (near_half != half);
  z = (negative & odd) ? -z : z;
  z = ((x < 0) & !whole & (base != MW_MATHX_INFINITY)) ? MW_MATHX_NAN : z;
  z = x != x || y != y ? MW_MATHX_NAN : z;
  return x == 1 || y == 0 ? 1 : z;
}

/* ---- angles ----------------------------------------------------------------------------------------------------- */

/* x - k * pi/2 in |r| <= pi/4, by Cody and Waite: parts of pi/2 with 33 bits, so that products with k are exact. */
static inline mw_mathx_pair mw_mathx_angle(double x, uint64_t *quadrant) {
  double rounded = x * 6.36619772367581382433e-01 + MW_MATHX_ROUND, k = rounded - MW_MATHX_ROUND;
  *quadrant = mw_mathx_bits(rounded) & 3;
  double r = x - k * 1.57079632673412561417e+00;
  double second = k * 6.07710050630396597660e-11, third = k * 2.02226624871116645580e-21;
  double fourth = k * 8.47842766036889956997e-32;
  double t = r - second, back = t - r, error = (r - (t - back)) + (-second - back);
  double u = t - third, uback = u - t, uerror = (t - (u - uback)) + (-third - uback);
  double low = error + (uerror - fourth), high = u + low;
  return (mw_mathx_pair){high, (u - high) + low};
}

static inline double mw_mathx_sin_of(mw_mathx_pair r) {
  double x = r.high, z = x * x, w = z * z, v = z * x;
  double rest = 8.33333333332248946124e-03 + z * (-1.98412698298579493134e-04 + z * 2.75573137070700676789e-06)
    + z * w * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10);
  return x - ((z * (0.5 * r.low - v * rest) - r.low) - v * -1.66666666666666324348e-01);
}

static inline double mw_mathx_cos_of(mw_mathx_pair r) {
  double z = r.high * r.high, w = z * z, half = 0.5 * z, one = 1 - half;
  double rest = z * (4.16666666666666019037e-02 + z * (-1.38888888888741095749e-03 + z * 2.48015872894767294178e-05))
    + w * w * (-2.75573143513906633035e-07 + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11));
  return one + (((1 - one) - half) + (z * rest - r.high * r.low));
}

/* sin(x + shift * pi/2). */
static inline double mw_mathx_wave(double x, uint64_t shift) {
  uint64_t quadrant;
  mw_mathx_pair r = mw_mathx_angle(x, &quadrant);
  double sine = mw_mathx_sin_of(r), cosine = mw_mathx_cos_of(r);
  quadrant += shift;
  double y = quadrant & 1 ? cosine : sine;
  y = mw_mathx_from(mw_mathx_bits(y) ^ (quadrant & 2) << 62);
  return mw_mathx_abs(x) <= MW_MATHX_ANGLE ? y : MW_MATHX_NAN;
}

static inline double mw_mathx_sin(double x) {
  double y = mw_mathx_wave(x, 0);
  return x == 0 ? x : y;
}

static inline double mw_mathx_cos(double x) { return mw_mathx_wave(x, 1); }

static inline double mw_mathx_acos(double x) {
  double a = mw_mathx_abs(x), z = a < 0.5 ? x * x : (1 - a) * 0.5, s = __builtin_sqrt(z);
  double p = z * (1.66666666666666657415e-01 + z * (-3.25565818622400915405e-01 + z * (2.01212532134862925881e-01
    + z * (-4.00555345006794114027e-02 + z * (7.91534994289814532176e-04 + z * 3.47933107596021167570e-05)))));
  double q = 1 + z * (-2.40339491173441421878e+00 + z * (2.02094576023350569471e+00 + z * (-6.88283971605453293030e-01
    + z * 7.70381505559019352791e-02)));
  double ratio = p / q, high = 1.57079632679489655800e+00, low = 6.12323399573676603587e-17;
  double middle = high - (x - (low - x * ratio));
  double left = 2 * (high - (s + (ratio * s - low)));
  double top = mw_mathx_from(mw_mathx_bits(s) & 0xffffffff00000000);
  double right = 2 * (top + (ratio * s + (z - top * top) / (s + top)));
  right = a == 1 ? 0 : right;
  double outer = x < 0 ? left : right;
  return a < 0.5 ? middle : outer;
}
#endif
