/* selection.h: exact selections under way: what a SELECT node of the graph looks for (num/select.h) among its tensors, over
 * the passes of a stage. A sample aims those that have many elements. The threads count, the passes tell it the sums. */
#ifndef MW_EXEC_SELECTION_H
#define MW_EXEC_SELECTION_H

#include "exec/values.h"
#include "num/select.h"

typedef struct mw_selection {
  mw_node node;
  mw_select select;
  mw_select sample;  /* the same over a sample, which aims the window of `select` */
  bool sampling;
  uint64_t *bins;    /* the merged counts of this pass */
  uint64_t below;
  uint64_t *origins; /* of every operand: index of its first element */
  uint64_t total, sampled; /* elements of all operands, and of these in the sample */
} mw_selection;

/* Begins the selection of a node, whose scalars `values` knows; what needs no pass is found at once. */
bool mw_selection_new(const mw_graph *graph, mw_node node, mw_values *values, mw_selection *out, mw_error *err);
void mw_selection_free(mw_selection *selection);

/* One element out of how many is in a sample of so many elements. */
uint64_t mw_selection_stride(uint64_t elements);
/* Whole passes that a selection will take, if a sample's guess is right. */
unsigned mw_selection_expected(const mw_graph *graph, mw_node node);
/* Elements [from, to) of its tensor `part` that its next pass must see. */
void mw_selection_range(const mw_selection *selection, uint32_t part, uint64_t *from, uint64_t *to);

/* Before the first pass over a sample, with `sampled` set; and before every pass. */
void mw_selection_sample(mw_selection *selection);
void mw_selection_clear(mw_selection *selection);
/* After a pass over a sample, and after any other, with everything counted. */
void mw_selection_end_sample(mw_selection *selection);
bool mw_selection_end(mw_selection *selection, mw_values *values, mw_error *err);

#endif
