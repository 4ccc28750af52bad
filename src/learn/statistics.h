/* statistics.h: tensors that are found from data: the DATA nodes of a graph (ops.def), such as the Gram matrix of what a linear layer
 * reads, or the mean square of the loss's gradient. Each is found over all windows of the data set that its network reads.
 *
 * A network is run in parts (parts.h), each on all batches before the next one begins, so that only one part's statistics are in
 * memory, however deep the network is. For example, with two layers a part each, x0 what enters the first, x1 what leaves it:
 *
 *   part 1   for each batch: tokens -> x1, which is stored; the inputs of layer 1 are added to its Gram matrices
 *            these are told, and their memory is free
 *   part 2   for each batch: the stored x1 -> x2; the inputs of layer 2 are added to its Gram matrices
 *
 * Gradients go back in the same way: first all parts forward, each storing where it ends; then from the last part to the first, each
 * on all batches forward and back, storing the gradient with which the part before it goes on.
 *
 * Of several processes (exec/ranks.h) each runs every so many-th batch. Then it gives what it has found to the others, and adds to some of
 * the elements what all have found, batch after batch: so these have the bits that one process gives them. For example, four batches by
 * two ranks, a GRAM of which rank 0 adds the first panel of rows, rank 1 the second:
 *
 *   rank 0: batch 1: its inputs go to rank 1     rank 1: batch 2: its inputs go to rank 0
 *           panel 1 += those of 1, of 2                  panel 2 += those of 1, of 2        -- batches 3 and 4 likewise --
 *           -- at the end each gives its panel to the other: both have both --
 *
 * What counts: GRAM and MOMENT are means over the tokens of all windows (or over windows, of their last token); GRADIENT and FISHER
 * are means over batches, which have one window each. Results are f32, the same bits for any number of threads on one core type of
 * OpenBLAS, and whatever the parts are. */
#ifndef MW_LEARN_STATISTICS_H
#define MW_LEARN_STATISTICS_H

#include "learn/train.h"

enum { MW_STATISTICS_ROOM = 512 << 20 }; /* bytes of statistics that a part may have, if one layer has not more */

typedef struct mw_statistics_cost {
  uint64_t memory;  /* bytes at its peak */
  uint64_t bytes;   /* of all results */
  double products;  /* floating-point operations of matrix products */
  double touched;   /* elements of tensors that are read or written */
  uint64_t batches; /* that networks run on, all parts together */
} mw_statistics_cost;

typedef struct mw_statistics_watch {
  void *context;
  /* A statistic is known: its elements, until this returns. */
  bool (*found)(void *context, mw_node node, const float *values, mw_error *err);
  /* After every batch; false stops with MW_INTERRUPTED. May be NULL. */
  bool (*goes_on)(void *context, uint64_t done, uint64_t total);
} mw_statistics_watch;

/* Finds these DATA nodes, each once, in an order of its own. `room`: MW_STATISTICS_ROOM. Errors: MW_DATA where a network cannot be
 * computed here, ids are beyond its vocabulary, or a result is not finite; MW_MEMORY. */
bool mw_statistics_find(const mw_train_world *world, const mw_node *nodes, size_t count, uint64_t room, const mw_statistics_watch *watch,
                        mw_error *err);
/* What that takes, without running it. */
bool mw_statistics_measure(const mw_train_world *world, const mw_node *nodes, size_t count, uint64_t room, mw_statistics_cost *cost,
                           mw_error *err);

#endif
