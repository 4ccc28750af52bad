/* loss_terms.c: splits a loss into terms. A walk from the loss down through sums, differences and products with numbers gives every
 * scalar its factor in the loss; nodes where it ends are terms. For example 0.5 * kl + 0.1 * (l1 - 2 * l2) has the terms
 * kl with 0.5, l1 with 0.1 and l2 with -0.2. */
#include "train/loss_terms.h"
#include <stdio.h>
#include <string.h>

/* Adds a node's factor to its operands'; false: the node is a term. */
static bool hand_on(const mw_graph *graph, mw_node node, double *factors) {
  mw_graph_node_facts facts = mw_graph_facts(graph, node);
  double factor = factors[node], number, *first = facts.operands ? &factors[facts.operand[0]] : NULL;
  double *second = facts.operands == 2 ? &factors[facts.operand[1]] : NULL;
  switch (facts.op) {
  case MW_OP_ADD: return *first += factor, *second += factor, true;
  case MW_OP_SUB: return *first += factor, *second -= factor, true;
  case MW_OP_NEG: return *first -= factor, true;
  case MW_OP_MUL:
    if (mw_graph_is_number(graph, facts.operand[1], &number)) return *first += factor * number, true;
    return mw_graph_is_number(graph, facts.operand[0], &number) && (*second += factor * number, true);
  case MW_OP_DIV: return mw_graph_is_number(graph, facts.operand[1], &number) && (*first += factor / number, true);
  default: return false;
  }
}

/* The name of a penalty of coefficients, recognised by its form: cosine_penalty, :l1(), :l2(), the smaller of two in each place. */
static const char *penalty(const mw_graph *graph, mw_graph_node_facts facts) {
  if (facts.op == MW_OP_RATIO) return "cosine";
  if (facts.op == MW_OP_SQRT) return "l2";
  if (facts.op == MW_OP_TOTAL) facts = mw_graph_facts(graph, facts.operand[0]);
  if (facts.op != MW_OP_ABS) return "coefficients";
  facts = mw_graph_facts(graph, facts.operand[0]);
  return facts.op == MW_OP_COEFFICIENT ? "l1" : facts.op == MW_OP_MIN ? "overlap" : "coefficients";
}

/* The name of a node's term. */
static void name_of(const mw_graph *graph, mw_node node, char buffer[64]) {
  mw_graph_node_facts facts = mw_graph_facts(graph, node), last = facts;
  if (facts.operands) last = mw_graph_facts(graph, facts.operand[facts.operands - 1]);
  if (mw_graph_op_class(facts.op) == MW_CLASS_NET && last.op == MW_OP_TOKENS) {
    snprintf(buffer, 64, "%s data[%llu]", mw_graph_op_name(facts.op), (unsigned long long)last.extra[0] + 1);
    for (; *buffer != ' '; buffer++) /* as recipes spell it */
      if (*buffer >= 'A' && *buffer <= 'Z') *buffer = (char)(*buffer | 0x20);
  } else strcpy(buffer, facts.whole ? "other" : facts.op == MW_OP_NUMBER ? "constant" : penalty(graph, facts));
}

/* The place of a name among the terms; a new name is added. */
static bool place_of(mw_loss_terms *terms, const char *name, mw_arena *arena, uint32_t *place, mw_error *err) {
  if (terms->count >= MW_TERMS_MOST - 1) name = "other";
  for (*place = 0; *place < terms->count; ++*place)
    if (strcmp(terms->names[*place], name) == 0) return true;
  return (terms->names[terms->count++] = mw_mem_copy(arena, name, strlen(name), err)) != NULL;
}

bool mw_loss_terms_find(const mw_graph *graph, mw_node loss, mw_arena *arena, mw_loss_terms *terms, mw_error *err) {
  char name[64];
  double *factors = mw_mem_take(arena, (loss + 1) * sizeof *factors, err);
  *terms = (mw_loss_terms){.factors = factors};
  terms->names = factors ? mw_mem_take(arena, MW_TERMS_MOST * sizeof *terms->names, err) : NULL;
  terms->nodes = terms->names ? mw_mem_take(arena, (loss + 1) * sizeof *terms->nodes, err) : NULL;
  terms->places = terms->nodes ? mw_mem_take(arena, (loss + 1) * sizeof *terms->places, err) : NULL;
  if (!terms->places) return false;
  factors[loss] = 1;
  for (mw_node node = loss; node > 0; node--)
    if (factors[node] != 0 && hand_on(graph, node, factors)) factors[node] = 0;
  for (mw_node node = 1; node <= loss; node++) { /* in the order of the recipe */
    if (factors[node] == 0) continue;
    name_of(graph, node, name);
    size_t at = terms->node_count++;
    terms->nodes[at] = node;
    factors[at] = factors[node];
    MW_TRY(place_of(terms, name, arena, &terms->places[at], err));
  }
  return true;
}

void mw_loss_terms_sum(const mw_loss_terms *terms, const double *nodes, double *values) {
  memset(values, 0, terms->count * sizeof *values);
  for (size_t i = 0; i < terms->node_count; i++) values[terms->places[i]] += terms->factors[i] * nodes[i];
}
