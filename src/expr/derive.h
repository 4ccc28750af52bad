/* derive.h: derivatives of elementwise operations, as expressions: what a change of y = op(operands) hands on to each
 * operand. Adding a MAP operation is one line here too. */
#ifndef MW_EXPR_DERIVE_H
#define MW_EXPR_DERIVE_H

#include "expr/graph.h"

/* Given y = op(operands) and g, the gradient of y: out[i] becomes g * dy/d(operand i), or 0 where that is zero
 * everywhere (masks, chance, and what `wanted`, a bit an operand, leaves out). Where an operand is a scalar and y a tensor
 * out[i] may be a tensor; its sum is meant. At kinks the derivative is that of one side, or 0. */
bool mw_derive(mw_graph *graph, mw_op op, const mw_node *operands, mw_node y, mw_node g, unsigned wanted, mw_node out[3],
               mw_error *err);
/* a + b where either may be 0, no node. */
bool mw_derive_add(mw_graph *graph, mw_node a, mw_node b, mw_node *out, mw_error *err);

#endif
