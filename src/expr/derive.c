/* derive.c: one rule for each operation, written with the graph's constructors, which fold constants and simplify. For example
 * MUL: the derivative of a * b by a is b, so the gradient of a is g * b; if b is the number 1, the graph makes that g. */
#include "expr/derive.h"
#include <string.h>

/* The graph in which nodes are made. After a failure no more nodes are made, so that only the end must be checked. */
typedef struct maker {
  mw_graph *graph;
  bool ok;
  mw_error *err;
} maker;

static mw_node make(maker *m, mw_op op, uint32_t count, const mw_node *operands) {
  mw_node node = 0;
  for (uint32_t i = 0; i < count && m->ok; i++) m->ok = operands[i] != 0;
  m->ok = m->ok && mw_graph_apply(m->graph, op, operands, count, NULL, &node, m->err);
  return node;
}

static mw_node number(maker *m, double value) {
  mw_node node = 0;
  m->ok = m->ok && mw_graph_number(m->graph, value, &node, m->err);
  return node;
}

#define ONE(op, a) make(m, MW_OP_##op, 1, (mw_node[]){a})
#define TWO(op, a, b) make(m, MW_OP_##op, 2, (mw_node[]){a, b})
#define WHERE(mask, a, b) make(m, MW_OP_WHERE, 3, (mw_node[]){mask, a, b})
#define ZERO number(m, 0)

/* g times the derivative of y = op(a, b, c) by operand i; no node (0) if that is zero everywhere. */
static mw_node rule(maker *m, mw_op op, const mw_node *o, mw_node y, mw_node g, unsigned i) {
  mw_node a = o[0], b = mw_graph_op_operands(op) > 1 ? o[1] : 0;
  switch (op) {
  case MW_OP_ADD: return g;
  case MW_OP_SUB: return i == 0 ? g : ONE(NEG, g);
  case MW_OP_MUL: return TWO(MUL, g, i == 0 ? b : a);
  case MW_OP_DIV: return i == 0 ? TWO(DIV, g, b) : ONE(NEG, TWO(DIV, TWO(MUL, g, y), b));
  case MW_OP_RATIO: return i == 0 ? TWO(RATIO, g, b) : ONE(NEG, TWO(RATIO, TWO(MUL, g, y), b));
  case MW_OP_MIN: return i == 0 ? WHERE(TWO(LT, b, a), ZERO, g) : WHERE(TWO(LT, b, a), g, ZERO);
  case MW_OP_MAX: return i == 0 ? WHERE(TWO(LT, a, b), ZERO, g) : WHERE(TWO(LT, a, b), g, ZERO);
  case MW_OP_WHERE: return i == 0 ? 0 : i == 1 ? WHERE(a, g, ZERO) : WHERE(a, ZERO, g);
  case MW_OP_NEG: return ONE(NEG, g);
  case MW_OP_ABS: return TWO(MUL, g, ONE(SIGN, a));
  case MW_OP_SQRT: return TWO(RATIO, TWO(MUL, g, number(m, 0.5)), y);
  case MW_OP_EXP: return TWO(MUL, g, y);
  case MW_OP_LOG: return TWO(DIV, g, a);
  case MW_OP_TANH: return TWO(MUL, g, TWO(SUB, number(m, 1), TWO(MUL, y, y)));
  case MW_OP_SIN: return TWO(MUL, g, ONE(COS, a));
  case MW_OP_COS: return ONE(NEG, TWO(MUL, g, ONE(SIN, a)));
  case MW_OP_ACOS: return ONE(NEG, TWO(RATIO, g, ONE(SQRT, TWO(SUB, number(m, 1), TWO(MUL, a, a)))));
  case MW_OP_POW: /* x^b has no derivative by b where x <= 0 */
    if (i == 0) return TWO(MUL, g, TWO(MUL, b, TWO(POW, a, TWO(SUB, b, number(m, 1)))));
    return WHERE(TWO(LT, ZERO, a), TWO(MUL, TWO(MUL, g, y), ONE(LOG, a)), ZERO);
  case MW_OP_AS_BF16: case MW_OP_AS_F16: case MW_OP_AS_F32: case MW_OP_AS_F64: return g; /* as casts of torch pass it on */
  default: return 0; /* masks, SIGN, FLOOR and ROUND, which are flat between their jumps; random draws */
  }
}

bool mw_derive(mw_graph *graph, mw_op op, const mw_node *operands, mw_node y, mw_node g, unsigned wanted, mw_node out[3],
               mw_error *err) {
  maker m = {graph, true, err};
  memset(out, 0, 3 * sizeof *out);
  if (mw_graph_op_class(op) != MW_CLASS_MAP) return true;
  for (unsigned i = 0; i < (unsigned)mw_graph_op_operands(op) && m.ok; i++)
    if (wanted >> i & 1) out[i] = rule(&m, op, operands, y, g, i);
  return m.ok;
}

bool mw_derive_add(mw_graph *graph, mw_node a, mw_node b, mw_node *out, mw_error *err) {
  *out = a ? a : b;
  return !a || !b || mw_graph_apply(graph, MW_OP_ADD, (mw_node[]){a, b}, 2, NULL, out, err);
}
