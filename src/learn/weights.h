/* weights.h: the tensors of a network as expressions over models and coefficients. What depends on a coefficient is
 * formed in f32 once a step and kept until the next; a plain tensor of a model is read and converted row by row wherever
 * it is used; anything else is formed once. The gradient of a weight is never kept: whoever has computed some rows of it
 * gives them here, and they are reduced at once to gradients of what the expression is made of. */
#ifndef MW_LEARN_WEIGHTS_H
#define MW_LEARN_WEIGHTS_H

#include "learn/tape.h"

/* What a weight's expression hands its gradient on to: a slot that is a vector of COLUMNS (sums over rows), a scalar
 * (the sum of all) or a tensor of the weight's own shape (as it is). */
typedef struct mw_weight_leaf {
  uint32_t slot;
  enum { MW_LEAF_COLUMNS, MW_LEAF_SCALAR, MW_LEAF_ELEMENTS } kind;
  mw_node derivative; /* while it is built */
  mw_formula formula;
  size_t place;       /* within a partial result */
} mw_weight_leaf;

struct mw_tape_weight {
  mw_node node;
  size_t rows, columns; /* a vector is one row */
  bool wants, plain;    /* plain: a model's tensor of rank 2, never formed */
  float *values;        /* what was formed */
  mw_formula formula;
  mw_weight_leaf *leaves;
  size_t leaf_count, leaf_capacity;
  size_t partial_size;  /* floats of one partial result */
  float *partials;      /* of the reduction under way */
  size_t partial_capacity;
};

/* Adds the weight `node` to the tape, if it is not there. Its leaves' slots are made before (mw_weights_leaves). */
bool mw_weights_add(mw_tape *tape, mw_node node, mw_error *err);
/* The nodes that need slots for this weight: calls need(context, node) for each. */
bool mw_weights_leaves(const mw_tape *tape, mw_node node, bool (*need)(void *context, mw_node node, mw_error *err),
                       void *context, mw_error *err);
void mw_weights_free(mw_tape *tape);
/* Floats that formed weights take. */
size_t mw_weights_size(const mw_tape *tape);

/* Forms every weight that is not plain: those that want gradients, and at first the others too. */
bool mw_weights_form(mw_tape *tape, mw_error *err);
/* Rows [first, first + count) of a weight: where they lie, or computed into `work` (count * columns floats). */
bool mw_weights_rows(const mw_tape *tape, const mw_tape_weight *weight, mw_thread_pool_worker *worker, float *work,
                     uint64_t first, size_t count,
                     const float **out, mw_error *err);

/* A reduction of a weight's gradient by `items` items of a team: begin, give rows within an item (item < items), end,
 * which adds the items' results in order. Where the weight has leaves of its own shape, two items must not give the same
 * row: mw_weights_alone tells that one item must do it all. */
bool mw_weights_begin(mw_tape_weight *weight, size_t items, mw_error *err);
bool mw_weights_give(const mw_tape *tape, mw_tape_weight *weight, mw_thread_pool_worker *worker, size_t item, uint64_t first, size_t count,
                     const float *gradient, mw_error *err);
void mw_weights_end(mw_tape *tape, mw_tape_weight *weight, size_t items);
bool mw_weights_alone(const mw_tape_weight *weight);

#endif
