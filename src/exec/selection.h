/* selection.h: one SELECT node of the graph over the passes of a stage: it looks for the element of a certain rank among all
 * elements of its tensors (num/select.h tells how a search works). The threads count elements into bins; after each pass
 * the merged counts advance the search.
 *
 * A search over many elements is predicted from a sample. For example, TIES keeps the largest 20 % of 7 billion elements of
 * a task vector: the threshold is the magnitude of rank 5.6 billion. Without a sample this takes two passes over the models:
 * one that counts magnitudes in coarse bins, and one that counts the bin of that rank key by key. With a sample:
 *
 *   1. One unit of 2048 elements out of 1669 is read (sample.h): 4 million elements. The same search among these, for the
 *      rank in proportion (3.4 million of 4.2), begins with a pass over the sample that finds the bin, say from 0.00186 to 0.00188. Where
 *      values are mostly different that is enough: the rank's place in the bin is taken, 0.00187. Else a second pass finds the key.
 *   2. The search among all elements then begins with a key range of 65536 neighbouring floats around 0.00187, one key a
 *      bin. One pass counts the elements below the range and those in each bin. If the rank falls into the range, which it
 *      nearly always does, that pass has found the exact answer.
 *   3. If not, the counts tell on which side the answer is, and how far; the next pass looks there (num/select.h).
 *
 * A TIE looks for an index among the elements that equal a threshold, and is in the same stage as that threshold. The pass that
 * verifies a predicted threshold also counts which elements equal it. If it is right, which it often is of deltas of bf16, of
 * which many are equal, or of zeros, only the run of 2048 elements or more that holds the index is left to be read. If not, or if
 * there was no prediction, the TIE waits for its threshold, and then takes a pass over everything.
 *
 * Of values that are mostly different, no prediction is exact. Where the sample says that few elements share a key, and a range of 65536
 * keys or more has some ten thousand, that pass lists the elements in the key range, index and key. The range is then as wide as there
 * is room for, so that a small sample will do: 2^20 keys, say, in bins of 16. Once the bin of the rank is known, the list has its
 * elements, and so the key; and of that key the indices of all that equal it, in no order. So neither the threshold nor its TIE takes a
 * pass. If there was no room for some, they do, as above. */
#ifndef MW_EXEC_SELECTION_H
#define MW_EXEC_SELECTION_H

#include "exec/values.h"
#include "num/select.h"

typedef struct mw_selection {
  mw_node node;
  mw_select select;
  mw_select sample;  /* the same search over a sample, which predicts the key range of `select` */
  bool sampling;     /* the search over the sample has not ended */
  mw_node threshold; /* TIE: the selection of its threshold; else 0 */
  bool last;         /* TIE: of equal elements the last ones have the rank, not the first */
  bool waits;        /* TIE: the threshold is not known, so that nothing can be counted */
  bool assumes;      /* TIE: the threshold of `select` is predicted */
  bool lists;        /* elements in its range are listed */
  mw_kernel_list listed; /* of all threads, in this pass, from the key `listed_low` on */
  size_t listed_capacity;
  int64_t listed_low;
  uint64_t *bins;    /* the counts of this pass, of all threads */
  uint64_t below;    /* elements of this pass below the key range */
  uint64_t *origins; /* of every operand: index of its first element, counted through all operands */
  uint64_t total, sampled; /* elements of all operands, and how many of these are in the sample */
  double density;    /* elements of the sample for each key near the prediction */
} mw_selection;

/* Begins the selection of a node. `values` knows the scalars that it reads. A selection that needs no pass is found at once. */
bool mw_selection_new(const mw_graph *graph, mw_node node, mw_values *values, mw_selection *out, mw_error *err);
void mw_selection_free(mw_selection *selection);

/* How many passes over all elements a selection will take, if the sample's prediction is right. */
unsigned mw_selection_expected(const mw_graph *graph, mw_node node);
/* Whether the sample says that hardly two elements near the prediction are equal. */
bool mw_selection_differs(const mw_selection *selection);
/* Whether it may list elements. */
bool mw_selection_may_list(const mw_graph *graph, mw_node node);
/* Which elements [from, to) of its tensor `part` its next pass must read. */
void mw_selection_range(const mw_selection *selection, uint32_t part, uint64_t *from, uint64_t *to);

/* Whether a TIE knows which elements its next pass must read, and these are not all. */
static inline bool mw_selection_is_narrow(const mw_selection *s) {
  return s->threshold && (s->select.low > s->select.lowest || s->select.last < s->select.highest);
}

/* Adds what a thread has listed; without memory nothing is found in the list. */
void mw_selection_take_list(mw_selection *selection, const mw_kernel_list *list);
/* A TIE that waits begins with a threshold that was predicted. */
void mw_selection_assume(mw_selection *tie, double threshold);
/* Begins the search over the sample; `sampled` must be set. */
void mw_selection_sample(mw_selection *selection);
/* Clears the counts, before every pass. */
void mw_selection_clear(mw_selection *selection);
/* Advances the search over the sample after a pass over it; when that is found, predicts with it. `may_list`: lists are kept. */
void mw_selection_end_sample(mw_selection *selection, bool may_list);
/* Advances the search after any other pass; when it is found, its value is set. A TIE comes after its `threshold`. */
bool mw_selection_end(mw_selection *selection, mw_selection *threshold, mw_values *values, mw_error *err);

#endif
