/* matrix_rules.h: the rules of functions of whole matrices (class MATRIX of ops.def). A tensor of two dimensions is a matrix; one of more
 * is a row of matrices, its last two dimensions, each of which is computed with on its own: expert banks, convolutions. What has several
 * results gives them one after the other along the last dimension: of a [2,3], SVD with k = 2 is u, s, v of 4 + 2 + 6 elements. */
#ifndef MW_EXPR_MATRIX_RULES_H
#define MW_EXPR_MATRIX_RULES_H

#include "expr/graph.h"

enum { MW_MATRIX_RULES_STEPS = 100000 }; /* of a MINIMISE */

/* How a shape is read: so many matrices of [rows, columns]. One dimension is a column of `rows`. */
typedef struct mw_matrix_rules_form {
  uint64_t matrices, rows, columns;
} mw_matrix_rules_form;
mw_matrix_rules_form mw_matrix_rules_read(const mw_graph *graph, uint32_t shape);

/* Checks the operands and finds the shape. MW_DATA: sizes that do not fit, a rank beyond the matrix's. */
bool mw_matrix_rules_check(mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, const uint64_t extra[2], uint32_t *shape,
                           mw_error *err);

#endif
