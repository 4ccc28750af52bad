/* rewrite.c: constants are folded; x + 0 and x * 1 are x; (x - b) + b and (x + b) - b are x, so that chained recipes lose no bits.
 * Nothing else is rewritten: a + b + c is computed in that order. */
#include "expr/rewrite.h"
#include "expr/compute.h"
#include <math.h>
#include <stdlib.h>

static bool fold(const mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, double *value) {
  double values[3];
  for (uint32_t i = 0; i < count; i++)
    if (!mw_graph_is_number(graph, operands[i], &values[i])) return false;
  *value = mw_compute(op, values);
  return true;
}

/* A quotient by a power of two equals the product with `factor`, bit for bit, and a product is much faster. */
static bool is_product(const mw_graph *graph, mw_op op, mw_node b, double *factor) {
  double value;
  int exponent;
  if (op != MW_OP_DIV || !mw_graph_is_number(graph, b, &value) || fabs(frexp(value, &exponent)) != 0.5) return false;
  *factor = 1 / value;
  return abs(exponent) <= 120; /* far from the limits of float */
}

/* The node that equals `a op b`, or 0. */
static mw_node known(const mw_graph *graph, mw_op op, mw_node a, mw_node b) {
  switch (op) {
  case MW_OP_ADD:
    if (mw_graph_is(graph, a, 0)) return b;
    if (mw_graph_is(graph, b, 0)) return a;
    if (mw_graph_part(graph, b, MW_OP_SUB, 1) == a) return mw_graph_part(graph, b, MW_OP_SUB, 0);
    if (mw_graph_part(graph, a, MW_OP_SUB, 1) == b) return mw_graph_part(graph, a, MW_OP_SUB, 0);
    return 0;
  case MW_OP_SUB:
    if (mw_graph_is(graph, b, 0)) return a;
    if (mw_graph_part(graph, a, MW_OP_ADD, 0) == b) return mw_graph_part(graph, a, MW_OP_ADD, 1);
    if (mw_graph_part(graph, a, MW_OP_ADD, 1) == b) return mw_graph_part(graph, a, MW_OP_ADD, 0);
    return 0;
  case MW_OP_MUL: return mw_graph_is(graph, a, 1) ? b : mw_graph_is(graph, b, 1) ? a : 0;
  case MW_OP_DIV:
  case MW_OP_POW: return mw_graph_is(graph, b, 1) ? a : 0;
  default: return 0;
  }
}

bool mw_rewrite(mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, uint32_t shape, mw_node *out, mw_error *err) {
  double value;
  *out = 0;
  if (fold(graph, op, operands, count, &value)) return mw_graph_number(graph, value, out, err);
  if (count != 2) return true;
  if (!mw_graph_is(graph, operands[1], 1) && is_product(graph, op, operands[1], &value)) {
    mw_node product[2] = {operands[0]};
    return mw_graph_number(graph, value, &product[1], err) && mw_graph_apply(graph, MW_OP_MUL, product, 2, NULL, out, err);
  }
  mw_node already = known(graph, op, operands[0], operands[1]);
  if (already && mw_graph_facts(graph, already).shape == shape) *out = already;
  return true;
}
