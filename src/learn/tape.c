/* tape.c: finds which nodes become slots, weights and batches, and runs the steps, which steps.c makes. A descending sweep over
 * the graph marks what the loss depends on: the operands of a NET operation that are weights are not marked themselves, only
 * the coefficients and scalars that their expressions read. An ascending sweep then makes slots of what is marked, so that
 * operands have lower numbers than their users. */
#include "learn/tape.h"
#include "exec/run.h"
#include "exec/values.h"
#include "learn/divide.h"
#include "learn/elements.h"
#include "learn/net.h"
#include <stdlib.h>
#include <string.h>

mw_tape_slot *mw_tape_find(const mw_tape *tape, mw_node node) {
  mw_graph_node_facts facts = mw_graph_facts(tape->world->graph, node);
  if (facts.op == MW_OP_VECTOR) node = facts.operand[0];
  return tape->slot_of[node] ? &tape->slots[tape->slot_of[node] - 1] : NULL;
}

mw_tape_weight *mw_tape_weight_of(const mw_tape *tape, mw_node node) {
  return tape->weight_of[node] ? &tape->weights[tape->weight_of[node] - 1] : NULL;
}

mw_batch *mw_tape_batch(const mw_tape *tape, mw_node tokens) {
  for (size_t i = 0; i < tape->batch_count; i++)
    if (tape->tokens[i] == tokens) return &tape->batches[i];
  return NULL;
}

/* ---- what is needed ---- */

typedef struct marker {
  mw_tape *tape;
  uint8_t *needed; /* of every node */
  mw_node given;
} marker;

static bool mark(void *context, mw_node node, mw_error *err) {
  (void)err;
  ((marker *)context)->needed[node] = 1;
  return true;
}

/* A scalar that depends on models only. */
static bool is_constant(mw_graph_node_facts facts) {
  mw_graph_class class = mw_graph_op_class(facts.op);
  return (class == MW_CLASS_SUM || class == MW_CLASS_SELECT) && !facts.learned && !facts.whole;
}

static bool mark_operands(marker *m, mw_node node, mw_error *err) {
  const mw_graph *graph = m->tape->world->graph;
  mw_graph_node_facts facts = mw_graph_facts(graph, node);
  if (is_constant(facts) || m->tape->trained[node] || node == m->given) return true;
  if (mw_graph_op_class(facts.op) == MW_CLASS_DATA) return !m->tape->world->finding || mw_weights_no_statistics(err);
  if (facts.rowed || facts.column)
    return mw_error_set(err, MW_DATA, "what is found along rows or columns cannot be part of what is learned");
  if (mw_graph_op_class(facts.op) == MW_CLASS_SELECT || facts.op == MW_OP_HIGHEST || facts.op == MW_OP_ARGMAX)
    return mw_error_set(err, MW_DATA, "'%s' cannot be part of what is learned", mw_graph_op_name(facts.op));
  uint8_t weights = mw_graph_op_class(facts.op) == MW_CLASS_NET ? mw_net_entry_of(facts.op)->weights : 0;
  for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands; i++) {
    if (facts.op == MW_OP_ROPE && i) break;
    if (i >= 8 || !(weights >> i & 1)) m->needed[facts.operand[i]] = 1;
    else if (mw_graph_facts(graph, facts.operand[i]).whole)
      return mw_error_set(err, MW_DATA, "the weight of '%s' is made of activations, which is not supported", mw_graph_op_name(facts.op));
    else MW_TRY(mw_weights_leaves(m->tape, facts.operand[i], mark, m, err));
  }
  return true;
}

static bool add_batch(mw_tape *tape, mw_node node, mw_graph_node_facts facts, mw_error *err) {
  if (facts.extra[0] >= tape->world->set_count)
    return mw_error_set(err, MW_DATA, "there is no data set %llu", (unsigned long long)facts.extra[0] + 1);
  uint64_t rows = mw_graph_elements(tape->world->graph, facts.shape);
  MW_TRY(mw_mem_grow(&tape->batches, &tape->batch_capacity, tape->batch_count + 1, sizeof *tape->batches, err));
  MW_TRY(mw_mem_grow(&tape->tokens, &tape->token_capacity, tape->batch_count + 1, sizeof *tape->tokens, err));
  MW_TRY(mw_batch_new(&tape->batches[tape->batch_count], rows / facts.extra[1], facts.extra[1], err));
  tape->tokens[tape->batch_count++] = node;
  return true;
}

/* Masks and random draws propagate nothing. */
static bool differentiable(mw_op op) {
  mw_graph_class class = mw_graph_op_class(op);
  return class != MW_CLASS_MASK && class != MW_CLASS_CHANCE;
}

