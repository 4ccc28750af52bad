/* sum_weights.h: the weights with which a sum is made of the atoms of its span (expr/expansion.h), and the value of a dot of two sums. */
#ifndef MW_EXEC_SUM_WEIGHTS_H
#define MW_EXEC_SUM_WEIGHTS_H

#include "expr/expansion.h"

typedef struct mw_sum_weights {
  const mw_graph *graph;
  const mw_expansion *expansion; /* may be NULL */
  size_t *at; /* of every node: 1 + place of its weights; 0: none yet */
  double *weights;
  size_t count, capacity;
} mw_sum_weights;

/* Adds the weights of a sum: those of its summands, as the values of the scalars among its operands say. Summands come before. */
bool mw_sum_weights_add(mw_sum_weights *w, mw_node sum, const double *values, mw_error *err);
/* The value of an expanded dot, whose factors have weights, by the values of its span's dots. A square is at least 0. */
double mw_sum_weights_dot(const mw_sum_weights *w, mw_node dot, const double *values);
void mw_sum_weights_free(mw_sum_weights *w);

#endif
