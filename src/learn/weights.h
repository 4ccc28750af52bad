/* weights.h: the weights of a network, as expressions over models and coefficients. A weight is
 *   formed for each batch   in f32, if it depends on a trained coefficient: its values change
 *   formed once             if it depends on none
 *   never formed            if it is plain, just a tensor of a model: its rows are read and converted where they are used
 *
 * The gradient of a weight would be as large as the weight, so it is never kept as a whole. An operation computes some rows of
 * it (a panel) and propagates them at once to the leaves of the weight's expression. For example, for W = base + columns(expert
 * - base, c), a panel g of dW adds to the gradient of c, for each column, the sum over the panel's rows of g * (expert - base).
 * That expression is found once, by differentiating W's expression in the scratch graph, and compiled (formula.h). */
#ifndef MW_LEARN_WEIGHTS_H
#define MW_LEARN_WEIGHTS_H

#include "learn/tape.h"

/* A slot that the weight's expression propagates its gradient to: a vector of COLUMNS (sums over rows), a scalar (the sum of all
 * elements) or a tensor of the weight's own shape (each element to its own). */
typedef struct mw_weight_leaf {
  uint32_t slot;
  enum { MW_LEAF_COLUMNS, MW_LEAF_SCALAR, MW_LEAF_ELEMENTS } kind;
  mw_node derivative; /* while it is built */
  mw_formula formula;
  size_t place;       /* of its part in a partial result */
} mw_weight_leaf;

struct mw_tape_weight {
  mw_node node;
  size_t rows, columns; /* a vector is one row */
  bool wants, plain;    /* it wants a gradient; it is a model's tensor of rank 2, never formed */
  float *values;        /* if it was formed */
  mw_formula formula;
  mw_weight_leaf *leaves;
  size_t leaf_count, leaf_capacity;
  size_t partial_size;  /* floats of one item's partial result: the sums of all COLUMNS and SCALAR leaves */
  float *partials;      /* of all items of the current reduction */
  size_t partial_capacity;
};

/* Adds the weight `node` to the tape, if it is not there. The slots of its leaves must exist (mw_weights_leaves). */
bool mw_weights_add(mw_tape *tape, mw_node node, mw_error *err);
/* The nodes that need slots for this weight: calls need(context, node) for each. */
bool mw_weights_leaves(const mw_tape *tape, mw_node node, bool (*need)(void *context, mw_node node, mw_error *err),
                       void *context, mw_error *err);
/* The error of a network that is made of statistics of data: these are found before it, or never. */
bool mw_weights_no_statistics(mw_error *err);
void mw_weights_free(mw_tape *tape);
/* Floats that formed weights take. */
size_t mw_weights_size(const mw_tape *tape);

/* Forms every weight that wants a gradient, and at the first call the others that are not plain. */
bool mw_weights_form(mw_tape *tape, mw_error *err);
/* Rows [first, first + count) of a weight: in *out, a pointer to formed rows, or to `work` (count * columns floats) into which they
 * were computed. */
bool mw_weights_rows(const mw_tape *tape, const mw_tape_weight *weight, mw_thread_pool_worker *worker, float *work,
                     uint64_t first, size_t count,
                     const float **out, mw_error *err);

/* Whether two items may have the same row: not where a leaf has a gradient of the weight's own shape (ELEMENTS), in one place. */
bool mw_weights_shares_rows(const mw_tape_weight *weight);
/* Propagates a weight's gradient, in `items` items of a pool: begin; each item propagates the rows that it has computed; end adds
 * the partial results of the items in order. */
bool mw_weights_begin(mw_tape_weight *weight, size_t items, mw_error *err);
bool mw_weights_propagate(const mw_tape *tape, mw_tape_weight *weight, mw_thread_pool_worker *worker, size_t item, uint64_t first,
                          size_t count, const float *gradient, mw_error *err);
bool mw_weights_end(mw_tape *tape, mw_tape_weight *weight, size_t items, mw_error *err);

#endif
