/* rewrite.h: the rewrites that recipes.md promises: elementwise operations whose result is already known. */
#ifndef MW_EXPR_REWRITE_H
#define MW_EXPR_REWRITE_H

#include "expr/graph.h"

/* The node that equals `op` of these operands, if it has this shape: a number (2 * 3), an operand (x * 1), a part of one ((b + x) - b
 * is x, bit for bit), or a product (x / 4 is x * 0.25). 0: there is none, so a new node is needed. */
bool mw_rewrite(mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, uint32_t shape, mw_node *out, mw_error *err);

#endif
