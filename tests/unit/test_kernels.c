/* test_kernels.c: every kernel and form of every table that this CPU can run against a scalar reference in this file,
 * bit for bit (NaN equals NaN): odd lengths, unaligned stored elements, dst that is an operand, all elements of the
 * 8- and 16-bit dtypes, and stores over bits chosen around every rounding boundary. */
#include "base/mathx.h"
#include "num/cpu.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252u;
static uint64_t next(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state; }

/* ---- maps ------------------------------------------------------------------------------------------------------- */

/* x with so many binary digits, of which the last is at least 2^lowest: the half goes to the even one. */
static double with_digits(double x, int digits, int lowest) {
  int exponent;
  if (x == 0 || !isfinite(x)) return x;
  frexp(x, &exponent);
  int last = exponent - digits > lowest ? exponent - digits : lowest;
  return ldexp(nearbyint(ldexp(x, -last)), last);
}
static double as_bf16(double x) { return with_digits(x, 8, -133); }
static double as_f16(double x) {
  double y = with_digits(x, 11, -24);
  return fabs(y) > 65504 ? copysign(INFINITY, y) : y;
}

#define MW_SQRT(x) (sizeof(x) == 4 ? (R)sqrtf((float)(x)) : (R)sqrt((double)(x)))
#define MW_ABS(x) (R)fabs((double)(x))
#define MW_FLOOR(x) (R)(floor((double)(x)) + 0)
#define MW_NEAREST(x) (R)(nearbyint((double)(x)) + 0)
#define MW_NARROW(x) (double)(x)
#define R float
static float map_float(mw_kernel kernel, float a, float b, float c, float d) {
  (void)b, (void)c, (void)d;
  switch (kernel) {
#define MW_KERNEL(name, arity, expression) case MW_KERNEL_##name: return (float)(expression);
#include "num/kernels.def"
#undef MW_KERNEL
  default: return 0;
  }
}
#undef R
#define R double
static double map_double(mw_kernel kernel, double a, double b, double c, double d) {
  (void)b, (void)c, (void)d;
  switch (kernel) {
#define MW_KERNEL(name, arity, expression) case MW_KERNEL_##name: return (double)(expression);
#include "num/kernels.def"
#undef MW_KERNEL
  default: return 0;
  }
}
#undef R

static const char *const names[] = {
#define MW_KERNEL(name, arity, expression) #name,
#include "num/kernels.def"
#undef MW_KERNEL
};
static const unsigned arities[] = {
#define MW_KERNEL(name, arity, expression) arity,
#include "num/kernels.def"
#undef MW_KERNEL
};

enum { TILE = 203, ROOM = 256 }; /* maps touch whole groups */

static double sample(void) {
  const double special[] = {0, -0.0, 1, -1, INFINITY, -INFINITY, NAN, 1e-310, 1e-40, 3e38, 0.5, 2};
  uint64_t random = next();
  return random % 4 ? (double)(int64_t)next() * 0x1p-60 : special[(random >> 8) % 12];
}

static bool same(double x, double y) { return (x != x && y != y) || mw_mathx_bits(x) == mw_mathx_bits(y); }