static bool add_slot(mw_tape *tape, mw_node node, bool given, bool wants, mw_error *err) {
  const mw_graph *graph = tape->world->graph;
  mw_graph_node_facts facts = mw_graph_facts(graph, node);
  if (facts.op == MW_OP_TOKENS) return add_batch(tape, node, facts, err);
  if (facts.op == MW_OP_NUMBER || facts.op == MW_OP_VECTOR) return true;
  mw_tape_slot slot = {.node = node, .facts = facts, .elements = (size_t)mw_graph_elements(graph, facts.shape),
                  .wants = tape->trained[node] || (given && wants), .constant = is_constant(facts),
                  .given = given || (tape->trained[node] && facts.op != MW_OP_COEFFICIENT)};
  uint8_t weights = mw_graph_op_class(facts.op) == MW_CLASS_NET ? mw_net_entry_of(facts.op)->weights : 0;
  for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands && differentiable(facts.op) && !slot.constant && !slot.given; i++) {
    if (i < 8 && (weights >> i & 1)) {
      MW_TRY(mw_weights_add(tape, facts.operand[i], err));
      slot.wants |= mw_tape_weight_of(tape, facts.operand[i])->wants;
    } else {
      const mw_tape_slot *operand = mw_tape_find(tape, facts.operand[i]);
      slot.wants |= operand && operand->wants;
    }
  }
  /* A gradient that is propagated through a product needs the whole weight, so it is formed. */
  if (facts.op == MW_OP_LINEAR && !slot.given && mw_tape_find(tape, facts.operand[0])->wants)
    mw_tape_weight_of(tape, facts.operand[1])->plain = false;
  MW_TRY(mw_mem_grow(&tape->slots, &tape->slot_capacity, tape->slot_count + 1, sizeof *tape->slots, err));
  tape->slots[tape->slot_count++] = slot;
  tape->slot_of[node] = (uint32_t)tape->slot_count;
  return true;
}

static bool add_slots(mw_tape *tape, const mw_tape_aim *aim, mw_error *err) {
  uint32_t nodes = mw_graph_count(tape->world->graph);
  uint8_t *needed = mw_mem_new(nodes + 1u, sizeof *needed, err);
  if (!needed) return false;
  marker m = {tape, needed, aim->given};
  bool ok = true;
  for (size_t i = 0; i < aim->kept_count; i++) needed[aim->kept[i]] = 1;
  for (size_t i = 0; i < aim->trained_count; i++) needed[aim->trained[i]] = tape->trained[aim->trained[i]] = 1;
  needed[aim->loss] = needed[aim->last] = 1;
  for (uint32_t id = nodes; id > 0 && ok; id--)
    if (needed[id]) ok = mark_operands(&m, id, err);
  for (uint32_t id = 1; id <= nodes && ok; id++)
    if (needed[id]) ok = add_slot(tape, id, id == aim->given, aim->given_wants, err);
  free(needed);
  return ok;
}

/* ---- making ---- */

bool mw_tape_new(const mw_train_world *world, mw_node loss, const mw_node *also, size_t also_count,
                 const mw_node *coefficients, size_t coefficient_count, mw_thread_pool *pool, mw_tape **out, mw_error *err) {
  const mw_tape_aim aim = {.loss = loss, .kept = also, .kept_count = also_count, .trained = coefficients,
                           .trained_count = coefficient_count};
  return mw_tape_make(world, &aim, pool, out, err);
}

bool mw_tape_make(const mw_train_world *world, const mw_tape_aim *aim, mw_thread_pool *pool, mw_tape **out, mw_error *err) {
  uint32_t nodes = mw_graph_count(world->graph);
  mw_tape *tape = mw_mem_new(1, sizeof *tape, err);
  if (!tape) return false;
  *out = tape;
  tape->world = world;
  tape->pool = pool;
  tape->loss = aim->loss;
  tape->last = aim->last;
  tape->job = (mw_job){.graph = world->graph, .family = world->family,
                       .learned = world->learned, .learned_count = world->learned_count,
                       .statistics = world->statistics, .statistic_count = world->statistic_count, .threads = world->threads};
  tape->slot_of = mw_mem_new(nodes + 1u, sizeof *tape->slot_of, err);
  tape->weight_of = tape->slot_of ? mw_mem_new(nodes + 1u, sizeof *tape->weight_of, err) : NULL;
  tape->trained = tape->weight_of ? mw_mem_new(nodes + 1u, sizeof *tape->trained, err) : NULL;
  bool ok = tape->trained && mw_graph_new(&tape->scratch, err) && add_slots(tape, aim, err) && mw_steps_make(tape, aim, err);
  if (ok) return true;
  mw_tape_free(tape);
  *out = NULL;
  return false;
}

void mw_tape_free(mw_tape *tape) {
  if (!tape) return;
  for (size_t i = 0; i < tape->step_count; i++) {
    for (size_t k = 0; k < tape->steps[i].propagation_count; k++) mw_formula_free(&tape->steps[i].propagations[k].formula);
    mw_formula_free(&tape->steps[i].formula);
    free(tape->steps[i].propagations);
  }
  for (size_t i = 0; i < tape->batch_count; i++) mw_batch_free(&tape->batches[i]);
  for (size_t i = 0; i < tape->rotation_count; i++) free(tape->rotations[i].table);
  mw_weights_free(tape);
  mw_divide_free(tape);
  mw_graph_free(tape->scratch);
  free(tape->steps);
  free(tape->slots);
  free(tape->slot_of);
  free(tape->weight_of);
  free(tape->trained);
  free(tape->batches);
  free(tape->tokens);
  free(tape->rotations);
  free(tape->arena);
  free(tape->kept);
  free(tape);
}

