/* descent.h: minimises a function of one tensor, step by step against its gradient: a MINIMISE. What it changes, x, is a VARIABLE, in
 * memory as a matrix is; the gradient is an expression of the graph, whose functions of matrices and sums are computed anew in every
 * step, operands before their users; what does not depend on x has been made before (HELD). For example with the gradient
 * 2 * matmul(x - t, g) of one tensor:
 *
 *   before    t and g are held
 *   a step    MATMUL of the stream x - HELD(t) and of g; the gradient is read as the stream 2 * MATMUL; x moves
 *
 * Adam (Kingma and Ba 2015, Algorithm 1) with 0.9, 0.999 and 1e-8, in the type of x; plain descent is x - rate * gradient, momentum
 * (0.9) x - rate * m with m = 0.9 m + gradient. The result is the same for any number of threads, as that of its functions is. */
#ifndef MW_EXEC_DESCENT_H
#define MW_EXEC_DESCENT_H

#include "exec/matrices.h"

typedef struct mw_descent {
  mw_matrices *of;
  mw_node node, start, variable, gradient, rate;
  mw_dtype dtype;
  uint64_t elements, steps;
  enum { MW_DESCENT_ADAM, MW_DESCENT_PLAIN, MW_DESCENT_MOMENTUM } kind; /* as MINIMISE has them */
  struct mw_matrix_step *functions; /* those that depend on x, in their order, NULL steps where it is a sum */
  mw_node *nodes, *scalars;         /* the same as nodes; numbers that depend on x */
  size_t count, capacity, scalar_count, scalar_capacity;
  uint64_t bytes, result_bytes, bytes_read;
  double flops;
} mw_descent;

/* Finds what a step computes and what all take. Whether it succeeds or not, mw_descent_end is to be called. */
bool mw_descent_begin(mw_descent *descent, mw_matrices *of, mw_node node, mw_error *err);
/* Takes all steps; *out is the caller's to free. MW_DATA: a gradient that is not finite, or a function that says no; names the tensor.
 * MW_INTERRUPTED. */
bool mw_descent_run(mw_descent *descent, void **out, mw_error *err);
void mw_descent_end(mw_descent *descent);

#endif
