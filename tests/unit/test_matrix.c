/* test_matrix.c: the functions of whole matrices against what they mean: factors that multiply to what there was, within bounds,
 * orthonormal vectors, signs and order; on matrices that are tall, wide, tiny, ill-conditioned, rank-deficient, zero or empty; the
 * same in f32 and f64. A naive product in double is the judge. */
#include "base/mem.h"
#include "num/cpu.h"
#include "num/gemm.h"
#include "num/matrix.h"
#include "num/polar.h"
#include "unit.h"
#include <math.h>
#include <stdlib.h>

static mw_error err;
static const mw_kernels *kernels;
static const mw_team alone;

static mw_arena made; /* all matrices */

typedef struct matrix { size_t rows, columns; double *at; } matrix;

static matrix new(size_t rows, size_t columns) { return (matrix){rows, columns, mw_mem_take(&made, rows * columns * sizeof(double), &err)}; }

static double noise(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(*state >> 40) / (1 << 23) - 1;
}

static matrix drawn(size_t rows, size_t columns, uint64_t seed) {
  matrix x = new(rows, columns);
  for (size_t i = 0; i < rows * columns; i++) x.at[i] = noise(&seed);
  return x;
}

static matrix times(matrix a, bool a_turned, matrix b) {
  size_t m = a_turned ? a.columns : a.rows, k = a_turned ? a.rows : a.columns;
  matrix out = new(m, b.columns);
  for (size_t i = 0; i < m; i++)
    for (size_t l = 0; l < k; l++)
      for (size_t j = 0; j < b.columns; j++) out.at[i * b.columns + j] += a.at[a_turned ? l * a.columns + i : i * a.columns + l] * b.at[l * b.columns + j];
  return out;
}

static matrix turned(matrix a) {
  matrix out = new(a.columns, a.rows);
  for (size_t i = 0; i < a.rows; i++)
    for (size_t j = 0; j < a.columns; j++) out.at[j * a.rows + i] = a.at[i * a.columns + j];
  return out;
}

static double distance(matrix a, matrix b) {
  double most = a.rows == b.rows && a.columns == b.columns ? 0 : INFINITY;
  for (size_t i = 0; i < a.rows * a.columns && most < INFINITY; i++) most = fmax(most, fabs(a.at[i] - b.at[i]));
  return most;
}

static double peak(matrix a) {
  double most = 0;
  for (size_t i = 0; i < a.rows * a.columns; i++) most = fmax(most, fabs(a.at[i]));
  return most;
}

/* How far the columns of a are from orthonormal. */
static double slant(matrix a) {
  matrix gram = times(a, true, a);
  for (size_t i = 0; i < a.columns; i++) gram.at[i * a.columns + i] -= 1;
  return peak(gram);
}

/* Runs a call on values rounded to its type; the operands get these. Returns the result's elements as doubles. */
static double *run(mw_matrix_kind kind, bool f64, size_t m, size_t n, size_t r, matrix a, matrix b, size_t results) {
  size_t size = f64 ? 8 : 4;
  void *in[2] = {calloc(a.rows * a.columns + 1, size), calloc(b.rows * b.columns + 1, size)}, *out = calloc(results + 1, size);
  for (int side = 0; side < 2; side++) {
    matrix x = side ? b : a;
    for (size_t i = 0; i < x.rows * x.columns; i++)
      if (f64) ((double *)in[side])[i] = x.at[i];
      else x.at[i] = (double)(((float *)in[side])[i] = (float)x.at[i]);
  }
  mw_matrix_call call = {.kind = kind, .f64 = f64, .m = m, .n = n, .r = r, .a = in[0], .b = in[1], .out = out};
  err = (mw_error){0};
  bool ok = mw_matrix_compute(&alone, &kernels->type[f64], &call, &err);
  double *values = new(results, 1).at;
  for (size_t i = 0; i < results; i++) values[i] = f64 ? ((double *)out)[i] : (double)((float *)out)[i];
  free(in[0]);
  free(in[1]);
  free(out);
  return ok ? values : NULL;
}

