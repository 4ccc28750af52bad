/* matrix.c: from elements of f32 or f64 to the functions of LAPACK, which take f64. */
#include "num/matrix.h"
#include "base/mem.h"
#include "num/assign.h"
#include "num/lapack.h"
#include "num/polar.h"
#include "num/product.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t least_of(size_t a, size_t b) { return a < b ? a : b; }
static size_t size_of(const mw_matrix_call *c) { return c->f64 ? sizeof(double) : sizeof(float); }
static double element(const mw_matrix_call *c, const void *x, size_t i) {
  return c->f64 ? ((const double *)x)[i] : (double)((const float *)x)[i];
}
static void put(const mw_matrix_call *c, size_t i, double value) {
  if (c->f64) ((double *)c->out)[i] = value;
  else ((float *)c->out)[i] = (float)value;
}

/* A copy in f64; of the transpose where `turned`. */
static double *copy_of(const mw_matrix_call *c, const void *x, size_t rows, size_t columns, bool turned, mw_error *err) {
  double *copy = mw_mem_new(rows, columns * sizeof *copy, err);
  for (size_t i = 0; i < rows && copy; i++)
    for (size_t j = 0; j < columns; j++) copy[turned ? j * rows + i : i * columns + j] = element(c, x, i * columns + j);
  return copy;
}

static void *skip(const mw_matrix_call *c, size_t elements) { return (unsigned char *)c->out + elements * size_of(c); }

static void multiply(const mw_team *team, const mw_matrix_call *c) {
  mw_product(team, c->f64, c->m, c->n, c->r, (mw_product_side){c->a, c->a_turned ? c->m : c->r, c->a_turned},
             (mw_product_side){c->b, c->b_turned ? c->r : c->n, c->b_turned}, false, c->out, c->n);
}

/* u diag(s) v, of r values; with `inverse` v' diag(1 / s) u'. */
static bool compose(const mw_team *team, const mw_kernel_set *kernels, const mw_matrix_call *c, bool inverse, mw_error *err) {
  size_t m = c->m, n = c->n, r = c->r, size = size_of(c);
  mw_matrix_call own = *c;
  own.out = mw_mem_new(m + n + 1, r * size, err);
  if (!own.out) return false;
  void *s = skip(&own, m * r), *v = skip(&own, (m + 1) * r);
  bool ok = mw_svd(team, kernels, c->f64, m, n, r, c->a, own.out, s, v, err);
  size_t rank = r;
  double least = (double)(m > n ? m : n) * (c->f64 ? DBL_EPSILON : (double)FLT_EPSILON) * (ok ? element(c, s, 0) : 0);
  while (inverse && rank > 0 && !(element(c, s, rank - 1) > least)) rank--;
  for (size_t j = 0; j < rank && ok; j++) {
    double value = element(c, s, j), scale = inverse ? 1 / value : value;
    for (size_t i = 0; i < m; i++) put(&own, i * r + j, element(c, own.out, i * r + j) * scale);
  }
  mw_product_side left = {own.out, r, inverse}, right = {v, n, inverse};
  if (ok && inverse) mw_product(team, c->f64, n, m, rank, right, left, false, c->out, m);
  if (ok && !inverse) mw_product(team, c->f64, m, n, rank, left, right, false, c->out, n);
  free(own.out);
  return ok;
}

static bool factor(const mw_matrix_call *c, mw_error *err) {
  size_t m = c->m, n = c->n, k = least_of(m, n);
  double *a = copy_of(c, c->a, m, n, false, err), *q = a ? mw_mem_new(m + n, k * sizeof *q, err) : NULL;
  bool ok = q && mw_lapack_qr(m, n, a, q, q + m * k, err);
  for (size_t i = 0; i < (m + n) * k && ok; i++) put(c, i, q[i]);
  free(a);
  free(q);
  return ok;
}

