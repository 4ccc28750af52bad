/* variable.h: what may be made of a VARIABLE, the tensor that a MINIMISE changes step by step: its loss, and the gradient of that. Nodes
 * that depend on it are computed in every step (exec/descent.h). A tensor that such a node reads beside, which stays the same, becomes
 * a HELD, so that it is read once. For example of x, a variable, and a tensor t of a model: x - t is SUB(x, HELD(t)). */
#ifndef MW_EXPR_VARIABLE_H
#define MW_EXPR_VARIABLE_H

#include "expr/graph.h"

/* The variable that the result of an operation depends on; 0: none. MW_DATA: two of them, or an operation that no loss may have. */
bool mw_variable_of(const mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, mw_node *variable, mw_error *err);
/* Whether some of the operands become HELD: then `held` has all of them. Only few operands are looked at; a join reads its parts anew. */
bool mw_variable_hold(mw_graph *graph, mw_op op, mw_node variable, const mw_node *operands, uint32_t count, mw_node held[3],
                      bool *changed, mw_error *err);
/* The gradient of the scalar `loss` by the variable, an expression that depends on it: backwards from the loss to the variable, by the
 * rules of expr/derive.h and those of sums, products and views. MW_DATA: the loss does not depend on it, or has an operation in between
 * that has no derivative. */
bool mw_variable_gradient(mw_graph *graph, mw_node loss, mw_node variable, mw_node *gradient, mw_error *err);

#endif
