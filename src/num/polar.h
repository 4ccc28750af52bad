/* polar.h: the orthogonal matrix that is nearest to x[m, n]: u v of its singular value decomposition. Directions in which x is 0, or
 * not more than 2^-20 of its largest singular value (2^-44 in f64), stay 0: no choice of them is nearer than another.
 *
 * In f32 by products of matrices where these suffice: Halley's iteration, q (a + b q'q) (1 + c q'q)^-1, weighted by the smallest singular
 * value as Nakatsukasa, Bai and Gygi do ("Optimizing Halley's iteration for computing the matrix polar decomposition", 2010), which
 * makes a singular value of 1e-5 into one of 1 within 3 steps, by Cholesky's factors; the first step, whose c is large, in f64. A step of
 * Newton's, q (3 - q'q) / 2, comes last. The largest singular value is found by the power method, the smallest by the norm of q'q's
 * inverse. They suffice where q'q has become the identity and the smallest value is above 4e-6 of the largest; the error is that of
 * rounding, about 2^-24 s[1] / s[min]. Else, and in f64, by the decomposition. */
#ifndef MW_NUM_POLAR_H
#define MW_NUM_POLAR_H

#include "num/svd.h"

/* q[m, n]; x is not changed. Both are floats, or doubles if f64; all elements of x are finite, and it has some. */
bool mw_polar(const mw_team *team, const mw_kernel_set *kernels, bool f64, size_t m, size_t n, const void *x, void *q, mw_error *err);
/* As mw_svd_bytes and mw_svd_flops: at most, and as expected. */
uint64_t mw_polar_bytes(bool f64, size_t m, size_t n);
double mw_polar_flops(bool f64, size_t m, size_t n);

#endif
