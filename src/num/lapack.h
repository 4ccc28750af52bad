/* lapack.h: the functions of LAPACK that recipes need, in f64, by the LAPACK that is a part of OpenBLAS: the only file that calls it.
 * Matrices are row-major, without gaps. Each call uses one thread; several threads may call at a time. mw_gemm_begin() comes first, which
 * loads the library. */
#ifndef MW_NUM_LAPACK_H
#define MW_NUM_LAPACK_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The eigenvalues of a symmetric a[n, n], ascending; row i of `a` becomes the eigenvector of value i. Divide and conquer (dsyevd);
 * the lower half of `a` is read. Takes 16 n^2 bytes beside. MW_DATA: it did not converge. */
bool mw_lapack_eigen(size_t n, double *a, double *values, mw_error *err);
/* The same of the `count` largest values alone: rows n - count to n - 1 of `a` become their vectors, the others are lost; of the values all
 * are found. Less work where they are few. */
bool mw_lapack_eigen_largest(size_t n, size_t count, double *a, double *values, mw_error *err);
/* u[m, k], s[k] descending, v[k, n] of a[m, n], which is lost; k = min(m, n), which is above 0. Divide and conquer (dgesdd); takes
 * about 32 k^2 bytes beside. MW_DATA: it did not converge. */
bool mw_lapack_svd(size_t m, size_t n, double *a, double *u, double *s, double *v, mw_error *err);
/* q[m, k] with orthonormal columns and r[k, n], upper triangular with a diagonal not below zero, of a[m, n], which is lost;
 * k = min(m, n). */
bool mw_lapack_qr(size_t m, size_t n, double *a, double *q, double *r, mw_error *err);
/* The rows of a[count, length], count <= length, become orthonormal, each within the span of itself and those before it; diagonal[i]
 * becomes what was left of row i, with its sign. Householder's reflections, so that it holds for rows that depend on one another too. */
bool mw_lapack_orthonormal(size_t count, size_t length, double *a, double *diagonal, mw_error *err);
/* Solves a[n, n] x = b, where b_turned[count, n] has a right side in each row, and becomes x in the same way. MW_DATA: singular
 * within the precision of its elements, `precision`: its reciprocal condition is below that. */
bool mw_lapack_solve(size_t n, size_t count, double precision, double *a, double *b_turned, mw_error *err);
/* Cholesky's factor of a symmetric, positive a[n, n] (floats, or doubles if f64), in the place of one half of it. False: it is not
 * positive, or not to rounding. */
bool mw_lapack_factor(bool f64, size_t n, void *a);
/* Each of `count` rows b[n] becomes the x with a x = b. */
void mw_lapack_solve_factored(bool f64, size_t n, size_t count, const void *factored, void *rows);
/* The inverse of a symmetric, positive a[n, n] of floats, in the place of its lower half. False as above. */
bool mw_lapack_invert(size_t n, float *a);

#endif
