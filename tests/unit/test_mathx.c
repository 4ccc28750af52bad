/* test_mathx.c: mathx against the long double functions of libm, in units in the last place of the double result, and
 * the special values of C's annex F. */
#include "base/mathx.h"
#include "unit.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

static uint64_t state = 88172645463325252u;
static uint64_t next(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state; }
static double between(double low, double high) { return low + (high - low) * ((double)(next() >> 11) * 0x1p-53); }

static double ulps(double got, long double wanted) {
  double rounded = (double)wanted;
  if (isnan(rounded) || isinf(rounded) || isnan(got) || isinf(got))
    return (isnan(rounded) && isnan(got)) || rounded == got ? 0 : 1e9;
  double size = fabs(rounded) < 0x1p-1022 ? 0x1p-1074 : ldexp(1, ilogb(rounded) - 52);
  return (double)(fabsl(got - wanted) / (long double)size);
}

#define CASES 300000
#define WORST(label, limit, make, ours, theirs) do { \
    CASE("%s", label); \
    double worst = 0, at = 0, with = 0; \
    for (int i = 0; i < CASES; i++) { \
      double x, y = 0; \
      make; \
      double off = ulps(ours, theirs); \
      if (off > worst) worst = off, at = x, with = y; \
    } \
    if (worst > (limit)) printf("%s: %g ulp at %a %a\n", label, worst, at, with); \
    CHECK(worst <= (limit)); \
  } while (0)

static bool same(double a, double b) { return (isnan(a) && isnan(b)) || mw_mathx_bits(a) == mw_mathx_bits(b); }

int main(void) {
  WORST("exp", 1, x = between(-750, 711), mw_mathx_exp(x), expl(x));
  WORST("exp small", 1, x = between(-1, 1), mw_mathx_exp(x), expl(x));
  WORST("exp bits", 1, x = mw_mathx_from(next()), mw_mathx_exp(x), expl(x));
  WORST("log bits", 1, x = fabs(mw_mathx_from(next())), mw_mathx_log(x), logl(x));
  WORST("log near 1", 1, x = between(0.5, 2), mw_mathx_log(x), logl(x));
  WORST("tanh", 1.5, x = between(-25, 25), mw_mathx_tanh(x), tanhl(x));
  WORST("tanh small", 1.5, x = between(-1, 1), mw_mathx_tanh(x), tanhl(x));
  WORST("tanh bits", 1.5, x = mw_mathx_from(next()), mw_mathx_tanh(x), tanhl(x));
  WORST("sin", 1, x = between(-10, 10), mw_mathx_sin(x), sinl(x));
  WORST("sin large", 1, x = between(-1048576, 1048576), mw_mathx_sin(x), sinl(x));
  WORST("sin near zeros", 1, x = (double)(next() >> 45) * 1.57079632679489661923, mw_mathx_sin(x), sinl(x));
  WORST("sin tiny", 1, x = mw_mathx_from(next() & 0x800fffffffffffff), mw_mathx_sin(x), sinl(x));
  WORST("cos", 1, x = between(-10, 10), mw_mathx_cos(x), cosl(x));
  WORST("cos large", 1, x = between(-1048576, 1048576), mw_mathx_cos(x), cosl(x));
  WORST("cos near zeros", 1, x = (double)(next() >> 45) * 1.57079632679489661923, mw_mathx_cos(x), cosl(x));
  WORST("acos", 1, x = between(-1, 1), mw_mathx_acos(x), acosl(x));
  WORST("acos near 1", 1, x = 1 - between(0, 1e-6), mw_mathx_acos(x), acosl(x));
  WORST("acos near -1", 1, x = -1 + between(0, 1e-6), mw_mathx_acos(x), acosl(x));
  WORST("pow", 1, x = between(0, 10); y = between(-300, 300), mw_mathx_pow(x, y), powl(x, y));
  WORST("pow near 1", 1, x = between(0.99, 1.01); y = between(-1e5, 1e5), mw_mathx_pow(x, y), powl(x, y));
  WORST("pow bits", 1, x = mw_mathx_from(next()); y = between(-3, 3), mw_mathx_pow(x, y), powl(x, y));
  WORST("pow any", 1, x = mw_mathx_from(next()); y = mw_mathx_from(next()), mw_mathx_pow(x, y), powl(x, y));
  WORST("pow roots", 0.75, x = between(0, 1e6); y = 0.5, mw_mathx_pow(x, y), sqrtl(x));
  WORST("pow squares", 0.75, x = between(-1e6, 1e6); y = 2, mw_mathx_pow(x, y), (long double)x * x);

  CASE("whole powers that are doubles are exact");
  for (int base = -20; base <= 20; base++) {
    double exact = 1;
    for (int power = 0; power < 60 && fabs(exact) <= 0x1p53; power++, exact *= base)
      CHECK(base == 0 && power > 0 ? mw_mathx_pow(base, power) == 0 : mw_mathx_pow(base, power) == exact);
  }
  CHECK(mw_mathx_pow(3, 2) == 9 && mw_mathx_pow(10, 3) == 1000 && mw_mathx_pow(2, 0.5) == sqrt(2));
  for (int power = -1074; power < 1024; power++)
    CHECK(mw_mathx_pow(2, power) == ldexp(1, power));

  CASE("special values");
  const double special[] = {0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 1e300, -1e300, 0x1p-1074, -0x1p-1074, INFINITY,
                            -INFINITY, NAN, 0x1p52 + 1, 0x1p53, -0x1p52 - 1};
  enum { SPECIAL = sizeof special / sizeof *special };
  for (size_t i = 0; i < SPECIAL; i++) {
    double x = special[i];
    CHECK(same(mw_mathx_exp(x), exp(x)) || ulps(mw_mathx_exp(x), expl(x)) < 1);
    CHECK(same(mw_mathx_log(x), log(x)) || ulps(mw_mathx_log(x), logl(x)) < 1);
    CHECK(same(mw_mathx_tanh(x), tanh(x)) || (x != 0 && ulps(mw_mathx_tanh(x), tanhl(x)) < 2));
    CHECK(fabs(x) > MW_MATHX_ANGLE ? isnan(mw_mathx_sin(x)) && isnan(mw_mathx_cos(x))
                                   : same(mw_mathx_sin(x), sin(x)) || (x != 0 && ulps(mw_mathx_sin(x), sinl(x)) < 1));
    CHECK(same(mw_mathx_acos(x), acos(x)) || ulps(mw_mathx_acos(x), acosl(x)) < 1);
    for (size_t j = 0; j < SPECIAL; j++) {
      double y = special[j], ours = mw_mathx_pow(x, y);
      bool fine = same(ours, pow(x, y)) || (ours != 0 && ulps(ours, powl(x, y)) < 1);
      if (!fine) printf("pow(%g, %g) = %g, not %g\n", x, y, ours, pow(x, y));
      CHECK(fine);
    }
  }
  UNIT_END();
}
