/* derive.h: derivatives of elementwise operations, as expressions: what y = op(operands) propagates to each operand. A new MAP
 * operation needs a line in derive.c. */
#ifndef MW_EXPR_DERIVE_H
#define MW_EXPR_DERIVE_H

#include "expr/graph.h"

/* Given y = op(operands) and g, the gradient of y: out[i] becomes the expression g * dy/d(operand i). It is 0, no node, if that is
 * zero everywhere (masks, random draws) or if bit i of `wanted` is not set. If operand i is a scalar and y a tensor, out[i] may
 * be a tensor: the gradient is its sum. Where a function has a kink, as |a| at 0, the derivative is that of one side, or 0. */
bool mw_derive(mw_graph *graph, mw_op op, const mw_node *operands, mw_node y, mw_node g, unsigned wanted, mw_node out[3],
               mw_error *err);
/* a + b, where either may be 0 (no node). */
bool mw_derive_add(mw_graph *graph, mw_node a, mw_node b, mw_node *out, mw_error *err);

#endif