/* Two elements that mirror each other may differ by what rounding does to the sums of a product. */
static bool check_symmetric(const mw_matrix_call *c, mw_error *err) {
  double peak = 0, allowed = c->f64 ? 1e-10 : 1e-4;
  for (size_t i = 0; i < c->n * c->n; i++) peak = fmax(peak, fabs(element(c, c->a, i)));
  for (size_t i = 0; i < c->n; i++)
    for (size_t j = 0; j < i; j++) {
      double low = element(c, c->a, i * c->n + j), high = element(c, c->a, j * c->n + i);
      if (fabs(low - high) <= allowed * peak) continue;
      mw_error_set(err, MW_DATA, "eigh needs a symmetric matrix; row %zu, column %zu is %g and row %zu, column %zu is %g", i, j, low, j,
                   i, high);
      return mw_error_hint(err, "(x + x:T()) / 2 is symmetric; svd(x) is defined for every matrix");
    }
  return true;
}

static bool find_eigen(const mw_matrix_call *c, mw_error *err) {
  size_t n = c->n;
  MW_TRY(check_symmetric(c, err));
  double *a = copy_of(c, c->a, n, n, false, err), *values = a ? mw_mem_new(n, sizeof *values, err) : NULL;
  bool ok = values && mw_lapack_eigen(n, a, values, err);
  for (size_t j = 0; j < n && ok; j++) {
    double largest = 0, sign = 1;
    for (size_t i = 0; i < n; i++)
      if (fabs(a[j * n + i]) > largest) largest = fabs(a[j * n + i]), sign = a[j * n + i] < 0 ? -1 : 1;
    put(c, j, values[j]);
    for (size_t i = 0; i < n; i++) put(c, n + i * n + j, sign * a[j * n + i]);
  }
  free(a);
  free(values);
  return ok;
}

static bool solve(const mw_matrix_call *c, mw_error *err) {
  double *a = copy_of(c, c->a, c->n, c->n, false, err), *b = a ? copy_of(c, c->b, c->n, c->r, true, err) : NULL;
  bool ok = b && mw_lapack_solve(c->n, c->r, c->f64 ? DBL_EPSILON : (double)FLT_EPSILON, a, b, err);
  for (size_t i = 0; i < c->n && ok; i++)
    for (size_t j = 0; j < c->r; j++) put(c, i * c->r + j, b[j * c->n + i]);
  free(a);
  free(b);
  return ok;
}

static bool assign(const mw_matrix_call *c, mw_error *err) {
  double *cost = copy_of(c, c->a, c->m, c->n, false, err);
  size_t *column_of = cost ? mw_mem_new(c->m, sizeof *column_of, err) : NULL;
  bool ok = column_of && mw_assign(c->m, c->n, cost, column_of, err);
  for (size_t i = 0; i < c->m && ok; i++)
    for (size_t j = 0; j < c->n; j++) put(c, i * c->n + j, column_of[i] == j);
  free(cost);
  free(column_of);
  return ok;
}

/* Row `i` of what needs no more than one row. */
static void make_row(void *context, size_t i) {
  const mw_matrix_call *c = context;
  double sum = 0;
  for (size_t j = i * c->n; j < (i + 1) * c->n; j++) {
    double value = element(c, c->a, j);
    switch (c->kind) {
    case MW_MATRIX_CUMULATIVE: value = sum += value; break;
    case MW_MATRIX_DIAGONAL: value = j == i * c->n + i ? value : 0; break;
    case MW_MATRIX_TURN: put(c, (j - i * c->n) * c->m + i, value); continue;
    case MW_MATRIX_BY_ROW: value *= element(c, c->b, i); break;
    case MW_MATRIX_COPY: break;
    default: value *= element(c, c->b, j - i * c->n);
    }
    put(c, j, value);
  }
}

static size_t results(const mw_matrix_call *c) {
  size_t m = c->m, n = c->n, k = least_of(m, n);
  switch (c->kind) {
  case MW_MATRIX_SVD: return c->r * (m + 1 + n);
  case MW_MATRIX_QR: return k * (m + n);
  case MW_MATRIX_EIGEN: return n + n * n;
  case MW_MATRIX_SOLVE: return n * c->r;
  default: return m * n;
  }
}

