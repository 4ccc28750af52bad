/* polar.c: q is [k, p] with k >= p, x itself or, where x is wide, its transpose; its Gram matrix is [p, p]. A step of Halley's makes
 * q (b / c + (a - b / c) (1 + c q'q)^-1), row by row, by Cholesky's factors of what is inverted. */
#include "num/polar.h"
#include "base/mem.h"
#include "num/lapack.h"
#include "num/product.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 64, MORE = 8, SLAB = 2048, ROWS = 256, HALLEY = 8 };
static const double least_low = 4e-6;  /* below this part of the largest singular value the smallest one is left to the decomposition */
static const double nearly_one = 0.9999; /* of all singular values: after that Newton's steps suffice */
static const mw_kernel_stream start = {.key = 0x6d6174726978, .name = 0x706f6c6172}; /* of the power method */
static const double identity = 1e-4; /* |q'q - 1| in the Frobenius norm by sqrt(p), after which one more step leaves rounding alone */

typedef struct iteration {
  const mw_team *team;
  mw_team rows; /* for what a row at a time is done of the Gram matrix */
  size_t k, p;
  float *q, *next, *gram;
  double *exact, *factor; /* the first Gram matrix, in f64; the factor of a matrix made of it */
  double *slab;           /* SLAB rows of q in f64 */
  double *sums, *vector;  /* of each row of the Gram matrix; what it is multiplied with */
  size_t from, slabs;     /* rows of q in the slab */
  double of_q, of_gram;   /* a and b of Newton's step; what q and the solution are multiplied with in Halley's */
} iteration;

/* ---- the Gram matrix ---- */

static void widen_row(void *context, size_t i) {
  const iteration *w = context;
  const float *from = w->q + (w->from + i) * w->p;
  double *to = w->slab + i * w->p;
  for (size_t j = 0; j < w->p; j++) to[j] = (double)from[j];
}

static bool next_slab(iteration *w, bool begin) {
  w->from = begin ? 0 : w->from + w->slabs;
  w->slabs = w->k - w->from < SLAB ? w->k - w->from : SLAB;
  mw_team_share(&w->rows, w->slabs, widen_row, w);
  return w->slabs > 0;
}

static void find_exact(iteration *w) {
  mw_product_side side = {w->slab, w->p, false}, turned = {w->slab, w->p, true};
  for (bool begin = true; next_slab(w, begin); begin = false)
    mw_product_symmetric(w->team, true, w->p, w->slabs, turned, side, !begin, w->exact);
}

static void find_gram(const iteration *w) {
  mw_product_side q = {w->q, w->p, false}, turned = {w->q, w->p, true};
  mw_product_symmetric(w->team, false, w->p, w->k, turned, q, false, w->gram);
}

static void square_row(void *context, size_t i) {
  const iteration *w = context;
  double sum = 0;
  for (size_t j = 0; j < w->p; j++) sum += w->exact[i * w->p + j] * w->exact[i * w->p + j];
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

/* An element of the Gram matrix times `vector`. */
static void apply_row(void *context, size_t i) {
  const iteration *w = context;
  double sum = 0;
  for (size_t j = 0; j < w->p; j++) sum += w->exact[i * w->p + j] * w->vector[j];
  w->sums[i] = sum;
}

static double length_of(size_t count, const double *x) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += x[i] * x[i];
  return sqrt(sum);
}

/* About the largest singular value, by the power method from random numbers, and a little more. What it is too small by, a few parts in
 * a hundred, the steps bear; where chance made it far too small they do not get to the identity. The norm of the Gram matrix bounds it for
 * certain, but is five times as much for a random matrix of 4096 rows. */
static double find_bound(iteration *w, const mw_kernel_set *kernels) {
  enum { TIMES = 10 };
  double norm = norm_by(w, square_row), largest = 0;
  kernels->normal(w->next, start, 0, w->p);
  for (size_t i = 0; i < w->p; i++) w->sums[i] = (double)w->next[i];
  for (int k = 0; k < TIMES; k++) {
    const double length = length_of(w->p, w->sums);
    for (size_t i = 0; i < w->p; i++) w->vector[i] = w->sums[i] / length;
    mw_team_share(&w->rows, w->p, apply_row, w);
    largest = length_of(w->p, w->sums);
  }
  return sqrt(fmin(norm, 1.1 * largest)) * 1.0001;
}

