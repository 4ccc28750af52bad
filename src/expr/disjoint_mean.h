/* disjoint_mean.h: recognises the last step of TIES (recipes/ties.lua), which takes more operations than all that comes before it, so that
 * one instruction does it: DISJOINT_MEAN of a, b and values v. For two values it is this expression:
 *
 *   plus  = 0 < a + (a == 0) * b            the elected sign: that of a, or b's where a vote is drawn; or 0 <= a, or 0 < a
 *   side1 = where(where(plus, 0 < v1, v1 < 0), v1, 0)
 *   side2 = where(where(plus, 0 < v2, v2 < 0), v2, 0)
 *   count = (side1 != 0) + (side2 != 0)
 *   mean  = (side1 + side2) / where(count == 0, 1, count)
 *
 * DISJOINT_SUM is side1 + side2 alone, where plus is 0 <= a. */
#ifndef MW_EXPR_DISJOINT_MEAN_H
#define MW_EXPR_DISJOINT_MEAN_H

#include "expr/cone.h"

enum { MW_DISJOINT_MEAN_MOST = 16 };

typedef struct mw_disjoint_mean {
  const mw_graph *graph;
  const mw_cone *cone;
  const uint8_t *fused; /* of each cone node: it is a part of another instruction */
  mw_node a, b, values[MW_DISJOINT_MEAN_MOST]; /* values in the order in which they are added */
  unsigned count;
  mw_node swallowed[8 + 8 * MW_DISJOINT_MEAN_MOST]; /* nodes that have no use beside it */
  unsigned swallowed_count;
} mw_disjoint_mean;

/* DISJOINT_MEAN or DISJOINT_SUM if `node` is such a mean or sum, of 2 values or more, else 0; `m` holds graph, cone and `fused`, all else
 * is filled in. */
mw_op mw_disjoint_mean_match(mw_disjoint_mean *m, mw_node node);

#endif
