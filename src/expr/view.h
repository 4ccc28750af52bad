/* view.h: the rules of views: tensors whose elements others have, at other places. A view is read, not computed, and is streamed like
 * an input of a file: exec/feed.h finds for a range of its elements those of its operands.
 *
 * Rows are counted along the first dimension and columns along the last; a tensor of one dimension has both along it. For example
 * of a [2,3] tensor 1 2 3 / 4 5 6: SLICE_COLUMNS 1 3 is 2 3 / 5 6, GATHER {1, 0, 1} is 4 5 6 / 1 2 3 / 4 5 6. */
#ifndef MW_EXPR_VIEW_H
#define MW_EXPR_VIEW_H

#include "expr/graph.h"

/* Checks the operands and finds the shape. MW_DATA: ranges outside, shapes that do not join, too few or too many dimensions. */
bool mw_view_check(mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, const uint64_t extra[2], uint32_t *shape,
                   mw_error *err);
/* The dtype in which a view's elements are read: that of its operands where they are stored and have one, else what they are
 * computed in. */
mw_dtype mw_view_dtype(const mw_graph *graph, const mw_node *operands, uint32_t count, bool f64);
/* Whether the shape has as many elements as the tensor. */
bool mw_view_reshape(const mw_graph *graph, mw_node tensor, uint32_t shape, mw_error *err);

#endif
