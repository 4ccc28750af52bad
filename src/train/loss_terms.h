/* loss_terms.h: the terms of which a loss is the sum, for the log of a training: the losses of networks by data set, and the rest. */
#ifndef MW_TRAIN_LOSS_TERMS_H
#define MW_TRAIN_LOSS_TERMS_H

#include "expr/graph.h"

enum { MW_TERMS_MOST = 32 };

typedef struct mw_loss_terms {
  mw_node *nodes;     /* scalars of which the loss is the sum, times their factors */
  double *factors;
  uint32_t *places;   /* of each node: which term it belongs to */
  size_t node_count;
  const char **names; /* of the terms: "kl data[1]", "cosine", "l1", "l2", "overlap", "coefficients" (other functions of
                         coefficients only), "other", "constant" */
  size_t count;
} mw_loss_terms;

/* Everything is in the arena. Terms beyond MW_TERMS_MOST are "other". */
bool mw_loss_terms_find(const mw_graph *graph, mw_node loss, mw_arena *arena, mw_loss_terms *terms, mw_error *err);
/* The terms' values from those of the nodes; they add up to the loss. */
void mw_loss_terms_sum(const mw_loss_terms *terms, const double *nodes, double *values);

#endif