/* ---- steps ---- */

static void exchange(iteration *w) {
  float *before = w->q;
  w->q = w->next;
  w->next = before;
}

/* a - b g, where g was. */
static void bend_row(void *context, size_t i) {
  const iteration *w = context;
  for (size_t j = 0; j < w->p; j++) w->gram[i * w->p + j] = (float)((i == j ? w->of_q : 0) - w->of_gram * (double)w->gram[i * w->p + j]);
}

static void newton(iteration *w) {
  w->of_q = 1.5, w->of_gram = 0.5;
  mw_team_share(&w->rows, w->p, bend_row, w);
  mw_product_side q = {w->q, w->p, false}, bent = {w->gram, w->p, false};
  mw_product(w->team, false, w->k, w->p, w->p, q, bent, false, w->next, w->p);
  exchange(w);
}

/* ROWS rows of the next q, of the slab in f64 or of all rows in f32. */
static void solve_slab(void *context, size_t item) {
  const iteration *w = context;
  size_t first = item * ROWS, count = w->slabs - first < ROWS ? w->slabs - first : ROWS;
  mw_lapack_solve_factored(true, w->p, count, w->factor, w->slab + first * w->p);
  for (size_t i = first * w->p, end = (first + count) * w->p, at = w->from * w->p; i < end; i++)
    w->next[at + i] = (float)(w->of_q * (double)w->q[at + i] + w->of_gram * w->slab[i]);
}

static void solve_rows(void *context, size_t item) {
  const iteration *w = context;
  size_t first = item * ROWS, count = w->k - first < ROWS ? w->k - first : ROWS;
  float *to = w->next + first * w->p;
  const float *from = w->q + first * w->p, of_q = (float)w->of_q, of_gram = (float)w->of_gram;
  memcpy(to, from, count * w->p * sizeof *to);
  mw_lapack_solve_factored(false, w->p, count, w->gram, to);
  for (size_t i = 0; i < count * w->p; i++) to[i] = of_q * from[i] + of_gram * to[i];
}

static size_t blocks(size_t rows) { return (rows + ROWS - 1) / ROWS; }

/* Halley's step for singular values from `low` to 1, weighted as Nakatsukasa, Bai and Gygi do; `low` becomes what it makes of it. The
 * first one divides q by `bound`, and is made in f64, since the inverse's condition is about 1 / low ^ (4 / 3). */
static bool halley(iteration *w, double *low, double bound, bool first) {
  const double l = *low, d = cbrt(4 * (1 - l * l) / (l * l * l * l)), root = sqrt(1 + d);
  const double a = root + 0.5 * sqrt(8 - 4 * d + 8 * (2 - l * l) / (l * l * root)), b = (a - 1) * (a - 1) / 4, c = a + b - 1;
  w->of_q = b / c / bound, w->of_gram = (a - b / c) / bound;
  *low = fmin(1, l * (a + b * l * l) / (1 + c * l * l));
  if (first) {
    for (size_t i = 0; i < w->p * w->p; i++) w->factor[i] = c / (bound * bound) * w->exact[i];
    for (size_t i = 0; i < w->p; i++) w->factor[i * w->p + i] += 1;
    if (!mw_lapack_factor(true, w->p, w->factor)) return false;
    for (bool begin = true; next_slab(w, begin); begin = false) mw_team_share(&w->rows, blocks(w->slabs), solve_slab, w);
  } else {
    find_gram(w);
    for (size_t i = 0; i < w->p * w->p; i++) w->gram[i] *= (float)c;
    for (size_t i = 0; i < w->p; i++) w->gram[i * w->p + i] += 1;
    if (!mw_lapack_factor(false, w->p, w->gram)) return false;
    mw_team_share(&w->rows, blocks(w->k), solve_rows, w);
  }
  exchange(w);
  return true;
}

