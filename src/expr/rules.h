/* rules.h: what each operation requires of its operands, and the shape of its result. Every node of a graph is checked here when it
 * is made. */
#ifndef MW_EXPR_RULES_H
#define MW_EXPR_RULES_H

#include "expr/graph.h"

/* Checks the operands (which are nodes of the graph, in the right number) and `extra` by the class of `op`, and gives the result's
 * shape. MW_DATA if they do not go together; the error tells the shapes. */
bool mw_rules_check(mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, const uint64_t extra[2],
                    uint32_t *shape, mw_error *err);
/* Of a vector along the rows of a turned matrix, the shape of the matrix. */
bool mw_rules_turned(mw_graph *graph, mw_node vector, uint32_t *shape, mw_error *err);

#endif
