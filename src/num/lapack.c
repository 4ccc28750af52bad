/* lapack.c: LAPACK reads matrices column by column: what is row-major here is the transpose there, and so a = q r is asked of it as
 * a' = r' q', an LQ factorisation, and a = u s v as a' = v' s u'. Its functions take the lengths of their texts at the end. */
#include "num/lapack.h"
#include "base/mem.h"
#include "num/openblas.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef const int *integer;
typedef void syevd(const char *, const char *, integer n, double *a, integer lda, double *w, double *work, integer lwork, int *iwork,
                   integer liwork, int *info, size_t, size_t);
typedef void sytrd(const char *, integer n, double *a, integer lda, double *d, double *e, double *tau, double *work, integer lwork,
                   int *info, size_t);
typedef void stedc(const char *, integer n, double *d, double *e, double *z, integer ldz, double *work, integer lwork, int *iwork,
                   integer liwork, int *info, size_t);
typedef void ormtr(const char *, const char *, const char *, integer m, integer n, const double *a, integer lda, const double *tau,
                   double *c, integer ldc, double *work, integer lwork, int *info, size_t, size_t, size_t);
typedef void gesdd(const char *, integer m, integer n, double *a, integer lda, double *s, double *u, integer ldu, double *vt, integer ldvt,
                   double *work, integer lwork, int *iwork, int *info, size_t);
/* dgeqrf and dgelqf; dorgqr and dorglq. */
typedef void factor(integer m, integer n, double *a, integer lda, double *tau, double *work, integer lwork, int *info);
typedef void unfactor(integer m, integer n, integer k, double *a, integer lda, const double *tau, double *work, integer lwork, int *info);
typedef void getrf(integer m, integer n, double *a, integer lda, int *pivots, int *info);
typedef void getrs(const char *, integer n, integer nrhs, const double *a, integer lda, const int *pivots, double *b, integer ldb,
                   int *info, size_t);
typedef void gecon(const char *, integer n, const double *a, integer lda, const double *norm, double *rcond, double *work, int *iwork,
                   int *info, size_t);
typedef void potrf(const char *, integer n, void *a, integer lda, int *info, size_t);
typedef void potrs(const char *, integer n, integer nrhs, const void *a, integer lda, void *b, integer ldb, int *info, size_t);

