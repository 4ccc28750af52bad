/* polar.c: q is [k, p] with k >= p, x itself or, where x is wide, its transpose; its Gram matrix is [p, p]. A step of Halley's makes
 * q (b / c + (a - b / c) (1 + c q'q)^-1), row by row, by Cholesky's factors of what is inverted. Directions that stay 0 have 1 in every
 * Gram matrix, so that nothing divides by what they have; what is left in them is cleared at the end. */
#include "num/polar.h"
#include "base/mem.h"
#include "num/lapack.h"
#include "num/product.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 64, MORE = 8, SLAB = 2048, ROWS = 512, HALLEY = 8, BLOCK = 12, ROUNDS = 4, LEAST = 7, PROBES = 8 };
static const double edge = 0x1p-20;      /* of the largest singular value: directions with less stay 0 */
static const double even = 0.2;          /* of the smallest to the largest singular value: then f32 suffices for all */
static const double identity = 1e-6;     /* of |q'q v - v| to |v| for random v: rounding alone */
/* Of singular values from `low` to 1 a polynomial of that degree in their squares makes 1 to rounding, if the squares lie within that
 * part of their middle. */
static const struct { double spread; int degree; } polynomials[] = {{1e-3, 1}, {0.06, 4}, {0.14, 6}};
static const mw_kernel_stream start = {.key = 0x6d6174726978, .name = 0x706f6c6172}; /* of all random numbers here */

