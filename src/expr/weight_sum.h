/* weight_sum.h: how many models an expression weighs, so that a result which is no average of models is found before any
 * tensor is read. */
#ifndef MW_EXPR_WEIGHT_SUM_H
#define MW_EXPR_WEIGHT_SUM_H

#include "expr/graph.h"

/* sums[node] for every node, and a place for count + 1 doubles: an input weighs 1, a number 0, a + b the sum, a - b the difference,
 * 0.3 * a 0.3 as much. So `0.7 * a + 0.3 * b` weighs 1, a task vector `a - b` 0, and `a + b`, where a mean was meant, 2. NaN:
 * unknown, as of a product of two tensors. */
void mw_weight_sum(const mw_graph *graph, double *sums);

#endif