/* ---- svd ---- */

typedef struct svd { matrix u, s, v; } svd;

static svd decompose(matrix x, size_t k, bool f64) {
  double *all = run(MW_MATRIX_SVD, f64, x.rows, x.columns, k, x, new(0, 0), k * (x.rows + 1 + x.columns));
  CHECK(all);
  if (!all) exit(1);
  return (svd){{x.rows, k, all}, {1, k, all + x.rows * k}, {k, x.columns, all + (x.rows + 1) * k}};
}

static matrix composed(svd d) {
  matrix scaled = new(d.u.rows, d.u.columns);
  for (size_t i = 0; i < d.u.rows * d.u.columns; i++) scaled.at[i] = d.u.at[i] * d.s.at[i % d.u.columns];
  return times(scaled, false, d.v);
}

/* Orthonormal vectors, falling values, signs. */
static void check_form(svd d, double precision) {
  CHECK(slant(d.u) < precision && slant(turned(d.v)) < precision);
  for (size_t j = 0; j < d.s.columns; j++) {
    double largest = 0, value = 0;
    CHECK(d.s.at[j] >= 0 && (!j || d.s.at[j] <= d.s.at[j - 1]));
    for (size_t i = 0; i < d.u.rows; i++)
      if (fabs(d.u.at[i * d.u.columns + j]) > largest) largest = fabs(value = d.u.at[i * d.u.columns + j]);
    CHECK(value > 0);
  }
}

static void decomposed(matrix x, bool f64) {
  size_t k = x.rows < x.columns ? x.rows : x.columns;
  svd d = decompose(x, k, f64);
  double precision = f64 ? 1e-13 : 1e-6;
  check_form(d, precision * 10);
  CHECK(distance(composed(d), x) <= precision * (d.s.at[0] + 1e-30));
}

/* x with these singular values, of random vectors. */
static matrix with_values(size_t m, size_t n, double (*value)(size_t)) {
  size_t k = m < n ? m : n;
  matrix a = drawn(m, k, 5), b = drawn(n, k, 6);
  double *q = run(MW_MATRIX_QR, true, m, k, 0, a, new(0, 0), k * (m + k)), *p = run(MW_MATRIX_QR, true, n, k, 0, b, new(0, 0), k * (n + k));
  svd d = {{m, k, q}, new(1, k), turned((matrix){n, k, p})};
  for (size_t j = 0; j < k; j++) d.s.at[j] = value(j);
  return composed(d);
}

static double falling(size_t j) { return pow(10, -(double)j / 8); }
static double few(size_t j) { return j < 5 ? 3.0 - (double)j / 2 : 0; }
static double equal(size_t j) { (void)j; return 2; }
static double slow(size_t j) { return 1 / sqrt((double)j + 1); }

static void decompositions(bool f64) {
  static const size_t sizes[][2] = {{1, 1}, {1, 7}, {7, 1}, {2, 2}, {40, 9}, {9, 40}, {64, 64}, {300, 17}, {17, 2100}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) decomposed(drawn(sizes[i][0], sizes[i][1], i + 1), f64);
  for (int tall = 0; tall < 2; tall++) {
    size_t m = tall ? 90 : 60, n = tall ? 60 : 90;
    decomposed(with_values(m, n, falling), f64);
    decomposed(with_values(m, n, few), f64);
    decomposed(with_values(m, n, equal), f64);
    decomposed(new(m, n), f64);
  }
  matrix tiny = drawn(20, 20, 3), huge = drawn(20, 20, 3);
  for (size_t i = 0; i < 400; i++) tiny.at[i] *= 1e-30, huge.at[i] *= 1e18;
  decomposed(tiny, f64);
  decomposed(huge, f64);
}

/* The known values come back: the large ones to the type's precision, the small ones to that of the largest. */
static void values(bool f64) {
  matrix x = with_values(80, 50, falling);
  svd d = decompose(x, 50, f64);
  for (size_t j = 0; j < 50; j++) CHECK(fabs(d.s.at[j] - falling(j)) < (f64 ? 1e-14 : 1e-7));
}