static void maps(const mw_kernels *kernels) {
  static float narrow[4][ROOM], narrow_out[ROOM];
  static double wide[4][ROOM], wide_out[ROOM];
  for (int kernel = 0; kernel < MW_KERNEL_COUNT; kernel++) {
    unsigned arity = arities[kernel], forms = 1u << arity;
    for (unsigned form = 0; form < 16; form++) {
      mw_kernel_map f = kernels->type[0].map[kernel][form], g = kernels->type[1].map[kernel][form];
      CHECK((form < forms - 1) == (f != NULL) && (form < forms - 1) == (g != NULL));
      if (!f || !g)
        continue;
      /* target: a fresh tile, or one of the operands that are tiles. */
      for (unsigned target = 0; target <= arity; target++) {
        if (target < arity && form & 1u << target)
          continue;
        size_t n = 1 + next() % TILE;
        const void *x[4] = {0}, *y[4] = {0};
        for (unsigned k = 0; k < arity; k++) {
          x[k] = narrow[k], y[k] = wide[k];
          for (size_t i = 0; i < n; i++)
            wide[k][i] = sample(), narrow[k][i] = (float)wide[k][i];
        }
        float wanted[TILE];
        double wide_wanted[TILE];
        for (size_t i = 0; i < n; i++) {
#define AT(array, k) array[k][(form & 1u << (k)) ? 0 : i]
          wanted[i] = map_float((mw_kernel)kernel, AT(narrow, 0), AT(narrow, 1), AT(narrow, 2), AT(narrow, 3));
          wide_wanted[i] = map_double((mw_kernel)kernel, AT(wide, 0), AT(wide, 1), AT(wide, 2), AT(wide, 3));
        }
        float *out = target < arity ? narrow[target] : narrow_out;
        double *out2 = target < arity ? wide[target] : wide_out;
        f(out, x[0], x[1], x[2], x[3], n);
        g(out2, y[0], y[1], y[2], y[3], n);
        bool fine = true;
        for (size_t i = 0; i < n; i++)
          fine = fine && same((double)out[i], (double)wanted[i]) && same(out2[i], wide_wanted[i]);
        if (!fine)
          printf("%s: %s form %u target %u\n", kernels->isa, names[kernel], form, target);
        CHECK(fine);
      }
    }
  }
}

/* ---- dtypes ----------------------------------------------------------------------------------------------------- */

typedef struct format { mw_dtype dtype; int exponent, mantissa; bool finite; } format;
static const format formats[] = {
  {MW_DTYPE_F8_E5M2, 5, 2, false}, {MW_DTYPE_F8_E4M3, 4, 3, true}, {MW_DTYPE_F16, 5, 10, false},
  {MW_DTYPE_BF16, 8, 7, false}, {MW_DTYPE_F32, 8, 23, false}, {MW_DTYPE_F64, 11, 52, false}};
enum { FORMATS = sizeof formats / sizeof *formats };

static size_t size_of(const format *f) { return (size_t)(1 + f->exponent + f->mantissa) / 8; }

/* The value of stored bits, by definition of the format. */
static double decoded(const format *f, uint64_t bits) {
  uint64_t fraction = bits & ((UINT64_C(1) << f->mantissa) - 1), top = (UINT64_C(1) << f->exponent) - 1;
  uint64_t exponent = bits >> f->mantissa & top;
  int bias = (1 << (f->exponent - 1)) - 1;
  double sign = bits >> (f->exponent + f->mantissa) & 1 ? -1 : 1;
  if (exponent == top && !f->finite)
    return fraction ? NAN : sign * INFINITY;
  if (exponent == top && fraction == 7)
    return NAN;
  if (!exponent)
    return sign * ldexp((double)fraction, 1 - bias - f->mantissa);
  return sign * ldexp((double)(fraction | UINT64_C(1) << f->mantissa), (int)exponent - bias - f->mantissa);
}

/* One rounding to nearest even, the long way. */
static uint64_t encoded(const format *f, double x) {
  uint64_t top = (UINT64_C(1) << f->exponent) - 1, infinity = f->finite ? 0x7f : top << f->mantissa;
  uint64_t sign = (uint64_t)(signbit(x) != 0) << (f->exponent + f->mantissa);
  int bias = (1 << (f->exponent - 1)) - 1;
  if (isnan(x))
    return f->finite ? 0x7f : infinity | UINT64_C(1) << (f->mantissa - 1);
  if (isinf(x))
    return f->finite ? 0x7f : infinity | sign;
  int exponent = x == 0 ? 1 - bias : ilogb(x) < 1 - bias ? 1 - bias : ilogb(x);
  double steps = rint(ldexp(fabs(x), f->mantissa - exponent));
  /* A carry into the next exponent adds up by itself. */
  uint64_t bits = ((uint64_t)(exponent + bias - 1) << f->mantissa) + (uint64_t)steps;
  return bits >= infinity && f->finite ? 0x7f : bits >= infinity ? infinity | sign : bits | sign;
}