/* ---- running ---- */

/* Sums and selections over models only are computed by exec, as in a merge. */
static bool know_constants(mw_tape *tape, mw_error *err) {
  static const mw_layout nothing;
  mw_node *nodes = mw_mem_new(tape->slot_count + 1, sizeof *nodes, err);
  double *found = mw_mem_new(tape->slot_count + 1, sizeof *found, err);
  mw_schedule schedule = {0};
  size_t count = 0;
  bool ok = nodes && found;
  for (size_t i = 0; i < tape->slot_count && ok; i++)
    if (tape->slots[i].constant) nodes[count++] = tape->slots[i].node;
  if (count && (ok = mw_schedule_make(tape->world->graph, NULL, nodes, count, &schedule, err))) {
    mw_job job = tape->job;
    job.schedule = &schedule;
    job.layout = &nothing;
    ok = mw_run_values(&job, nodes, count, found, err);
    for (size_t i = 0; i < count && ok; i++) mw_tape_find(tape, nodes[i])->scalar = found[i];
    mw_schedule_free(&schedule);
  }
  free(nodes);
  free(found);
  return ok;
}

/* Activations get their planned places in the arena, other slots fixed places in `kept`. */
bool mw_tape_ready(mw_tape *tape, mw_error *err) {
  mw_values values;
  if (tape->kept) return true;
  if (!(tape->kept = mw_mem_new(tape->kept_size + 1, sizeof *tape->kept, err))) return false;
  if (!(tape->arena = mw_mem_new(tape->arena_size + 1, sizeof *tape->arena, err))) return false;
  float *next = tape->kept;
  MW_TRY(mw_values_new(&values, tape->world->graph, NULL, err));
  bool ok = true;
  for (size_t i = 0; i < tape->slot_count && ok; i++) {
    mw_tape_slot *s = &tape->slots[i];
    if (s->value_buffer.used) s->values = tape->arena + s->value_buffer.offset;
    if (s->gradient_buffer.used) s->gradient = tape->arena + s->gradient_buffer.offset;
    if (s->saved_buffer.used) s->saved = tape->arena + s->saved_buffer.offset;
    if (s->facts.whole || !s->facts.shape) continue;
    if (mw_graph_op_class(s->facts.op) == MW_CLASS_DATA) {
      const void *found;
      ok = mw_values_memory(&values, &tape->job, s->node, &found, err);
      if (ok) s->values = (float *)(uintptr_t)found; /* only read */
      continue;
    }
    if (!s->given) s->values = next, next += s->elements;
    if (s->wants) s->gradient = next, next += s->elements;
    const float *known;
    if (s->facts.op != MW_OP_COEFFICIENT && s->facts.op != MW_OP_LEARNED) continue;
    ok = mw_values_coefficient(&values, &tape->job, s->node, &known, err);
    if (ok) memcpy(s->values, known, s->elements * sizeof *known);
  }
  mw_values_free(&values);
  return ok && know_constants(tape, err);
}

static bool run_step(mw_tape *tape, mw_tape_step *step, mw_graph *numbers, mw_error *err) {
  if (step->kind == MW_STEP_FORM) return mw_weights_form(tape, err);
  if (step->kind == MW_STEP_MEET) return mw_divide_meet(tape, err);
  mw_tape_slot *slot = &tape->slots[step->slot];
  if (mw_graph_op_class(slot->facts.op) == MW_CLASS_NET) {
    mw_net_call call = {tape, slot, &tape->pool->workers[0].kernels->rows, step->fresh};
    const mw_net_entry *entry = mw_net_entry_of(slot->facts.op);
    return step->kind == MW_STEP_FORWARD ? entry->forward(&call, err) : entry->back(&call, err);
  }
  if (step->kind == MW_STEP_FORWARD) return mw_elements_forward(tape, step, err);
  return mw_elements_back(tape, step, numbers, err);
}

static bool others_go_on(const mw_tape *tape, mw_error *err) {
  const mw_ranks *ranks = tape->world->ranks;
  return !ranks || ranks->goes_on() || mw_error_set(err, MW_INTERRUPTED, "another process of the merge has failed");
}

bool mw_tape_run(mw_tape *tape, mw_error *err) {
  MW_TRY(mw_tape_ready(tape, err));
  for (size_t i = 0; i < tape->slot_count; i++) {
    mw_tape_slot *s = &tape->slots[i];
    s->scalar_gradient = s->node == tape->loss;
    if (s->gradient && !s->facts.whole) memset(s->gradient, 0, s->elements * sizeof *s->gradient);
  }
  mw_graph *numbers;
  MW_TRY(mw_graph_new(&numbers, err));
  bool ok = true;
  for (size_t i = 0; i < tape->step_count && ok; i++)
    if (mw_divide_is_own(tape, &tape->steps[i])) ok = others_go_on(tape, err) && run_step(tape, &tape->steps[i], numbers, err);
  mw_graph_free(numbers);
  return ok;
}
