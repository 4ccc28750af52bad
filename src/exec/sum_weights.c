/* sum_weights.c: a sum's weights follow from those of its operands. For example, with x of the weights (1, 0) and m of (0.25, 0.75),
 * x - m has (0.75, -0.75). */
#include "exec/sum_weights.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Adds `factor` times the weights of `summand` to those of a sum over `span`. Atoms of both are in the same order. */
static void add_times(const mw_sum_weights *w, double factor, mw_node summand, mw_expansion_span span, double *sum) {
  mw_expansion_span of = mw_expansion_of(w->expansion, summand);
  for (uint32_t i = 0, k = 0; i < of.count; i++) {
    while (span.atoms[k] != of.atoms[i]) k++;
    sum[k] += factor * (of.atoms[0] == summand ? 1 : w->weights[w->at[summand] - 1 + i]);
  }
}

bool mw_sum_weights_add(mw_sum_weights *w, mw_node id, const double *values, mw_error *err) {
  mw_graph_node_facts facts = mw_graph_facts(w->graph, id);
  mw_expansion_span span = mw_expansion_of(w->expansion, id);
  if (!w->at && !(w->at = mw_mem_new(mw_graph_count(w->graph) + 1u, sizeof *w->at, err))) return false;
  MW_TRY(mw_mem_grow(&w->weights, &w->capacity, w->count + span.count, sizeof *w->weights, err));
  double *sum = w->weights + w->count;
  memset(sum, 0, span.count * sizeof *sum);
  const mw_node *o = facts.operand;
  switch (facts.op) {
  case MW_OP_NEG: add_times(w, -1, o[0], span, sum); break;
  case MW_OP_ADD: add_times(w, 1, o[0], span, sum), add_times(w, 1, o[1], span, sum); break;
  case MW_OP_SUB: add_times(w, 1, o[0], span, sum), add_times(w, -1, o[1], span, sum); break;
  case MW_OP_DIV: add_times(w, 1 / values[o[1]], o[0], span, sum); break;
  case MW_OP_RATIO: add_times(w, values[o[1]] == 0 ? 0 : 1 / values[o[1]], o[0], span, sum); break;
  case MW_OP_WHERE: add_times(w, 1, values[o[0]] != 0 ? o[1] : o[2], span, sum); break;
  case MW_OP_MUL: {
    bool first = mw_graph_facts(w->graph, o[0]).shape != 0;
    add_times(w, values[o[first]], o[!first], span, sum);
    break;
  }
  default: return mw_error_set(err, MW_BUG, "'%s' is no sum", mw_graph_op_name(facts.op));
  }
  w->at[id] = w->count + 1;
  w->count += span.count;
  return true;
}

/* The weights of a factor by the basis of a span: x1 has all of them together, each difference x - x1 that of its x. */
static void by_basis(const mw_sum_weights *w, mw_node factor, mw_expansion_span span, double *weights) {
  memset(weights, 0, span.count * sizeof *weights);
  add_times(w, 1, factor, span, weights);
  for (uint32_t i = 1; i < span.count; i++) weights[0] += weights[i];
}

double mw_sum_weights_dot(const mw_sum_weights *w, mw_node dot, const double *values) {
  double x[MW_EXPANSION_ATOMS], y[MW_EXPANSION_ATOMS], sum = 0;
  mw_expansion_span span = mw_expansion_of(w->expansion, dot);
  mw_node factors[2];
  mw_expansion_factors(w->graph, dot, factors);
  by_basis(w, factors[0], span, x);
  by_basis(w, factors[1], span, y);
  for (uint32_t i = 0, at = 0; i < span.count; i++)
    for (uint32_t k = 0; k <= i; k++, at++) sum += (i == k ? x[i] * y[i] : x[i] * y[k] + x[k] * y[i]) * values[span.dots[at]];
  return factors[0] == factors[1] && sum < 0 ? 0 : sum; /* what was rounded off a square of nothing */
}

void mw_sum_weights_free(mw_sum_weights *w) {
  free(w->at);
  free(w->weights);
  *w = (mw_sum_weights){0};
}
