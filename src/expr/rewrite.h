/* rewrite.h: the rewrites that recipes are promised: what an elementwise operation is without being computed. */
#ifndef MW_EXPR_REWRITE_H
#define MW_EXPR_REWRITE_H

#include "expr/graph.h"

/* The node that `op` of these operands already is, where it is of this shape: a number (2 * 3), an operand (x * 1), a part of
 * one ((b + x) - b is x, to the last bit), or a product (x / 4 is x * 0.25). 0: it is a node of its own. */
bool mw_rewrite(mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, uint32_t shape, mw_node *out, mw_error *err);

#endif