/* Within the bound of its source, which holds on the average; the random columns are fixed, so that this is no matter of luck. */
static void sampled(bool f64) {
  size_t m = 300, n = 260, k = 20;
  CHECK(mw_svd_is_sampled(n, k) && !mw_svd_is_sampled(n, 40));
  double (*const spectra[])(size_t) = {falling, slow, few};
  for (int i = 0; i < 3; i++) {
    matrix x = with_values(m, n, spectra[i]);
    svd d = decompose(x, k, f64), all = decompose(x, n, f64);
    check_form(d, f64 ? 1e-12 : 1e-5);
    matrix rest = composed(d);
    for (size_t e = 0; e < m * n; e++) rest.at[e] = x.at[e] - rest.at[e];
    svd left = decompose(rest, n, f64);
    CHECK(left.s.at[0] <= mw_svd_bound(n, k) * all.s.at[k] + (f64 ? 1e-13 : 1e-6) * all.s.at[0]);
    for (size_t j = 0; j < 5; j++) CHECK(fabs(d.s.at[j] - all.s.at[j]) <= 0.002 * all.s.at[j]);
  }
  CHECK(mw_svd_bound(n, k) > 1 && mw_svd_bound(n, k) < 3);
}

/* ---- the others ---- */

static void polar(matrix x, bool f64, size_t rank) {
  size_t m = x.rows, n = x.columns;
  double *q = run(MW_MATRIX_ORTHOGONAL, f64, m, n, 0, x, new(0, 0), m * n);
  CHECK(q);
  if (!q) return;
  matrix found = {m, n, q};
  svd d = decompose(x, m < n ? m : n, true);
  matrix u = new(m, rank), v = new(rank, n);
  for (size_t i = 0; i < m; i++) for (size_t j = 0; j < rank; j++) u.at[i * rank + j] = d.u.at[i * d.u.columns + j];
  memcpy(v.at, d.v.at, rank * n * sizeof(double));
  double condition = rank ? d.s.at[0] / d.s.at[rank - 1] : 1;
  CHECK(distance(found, times(u, false, v)) < (f64 ? 1e-14 : 3e-7) * (10 + condition));
}

static double mild(size_t j) { return 1 + (double)j / 10; }
static double hard(size_t j) { return pow(10, -(double)j / 30); }
static double harder(size_t j) { return pow(10, -(double)j / 20); } /* of 100: down to 1e-5 */
static double hardest(size_t j) { return pow(10, -(double)j / 18); } /* 3e-6: by the decomposition */

static void polars(bool f64) {
  polar(drawn(5, 3, 1), f64, 3);
  polar(drawn(3, 5, 1), f64, 3);
  polar(with_values(150, 100, mild), f64, 100);
  polar(with_values(100, 150, hard), f64, 100);
  polar(with_values(100, 100, harder), f64, 100);
  polar(with_values(100, 110, hardest), f64, 100);
  polar(with_values(1100, 70, mild), f64, 70);
  polar(with_values(70, 1100, hard), f64, 70);
  polar(with_values(120, 100, few), f64, 5);
  polar(new(80, 70), f64, 0);
  matrix small = with_values(80, 70, mild);
  for (size_t i = 0; i < 80 * 70; i++) small.at[i] *= 1e-25;
  polar(small, f64, 70);
}

static void qr(bool f64) {
  static const size_t sizes[][2] = {{1, 1}, {30, 12}, {12, 30}, {20, 20}};
  for (int i = 0; i < 4; i++) {
    size_t m = sizes[i][0], n = sizes[i][1], k = m < n ? m : n;
    matrix x = drawn(m, n, 9);
    double *all = run(MW_MATRIX_QR, f64, m, n, 0, x, new(0, 0), k * (m + n));
    matrix q = {m, k, all}, r = {k, n, all + m * k};
    CHECK(slant(q) < (f64 ? 1e-14 : 1e-6) && distance(times(q, false, r), x) < (f64 ? 1e-14 : 1e-6));
    for (size_t a = 0; a < k; a++) {
      CHECK(r.at[a * n + a] >= 0);
      for (size_t b = 0; b < a; b++) CHECK(r.at[a * n + b] == 0);
    }
  }
}

