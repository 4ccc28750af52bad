/* polar.h: the orthogonal matrix that is nearest to x[m, n]: u v of its singular value decomposition. Directions in which x is 0, or
 * not more than about 2^-20 of its largest singular value (2^-44 in f64), stay 0: no choice of them is nearer than another.
 *
 * In f32 by products of matrices where these suffice: Halley's iteration, q (a + b q'q) (1 + c q'q)^-1, weighted by the smallest singular
 * value as Nakatsukasa, Bai and Gygi do ("Optimizing Halley's iteration for computing the matrix polar decomposition", 2010), which
 * makes a singular value of 1e-3 into one of 0.96 within 2 steps, by Cholesky's factors; the first step, whose c is large, in f64, unless
 * all values are within a factor of 5. The series of (1 - e)^(-1/2), e being 1 - q'q, makes the rest. Of a tall matrix, once its values are
 * within that factor, all this is done to its Gram matrix. The largest singular value is
 * found by the power method, the smallest ones by inverse iteration: up to 7 of them may be below the edge, and their directions are
 * left out. Random vectors tell at the end whether q'q is the identity. The error is about 2^-24 (s[1] / s[min]) ^ (1 / 3). Where products
 * do not suffice, and in f64, it is made by the decomposition. */
#ifndef MW_NUM_POLAR_H
#define MW_NUM_POLAR_H

#include "num/svd.h"

/* q[m, n]; x is not changed. Both are floats, or doubles if f64; all elements of x are finite, and it has some. */
bool mw_polar(const mw_team *team, const mw_kernel_set *kernels, bool f64, size_t m, size_t n, const void *x, void *q, mw_error *err);
/* As mw_svd_bytes and mw_svd_flops: at most, and as expected. */
uint64_t mw_polar_bytes(bool f64, size_t m, size_t n);
double mw_polar_flops(bool f64, size_t m, size_t n);

#endif
