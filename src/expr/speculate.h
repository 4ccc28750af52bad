/* speculate.h: which totals a merge may guess instead of waiting for them. exec/speculation.h tells why, and what happens
 * with the guesses, with the example of TIES.
 *
 * A total may be guessed if
 *   - only its sign matters, and only to outputs. The sign of a sum of many terms is easily guessed, its exact value is not;
 *     and if another sink read it, a wrong guess would spoil more than a few outputs.
 *   - there is a guess in time. Of level 1 the total depends on no sink: its guess is 0, until its parts are found. Of level L
 *     it must be computable one level earlier, from predictions: so of the sinks of level L - 1 it may depend only on
 *     selections by rank, since only these are predicted (by a sample).
 *   - no matrix function stands before or behind it: these are too slow to be done again.
 *   - some output reads the tensor that it sums. Then it is computed concurrently with that output, in the same task.
 *
 * For example, in TIES with two tensors and two experts:
 *
 *   level 1   kth 1, kth 2          selections: the experts' thresholds; predicted by a sample
 *   level 2   total 1, total 2      of gamma 1 and gamma 2, which depend on kth 1 and kth 2 only
 *   scalar    sign(total 1 + total 2)
 *   outputs   1 and 2               read this sign, and gamma 1 and 2
 *
 * Both totals are guessed: each is summed with predicted thresholds in the stage of level 1 (a root with `guess`), and
 * exactly in the task of the output whose gamma it sums. */
#ifndef MW_EXPR_SPECULATE_H
#define MW_EXPR_SPECULATE_H

#include "expr/graph.h"

/* The graph as the schedule knows it. Arrays have an entry for every node. */
typedef struct mw_speculate_input {
  const mw_graph *graph;
  const uint32_t *level; /* how many sinks depend on each other up to the node, itself included */
  const uint8_t *needed; /* whether an output depends on it */
  const mw_node *outputs;
  size_t output_count;
} mw_speculate_input;

/* Finds the totals to be guessed: concurrent[total] becomes 1 + the index of the output that it is computed concurrently with.
 * `concurrent` must have an entry for every node, all 0. */
bool mw_speculate_totals(const mw_speculate_input *input, uint32_t *concurrent, mw_error *err);

#endif
