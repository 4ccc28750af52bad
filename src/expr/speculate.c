/* speculate.c: two sweeps over the graph's nodes. Operands have lower ids than their users, so a descending sweep meets all
 * users of a node before the node: it tells what the node is used for. An ascending sweep meets all operands first: it tells
 * what the node depends on. */
#include "expr/speculate.h"
#include "expr/cone.h"
#include <stdlib.h>

/* What a node is used for. AS_VALUE: somebody needs the number, not only its sign. TO_SINK: another reduction reads it. */
enum { AS_VALUE = 1, TO_SINK = 2 };

static mw_graph_node_facts facts_of(const mw_speculate_input *in, mw_node node) { return mw_graph_facts(in->graph, node); }

/* Tells the operands of a node what they are used for. The sign of a scalar passes on only TO_SINK. */
static void use_operands(const mw_speculate_input *in, mw_node id, uint8_t *use) {
  mw_graph_node_facts facts = facts_of(in, id);
  uint8_t operand_use = use[id];
  if (mw_graph_op_is_sink(facts.op) || mw_graph_op_class(facts.op) == MW_CLASS_MATRIX) operand_use = AS_VALUE | TO_SINK;
  else if (facts.shape) operand_use |= AS_VALUE;
  else if (facts.op == MW_OP_SIGN) operand_use &= TO_SINK;
  for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands; i++) use[facts.operand[i]] |= operand_use;
}

/* The highest level among the sinks whose exact value is needed (all but selections by rank). */
static void raise_exact_level(const mw_speculate_input *in, mw_node id, uint32_t *exact_level) {
  mw_graph_node_facts facts = facts_of(in, id);
  for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands; i++)
    if (exact_level[facts.operand[i]] > exact_level[id]) exact_level[id] = exact_level[facts.operand[i]];
  bool predictable = facts.op == MW_OP_KTH || facts.op == MW_OP_QUANTILE;
  if (mw_graph_op_is_sink(facts.op) && !predictable) exact_level[id] = in->level[id];
}

static bool may_guess(const mw_speculate_input *in, mw_node id, const uint8_t *use, const uint32_t *exact_level) {
  mw_graph_node_facts facts = facts_of(in, id);
  if (!in->needed[id] || facts.op != MW_OP_TOTAL || use[id]) return false;
  if (!mw_graph_elements(in->graph, facts_of(in, facts.operand[0]).shape) || facts.matrices) return false;
  return in->level[id] == 1 || exact_level[facts.operand[0]] + 1 < in->level[id];
}

/* Puts each total into the task of the first output that reads its operand and is computed in the same type.
 * total_of[tensor]: the total of it that may be guessed, or 0. */
static bool attach_to_outputs(const mw_speculate_input *in, const mw_node *total_of, uint32_t *concurrent, mw_error *err) {
  mw_cone cone = {0};
  bool ok = true;
  for (size_t i = 0; i < in->output_count && ok; i++) {
    mw_cone_clear(&cone);
    ok = mw_cone_add(&cone, in->graph, in->outputs[i], err);
    for (size_t k = 0; k < cone.count && ok; k++) {
      mw_node total = total_of[cone.nodes[k]];
      if (!total || concurrent[total]) continue;
      mw_graph_node_facts of_total = facts_of(in, total), of_output = facts_of(in, in->outputs[i]);
      if (of_total.f64 == of_output.f64 && of_total.rowed == of_output.rowed) concurrent[total] = (uint32_t)i + 1;
    }
  }
  mw_cone_free(&cone);
  return ok;
}

static bool any_total(const mw_speculate_input *in) {
  for (mw_node id = 1; id <= mw_graph_count(in->graph); id++)
    if (in->needed[id] && mw_graph_op(in->graph, id) == MW_OP_TOTAL) return true;
  return false;
}

bool mw_speculate_totals(const mw_speculate_input *in, uint32_t *concurrent, mw_error *err) {
  if (!any_total(in)) return true;
  size_t nodes = mw_graph_count(in->graph);
  uint8_t *use = mw_mem_new(nodes + 1, sizeof *use, err);
  uint32_t *exact_level = mw_mem_new(nodes + 1, sizeof *exact_level, err);
  mw_node *total_of = mw_mem_new(nodes + 1, sizeof *total_of, err);
  bool ok = use && exact_level && total_of, found = false;
  for (size_t i = 0; i < in->output_count && ok; i++) use[in->outputs[i]] = AS_VALUE;
  for (mw_node id = (mw_node)nodes; id > 0 && ok; id--)
    if (in->needed[id]) use_operands(in, id, use);
  for (mw_node id = 1; id <= nodes && ok; id++) {
    raise_exact_level(in, id, exact_level);
    if (!may_guess(in, id, use, exact_level)) continue;
    total_of[facts_of(in, id).operand[0]] = id;
    found = true;
  }
  ok = ok && (!found || attach_to_outputs(in, total_of, concurrent, err));
  free(use);
  free(exact_level);
  free(total_of);
  return ok;
}
