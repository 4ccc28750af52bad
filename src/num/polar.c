/* polar.c: with the smaller Gram matrix g, a step is q <- q (a - b g), or (a - b g) q where q is wide: two products, of which one is
 * symmetric. */
#include "num/polar.h"
#include "base/mem.h"
#include "num/product.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 64, MORE = 8 };
static const double assumed = 4e-6;  /* the smallest singular value that the scaling reckons with, of the largest one */
static const double most_scale = 1.69; /* the root of 3 would be fastest, but make 0 of the largest singular value, and noise of that */
static const double identity = 1e-4; /* |q'q - 1| in the Frobenius norm by sqrt(p), after which one more step leaves rounding alone */

typedef struct iteration {
  const mw_team *team;
  mw_team rows; /* for what a row at a time is done of the Gram matrix */
  size_t m, n, p, k; /* p: the smaller side, k: the larger one */
  bool tall;
  float *q, *next, *gram;
  double of_q, of_gram; /* a and b */
  double *sums;         /* of each row of the Gram matrix */
} iteration;

static void find_gram(const iteration *w) {
  mw_product_side q = {w->q, w->n, false}, turned = {w->q, w->n, true};
  mw_product_symmetric(w->team, false, w->p, w->k, w->tall ? turned : q, w->tall ? q : turned, false, w->gram);
}

static void square_row(void *context, size_t i) {
  const iteration *w = context;
  double sum = 0;
  for (size_t j = 0; j < w->p; j++) sum += (double)w->gram[i * w->p + j] * (double)w->gram[i * w->p + j];
  w->sums[i] = sum;
}

static void distance_row(void *context, size_t i) {
  const iteration *w = context;
  double sum = 0;
  for (size_t j = 0; j < w->p; j++) {
    double off = (double)w->gram[i * w->p + j] - (i == j);
    sum += off * off;
  }
  w->sums[i] = sum;
}

static double norm_by(const iteration *w, mw_team_work *rows) {
  double sum = 0;
  mw_team_share(&w->rows, w->p, rows, (void *)(uintptr_t)w);
  for (size_t i = 0; i < w->p; i++) sum += w->sums[i];
  return sqrt(sum);
}

/* a - b g, where g was. */
static void bend_row(void *context, size_t i) {
  const iteration *w = context;
  for (size_t j = 0; j < w->p; j++) w->gram[i * w->p + j] = (float)((i == j ? w->of_q : 0) - w->of_gram * (double)w->gram[i * w->p + j]);
}

static void step(iteration *w, double of_q, double of_gram) {
  w->of_q = of_q;
  w->of_gram = of_gram;
  mw_team_share(&w->rows, w->p, bend_row, w);
  mw_product_side q = {w->q, w->n, false}, bent = {w->gram, w->p, false};
  mw_product(w->team, false, w->m, w->n, w->p, w->tall ? q : bent, w->tall ? bent : q, false, w->next, w->n);
  float *before = w->q;
  w->q = w->next;
  w->next = before;
}

/* What a step makes of a singular value. */
static double stepped(double value, double scale) { return 0.5 * value * scale * (3 - scale * scale * value * value); }

/* Steps until q'q is the identity; false: it will not be. The first one divides x by a bound of its largest singular value, the root
 * of the norm of the Gram matrix. */
static bool iterate(iteration *w) {
  find_gram(w);
  double bound = sqrt(norm_by(w, square_row)) * 1.0001, low = assumed;
  if (!(bound > 1e-18 && bound < 1e18)) return false; /* its powers would not be floats */
  double inverse = 1 / bound;
  for (int more = 0; more < MORE;) {
    bool scaled = low < 0.9;
    double scale = scaled ? fmin(sqrt(3 / (1 + low + low * low)), most_scale) : 1;
    step(w, 1.5 * scale * inverse, 0.5 * scale * scale * scale * inverse * inverse * inverse);
    inverse = 1;
    if (scaled) low = fmin(stepped(low, scale), stepped(1, scale));
    else more++;
    find_gram(w);
    if (!scaled && norm_by(w, distance_row) <= identity * sqrt((double)w->p)) return step(w, 1.5, 0.5), true;
  }
  return false;
}

static bool by_products(const mw_team *team, size_t m, size_t n, const float *x, float *q, bool *found, mw_error *err) {
  iteration w = {.team = team, .m = m, .n = n, .p = m < n ? m : n, .k = m < n ? n : m, .tall = m >= n};
  w.rows = mw_team_for(team, (double)w.p * (double)w.p);
  float *room = mw_mem_new(2 * m, n * sizeof *room, err);
  w.gram = room ? mw_mem_new(w.p, w.p * sizeof *w.gram, err) : NULL;
  w.sums = w.gram ? mw_mem_new(w.p, sizeof *w.sums, err) : NULL;
  bool ok = w.sums != NULL;
  if (ok) {
    w.q = room;
    w.next = room + m * n;
    memcpy(w.q, x, m * n * sizeof *x);
    *found = iterate(&w);
    if (*found) memcpy(q, w.q, m * n * sizeof *q);
  }
  free(room);
  free(w.gram);
  free(w.sums);
  return ok;
}

static bool by_decomposition(const mw_team *team, const mw_kernel_set *kernels, bool f64, size_t m, size_t n, const void *x, void *q,
                             mw_error *err) {
  size_t k = m < n ? m : n, size = f64 ? sizeof(double) : sizeof(float);
  void *u = mw_mem_new(m, k * size, err), *s = u ? mw_mem_new(k, size, err) : NULL, *v = s ? mw_mem_new(k, n * size, err) : NULL;
  bool ok = v && mw_svd(team, kernels, f64, m, n, k, x, u, s, v, err);
  size_t rank = 0;
  if (ok && f64) while (rank < k && ((double *)s)[rank] > ((double *)s)[0] * 0x1p-44) rank++;
  if (ok && !f64) while (rank < k && ((float *)s)[rank] > ((float *)s)[0] * 0x1p-20f) rank++;
  if (ok) mw_product(team, f64, m, n, rank, (mw_product_side){u, k, false}, (mw_product_side){v, n, false}, false, q, n);
  free(u);
  free(s);
  free(v);
  return ok;
}

bool mw_polar(const mw_team *team, const mw_kernel_set *kernels, bool f64, size_t m, size_t n, const void *x, void *q, mw_error *err) {
  bool found = false;
  if (!f64 && m >= SMALLEST && n >= SMALLEST) MW_TRY(by_products(team, m, n, x, q, &found, err));
  return found || by_decomposition(team, kernels, f64, m, n, x, q, err);
}

uint64_t mw_polar_bytes(bool f64, size_t m, size_t n) {
  uint64_t k = m < n ? m : n, size = f64 ? 8 : 4, exact = mw_svd_bytes(f64, m, n, (size_t)k) + ((uint64_t)(m + n) * k + k) * size;
  uint64_t products = 2 * (uint64_t)m * n * 4 + k * k * 4;
  return exact > products ? exact : products;
}

double mw_polar_flops(bool f64, size_t m, size_t n) {
  double p = m < n ? (double)m : (double)n, q = m < n ? (double)n : (double)m;
  if (!f64 && m >= SMALLEST && n >= SMALLEST) return 18 * 3 * q * p * p;
  return mw_svd_flops(f64, m, n, (size_t)p) + 2 * q * p * p;
}
