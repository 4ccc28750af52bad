/* cone.h: the cone of a root: all tensors that it computes from, operands before their users. The walk stops at inputs,
 * views, matrices, coefficients, scalars and vectors. It is iterative, since a graph from a hostile process may be deep. For example, the
 * cone of `(a - b) * t` with inputs a, b and a scalar t is: a, b, a - b, (a - b) * t; t is one of its edges. */
#ifndef MW_EXPR_CONE_H
#define MW_EXPR_CONE_H

#include "expr/program.h"

typedef struct mw_cone {
  mw_node *nodes; /* operands before their users */
  uint32_t *uses; /* how often each is an operand within the cone or a root's value */
  size_t count, capacity, uses_capacity;
  mw_node *edges; /* the scalars and vectors that it reads, as often as it reads them */
  size_t edge_count, edge_capacity;
  mw_node *stack;
  size_t stack_capacity;
  const uint8_t *known; /* borrowed: of every node whether it is in memory, so that nothing below it is looked at; or NULL */
  uint32_t *table; /* node -> 1 + index in nodes; open addressing */
  size_t table_size;
} mw_cone;

/* Whether an operand is part of a cone; scalars and vectors are its edges. */
static inline bool mw_cone_goes_on(const mw_graph *graph, mw_node operand) {
  mw_graph_node_facts facts = mw_graph_facts(graph, operand);
  return facts.shape && facts.op != MW_OP_VECTOR;
}
/* How many operands of a node the walk looks at: none of a view's, which has programs of its own (exec/feed.h), none of a matrix's,
 * which has been computed, and none of what is found along rows, which has sections of its own (sections.h), or along columns, which
 * is in memory. */
static inline uint32_t mw_cone_operands(mw_graph_node_facts facts) {
  mw_graph_class class = mw_graph_op_class(facts.op);
  bool rows = class == MW_CLASS_ROW || class == MW_CLASS_SPREAD || class == MW_CLASS_CROSS;
  return class == MW_CLASS_VIEW || class == MW_CLASS_MATRIX || rows ? 0 : facts.operands;
}
/* Adds everything below `value` (a tensor). A zeroed cone is empty. */
bool mw_cone_add(mw_cone *cone, const mw_graph *graph, mw_node value, mw_error *err);
/* Index in nodes, or -1. */
long mw_cone_find(const mw_cone *cone, mw_node node);
void mw_cone_clear(mw_cone *cone);
void mw_cone_free(mw_cone *cone);
/* The tensors that a root reads directly: one, or two of DOT, ROW_DOT and COLUMN_DOT. */
unsigned mw_cone_values(const mw_graph *graph, mw_program_root root, mw_node values[2]);

#endif
