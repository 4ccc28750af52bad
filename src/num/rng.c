/* rng.c: Philox4x32-10, and the single numbers that are drawn while a merge is planned. The counter of such a draw is (draw low, draw
 * high, attempt, kind), so no two draws use the same block of random words. Whole tensors are drawn by kernels (kernels_type.h).
 * A number depends only on its arguments; log and exp are those of mathx.h, the same on every machine. */
#include "num/rng.h"

#include "base/mathx.h"
#include <assert.h>

enum { KIND_UNIFORM, KIND_GAMMA = 2, KIND_BOOST }; /* others would draw other numbers */

/* The finaliser of splitmix64 (Steele, Lea and Flood 2014). */
static uint64_t mixed(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

/* FNV-1a that begins with a hash of key and length, then the finaliser. */
uint64_t mw_rng_label(uint64_t key, const char *bytes, size_t length) {
  uint64_t hash = mixed(key + 0x9e3779b97f4a7c15 * (length + 1)) ^ 0xcbf29ce484222325;
  for (size_t i = 0; i < length; i++)
    hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3;
  return mixed(hash);
}

/* Two uniform numbers in (0, 1), odd multiples of 2^-53. */
typedef struct pair { double first, second; } pair;

static double unit(uint32_t high, uint32_t low) {
  return ((double)((uint64_t)high << 20 | low >> 12) + 0.5) * 0x1p-52;
}

static pair uniforms(uint64_t key, uint64_t draw, uint32_t attempt, uint32_t kind) {
  const mw_rng_keys keys = mw_rng_keys_of(key);
  uint32_t word[4];
  mw_rng_block(&keys, draw, (uint64_t)kind << 32 | attempt, word);
  return (pair){unit(word[0], word[1]), unit(word[2], word[3])};
}

/* Box and Muller 1958. */
static double normal_of(pair u) {
  return __builtin_sqrt(-2 * mw_mathx_log(u.first)) * mw_mathx_cos(6.28318530717958647693 * u.second);
}

double mw_rng_uniform(uint64_t key, uint64_t draw) { return uniforms(key, draw, 0, KIND_UNIFORM).first; }

/* The logarithm of a gamma variate, by Marsaglia and Tsang (2000), with the boost U^(1/shape) for a shape below 1: with a
 * small shape the variate itself can be too small for a double. */
static double log_gamma(uint64_t key, uint64_t draw, double shape) {
  assert(shape > 0);
  double boost = 0;
  /* Below 1e-290 the quotient would overflow; beta and dirichlet need differences of these numbers. Above 1e290 the squares
   * would, and no attempt would ever succeed: with any such shape the variate is the shape itself, to all digits. */
  shape = shape < 1e-290 ? 1e-290 : shape > 1e290 ? 1e290 : shape;
  if (shape < 1) {
    boost = mw_mathx_log(uniforms(key, draw, 0, KIND_BOOST).first) / shape;
    shape += 1;
  }
  double d = shape - 1.0 / 3, c = 1 / __builtin_sqrt(9 * d);
  for (uint32_t attempt = 0;; attempt += 2) {
    double x = normal_of(uniforms(key, draw, attempt, KIND_GAMMA));
    double u = uniforms(key, draw, attempt + 1, KIND_GAMMA).first, root = 1 + c * x, v = root * root * root;
    if (root > 0 && mw_mathx_log(u) < 0.5 * x * x + d - d * v + d * mw_mathx_log(v))
      return mw_mathx_log(d * v) + boost;
  }
}

double mw_rng_beta(uint64_t key, double a, double b) {
  /* x / (x + y) = 1 / (1 + y / x). */
  return 1 / (1 + mw_mathx_exp(log_gamma(key, 1, b) - log_gamma(key, 0, a)));
}

void mw_rng_dirichlet(uint64_t key, double alpha, size_t n, double *out) {
  double most = -MW_MATHX_INFINITY, total = 0;
  for (size_t i = 0; i < n; i++) {
    out[i] = log_gamma(key, i, alpha);
    most = out[i] > most ? out[i] : most;
  }
  for (size_t i = 0; i < n; i++)
    total += out[i] = mw_mathx_exp(out[i] - most);
  for (size_t i = 0; i < n; i++)
    out[i] /= total;
}
