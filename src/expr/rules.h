/* rules.h: what each operation asks of its operands, and the shape of its result. The graph's constructors pass here;
 * nothing else makes a node. */
#ifndef MW_EXPR_RULES_H
#define MW_EXPR_RULES_H

#include "expr/graph.h"

/* Checks operands (already nodes of the graph, in the right number) and `extra` by the class of `op`, and gives the
 * result's shape. MW_DATA, with the shapes that do not go together. */
bool mw_rules_check(mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, const uint64_t extra[2],
                    uint32_t *shape, mw_error *err);

#endif