static void load_all(const mw_kernels *kernels, const format *f, const unsigned char *stored, size_t n) {
  mw_kernel_load load = kernels->type[0].load[f->dtype], wide_load = kernels->type[1].load[f->dtype];
  static float out[TILE];
  static double wide[TILE];
  size_t size = size_of(f);
  bool bad = load(out, stored, n), wide_bad = wide_load(wide, stored, n), wanted = false, wide_wanted = false, fine = true;
  for (size_t i = 0; i < n; i++) {
    uint64_t bits = 0;
    memcpy(&bits, stored + i * size, size);
    double x = decoded(f, bits);
    fine = fine && same(wide[i], x) && same((double)out[i], (double)(float)x);
    if (x != x) {
      uint32_t nan;
      memcpy(&nan, out + i, 4);
      fine = fine && nan == 0x7fc00000 && mw_mathx_bits(wide[i]) == 0x7ff8000000000000;
    }
    wanted = wanted || !isfinite((float)x);
    wide_wanted = wide_wanted || !isfinite(x);
  }
  if (!fine || bad != wanted || wide_bad != wide_wanted)
    printf("%s: load of dtype %d\n", kernels->isa, (int)f->dtype);
  CHECK(fine && bad == wanted && wide_bad == wide_wanted);
}

static void store_all(const mw_kernels *kernels, const format *f, int type, const void *values, size_t n) {
  static unsigned char out[TILE * 8 + 1];
  size_t size = size_of(f);
  bool bad = kernels->type[type].store[f->dtype](out + 1, values, n), wanted = false, fine = true;
  for (size_t i = 0; i < n; i++) {
    double x = type ? ((const double *)values)[i] : (double)((const float *)values)[i];
    uint64_t bits = 0, right = encoded(f, x);
    memcpy(&bits, out + 1 + i * size, size);
    if (bits != right && fine)
      printf("%s: store of %a (type %d) as dtype %d: %llx, not %llx\n", kernels->isa, x, type, (int)f->dtype,
             (unsigned long long)bits, (unsigned long long)right);
    fine = fine && bits == right;
    wanted = wanted || !isfinite(decoded(f, right));
  }
  CHECK(fine && bad == wanted);
}

static void dtypes(const mw_kernels *kernels) {
  static unsigned char stored[8 * TILE + 1];
  static float narrow[TILE];
  static double wide[TILE];
  for (size_t k = 0; k < FORMATS; k++) {
    const format *f = &formats[k];
    size_t size = size_of(f), all = size == 1 ? 256 : 65536;
    for (size_t first = 0, n; first < all; first += n) {
      n = 1 + next() % TILE;
      n = n > all - first ? all - first : n;
      for (size_t i = 0; i < n; i++) {
        uint64_t bits = size <= 2 ? first + i : size == 4 ? (first + i) << 16 | (next() & 0xffff) : next();
        memcpy(stored + 1 + i * size, &bits, size);
      }
      load_all(kernels, f, stored + 1, n);
    }
    /* Around every half step between two neighbours: exact, tie, and one bit to either side. */
    for (uint64_t step = 0; step < (size == 1 ? 256 : 65536); step++) {
      uint64_t bits = size <= 2 ? step : step << (8 * size - 16) | (next() & ((UINT64_C(1) << (8 * size - 16)) - 1));
      double x = decoded(f, bits), y = decoded(f, bits + 1), middle = isfinite(x) && isfinite(y) ? x + (y - x) / 2 : x;
      const double around[] = {x, middle, nextafter(middle, INFINITY), nextafter(middle, -INFINITY),
                               middle * (1 + 0x1p-30), middle * (1 - 0x1p-30), x * 2};
      for (size_t i = 0; i < 7; i++) {
        wide[i] = around[i];
        narrow[i] = (float)around[i];
        if (i == 2) narrow[i] = nextafterf((float)middle, INFINITY);
        if (i == 3) narrow[i] = nextafterf((float)middle, -INFINITY);
      }
      /* Seventeen: one whole vector and a tail. */
      for (size_t i = 7; i < 17; i++)
        wide[i] = around[i % 7], narrow[i] = narrow[i % 7];
      store_all(kernels, f, 0, narrow, 17);
      store_all(kernels, f, 1, wide, 17);
    }
    /* Among numbers that raise every suspicion one that is the last to stay finite, or the first that does not. */
    const double largest = decoded(f, f->finite ? 0x7e : (((UINT64_C(1) << f->exponent) - 1) << f->mantissa) - 1);
    const double over = f->finite ? largest + 16 : largest + ldexp(largest - decoded(f, encoded(f, largest) - 1), -1);
    const double edges[] = {over, nextafter(over, 0), largest, -over, NAN};
    for (size_t edge = 0; edge < 5; edge++) {
      for (size_t i = 0; i < 33; i++)
        wide[i] = i == 20 ? edges[edge] : i % 2 ? 1.5 : -3, narrow[i] = (float)wide[i];
      if (edge == 1) narrow[20] = nextafterf((float)over, 0);
      store_all(kernels, f, 0, narrow, 33);
      store_all(kernels, f, 1, wide, 33);
    }
    for (int round = 0; round < 2000; round++) {
      size_t n = 1 + next() % TILE;
      for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)next();
        wide[i] = round & 1 ? mw_mathx_from(next()) : ldexp((double)(int64_t)next(), (int)(next() % 100) - 110);
        memcpy(narrow + i, &bits, 4);
      }
      store_all(kernels, f, 0, narrow, n);
      store_all(kernels, f, 1, wide, n);
    }
  }
}