typedef struct iteration {
  const mw_team *team;
  mw_team rows; /* for what a row at a time is done of the Gram matrix */
  size_t k, p;
  float *q, *next, *gram;
  double *exact, *factor; /* the first Gram matrix, in f64; the factor of a matrix made of it */
  double *slab;           /* SLAB rows of q in f64 */
  double *sums, *vector;  /* of each row of the Gram matrix; what it is multiplied with */
  double *block, *applied;/* BLOCK rows of p; the same times the Gram matrix */
  size_t null_count;      /* directions that stay 0, the first rows of `block` */
  size_t from, slabs;     /* rows of q in the slab */
  float *spare[4];        /* [p, p] each, where `exact` and `factor` are */
  double scale, c;        /* of the Gram matrix: what it is multiplied with; Halley's weight */
  bool deep;              /* a polynomial of degree 6, not 4 */
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

/* A row of the Gram matrix, with 1 in the directions that stay 0. */
static void lift_row(void *context, size_t i) {
  const iteration *w = context;
  for (size_t r = 0; r < w->null_count; r++) {
    const double *z = w->block + r * w->p;
    for (size_t j = 0; j < w->p; j++) w->gram[i * w->p + j] += (float)(z[i] * z[j]);
  }
}

static void find_gram(const iteration *w) {
  mw_product_side q = {w->q, w->p, false}, turned = {w->q, w->p, true};
  mw_product_symmetric(w->team, false, w->p, w->k, turned, q, false, w->gram);
  if (w->null_count) mw_team_share(&w->rows, w->p, lift_row, (void *)(uintptr_t)w);
}

static void square_row(void *context, size_t i) {
  const iteration *w = context;
  double sum = 0;
  for (size_t j = 0; j < w->p; j++) sum += w->exact[i * w->p + j] * w->exact[i * w->p + j];
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

/* About the square of the largest singular value, by the power method from random numbers, and at most that. */
static double find_largest(iteration *w, const mw_kernel_set *kernels) {
  enum { TIMES = 10 };
  double largest = 0;
  kernels->normal(w->next, start, 0, w->p);
  for (size_t i = 0; i < w->p; i++) w->sums[i] = (double)w->next[i];
  for (int k = 0; k < TIMES; k++) {
    const double length = length_of(w->p, w->sums);
    for (size_t i = 0; i < w->p; i++) w->vector[i] = w->sums[i] / length;
    mw_team_share(&w->rows, w->p, apply_row, w);
    largest = length_of(w->p, w->sums);
  }
  return largest;
}

/* The smallest singular values, by inverse iteration of BLOCK vectors: those up to the edge are counted and their vectors become the first
 * rows of `block`; `low` becomes the first one beyond, or 0: too many are there, or they cannot be told. */
static bool find_smallest(iteration *w, const mw_kernel_set *kernels, double largest, double *low, mw_error *err) {
  const size_t p = w->p;
  double inner[BLOCK * BLOCK], values[BLOCK];
  *low = 0;
  w->null_count = 0;
  memcpy(w->factor, w->exact, p * p * sizeof *w->factor);
  for (size_t i = 0; i < p; i++) w->factor[i * p + i] += 1e-14 * largest; /* hardly a hundredth of what the edge is */
  if (!mw_lapack_factor(true, p, w->factor)) return true;
  kernels->normal(w->next, start, 0, BLOCK * p);
  for (size_t i = 0; i < BLOCK * p; i++) w->block[i] = (double)w->next[i];
  for (int k = 0; k < ROUNDS; k++) {
    mw_lapack_solve_factored(true, p, BLOCK, w->factor, w->block);
    MW_TRY(mw_lapack_orthonormal(BLOCK, p, w->block, values, err));
  }
  const mw_product_side block = {w->block, p, false}, turned = {w->block, p, true};
  mw_product(w->team, true, BLOCK, p, p, block, (mw_product_side){w->exact, p, false}, false, w->applied, p);
  mw_product_symmetric(w->team, true, BLOCK, p, (mw_product_side){w->applied, p, false}, turned, false, inner);
  MW_TRY(mw_lapack_eigen(BLOCK, inner, values, err));
  size_t count = 0;
  while (count < BLOCK && !(values[count] > edge * edge * largest)) count++;
  if (count > LEAST) return true;
  mw_product(w->team, true, BLOCK, p, BLOCK, (mw_product_side){inner, BLOCK, false}, block, false, w->applied, p);
  memcpy(w->block, w->applied, BLOCK * p * sizeof *w->block);
  w->null_count = count;
  *low = sqrt(values[count]);
  return true;
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

/* q times this. */
static void apply(iteration *w, const float *square) {
  mw_product_side q = {w->q, w->p, false}, by = {square, w->p, false};
  mw_product(w->team, false, w->k, w->p, w->p, q, by, false, w->next, w->p);
  exchange(w);
}

static void newton(iteration *w) {
  find_gram(w);
  w->of_q = 1.5, w->of_gram = 0.5;
  mw_team_share(&w->rows, w->p, bend_row, w);
  apply(w, w->gram);
}

/* The degree of the polynomial that ends it; 0: not yet. */
static int degree_of(double low) {
  const double spread = (1 - low * low) / (1 + low * low);
  for (size_t i = 0; i < sizeof polynomials / sizeof *polynomials; i++)
    if (spread <= polynomials[i].spread) return polynomials[i].degree;
  return 0;
}

/* Row `i` of what the last of a polynomial's products is added to, and of its factor: of e, e^2 and, where there is one, the product
 * before. */
static void combine_row(void *context, size_t i) {
  const iteration *w = context;
  float *e = w->gram, *square = w->spare[0], *factor = w->spare[1];
  for (size_t at = i * w->p, end = at + w->p, diagonal = at + i; at < end; at++) {
    const double x = (double)e[at], y = (double)square[at];
    factor[at] = (float)(w->of_q * (5.0 / 16 * x + 35.0 / 128 * y + (w->deep ? (double)factor[at] : 0)));
    e[at] = (float)(w->of_q * ((at == diagonal) + 0.5 * x + 3.0 / 8 * y));
  }
}

static void deepen_row(void *context, size_t i) {
  const iteration *w = context;
  const float *e = w->gram, *square = w->spare[0];
  float *tail = w->spare[3];
  for (size_t at = i * w->p, end = at + w->p; at < end; at++)
    tail[at] = (float)(63.0 / 256 * (double)e[at] + 231.0 / 1024 * (double)square[at]);
}

/* The Gram matrix becomes its power of -1/2, of singular values from `low` to 1: by the series of (1 - e)^(-1/2), where
 * e = 1 - q'q / the middle of their squares. */
static void find_power(iteration *w, double low) {
  const size_t p = w->p;
  const int degree = degree_of(low);
  const double middle = (1 + low * low) / 2;
  w->of_q = degree == 1 ? 1.5 / sqrt(middle) : 1, w->of_gram = degree == 1 ? 0.5 / (middle * sqrt(middle)) : 1 / middle;
  mw_team_share(&w->rows, p, bend_row, w);
  if (degree == 1) return;
  const mw_product_side e = {w->gram, p, false}, square = {w->spare[0], p, false}, factor = {w->spare[1], p, false};
  mw_product_symmetric(w->team, false, p, p, e, e, false, w->spare[0]);
  w->deep = degree > 4;
  if (w->deep) {
    mw_team_share(&w->rows, p, deepen_row, w);
    mw_product_symmetric(w->team, false, p, p, square, (mw_product_side){w->spare[3], p, false}, false, w->spare[1]);
  }
  w->of_q = 1 / sqrt(middle);
  mw_team_share(&w->rows, p, combine_row, w);
  mw_product_symmetric(w->team, false, p, p, square, factor, true, w->gram);
}

/* q times (q'q)^(-1/2), of singular values that are near 1. */
static void sharpen(iteration *w, double low) {
  find_gram(w);
  find_power(w, low);
  apply(w, w->gram);
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

/* The weights of a step that divides q by `bound`: c is the result. */
static double weigh(iteration *w, double *low, double bound) {
  const double l = *low, d = cbrt(4 * (1 - l * l) / (l * l * l * l)), root = sqrt(1 + d);
  const double a = root + 0.5 * sqrt(8 - 4 * d + 8 * (2 - l * l) / (l * l * root)), b = (a - 1) * (a - 1) / 4, c = a + b - 1;
  w->of_q = b / c / bound, w->of_gram = (a - b / c) / bound;
  *low = fmin(1, l * (a + b * l * l) / (1 + c * l * l));
  return c;
}

/* Halley's step for singular values from `low` to 1, weighted as Nakatsukasa, Bai and Gygi do; `low` becomes what it makes of it. It
 * divides q by `bound`. In f64 where `exactly`, since the inverse's condition is about 1 / low ^ (4 / 3); else the Gram matrix is known. */
static bool halley(iteration *w, double *low, double bound, bool exactly) {
  const double c = weigh(w, low, bound);
  if (exactly) {
    for (size_t i = 0; i < w->p * w->p; i++) w->factor[i] = c / (bound * bound) * w->exact[i];
    for (size_t r = 0; r < w->null_count; r++)
      for (size_t i = 0; i < w->p; i++)
        for (size_t j = 0; j < w->p; j++) w->factor[i * w->p + j] += c * w->block[r * w->p + i] * w->block[r * w->p + j];
    for (size_t i = 0; i < w->p; i++) w->factor[i * w->p + i] += 1;
    if (!mw_lapack_factor(true, w->p, w->factor)) return false;
    for (bool begin = true; next_slab(w, begin); begin = false) mw_team_share(&w->rows, blocks(w->slabs), solve_slab, w);
  } else {
    for (size_t i = 0; i < w->p * w->p; i++) w->gram[i] *= (float)(c / (bound * bound));
    for (size_t i = 0; i < w->p; i++) w->gram[i * w->p + i] += 1;
    if (!mw_lapack_factor(false, w->p, w->gram)) return false;
    mw_team_share(&w->rows, blocks(w->k), solve_rows, w);
  }
  exchange(w);
  return true;
}

/* A row of 1 + c g, whose inverse is looked for. */
static void shift_row(void *context, size_t i) {
  const iteration *w = context;
  for (size_t at = i * w->p, end = at + w->p, diagonal = at + i; at < end; at++)
    w->spare[2][at] = (float)(w->scale * w->c * (double)w->gram[at] + (at == diagonal));
}

/* From the inverse n and its square: a row of what q is multiplied with, s + t n, and of the Gram matrix g (s + t n)^2 after that, where
 * g n is (1 - n) / c. */
static void settle_row(void *context, size_t i) {
  const iteration *w = context;
  const double root = sqrt(w->scale), s = w->of_q / root, t = w->of_gram / root, c = w->c;
  for (size_t at = i * w->p, end = at + w->p, diagonal = at + i; at < end; at++) {
    const double one = at == diagonal, n = (double)w->spare[2][at], square = (double)w->spare[0][at];
    w->gram[at] = (float)(s * s * w->scale * (double)w->gram[at] + 2 * s * t / c * (one - n) + t * t / c * (n - square));
    w->spare[2][at] = (float)(w->of_q * one + w->of_gram * n);
  }
}

/* Of a tall q whose singular values are within a factor of 5: Halley's step and all that follows are made of the Gram matrix, and q is
 * multiplied once. */
static bool settle(iteration *w, double low, double bound) {
  const size_t p = w->p;
  w->c = weigh(w, &low, bound);
  w->scale = 1 / (bound * bound);
  mw_team_share(&w->rows, p, shift_row, w);
  if (!mw_lapack_invert(p, w->spare[2])) return false;
  mw_product_mirror(w->team, false, p, w->spare[2]);
  const mw_product_side first = {w->spare[2], p, false}, then = {w->gram, p, false};
  mw_product_symmetric(w->team, false, p, p, first, first, false, w->spare[0]);
  mw_team_share(&w->rows, p, settle_row, w);
  find_power(w, low);
  mw_product_symmetric(w->team, false, p, p, first, then, false, w->spare[0]);
  apply(w, w->spare[0]);
  return true;
}

/* ---- the end ---- */

/* PROBES random vectors, in the columns of `random`[p], q times these, `there`[k], and q'q times these, `back`[p]. */
typedef struct probing {
  float *random, *there, *back;
} probing;

static probing probe(const iteration *w, const mw_kernel_set *kernels) {
  const probing x = {w->next, w->next + w->p * PROBES, w->gram};
  kernels->normal(x.random, start, BLOCK * w->p, w->p * PROBES);
  const mw_product_side q = {w->q, w->p, false}, turned = {w->q, w->p, true};
  mw_product(w->team, false, w->k, PROBES, w->p, q, (mw_product_side){x.random, PROBES, false}, false, x.there, PROBES);
  mw_product(w->team, false, w->p, PROBES, w->k, turned, (mw_product_side){x.there, PROBES, false}, false, x.back, PROBES);
  return x;
}

static double square_of(size_t count, const float *x) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += (double)x[i] * (double)x[i];
  return sum;
}

/* Whether the squares of the singular values, of which random vectors tell the mean and the mean of their squares, may lie within a
 * factor of 1 / even^2: then the second is at most (1 + even^2)^2 / (4 even^2) of the first's square. */
static bool may_be_even(const iteration *w, const mw_kernel_set *kernels) {
  const probing x = probe(w, kernels);
  const double all = square_of(w->p * PROBES, x.random), mean = square_of(w->k * PROBES, x.there) / all;
  const double most = (1 + even * even) * (1 + even * even) / (4 * even * even);
  return square_of(w->p * PROBES, x.back) / all < 1.1 * most * mean * mean;
}

/* How far q'q is from the identity, by random vectors. */
static double distance(const iteration *w, const mw_kernel_set *kernels) {
  const probing x = probe(w, kernels);
  for (size_t r = 0; r < w->null_count; r++)
    for (size_t c = 0; c < PROBES; c++) {
      const double *z = w->block + r * w->p;
      double part = 0;
      for (size_t i = 0; i < w->p; i++) part += z[i] * (double)x.random[i * PROBES + c];
      for (size_t i = 0; i < w->p; i++) x.back[i * PROBES + c] += (float)(part * z[i]);
    }
  double off = 0;
  for (size_t i = 0; i < w->p * PROBES; i++) off += ((double)x.back[i] - (double)x.random[i]) * ((double)x.back[i] - (double)x.random[i]);
  return sqrt(off / square_of(w->p * PROBES, x.random));
}

/* What is left in directions that stay 0 goes. */
static void clear_row(void *context, size_t i) {
  const iteration *w = context;
  float *q = w->q + i * w->p;
  for (size_t r = 0; r < w->null_count; r++) {
    const double *z = w->block + r * w->p;
    double part = 0;
    for (size_t j = 0; j < w->p; j++) part += (double)q[j] * z[j];
    for (size_t j = 0; j < w->p; j++) q[j] = (float)((double)q[j] - part * z[j]);
  }
}

static void widen_gram(iteration *w) {
  w->null_count = 0;
  find_gram(w);
  for (size_t i = 0; i < w->p * w->p; i++) w->exact[i] = (double)w->gram[i];
}

/* What q is divided by, a little more than its largest singular value, and the part of that which the smallest one is; 0: products do not
 * suffice. */
static bool measure(iteration *w, const mw_kernel_set *kernels, double *bound, double *low, mw_error *err) {
  const double largest = find_largest(w, kernels);
  *low = 0;
  *bound = sqrt(fmin(norm_by(w, square_row), 1.1 * largest)) * 1.0001;
  if (!(*bound > 1e-18 && *bound < 1e18)) return true; /* its powers would not be floats */
  MW_TRY(find_smallest(w, kernels, largest, low, err));
  *low = fmin(1, 0.9 * *low / *bound);
  return true;
}

/* Steps until q'q is the identity; false: it will not be. */
static bool iterate(iteration *w, const mw_kernel_set *kernels, mw_error *err, bool *found) {
  double bound = 1, low = 0;
  const bool tall = w->k > w->p + w->p / 2; /* a square one is hardly even */
  bool exactly = true, there = false, settled = false; /* f64 at first; the Gram matrix is known; it is nearly done */
  if (tall && may_be_even(w, kernels)) {
    widen_gram(w);
    MW_TRY(measure(w, kernels, &bound, &low, err));
    exactly = !(low > even);
    there = !w->null_count;
  }
  if (exactly) {
    find_exact(w);
    MW_TRY(measure(w, kernels, &bound, &low, err));
    if (!(low > 0)) return true;
    if (!halley(w, &low, bound, true)) return true;
    bound = 1;
    there = false;
  }
  for (int steps = 0; !settled; steps++) {
    if (steps == HALLEY) return true;
    if (bound == 1 && degree_of(low)) sharpen(w, low), settled = true;
    else if (!there) find_gram(w);
    there = false;
    if (!settled && !(tall && low > even ? (settled = settle(w, low, bound)) : halley(w, &low, bound, false))) return true;
    bound = 1;
  }
  for (int more = 0; !(*found = distance(w, kernels) <= identity) && more < MORE; more++) newton(w);
  if (w->null_count) mw_team_share(&w->rows, w->k, clear_row, w);
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
  w.sums = w.exact ? mw_mem_new(2 * (BLOCK + 1) * w.p, sizeof *w.sums, err) : NULL;
  bool ok = w.sums != NULL;
  if (ok) {
    w.vector = w.sums + w.p;
    w.block = w.vector + w.p;
    w.applied = w.block + BLOCK * w.p;
    w.factor = w.exact + w.p * w.p;
    w.slab = w.factor + w.p * w.p;
    for (size_t i = 0; i < 4; i++) w.spare[i] = (float *)(void *)w.exact + i * w.p * w.p;
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
  uint64_t products = 2 * (uint64_t)m * n * 4 + k * k * 4 + (2 * k + SLAB) * k * 8 + 2 * (BLOCK + 1) * k * 8;
  return exact > products ? exact : products;
}

double mw_polar_flops(bool f64, size_t m, size_t n) {
  double p = m < n ? (double)m : (double)n, q = m < n ? (double)n : (double)m;
  if (!f64 && m >= SMALLEST && n >= SMALLEST) return 9 * q * p * p + 4 * p * p * p; /* two steps of Halley's, and a polynomial */
  return mw_svd_flops(f64, m, n, (size_t)p) + 2 * q * p * p;
}