bool mw_matrix_compute(const mw_team *team, const mw_kernel_set *kernels, const mw_matrix_call *c, mw_error *err) {
  size_t k = least_of(c->m, c->n);
  if (!results(c)) return true;
  switch (c->kind) {
  case MW_MATRIX_PRODUCT: multiply(team, c); return true;
  case MW_MATRIX_SVD:
    return mw_svd(team, kernels, c->f64, c->m, c->n, c->r, c->a, c->out, skip(c, c->m * c->r), skip(c, (c->m + 1) * c->r), err);
  case MW_MATRIX_LOW_RANK: return compose(team, kernels, c, false, err);
  case MW_MATRIX_ORTHOGONAL: return mw_polar(team, kernels, c->f64, c->m, c->n, c->a, c->out, err);
  case MW_MATRIX_QR: return factor(c, err);
  case MW_MATRIX_EIGEN: return find_eigen(c, err);
  case MW_MATRIX_SOLVE: return solve(c, err);
  case MW_MATRIX_INVERSE: {
    mw_matrix_call all = *c;
    all.r = k;
    return compose(team, kernels, &all, true, err);
  }
  case MW_MATRIX_ASSIGN: return assign(c, err);
  case MW_MATRIX_CUMULATIVE:
  case MW_MATRIX_DIAGONAL:
  case MW_MATRIX_TURN:
  case MW_MATRIX_BY_ROW:
  case MW_MATRIX_COPY:
  case MW_MATRIX_BY_COLUMN: {
    const mw_team rows = mw_team_for(team, (double)c->m * (double)c->n);
    mw_team_share(&rows, c->m, make_row, (void *)(uintptr_t)c);
    return true;
  }
  }
  return false;
}

uint64_t mw_matrix_bytes(const mw_matrix_call *c) {
  uint64_t m = c->m, n = c->n, r = c->r, k = least_of(c->m, c->n), size = size_of(c);
  if (!results(c)) return 0;
  switch (c->kind) {
  case MW_MATRIX_SVD: return mw_svd_bytes(c->f64, c->m, c->n, c->r);
  case MW_MATRIX_LOW_RANK: return mw_svd_bytes(c->f64, c->m, c->n, c->r) + (m + n + 1) * r * size;
  case MW_MATRIX_INVERSE: return mw_svd_bytes(c->f64, c->m, c->n, (size_t)k) + (m + n + 1) * k * size;
  case MW_MATRIX_ORTHOGONAL: return mw_polar_bytes(c->f64, c->m, c->n);
  case MW_MATRIX_QR: return 8 * (m * n + (m + n) * k + 65 * (m > n ? m : n));
  case MW_MATRIX_EIGEN: return 8 * (3 * n * n + 64 * n);
  case MW_MATRIX_SOLVE: return 8 * (n * n + n * r + 8 * n);
  case MW_MATRIX_ASSIGN: return 8 * (m * n + 6 * (m + n));
  default: return 0;
  }
}

double mw_matrix_flops(const mw_matrix_call *c) {
  double m = (double)c->m, n = (double)c->n, r = (double)c->r, k = m < n ? m : n;
  if (!results(c)) return 0;
  switch (c->kind) {
  case MW_MATRIX_PRODUCT: return 2 * m * n * r;
  case MW_MATRIX_SVD: return mw_svd_flops(c->f64, c->m, c->n, c->r);
  case MW_MATRIX_LOW_RANK: return mw_svd_flops(c->f64, c->m, c->n, c->r) + 2 * m * n * r;
  case MW_MATRIX_INVERSE: return mw_svd_flops(c->f64, c->m, c->n, least_of(c->m, c->n)) + 2 * m * n * k;
  case MW_MATRIX_ORTHOGONAL: return mw_polar_flops(c->f64, c->m, c->n);
  case MW_MATRIX_QR: return 4 * m * n * k;
  case MW_MATRIX_EIGEN: return 9 * n * n * n;
  case MW_MATRIX_SOLVE: return 2 * n * n * n / 3 + 2 * n * n * r;
  case MW_MATRIX_ASSIGN: return m * n * k;
  case MW_MATRIX_COPY: return 0;
  default: return m * n;
  }
}