/* ---- reductions and columns ------------------------------------------------------------------------------------- */

static void reductions(const mw_kernels *kernels, size_t n) {
  static float x[MW_UNIT], y[MW_UNIT], out[MW_UNIT];
  static double wide[MW_UNIT];
  float lanes[MW_LANES] = {0}, dots[MW_LANES] = {0}, lanes2[MW_LANES] = {0}, dots2[MW_LANES] = {0}, columns[37];
  double wide_lanes[MW_LANES] = {0}, wide_lanes2[MW_LANES] = {0}, most = 0;
  for (size_t i = 0; i < n; i++) {
    wide[i] = (double)(int64_t)next() * 0x1p-60;
    x[i] = (float)wide[i];
    y[i] = (float)(next() >> 40);
    most = fabs((double)x[i]) > most ? fabs((double)x[i]) : most;
    lanes2[i % MW_LANES] += x[i];
    dots2[i % MW_LANES] += x[i] * y[i];
    wide_lanes2[i % MW_LANES] += wide[i];
  }
  kernels->type[0].sum(lanes, x, n);
  kernels->type[0].dot(dots, x, y, n);
  kernels->type[1].sum(wide_lanes, wide, n);
  CHECK(!memcmp(lanes, lanes2, sizeof lanes) && !memcmp(dots, dots2, sizeof dots));
  CHECK(!memcmp(wide_lanes, wide_lanes2, sizeof wide_lanes));
  CHECK(kernels->type[0].peak(0, x, n) == most && kernels->type[0].peak(1e9, x, n) == 1e9);
  for (size_t i = 0; i < 37; i++) columns[i] = y[i % n];
  kernels->type[0].columns(out, x, columns, 100, 37, n);
  bool fine = true;
  for (size_t i = 0; i < n; i++) fine = fine && out[i] == x[i] * columns[(100 + i) % 37];
  CHECK(fine);
  x[n / 2] = NAN;
  CHECK(isnan(kernels->type[0].peak(5, x, n)));
}

/* A dot of bf16 as stored, at any address, is a dot of what a load makes of them; so are all three of two tensors, which are not added where
 * a value is not finite. Only what lies within may be told of as not finite. */