static void eigen(bool f64) {
  matrix a = drawn(30, 30, 4), x = times(a, true, a);
  double *all = run(MW_MATRIX_EIGEN, f64, 30, 30, 0, x, new(0, 0), 30 + 900);
  matrix e = {30, 30, all + 30}, scaled = new(30, 30);
  for (int i = 0; i < 900; i++) scaled.at[i] = e.at[i] * all[i % 30];
  CHECK(slant(e) < (f64 ? 1e-13 : 1e-6) && distance(times(scaled, false, turned(e)), x) < (f64 ? 1e-12 : 1e-5));
  for (int i = 1; i < 30; i++) CHECK(all[i - 1] <= all[i]);
  a.at[31] += 1;
  CHECK(!run(MW_MATRIX_EIGEN, f64, 30, 30, 0, a, new(0, 0), 930) && strstr(err.text, "symmetric"));
}

static void solving(bool f64) {
  matrix a = drawn(25, 25, 8), b = drawn(25, 4, 2);
  matrix x = {25, 4, run(MW_MATRIX_SOLVE, f64, 25, 25, 4, a, b, 100)};
  CHECK(x.at && distance(times(a, false, x), b) < (f64 ? 1e-12 : 1e-5));
  matrix flat = with_values(25, 25, few);
  CHECK(!run(MW_MATRIX_SOLVE, f64, 25, 25, 4, flat, b, 100) && strstr(err.text, "singular") && strstr(err.hint, "pinv"));
  CHECK(!run(MW_MATRIX_SOLVE, f64, 25, 25, 4, new(25, 25), b, 100) && strstr(err.text, "singular"));
}

/* Penrose's four conditions. */
static void inverse(bool f64) {
  matrix of[] = {drawn(20, 12, 3), drawn(12, 20, 3), with_values(30, 20, few), new(6, 4)};
  for (int i = 0; i < 4; i++) {
    matrix x = of[i], y = {x.columns, x.rows, run(MW_MATRIX_INVERSE, f64, x.rows, x.columns, 0, x, new(0, 0), x.rows * x.columns)};
    double precision = f64 ? 1e-12 : 3e-6;
    matrix xy = times(x, false, y), yx = times(y, false, x);
    CHECK(distance(times(xy, false, x), x) < precision && distance(times(yx, false, y), y) < precision);
    CHECK(distance(xy, turned(xy)) < precision && distance(yx, turned(yx)) < precision);
  }
}

static void low_rank(bool f64) {
  matrix x = drawn(30, 40, 12), y = {30, 40, run(MW_MATRIX_LOW_RANK, f64, 30, 40, 7, x, new(0, 0), 1200)};
  CHECK(distance(y, composed(decompose(x, 7, f64))) < (f64 ? 1e-13 : 1e-6));
}

static void product(bool f64) {
  matrix a = drawn(33, 20, 1), b = drawn(20, 45, 2), wanted;
  matrix c = {33, 45, run(MW_MATRIX_PRODUCT, f64, 33, 45, 20, a, b, 33 * 45)};
  wanted = times(a, false, b);
  CHECK(distance(c, wanted) < (f64 ? 1e-14 : 1e-5));
  double *none = run(MW_MATRIX_PRODUCT, f64, 3, 2, 0, new(3, 0), new(0, 2), 6);
  for (int i = 0; i < 6; i++) CHECK(none[i] == 0);
}

/* The best of all orders of six rows. */
static double best(matrix cost, size_t row, unsigned taken) {
  double least = row == cost.rows ? 0 : INFINITY;
  for (size_t j = 0; j < cost.columns && row < cost.rows; j++)
    if (!(taken >> j & 1)) least = fmin(least, cost.at[row * cost.columns + j] + best(cost, row + 1, taken | 1u << j));
  return least;
}

