/* svd.h: singular values and vectors: x[m, n] = u diag(s) v with u[m, k], s[k] descending and v[k, n]; of k below min(m, n) the
 * largest ones. Three ways:
 *
 *   sampled   where k is small (mw_svd_is_sampled): Halko, Martinsson, Tropp, "Finding structure with randomness" (2011), algorithm 4.4.
 *             x is multiplied with k + OVER random columns, then POWER times with x' and x again; what these columns span holds
 *             nearly all of the first k vectors, and the decomposition within it is exact. With l = k + p columns, q times, the
 *             expected |x - u s v| in the spectral norm is at most
 *                 (1 + sqrt(k / (p - 1)) + e sqrt(l) / p * sqrt(min(m, n) - k)) ^ (1 / (2 q + 1)) * s[k + 1]
 *             (their corollary 10.10); mw_svd_bound() gives the factor. The random columns are the same for every matrix of a shape.
 *   by Gram   x in f32: the eigenvalues of x'x or xx', the smaller one, in f64. That squares the values, but f64 has more than twice
 *             the digits: |x - u s v| stays below that of x's own rounding, 2^-24 s[1]. Where the smallest value is below 1e-5 of the
 *             largest, the vectors of the longer side are made orthonormal by reflections.
 *   gesdd     x in f64: LAPACK's own.
 *
 * The sign of a pair of vectors is that which makes the first of the largest |u| positive. Values that are equal keep the order in which
 * they were found. Columns of u (rows of v) whose value is 0 are orthonormal too. */
#ifndef MW_NUM_SVD_H
#define MW_NUM_SVD_H

#include "base/error.h"
#include "num/kernels.h"
#include "num/team.h"

/* Whether the first k values of a matrix whose smaller side is `least` are found by sampling. */
bool mw_svd_is_sampled(size_t least, size_t k);
/* What the error of sampling is at most, as expected, in units of the first value that is left out. */
double mw_svd_bound(size_t least, size_t k);
/* x is not changed; it and the results are floats, or doubles if f64. `kernels`: those of that type. All elements of x are finite and
 * k is 1 .. min(m, n). MW_DATA: LAPACK did not converge. */
bool mw_svd(const mw_team *team, const mw_kernel_set *kernels, bool f64, size_t m, size_t n, size_t k, const void *x, void *u, void *s,
            void *v, mw_error *err);
/* Bytes that it takes beside its operands and results, and floating-point operations. */
uint64_t mw_svd_bytes(bool f64, size_t m, size_t n, size_t k);
double mw_svd_flops(bool f64, size_t m, size_t n, size_t k);

#endif
