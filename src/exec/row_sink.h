/* row_sink.h: finds the values of a ROW: a value for each run of elements, which come in pieces of any length. Sums have the shape of
 * those of a whole tensor (num/kernels.h): element i of a run goes to lane i % 64, lanes are folded every 2048 elements. */
#ifndef MW_EXEC_ROW_SINK_H
#define MW_EXEC_ROW_SINK_H

#include "expr/graph.h"
#include "num/kernels.h"

typedef struct mw_row_sink {
  mw_op op;
  bool f64;
  uint64_t width;        /* elements of a run */
  uint64_t parameter;    /* extra[1] of the node */
  uint64_t at;           /* elements of this run that have come */
  size_t next;           /* runs that are complete */
  double lanes[MW_LANES]; /* TOTAL, DOT: floats or doubles */
  double sum;            /* of the units that are folded */
  double best;           /* MAX, MIN, ARGMAX */
  uint64_t place;
  unsigned char *kept;   /* the values that were found */
  unsigned char *run, *scratch; /* QUANTILE, RANK: the run's elements, and memory to sort them */
} mw_row_sink;

/* Bytes that the node needs beside its values. */
uint64_t mw_row_sink_bytes(mw_graph_node_facts facts);
/* A sink whose values go to `kept`. `memory` has mw_row_sink_bytes, aligned to 16 bytes. */
void mw_row_sink_make(mw_row_sink *sink, mw_graph_node_facts facts, bool f64, unsigned char *kept, unsigned char *memory);
/* Before a stretch. */
void mw_row_sink_begin(mw_row_sink *sink);
/* The next n elements of x, and y of a DOT. */
void mw_row_sink_add(mw_row_sink *sink, const mw_kernel_set *kernels, const unsigned char *x, const unsigned char *y, size_t n);
/* The same of a DOT of bf16 as stored, in runs and pieces of whole groups of lanes. Those of two tensors must be finite; of one and itself
 * (y is x) it is looked at: true, and nothing is added, if they are not. */
bool mw_row_sink_add_stored(mw_row_sink *sink, const mw_kernel_set *kernels, const unsigned char *x, const unsigned char *y, size_t n);
/* Whether elements from `start` of the stretch on have been added. */
static inline bool mw_row_sink_has(const mw_row_sink *sink, uint64_t start) { return sink->next * sink->width + sink->at > start; }

/* The sum of lanes, floats or doubles, by a tree (32, 16, ... 1) in their own type: an order that depends on nothing. */
double mw_row_sink_fold(void *lanes, bool f64);

#endif
