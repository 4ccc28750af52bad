/* matrix.h: the functions of whole matrices that recipes have, each on one matrix in memory: f32, or f64 where f64. What has several
 * results gives them one after the other. Results are the same for any team of threads. What LAPACK computes, it computes in f64. */
#ifndef MW_NUM_MATRIX_H
#define MW_NUM_MATRIX_H

#include "num/svd.h"

typedef enum mw_matrix_kind {
  MW_MATRIX_PRODUCT,    /* a[m, k] b[k, n]: [m, n] */
  MW_MATRIX_SVD,        /* u[m, r], s[r], v[r, n] of a[m, n] (svd.h) */
  MW_MATRIX_LOW_RANK,   /* u diag(s) v of these: [m, n] */
  MW_MATRIX_ORTHOGONAL, /* the nearest one (polar.h): [m, n] */
  MW_MATRIX_QR,         /* q[m, k], r[k, n] of a[m, n], k = min(m, n): r upper triangular, its diagonal not below zero */
  MW_MATRIX_EIGEN,      /* w[n] ascending, e[n, n] with the eigenvectors in its columns, of a symmetric a[n, n]; signs as svd's */
  MW_MATRIX_SOLVE,      /* x[n, r] with a[n, n] x = b[n, r]; a reciprocal condition below 2^-23 (2^-52) is singular */
  MW_MATRIX_INVERSE,    /* the pseudo-inverse [n, m] of a[m, n]: values up to max(m, n) * 2^-23 (2^-52) of the largest are taken for 0 */
  MW_MATRIX_ASSIGN,     /* [m, n]: 1 where row i of costs a goes with column j, else 0 (assign.h) */
  MW_MATRIX_CUMULATIVE, /* [m, n]: of each row of a[m, n] the sums up to each element, summed in f64 */
  MW_MATRIX_DIAGONAL,   /* [m, n]: a on its diagonal, else 0 */
  MW_MATRIX_TURN,       /* [n, m]: rows of a[m, n] as columns */
  MW_MATRIX_BY_ROW,     /* [m, n]: row i of a[m, n] times b[i] */
  MW_MATRIX_COPY,       /* [m, n]: a as it is */
  MW_MATRIX_BY_COLUMN   /* [m, n]: column j of a[m, n] times b[j] */
} mw_matrix_kind;

typedef struct mw_matrix_call {
  mw_matrix_kind kind;
  bool f64, a_turned, b_turned; /* PRODUCT: a or b lie as their transposes */
  size_t m, n, r;               /* those of the kind; PRODUCT: r is k */
  const void *a, *b;            /* their elements are finite */
  void *out;
} mw_matrix_call;

/* MW_DATA: a matrix that is singular or not symmetric, or on which LAPACK did not converge. Sizes may be 0. */
bool mw_matrix_compute(const mw_team *team, const mw_kernel_set *kernels, const mw_matrix_call *call, mw_error *err);
/* Bytes that it takes beside its operands and its result, and floating-point operations, by kind and sizes alone. */
uint64_t mw_matrix_bytes(const mw_matrix_call *call);
double mw_matrix_flops(const mw_matrix_call *call);

#endif