static void assigning(void) {
  for (uint64_t seed = 1; seed < 30; seed++) {
    size_t m = 2 + seed % 5, n = m + seed % 3;
    matrix cost = drawn(m, n, seed), p = {m, n, run(MW_MATRIX_ASSIGN, true, m, n, 0, cost, new(0, 0), m * n)};
    matrix back = turned(cost), q = {n, m, run(MW_MATRIX_ASSIGN, true, n, m, 0, back, new(0, 0), m * n)};
    double sum = 0, other = 0;
    for (size_t i = 0; i < m; i++) {
      double in_row = 0;
      for (size_t j = 0; j < n; j++) in_row += p.at[i * n + j], sum += p.at[i * n + j] * cost.at[i * n + j];
      CHECK(in_row == 1);
    }
    for (size_t i = 0; i < n * m; i++) other += q.at[i] * back.at[i];
    CHECK(fabs(sum - best(cost, 0, 0)) < 1e-12 && fabs(other - sum) < 1e-12);
  }
  double *ties = run(MW_MATRIX_ASSIGN, false, 3, 3, 0, new(3, 3), new(0, 0), 9);
  double *again = run(MW_MATRIX_ASSIGN, false, 3, 3, 0, new(3, 3), new(0, 0), 9);
  CHECK(memcmp(ties, again, 9 * sizeof *ties) == 0);
}

static void empty(void) {
  static const mw_matrix_kind kinds[] = {MW_MATRIX_PRODUCT, MW_MATRIX_SVD, MW_MATRIX_LOW_RANK, MW_MATRIX_ORTHOGONAL, MW_MATRIX_QR,
                                         MW_MATRIX_EIGEN, MW_MATRIX_SOLVE, MW_MATRIX_INVERSE, MW_MATRIX_ASSIGN};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    CHECK(run(kinds[i], false, 0, 0, 0, new(0, 0), new(0, 0), 0));
    if (kinds[i] != MW_MATRIX_EIGEN && kinds[i] != MW_MATRIX_SOLVE) CHECK(run(kinds[i], false, 0, 4, 0, new(0, 4), new(0, 0), 0));
  }
}

/* The same bits whatever share of the work comes first. */
static void backwards(void *owner, size_t count, mw_team_work *work, void *context) {
  (void)owner;
  while (count--) work(context, count);
}

static void order(void) {
  const mw_team other = {.share = backwards};
  static const mw_matrix_kind kinds[] = {MW_MATRIX_PRODUCT, MW_MATRIX_SVD, MW_MATRIX_ORTHOGONAL, MW_MATRIX_INVERSE};
  enum { M = 1100, N = 700 };
  float *a = mw_mem_take(&made, M * N * sizeof *a, &err), *out[2];
  for (int t = 0; t < 2; t++) out[t] = mw_mem_take(&made, 2 * M * M * sizeof(float), &err);
  uint64_t seed = 1;
  for (size_t i = 0; i < M * N; i++) a[i] = (float)noise(&seed);
  for (int k = 0; k < 4; k++) {
    for (int t = 0; t < 2; t++) {
      mw_matrix_call call = {.kind = kinds[k], .m = M, .n = k ? N : M, .r = k ? 20 : N, .a = a, .b = a, .b_turned = !k, .out = out[t]};
      CHECK(mw_matrix_compute(t ? &other : &alone, &kernels->type[0], &call, &err));
    }
    CHECK(memcmp(out[0], out[1], (size_t)M * N * sizeof(float) / (k == 1 ? 35 : 1)) == 0);
  }
}

int main(void) {
  if (!mw_cpu_kernels(&kernels, &err) || !mw_gemm_begin(&err)) return 1;
  for (int f64 = 0; f64 < 2; f64++) {
    RUN(product(f64));
    RUN(decompositions(f64));
    RUN(values(f64));
    RUN(sampled(f64));
    RUN(polars(f64));
    RUN(qr(f64));
    RUN(eigen(f64));
    RUN(solving(f64));
    RUN(inverse(f64));
    RUN(low_rank(f64));
  }
  RUN(assigning());
  RUN(empty());
  RUN(order());
  mw_mem_release(&made);
  UNIT_END();
}