static void stored_dots(const mw_kernels *kernels, size_t n) {
  static unsigned char a[1 + 2 * (MW_UNIT + 16)], b[1 + 2 * (MW_UNIT + 16)];
  static float x[MW_UNIT], y[MW_UNIT];
  float wanted[MW_LANES] = {1}, got[MW_LANES] = {1}, each[3][MW_LANES] = {{1}, {2}, {3}}, all[3][MW_LANES] = {{1}, {2}, {3}};
  float *const lanes[] = {all[0], all[1], all[2]};
  const mw_kernel_set *k = &kernels->type[0];
  if (!k->dot_stored) return;
  memset(a, 0xff, sizeof a), memset(b, 0xff, sizeof b);
  for (size_t i = 0; i < n; i++) x[i] = (float)(int64_t)next() * 0x1p-60f, y[i] = (float)(int64_t)next() * 0x1p-66f;
  k->store[MW_DTYPE_BF16](a + 1, x, n);
  k->store[MW_DTYPE_BF16](b + 1, y, n);
  k->load[MW_DTYPE_BF16](x, a + 1, n);
  k->load[MW_DTYPE_BF16](y, b + 1, n);
  k->dot(wanted, x, y, n);
  k->dot_stored(got, a + 1, b + 1, n);
  CHECK(!memcmp(wanted, got, sizeof got) && !k->odd_stored(a + 1, n) && !k->odd_stored(b + 1, n));
  k->dot(each[0], x, y, n), k->dot(each[1], x, x, n), k->dot(each[2], y, y, n);
  CHECK(!k->dots_stored(lanes, a + 1, b + 1, n) && !memcmp(each, all, sizeof all));
  a[2 + 2 * (next() % n)] = 0x7f, a[1 + 2 * (n - 1)] = 0x80, a[2 + 2 * (n - 1)] = 0xff;
  CHECK(k->odd_stored(a + 1, n));
  CHECK(k->dots_stored(lanes, a + 1, b + 1, n) && k->dots_stored(lanes, b + 1, a + 1, n) && !memcmp(each, all, sizeof all));
}

/* Some ties and then none, into a tile of its own or the one that is read. */
static void tops(const mw_kernels *kernels, size_t n) {
  static float narrow[MW_UNIT], narrow_out[MW_UNIT];
  static double wide[MW_UNIT], wide_out[MW_UNIT];
  const double threshold = next() % 4 ? 0.5 : 0;
  size_t ties = next() % (n + 1), wrong = 0;
  bool in_place = next() % 2;
  for (size_t i = 0; i < n; i++) {
    wide[i] = next() % 3 ? sample() : next() % 2 ? threshold : -threshold;
    narrow[i] = (float)wide[i];
  }
  size_t equal = 0, wide_equal = 0;
  for (size_t i = 0; i < n; i++) equal += fabsf(narrow[i]) == (float)threshold, wide_equal += fabs(wide[i]) == threshold;
  CHECK(kernels->type[0].ties(narrow, n, threshold) == equal && kernels->type[1].ties(wide, n, threshold) == wide_equal);
  if (in_place) memcpy(narrow_out, narrow, sizeof narrow), memcpy(wide_out, wide, sizeof wide);
  kernels->type[0].top(narrow_out, in_place ? narrow_out : narrow, threshold, ties, n);
  kernels->type[1].top(wide_out, in_place ? wide_out : wide, threshold, ties, n);
  static float kept[MW_UNIT];
  static double wide_kept[MW_UNIT];
  kernels->type[0].keep_top(kept, narrow, threshold, ties, n);
  kernels->type[1].keep_top(wide_kept, wide, threshold, ties, n);
  for (size_t i = 0; i < n; i++) {
    double x = fabs((double)narrow[i]), y = fabs(wide[i]);
    wrong += kept[i] != (narrow_out[i] == 1 ? narrow[i] : 0) || wide_kept[i] != (wide_out[i] == 1 ? wide[i] : 0);
    wrong += narrow_out[i] != (float)(x > threshold || (x == threshold && i < ties));
    wrong += wide_out[i] != (double)(y > threshold || (y == threshold && i < ties));
  }
  CHECK(wrong == 0);
}

int main(void) {
  const char *isas[] = {"base", "avx2", "avx512"};
  for (int i = 0; i < 3; i++) {
    const mw_kernels *kernels;
    mw_error err;
    setenv("MOONWELD_ISA", isas[i], 1);
    if (!mw_cpu_kernels(&kernels, &err)) {
      printf("skipped: %s is not on this CPU\n", isas[i]);
      continue;
    }
    CASE("maps, %s", isas[i]);
    for (int round = 0; round < 4; round++)
      maps(kernels);
    CASE("dtypes, %s", isas[i]);
    dtypes(kernels);
    CASE("reductions and tops, %s", isas[i]);
    for (size_t n = 1; n <= MW_UNIT; n += n < 200 ? 1 : 231)
      reductions(kernels, n), stored_dots(kernels, n), tops(kernels, n);
  }
  UNIT_END();
}
