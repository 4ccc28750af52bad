/* weight_sum.c: one rule an operation, over the nodes in their order, so that operands are known before their users. What is
 * linear in the models adds up; a few forms that merges consist of are recognised, though their operations are not linear. */
#include "expr/weight_sum.h"
#include <math.h>

static mw_node part(const mw_graph *graph, mw_node id, mw_op op, unsigned i) { return mw_graph_part(graph, id, op, i); }
static bool is(const mw_graph *graph, mw_node id, double number) { return mw_graph_is(graph, id, number); }

/* Recognises DARE's drop and rescale: each element is dropped with probability p, and what is kept is multiplied by
 * `factor` = 1 / (1 - p). On average that weighs what there was. */
static bool is_rescaled(const mw_graph *graph, mw_node kept, double factor) {
  mw_node dropped = part(graph, part(graph, kept, MW_OP_WHERE, 0), MW_OP_NOT, 0);
  double p;
  return is(graph, part(graph, kept, MW_OP_WHERE, 2), 0) &&
         mw_graph_is_number(graph, part(graph, dropped, MW_OP_BERNOULLI, 1), &p) && fabs(factor * (1 - p) - 1) < 1e-12;
}

/* (1 - t) * x + t * y, for any t. */
static bool is_lerp(const mw_graph *graph, mw_node a, mw_node b) {
  mw_node rest = part(graph, a, MW_OP_MUL, 0), t = part(graph, b, MW_OP_MUL, 0);
  return t && part(graph, rest, MW_OP_SUB, 1) == t && is(graph, part(graph, rest, MW_OP_SUB, 0), 1);
}

/* The sum of `value` times something. A factor that is NaN gives infinity ("certainly not 1"), not NaN ("unknown"). */
static double times(double value, double sum) { return isnan(value) && !isnan(sum) ? (double)INFINITY : value * sum; }

/* Of a product that is of no plain number. A factor weighs what it multiplies, by an unknown number: of a delta it leaves a
 * delta, so that `mask * tau` without its base is found. A product of two tensors of models, such as `base * (1 + 0.1 * tau)`
 * or a weight `tau * tau`, is not linear in them and weighs an unknown number, but for a delta times an unknown one. */
static double product(const mw_graph *graph, mw_node a, mw_node b, const double *sums) {
  if (mw_graph_facts(graph, a).factor) return sums[b] == 0 ? 0 : NAN;
  if (mw_graph_facts(graph, b).factor) return sums[a] == 0 ? 0 : NAN;
  return (isnan(sums[a]) && sums[b] == 0) || (isnan(sums[b]) && sums[a] == 0) ? 0 : NAN;
}

static double sum_of(const mw_graph *graph, mw_graph_node_facts facts, const double *sums) {
  const mw_node *o = facts.operand;
  double value;
  switch (facts.op) {
  case MW_OP_NUMBER: return 0;
  case MW_OP_INPUT: return 1;
  case MW_OP_FILL: return sums[o[0]];
  case MW_OP_SLICE_ROWS:
  case MW_OP_SLICE_COLUMNS:
  case MW_OP_GATHER:
  case MW_OP_RESHAPE:
  case MW_OP_TRANSPOSE: return sums[o[0]];
  case MW_OP_TURN:
  case MW_OP_HELD:
  case MW_OP_DIAGONAL: return sums[o[0]];
  case MW_OP_ORTHOGONAL: /* of a delta alone they are one again */
  case MW_OP_LOW_RANK:
  case MW_OP_MINIMISE: return sums[o[0]] == 0 ? 0 : NAN;
  case MW_OP_JOIN_ROWS:
  case MW_OP_JOIN_COLUMNS:
    for (uint32_t i = 1; i < facts.operands; i++)
      if (sums[o[i]] != sums[o[0]]) return NAN;
    return sums[o[0]];
  case MW_OP_ADD:
    if (is_lerp(graph, o[0], o[1]) && sums[part(graph, o[0], MW_OP_MUL, 1)] == sums[part(graph, o[1], MW_OP_MUL, 1)])
      return sums[part(graph, o[0], MW_OP_MUL, 1)];
    return sums[o[0]] + sums[o[1]];
  case MW_OP_SUB: return sums[o[0]] - sums[o[1]];
  case MW_OP_NEG: return -sums[o[0]];
  case MW_OP_COLUMNS: return mw_graph_facts(graph, o[1]).learned ? NAN : sums[o[0]]; /* what is learned may weigh anything */
  case MW_OP_MUL:
    if (mw_graph_is_number(graph, o[0], &value)) return times(value, sums[o[1]]);
    if (mw_graph_is_number(graph, o[1], &value)) return is_rescaled(graph, o[0], value) ? sums[o[0]] : times(value, sums[o[0]]);
    return product(graph, o[0], o[1], sums);
  case MW_OP_DIV:
  case MW_OP_RATIO:
    if (mw_graph_is_number(graph, o[1], &value) && value != 0)
      return is_rescaled(graph, o[0], 1 / value) ? sums[o[0]] : sums[o[0]] / value;
    return sums[o[0]] == 0 && !mw_graph_facts(graph, o[0]).factor ? 0 : NAN; /* 1 / x is a weight like any other */
  case MW_OP_WHERE: /* a selection (`keep`) keeps the sum; two models of one sum do too */
    if (mw_graph_is_number(graph, o[2], &value) && value == 0) return sums[o[1]];
    return sums[o[1]] == sums[o[2]] ? sums[o[1]] : NAN;
  default: return NAN;
  }
}

void mw_weight_sum(const mw_graph *graph, double *sums) {
  sums[0] = NAN;
  for (mw_node node = 1; node <= mw_graph_count(graph); node++) sums[node] = sum_of(graph, mw_graph_facts(graph, node), sums);
}