/* A function of the library, by its name without the underscore of Fortran. */
#define FIND(type, name) \
  type *name;            \
  do {                   \
    void (*found)(void) = mw_openblas_find(#name "_"); \
    memcpy(&name, &found, sizeof found);               \
  } while (0)

static int as_int(double size) { return size < 1 ? 1 : (int)size; }

static bool converged(int info, const char *what, mw_error *err) {
  return info == 0 || mw_error_set(err, MW_DATA, "%s did not converge", what);
}

bool mw_lapack_eigen(size_t n, double *a, double *values, mw_error *err) {
  if (!n) return true;
  FIND(syevd, dsyevd);
  int size = (int)n, ask = -1, info = 0, integers = 1;
  double wanted;
  dsyevd("V", "U", &size, a, &size, values, &wanted, &ask, &integers, &ask, &info, 1, 1);
  int length = as_int(wanted);
  double *work = mw_mem_new((size_t)length, sizeof *work, err);
  int *iwork = work ? mw_mem_new((size_t)integers, sizeof *iwork, err) : NULL;
  bool ok = iwork != NULL;
  if (ok) dsyevd("V", "U", &size, a, &size, values, work, &length, iwork, &integers, &info, 1, 1);
  free(work);
  free(iwork);
  return ok && converged(info, "the eigenvalues", err);
}

/* What dsyevd does, but for the last step: a becomes tridiagonal by reflections, whose eigenvectors are found; of these as many as are
 * wanted are reflected back. */
bool mw_lapack_eigen_largest(size_t n, size_t count, double *a, double *values, mw_error *err) {
  if (count >= n) return mw_lapack_eigen(n, a, values, err);
  FIND(sytrd, dsytrd);
  FIND(stedc, dstedc);
  FIND(ormtr, dormtr);
  const size_t length = n * n + 64 * n + 1, integers = 5 * n + 3;
  double *vectors = mw_mem_new(n, n * sizeof *vectors, err), *wanted = vectors ? vectors + (n - count) * n : NULL;
  double *off = vectors ? mw_mem_new(2 * n, sizeof *off, err) : NULL, *tau = off ? off + n : NULL;
  double *work = off ? mw_mem_new(length, sizeof *work, err) : NULL;
  int *iwork = work ? mw_mem_new(integers, sizeof *iwork, err) : NULL;
  int size = (int)n, some = (int)count, lwork = (int)length, liwork = (int)integers, info = 0;
  if (iwork) {
    dsytrd("U", &size, a, &size, values, off, tau, work, &lwork, &info, 1);
    dstedc("I", &size, values, off, vectors, &size, work, &lwork, iwork, &liwork, &info, 1);
    if (!info) dormtr("L", "U", "N", &size, &some, a, &size, tau, wanted, &size, work, &lwork, &info, 1, 1, 1);
    memcpy(a + (n - count) * n, wanted, count * n * sizeof *a);
  }
  bool ok = iwork && converged(info, "the eigenvalues", err);
  free(vectors);
  free(off);
  free(work);
  free(iwork);
  return ok;
}

bool mw_lapack_svd(size_t m, size_t n, double *a, double *u, double *s, double *v, mw_error *err) {
  FIND(gesdd, dgesdd);
  size_t least = m < n ? m : n;
  int rows = (int)n, columns = (int)m, k = (int)least, ask = -1, info = 0;
  double wanted;
  int *iwork = mw_mem_new(8 * least, sizeof *iwork, err);
  if (!iwork) return false;
  dgesdd("S", &rows, &columns, a, &rows, s, v, &rows, u, &k, &wanted, &ask, iwork, &info, 1);
  int length = as_int(wanted);
  double *work = mw_mem_new((size_t)length, sizeof *work, err);
  if (work) dgesdd("S", &rows, &columns, a, &rows, s, v, &rows, u, &k, work, &length, iwork, &info, 1);
  bool ok = work != NULL;
  free(work);
  free(iwork);
  return ok && converged(info, "the singular values", err);
}

/* `function` makes reflections of a[rows, columns], as LAPACK sees it, and `tau`; `expand` makes the vectors of them. */
typedef struct reflecting {
  int rows, columns, count;
  double *tau, *work;
  int length;
} reflecting;

enum { BLOCK = 64 }; /* columns that LAPACK takes together; it needs as much work space for each row or column */

static bool reflect(reflecting *r, factor *function, double *a, mw_error *err) {
  int info;
  r->length = BLOCK * (r->rows > r->columns ? r->rows : r->columns);
  r->count = r->rows < r->columns ? r->rows : r->columns;
  r->tau = mw_mem_new((size_t)r->count, sizeof *r->tau, err);
  r->work = r->tau ? mw_mem_new((size_t)r->length, sizeof *r->work, err) : NULL;
  if (r->work) function(&r->rows, &r->columns, a, &r->rows, r->tau, r->work, &r->length, &info);
  return r->work != NULL;
}

static void expand(reflecting *r, unfactor *function, int rows, int columns, double *a) {
  int info;
  function(&rows, &columns, &r->count, a, &r->rows, r->tau, r->work, &r->length, &info);
}

static void release(reflecting *r) {
  free(r->tau);
  free(r->work);
}

bool mw_lapack_orthonormal(size_t count, size_t length, double *a, double *diagonal, mw_error *err) {
  FIND(factor, dgeqrf);
  FIND(unfactor, dorgqr);
  reflecting r = {.rows = (int)length, .columns = (int)count};
  if (!count) return true;
  bool ok = reflect(&r, dgeqrf, a, err);
  for (size_t i = 0; i < count && ok; i++) diagonal[i] = a[i * length + i];
  if (ok) expand(&r, dorgqr, r.rows, r.columns, a);
  release(&r);
  return ok;
}

/* As LAPACK sees it: a' = l q', with l[n, k] and q'[k, m], which is q as we see it. */
bool mw_lapack_qr(size_t m, size_t n, double *a, double *q, double *r, mw_error *err) {
  FIND(factor, dgelqf);
  FIND(unfactor, dorglq);
  size_t k = m < n ? m : n;
  reflecting l = {.rows = (int)n, .columns = (int)m};
  if (!k) return true;
  bool ok = reflect(&l, dgelqf, a, err);
  for (size_t i = 0; i < k && ok; i++)
    for (size_t j = 0; j < n; j++) r[i * n + j] = j < i ? 0 : a[i * n + j];
  if (ok) expand(&l, dorglq, l.count, l.columns, a);
  for (size_t i = 0; i < m && ok; i++) memcpy(q + i * k, a + i * n, k * sizeof *q);
  for (size_t i = 0; i < k && ok; i++) { /* the signs that make the factors the only ones */
    if (!(r[i * n + i] < 0)) continue;
    for (size_t j = i; j < n; j++) r[i * n + j] = -r[i * n + j];
    for (size_t j = 0; j < m; j++) q[j * k + i] = -q[j * k + i];
  }
  release(&l);
  return ok;
}

/* The largest sum of magnitudes of a row, which is a column as LAPACK sees it. */
static double norm_of(size_t n, const double *a) {
  double norm = 0;
  for (size_t i = 0; i < n; i++) {
    double sum = 0;
    for (size_t j = 0; j < n; j++) sum += fabs(a[i * n + j]);
    if (sum > norm) norm = sum;
  }
  return norm;
}

bool mw_lapack_solve(size_t n, size_t count, double precision, double *a, double *b_turned, mw_error *err) {
  FIND(getrf, dgetrf);
  FIND(getrs, dgetrs);
  FIND(gecon, dgecon);
  int size = (int)n, sides = (int)count, info = 0;
  double norm = norm_of(n, a), condition = 0;
  if (!n) return true;
  int *pivots = mw_mem_new(2 * n, sizeof *pivots, err);
  double *work = pivots ? mw_mem_new(4 * n, sizeof *work, err) : NULL;
  bool ok = work != NULL;
  if (ok) dgetrf(&size, &size, a, &size, pivots, &info);
  if (ok && !info) dgecon("1", &size, a, &size, &norm, &condition, work, pivots + n, &(int){0}, 1);
  if (ok && !(condition >= precision)) {
    mw_error_set(err, MW_DATA, "the matrix is singular (its reciprocal condition is %.1e)", info ? 0 : condition);
    ok = mw_error_hint(err, "pinv(x) is defined for every matrix; a small multiple of the identity added to it makes it regular");
  }
  if (ok && count) dgetrs("T", &size, &sides, a, &size, pivots, b_turned, &size, &info, 1);
  free(pivots);
  free(work);
  return ok;
}

bool mw_lapack_factor(bool f64, size_t n, void *a) {
  FIND(potrf, dpotrf);
  FIND(potrf, spotrf);
  int size = (int)n, info = 0;
  (f64 ? dpotrf : spotrf)("L", &size, a, &size, &info, 1);
  return info == 0;
}

void mw_lapack_solve_factored(bool f64, size_t n, size_t count, const void *factored, void *rows) {
  FIND(potrs, dpotrs);
  FIND(potrs, spotrs);
  int size = (int)n, sides = (int)count, info = 0;
  (f64 ? dpotrs : spotrs)("L", &size, &sides, factored, &size, rows, &size, &info, 1);
}

bool mw_lapack_invert(size_t n, float *a) {
  FIND(potrf, spotrf);
  FIND(potrf, spotri);
  int size = (int)n, info = 0;
  spotrf("U", &size, a, &size, &info, 1);
  if (!info) spotri("U", &size, a, &size, &info, 1);
  return info == 0;
}