/* Steps until q'q is the identity; false: it will not be. The smallest singular value is told by the norm of the inverse Gram matrix. */
static bool iterate(iteration *w, const mw_kernel_set *kernels, mw_error *err, bool *found) {
  find_exact(w);
  double bound = find_bound(w, kernels), inverse = 0;
  if (!(bound > 1e-18 && bound < 1e18)) return true; /* its powers would not be floats */
  memcpy(w->factor, w->exact, w->p * w->p * sizeof *w->factor);
  if (!mw_lapack_factor(true, w->p, w->factor)) return true;
  MW_TRY(mw_lapack_inverse_norm(w->p, w->factor, w->exact, &inverse, err));
  double low = 0.5 / (bound * sqrt(inverse)); /* the norm is found from below, mostly within a third */
  if (!(low > least_low)) return true;
  for (int steps = 0; low < nearly_one; steps++)
    if (steps == HALLEY || !halley(w, &low, steps ? 1 : bound, !steps)) return true;
  for (int more = 0; more < MORE; more++) {
    find_gram(w);
    *found = norm_by(w, distance_row) <= identity * sqrt((double)w->p);
    newton(w);
    if (*found) break;
  }
  return true;
}

/* to[columns, rows] of from[rows, columns]. */
static void turn(size_t rows, size_t columns, const float *from, float *to) {
  enum { SIDE = 32 };
  for (size_t r = 0; r < rows; r += SIDE)
    for (size_t c = 0; c < columns; c++)
      for (size_t i = r; i < rows && i < r + SIDE; i++) to[c * rows + i] = from[i * columns + c];
}

static bool by_products(const mw_team *team, const mw_kernel_set *kernels, size_t m, size_t n, const float *x, float *q, bool *found,
                        mw_error *err) {
  iteration w = {.team = team, .p = m < n ? m : n, .k = m < n ? n : m};
  w.rows = mw_team_for(team, (double)w.p * (double)w.p);
  float *room = mw_mem_new(2 * m, n * sizeof *room, err);
  w.gram = room ? mw_mem_new(w.p, w.p * sizeof *w.gram, err) : NULL;
  w.exact = w.gram ? mw_mem_new(2 * w.p + SLAB, w.p * sizeof *w.exact, err) : NULL;
  w.sums = w.exact ? mw_mem_new(2 * w.p, sizeof *w.sums, err) : NULL;
  w.vector = w.sums ? w.sums + w.p : NULL;
  bool ok = w.sums != NULL;
  if (ok) {
    w.factor = w.exact + w.p * w.p;
    w.slab = w.factor + w.p * w.p;
    w.q = room;
    w.next = room + m * n;
    if (m < n) turn(m, n, x, w.q);
    else memcpy(w.q, x, m * n * sizeof *x);
    ok = iterate(&w, kernels, err, found);
    if (*found && m < n) turn(n, m, w.q, q);
    else if (*found) memcpy(q, w.q, m * n * sizeof *q);
  }
  free(room);
  free(w.gram);
  free(w.exact);
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
  if (!f64 && m >= SMALLEST && n >= SMALLEST) MW_TRY(by_products(team, kernels, m, n, x, q, &found, err));
  return found || by_decomposition(team, kernels, f64, m, n, x, q, err);
}

uint64_t mw_polar_bytes(bool f64, size_t m, size_t n) {
  uint64_t k = m < n ? m : n, size = f64 ? 8 : 4, exact = mw_svd_bytes(f64, m, n, (size_t)k) + ((uint64_t)(m + n) * k + k) * size;
  uint64_t products = 2 * (uint64_t)m * n * 4 + k * k * 4 + (2 * k + SLAB) * k * 8 + 6 * k * 8;
  return exact > products ? exact : products;
}

double mw_polar_flops(bool f64, size_t m, size_t n) {
  double p = m < n ? (double)m : (double)n, q = m < n ? (double)n : (double)m;
  if (!f64 && m >= SMALLEST && n >= SMALLEST) return 12 * q * p * p + 2 * p * p * p; /* three steps of Halley's, one of Newton's */
  return mw_svd_flops(f64, m, n, (size_t)p) + 2 * q * p * p;
}
