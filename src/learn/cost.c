/* cost.c: adds up what is known before a tape runs. Memory is exact, as far as it is ours: weights that are formed, the planned
 * arena, coefficients with their gradients and the optimiser's two averages, and each thread's panel with some megabytes of
 * the BLAS library. Products and touched elements are estimates of the time, from the shapes. */
#include "learn/tape.h"
#include "learn/weights.h"

/* Floating-point operations of a slot's matrix products, forward and back: two for each multiply-add. */
static double products_of(const mw_tape *tape, const mw_tape_slot *slot) {
  const mw_graph *graph = tape->world->graph;
  mw_graph_node_facts facts = slot->facts;
  if (slot->given) return 0;
  if (facts.op == MW_OP_LINEAR) {
    const mw_tape_weight *weight = mw_tape_weight_of(tape, facts.operand[1]);
    double rows = (double)mw_graph_dims(graph, facts.shape)[0], once = 2 * rows * (double)weight->rows * (double)weight->columns;
    return once * (1 + (slot->wants && mw_tape_find(tape, facts.operand[0])->wants) + weight->wants);
  }
  if (facts.op != MW_OP_ATTENTION) return 0;
  double rows = (double)mw_graph_dims(graph, facts.shape)[0], columns = (double)mw_graph_dims(graph, facts.shape)[1];
  /* Two products forward, five back, half of each because of causality. */
  return 2 * rows * columns * (double)facts.extra[0] * (slot->wants ? 3.5 : 1);
}

/* Elements that a slot's operation reads or writes, forward and back. */
static double touched_by(const mw_tape *tape, const mw_tape_slot *slot) {
  mw_graph_node_facts facts = slot->facts;
  double own = (double)slot->elements, back = slot->wants ? 2 : 0;
  if (slot->given) return own;
  if (facts.op == MW_OP_LINEAR) {
    const mw_tape_weight *weight = mw_tape_weight_of(tape, facts.operand[1]);
    const mw_tape_slot *x = mw_tape_find(tape, facts.operand[0]);
    double all = (double)weight->rows * (double)weight->columns, gives = weight->wants ? 1 + (double)weight->leaf_count : 0;
    return (own + (double)x->elements + all) * (1 + (slot->wants && x->wants) + weight->wants) + all * (weight->plain + gives);
  }
  if (facts.op == MW_OP_ATTENTION) /* a score for every head and pair of positions */
    own += (double)mw_graph_dims(tape->world->graph, facts.shape)[0] * (double)facts.extra[0] *
           (double)mw_graph_heads_of(facts.extra).query;
  return mw_graph_op_class(facts.op) == MW_CLASS_LEAF ? 0 : own * (1 + facts.operands) * (1 + back);
}

double mw_cost_of_slot(const mw_tape *tape, const mw_tape_slot *slot) {
  return products_of(tape, slot) + MW_TRAIN_OPERATIONS * touched_by(tape, slot);
}

static uint64_t elements_of(const mw_tape *tape, mw_node node) {
  return mw_graph_elements(tape->world->graph, mw_graph_facts(tape->world->graph, node).shape);
}

mw_train_cost mw_cost_of(const mw_tape *tape, const mw_node *coefficients, size_t count) {
  mw_train_cost cost = {0};
  uint64_t panel = 0;
  for (size_t i = 0; i < tape->weight_count; i++) {
    const mw_tape_weight *w = &tape->weights[i];
    uint64_t rows = w->rows < 256 ? w->rows : 256, own = rows * w->columns * sizeof(float);
    if (own > panel) panel = own;
  }
  for (size_t i = 0; i < tape->slot_count; i++) {
    cost.products += products_of(tape, &tape->slots[i]);
    cost.touched += touched_by(tape, &tape->slots[i]);
  }
  for (size_t i = 0; i < tape->weight_count; i++) { /* formed for each batch */
    const mw_tape_weight *w = &tape->weights[i];
    if (w->wants) cost.touched += (double)w->rows * (double)w->columns * (1 + (double)w->leaf_count);
  }
  for (size_t b = 0; b < tape->batch_count; b++) cost.tokens += tape->batches[b].windows * tape->batches[b].length;
  cost.weights = mw_weights_size(tape) * sizeof(float);
  cost.activations = tape->arena_size * sizeof(float);
  for (size_t i = 0; i < count; i++) cost.coefficients += 3 * elements_of(tape, coefficients[i]) * sizeof(float);
  cost.coefficients += tape->kept_size * sizeof(float);
  cost.memory = cost.weights + cost.activations + cost.coefficients + (uint64_t)tape->world->threads * (panel + (8u << 20));
  return cost;
}
