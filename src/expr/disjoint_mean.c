/* disjoint_mean.c: goes down from the quotient, or the sum; every node on the way must be what is expected there, and have no other
 * users. */
#include "expr/disjoint_mean.h"

static bool is_value(const mw_disjoint_mean *m, mw_node node, double expected) {
  double value;
  return mw_graph_is_number(m->graph, node, &value) && value == expected;
}

/* Whether a node is this operation, with so many uses, none of which is known to be another instruction's. */
static bool is(mw_disjoint_mean *m, mw_node node, mw_op op, uint32_t uses, mw_graph_node_facts *facts) {
  *facts = mw_graph_facts(m->graph, node);
  long at = facts->op == op ? mw_cone_find(m->cone, node) : -1;
  if (at < 0 || m->cone->uses[at] != uses || m->fused[at]) return false;
  m->swallowed[m->swallowed_count++] = node;
  return true;
}

/* where(where(plus, 0 < v, v < 0), v, 0), used by the sum and by the count if there is one; `plus` must be the same of all. */
static bool match_side(mw_disjoint_mean *m, mw_node node, uint32_t uses, mw_node *plus, mw_node *value) {
  mw_graph_node_facts side, mask, above, below;
  if (!is(m, node, MW_OP_WHERE, uses, &side) || !is_value(m, side.operand[2], 0)) return false;
  *value = side.operand[1];
  if (!is(m, side.operand[0], MW_OP_WHERE, 1, &mask) || (*plus && *plus != mask.operand[0])) return false;
  *plus = mask.operand[0];
  return mw_graph_facts(m->graph, *value).shape && is(m, mask.operand[1], MW_OP_LT, 1, &above) && is_value(m, above.operand[0], 0) &&
         above.operand[1] == *value && is(m, mask.operand[2], MW_OP_LT, 1, &below) && below.operand[0] == *value &&
         is_value(m, below.operand[1], 0);
}

/* The terms of a sum that is added from the left, which has `uses` uses; returns how many, 0: too many or too few. */
static unsigned match_sum(mw_disjoint_mean *m, mw_node node, uint32_t uses, mw_node terms[MW_DISJOINT_MEAN_MOST]) {
  mw_graph_node_facts facts;
  mw_node from_right[MW_DISJOINT_MEAN_MOST];
  unsigned count = 0;
  while (count + 1 < MW_DISJOINT_MEAN_MOST && is(m, node, MW_OP_ADD, count ? 1 : uses, &facts)) {
    from_right[count++] = facts.operand[1];
    node = facts.operand[0];
  }
  if (!count) return 0;
  from_right[count++] = node;
  for (unsigned i = 0; i < count; i++) terms[i] = from_right[count - 1 - i];
  return count;
}

/* A sum of more than one, whose last addition is `node` itself: where a sign of 0 counts as plus, so that b is not needed. */
static bool match_plain(mw_disjoint_mean *m, mw_graph_node_facts sum) {
  mw_node sides[MW_DISJOINT_MEAN_MOST], plus = 0;
  mw_graph_node_facts facts;
  m->count = match_sum(m, sum.operand[0], 1, sides);
  if (!m->count) sides[m->count++] = sum.operand[0];
  if (m->count == MW_DISJOINT_MEAN_MOST) return false;
  sides[m->count++] = sum.operand[1];
  for (unsigned i = 0; i < m->count; i++)
    if (!match_side(m, sides[i], 1, &plus, &m->values[i])) return false;
  if (!is(m, plus, MW_OP_LE, m->count, &facts) || !is_value(m, facts.operand[0], 0)) return false;
  m->a = facts.operand[1];
  return mw_graph_facts(m->graph, m->a).shape;
}

/* Which sign is elected: `one` and `zero` are these numbers, and stand for b where a alone decides. */
static bool match_plus(mw_disjoint_mean *m, mw_node node, mw_node one, mw_node zero) {
  mw_graph_node_facts facts, sum, product, drawn;
  mw_op op = mw_graph_op(m->graph, node);
  if ((op != MW_OP_LT && op != MW_OP_LE) || !is(m, node, op, m->count, &facts) || !is_value(m, facts.operand[0], 0)) return false;
  m->a = facts.operand[1];
  m->b = op == MW_OP_LE ? one : zero;
  if (!mw_graph_facts(m->graph, m->a).shape) return false;
  unsigned before = m->swallowed_count;
  if (op == MW_OP_LT && is(m, m->a, MW_OP_ADD, 1, &sum) && is(m, sum.operand[1], MW_OP_MUL, 1, &product) &&
      is(m, product.operand[0], MW_OP_EQ, 1, &drawn) && drawn.operand[0] == sum.operand[0] && is_value(m, drawn.operand[1], 0) &&
      !mw_graph_facts(m->graph, product.operand[1]).shape) {
    m->a = sum.operand[0];
    m->b = product.operand[1];
  } else m->swallowed_count = before;
  return true;
}

static bool match_mean(mw_disjoint_mean *m, mw_graph_node_facts facts) {
  mw_graph_node_facts divisor, none, differs;
  mw_node sides[MW_DISJOINT_MEAN_MOST], votes[MW_DISJOINT_MEAN_MOST], plus = 0;
  if (!is(m, facts.operand[1], MW_OP_WHERE, 1, &divisor) || !is_value(m, divisor.operand[1], 1)) return false;
  if (!is(m, divisor.operand[0], MW_OP_EQ, 1, &none) || none.operand[0] != divisor.operand[2]) return false;
  if (!is_value(m, none.operand[1], 0)) return false;
  m->count = match_sum(m, facts.operand[0], 1, sides);
  if (!m->count || match_sum(m, divisor.operand[2], 2, votes) != m->count) return false;
  for (unsigned i = 0; i < m->count; i++)
    if (!is(m, votes[i], MW_OP_NE, 1, &differs) || differs.operand[0] != sides[i] || !is_value(m, differs.operand[1], 0) ||
        !match_side(m, sides[i], 2, &plus, &m->values[i]))
      return false;
  return match_plus(m, plus, divisor.operand[1], none.operand[1]);
}

mw_op mw_disjoint_mean_match(mw_disjoint_mean *m, mw_node node) {
  const mw_graph_node_facts facts = mw_graph_facts(m->graph, node);
  m->swallowed_count = 0;
  if (facts.op == MW_OP_DIV && match_mean(m, facts)) return MW_OP_DISJOINT_MEAN;
  return facts.op == MW_OP_ADD && match_plain(m, facts) ? MW_OP_DISJOINT_SUM : (mw_op)0;
}
