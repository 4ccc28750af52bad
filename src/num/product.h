/* product.h: products of whole matrices of f32 or f64, by a team of threads. The result is cut into tiles by its shape, each of which
 * is one call of OpenBLAS (gemm.h); so its bits depend on the core type that OpenBLAS chose, not on the threads. All matrices
 * are row-major; `stride` is the distance of two rows in elements. */
#ifndef MW_NUM_PRODUCT_H
#define MW_NUM_PRODUCT_H

#include "num/team.h"
#include <stdbool.h>

typedef struct mw_product_side {
  const void *values;
  size_t stride;
  bool turned; /* what is multiplied is its transpose */
} mw_product_side;

/* out[m, n] = a[m, k] b[k, n], added to what is there where `add`. Of no columns to sum over (k = 0) it is 0. */
void mw_product(const mw_team *team, bool f64, size_t m, size_t n, size_t k, mw_product_side a, mw_product_side b, bool add, void *out,
                size_t stride);
/* The same of a symmetric result, a[m, k] b[k, m] where that is: its upper half is that of its lower one. */
void mw_product_symmetric(const mw_team *team, bool f64, size_t m, size_t k, mw_product_side a, mw_product_side b, bool add, void *out);
/* Makes the upper half of a square matrix that of its lower one. */
void mw_product_mirror(const mw_team *team, bool f64, size_t m, void *out);

#endif
