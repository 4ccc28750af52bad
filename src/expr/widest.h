/* widest.h: the least dtype that holds all tensors that a node is made of, each as it is stored or as x:as("bf16") rounded it: what a file
 * of it has where nobody says another. For example a sum of tensors in bf16 is in bf16, of one in bf16 and one in f16 in f32. */
#ifndef MW_EXPR_WIDEST_H
#define MW_EXPR_WIDEST_H

#include "expr/graph.h"

/* The dtype of a node, or MW_DTYPE_COUNT where it is made of no model's tensor. `stored`: of an INPUT; `found`: of all nodes before. */
mw_dtype mw_widest_of(const mw_graph *graph, mw_graph_node_facts facts, mw_dtype stored, const uint8_t *found);

#endif
