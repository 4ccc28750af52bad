/* steps.c: in which order slots are computed and differentiated:
 *
 *   1. forward, all that is no activation: coefficients and what is made of them. Then the weights are formed.
 *   2. the network, forward and back.
 *   3. forward, what is left: scalars made of the network's scalars, and what only the log asks for.
 *   4. back through all that is no activation.
 *
 * Groups. If the loss is linear in the scalars in which the network ends, the gradients of these are known before the network
 * runs, so parts of it can go forward and back one after the other, and only one part's activations are alive at a time. For
 * example, loss = 0.5 * KL(t1, s1) + 0.5 * KL(t2, s2), where s1 and s2 are outputs of the merged model on two data sets:
 *
 *   the gradients of both KL are 0.5, whatever their values are;
 *   s1 and s2 have no activation in common (they read other tokens), so they are two groups;
 *   group 1: t1, s1, KL forward, then back;  group 2 in the same memory: t2, s2, KL forward, then back.
 *
 * If s1 and s2 read the same tokens, they share activations; then they are one group, and all of it is alive at once. If the
 * loss is not linear (a product of two losses), all goes forward, then back.
 *
 * Lifetimes. A value is alive from the step that computes it to the last step that reads it: begin_at and read_at note both while
 * the steps are made. For example, x = EMBED(tokens); y = SILU(x); loss = CROSS_ENTROPY(y), with a trained coefficient in E:
 *
 *   step 1   FORWARD x       value of x begins
 *   step 2   FORWARD y       reads x, value of y begins
 *   step 3   FORWARD loss    reads y; what it saves begins
 *   step 4   BACK loss       reads y and what was saved; gradient of y begins
 *   step 5   BACK y          reads x and the gradient of y; gradient of x begins
 *   step 6   BACK x          reads the gradient of x
 *
 * So y is alive in steps 2 to 4, and the gradient of x may take its memory. Which values a BACK step reads is told by the table
 * of net.c (`reads`), and for formulas by the formula itself (note_read). */
#include "learn/tape.h"
#include "learn/elements.h"
#include "learn/net.h"
#include <stdlib.h>
#include <string.h>

typedef struct maker {
  mw_tape *tape;
  uint32_t *group; /* union-find over slots: those that share activations which want a gradient */
  uint8_t *done;   /* of every slot: its forward step has been made */
  uint8_t *inside; /* of every slot: the current group needs it */
  uint8_t *above;  /* of every slot: a scalar between the network's scalars and the loss, these included */
  mw_error *err;
} maker;

/* The slot of operand i, or NULL: it is a weight, a number or tokens, or its values are not read. */
static mw_tape_slot *operand_slot(const maker *m, mw_graph_node_facts facts, uint32_t i) {
  if (i < mw_graph_op_first(facts.op) || (facts.op == MW_OP_ROPE && i)) return NULL;
  return mw_tape_find(m->tape, facts.operand[i]);
}

static size_t index_of(const maker *m, const mw_tape_slot *slot) { return (size_t)(slot - m->tape->slots); }

/* A scalar of scalars. */
static bool is_arithmetic(const mw_tape_slot *s) { return !s->facts.shape && mw_graph_op_class(s->facts.op) == MW_CLASS_MAP; }

/* A statistic of data, which lies in memory. */
static bool is_found(const mw_tape_slot *s) { return mw_graph_op_class(s->facts.op) == MW_CLASS_DATA; }

/* ---- lifetimes ---- */

/* The value is read at this step: it must be kept until then. */
static void read_at(mw_buffer_plan_buffer *buffer, uint32_t step) {
  if (buffer->used && step > buffer->last) buffer->last = step;
}

/* The value is computed at this step, if it was not before (a gradient is added to by several steps). */
static void begin_at(mw_buffer_plan_buffer *buffer, size_t size, uint32_t step) {
  if (!buffer->used) *buffer = (mw_buffer_plan_buffer){.size = size, .first = step, .last = step, .used = true};
}

/* A formula of the last step reads this slot's value or gradient. Only activations have lifetimes. */
static void note_read(void *context, uint32_t slot, bool gradient) {
  mw_tape *tape = context;
  mw_tape_slot *s = &tape->slots[slot];
  if (!s->facts.whole || !s->facts.shape) return;
  read_at(gradient ? &s->gradient_buffer : &s->value_buffer, (uint32_t)tape->step_count - 1);
}

/* ---- making steps ---- */

/* The list may move: a pointer to a step is good only until the next one is made. */
static bool append(maker *m, mw_tape_step_kind kind, size_t slot, mw_tape_step **out) {
  mw_tape *tape = m->tape;
  MW_TRY(mw_mem_grow(&tape->steps, &tape->step_capacity, tape->step_count + 1, sizeof *tape->steps, m->err));
  *out = &tape->steps[tape->step_count++];
  **out = (mw_tape_step){.kind = kind, .slot = (uint32_t)slot};
  return true;
}

/* Floats that the operation saves for its way back, if it has one. */
static size_t saved_size(const maker *m, const mw_tape_slot *s) {
  const mw_net_entry *entry = mw_net_entry_of(s->facts.op);
  if (mw_graph_op_class(s->facts.op) != MW_CLASS_NET || !entry->saves || !s->wants) return 0;
  const uint64_t *dims = mw_graph_dims(m->tape->world->graph, mw_graph_facts(m->tape->world->graph, s->facts.operand[0]).shape);
  return entry->saves(s->facts, (size_t)dims[0], (size_t)dims[1]);
}

/* Makes the FORWARD step of a slot, if it needs one and has none. */
static bool forward(maker *m, size_t slot) {
  mw_tape_slot *s = &m->tape->slots[slot];
  if (m->done[slot]) return true;
  m->done[slot] = 1;
  if (s->given && s->facts.whole) begin_at(&s->value_buffer, s->elements, 0);
  if (s->facts.op == MW_OP_COEFFICIENT || s->facts.op == MW_OP_LEARNED || s->constant || s->given || is_found(s)) return true;
  mw_tape_step *step;
  MW_TRY(append(m, MW_STEP_FORWARD, slot, &step));
  uint32_t now = (uint32_t)m->tape->step_count - 1;
  for (uint32_t i = 0; i < s->facts.operands; i++) {
    mw_tape_slot *operand = operand_slot(m, s->facts, i);
    if (operand) read_at(&operand->value_buffer, now);
  }
  if (s->facts.whole && s->facts.shape) begin_at(&s->value_buffer, s->elements, now);
  if (saved_size(m, s)) begin_at(&s->saved_buffer, saved_size(m, s), now);
  return mw_graph_op_class(s->facts.op) == MW_CLASS_NET || mw_elements_make(m->tape, step, m->err);
}

/* What the BACK step of a NET operation reads, and where it propagates to. An operand that nothing was propagated to before is
 * `fresh`: the step writes its gradient, and need not add to zeros. A weight's leaves are always added to (weights.h). */
static bool net_back(maker *m, mw_tape_step *step, mw_tape_slot *s, uint32_t now) {
  const mw_net_entry *entry = mw_net_entry_of(s->facts.op);
  if (entry->reads_result) read_at(&s->value_buffer, now);
  for (uint32_t i = 0; i < s->facts.operands && i < 8; i++) {
    if (entry->weights >> i & 1) {
      mw_tape_weight *weight = mw_tape_weight_of(m->tape, s->facts.operand[i]);
      for (size_t l = 0; l < weight->leaf_count; l++) m->tape->slots[weight->leaves[l].slot].touched = true;
      continue;
    }
    mw_tape_slot *operand = operand_slot(m, s->facts, i);
    if (!operand) continue;
    if (entry->reads >> i & 1) read_at(&operand->value_buffer, now);
    if (!operand->wants) continue;
    if (operand->facts.whole && !operand->touched) step->fresh |= 1u << i;
    operand->touched = true;
  }
  return true;
}

/* Makes the BACK step of a slot, if something was propagated to it. */
static bool back(maker *m, size_t slot) {
  mw_tape_slot *s = &m->tape->slots[slot];
  if (!s->wants || !s->touched || s->facts.op == MW_OP_COEFFICIENT || s->given) return true;
  mw_tape_step *step;
  MW_TRY(append(m, MW_STEP_BACK, slot, &step));
  uint32_t now = (uint32_t)m->tape->step_count - 1;
  read_at(&s->gradient_buffer, now);
  read_at(&s->saved_buffer, now);
  if (mw_graph_op_class(s->facts.op) == MW_CLASS_NET) MW_TRY(net_back(m, step, s, now));
  else MW_TRY(mw_elements_make(m->tape, step, m->err));
  for (uint32_t i = 0; i < s->facts.operands; i++) {
    mw_tape_slot *operand = operand_slot(m, s->facts, i);
    if (operand && operand->wants && operand->touched && operand->facts.whole && operand->facts.shape)
      begin_at(&operand->gradient_buffer, operand->elements, now);
  }
  for (size_t i = 0; i < step->propagation_count; i++) mw_formula_reads(m->tape, &step->propagations[i].formula, note_read, m->tape);
  return true;
}

/* ---- groups ---- */

static uint32_t find(uint32_t *parent, uint32_t i) {
  while (parent[i] != i) i = parent[i] = parent[parent[i]];
  return i;
}

/* Whether the loss is linear in the network's scalars, so that their gradients do not depend on their values. Marks these, and those
 * between them and the loss, as `above`. We walk from the loss down: sums and differences are linear; a product is, if only one of
 * its factors comes from the network or wants a gradient; a quotient, if the divisor does neither. Everything else is not. For
 * example, with KL scalars k1 and k2 and a trained scalar c:
 *
 *   0.5 * k1 + k2       linear         k1 * k2      not: both factors are of the network
 *   k1 / 3 - k2         linear         c * k1       not: the gradient of c is k1, which is not known before the network runs
 *   k1 + c * c          linear         exp(k1)      not */
static bool is_linear(maker *m) {
  mw_tape *tape = m->tape;
  for (size_t i = 0; i < tape->slot_count; i++) /* a scalar of the network is read by the network */
    for (uint32_t o = 0; o < tape->slots[i].facts.operands; o++) {
      const mw_tape_slot *operand = operand_slot(m, tape->slots[i].facts, o);
      if (operand && operand->facts.whole && !operand->facts.shape && !is_arithmetic(&tape->slots[i])) return false;
    }
  const mw_tape_slot *loss = mw_tape_find(tape, tape->loss);
  m->above[index_of(m, loss)] = 1;
  for (size_t i = tape->slot_count; i-- > 0;) {
    const mw_tape_slot *s = &tape->slots[i];
    if (!m->above[i] || !s->facts.whole || !is_arithmetic(s)) continue;
    const mw_tape_slot *a = operand_slot(m, s->facts, 0), *b = s->facts.operands > 1 ? operand_slot(m, s->facts, 1) : NULL;
    bool first = a && (a->facts.whole || a->wants), second = b && (b->facts.whole || b->wants);
    switch (s->facts.op) {
    case MW_OP_ADD: case MW_OP_SUB: case MW_OP_NEG: break;
    case MW_OP_MUL: if (first && second) return false; break;
    case MW_OP_DIV: if (second) return false; break;
    default: return false;
    }
    if (a && a->facts.whole) m->above[index_of(m, a)] = 1;
    if (b && b->facts.whole) m->above[index_of(m, b)] = 1;
  }
  return true;
}

/* Slots that share an activation which wants a gradient, directly or over other slots, become one group. Union-find: every slot
 * points to a slot of its group with a lower number, or to itself if it is the lowest, which names the group. */
static void group_slots(maker *m) {
  mw_tape *tape = m->tape;
  for (uint32_t i = 0; i < tape->slot_count; i++) m->group[i] = i;
  for (uint32_t i = 0; i < tape->slot_count; i++) {
    const mw_tape_slot *s = &tape->slots[i];
    if (!s->facts.whole || !s->wants || is_arithmetic(s)) continue;
    for (uint32_t o = 0; o < s->facts.operands; o++) {
      const mw_tape_slot *operand = operand_slot(m, s->facts, o);
      if (!operand || !operand->facts.whole || !operand->wants) continue;
      uint32_t a = find(m->group, i), b = find(m->group, (uint32_t)index_of(m, operand));
      if (a < b) m->group[b] = a;
      else m->group[a] = b;
    }
  }
}

/* One group, forward with all that it needs, then back. What it needs is found from its slots down to the tokens: also teachers,
 * which want no gradient, and which an earlier group may have computed (forward does nothing the second time). */
static bool run_group(maker *m, uint32_t group) {
  mw_tape *tape = m->tape;
  memset(m->inside, 0, tape->slot_count);
  for (size_t i = tape->slot_count; i-- > 0;) {
    const mw_tape_slot *s = &tape->slots[i];
    if (s->facts.whole && s->wants && !is_arithmetic(s) && find(m->group, (uint32_t)i) == group) m->inside[i] = 1;
    for (uint32_t o = 0; o < s->facts.operands && m->inside[i]; o++) {
      const mw_tape_slot *operand = operand_slot(m, s->facts, o);
      if (operand) m->inside[index_of(m, operand)] = 1;
    }
  }
  for (size_t i = 0; i < tape->slot_count; i++)
    if (m->inside[i]) MW_TRY(forward(m, i));
  for (size_t i = tape->slot_count; i-- > 0;)
    if (m->inside[i] && find(m->group, (uint32_t)i) == group && !is_arithmetic(&tape->slots[i])) MW_TRY(back(m, i));
  return true;
}

static bool all_forward(maker *m, bool whole) {
  for (size_t i = 0; i < m->tape->slot_count; i++)
    if (whole || !m->tape->slots[i].facts.whole) MW_TRY(forward(m, i));
  return true;
}

/* All but arithmetic, which reads scalars of networks. */
static bool all_networks_forward(maker *m) {
  for (size_t i = 0; i < m->tape->slot_count; i++)
    if (!is_arithmetic(&m->tape->slots[i])) MW_TRY(forward(m, i));
  return true;
}

/* Back through every slot of a kind: 0 without activations, 1 with them, 2 the scalars above the network. */
static bool all_back(maker *m, int kind) {
  for (size_t i = m->tape->slot_count; i-- > 0;) {
    const mw_tape_slot *s = &m->tape->slots[i];
    bool chosen = kind == 0 ? !s->facts.whole : kind == 1 ? s->facts.whole : s->facts.whole && is_arithmetic(s) && m->above[i];
    if (chosen) MW_TRY(back(m, i));
  }
  return true;
}

/* The steps of a part of a network that does not have the loss. */
static bool order_part(maker *m) {
  mw_tape_step *step;
  MW_TRY(all_forward(m, false) && append(m, MW_STEP_FORM, 0, &step) && all_forward(m, true));
  if (!m->tape->last) return true;
  mw_tape_slot *last = mw_tape_find(m->tape, m->tape->last);
  last->touched = true;
  begin_at(&last->gradient_buffer, last->elements, 0);
  return all_back(m, 1) && all_back(m, 0);
}

/* What is wanted stays until the next run. */
static void keep(maker *m, const mw_tape_aim *aim) {
  uint32_t end = (uint32_t)m->tape->step_count;
  for (size_t i = 0; i < aim->kept_count; i++) {
    mw_tape_slot *s = mw_tape_find(m->tape, aim->kept[i]);
    if (s) read_at(&s->value_buffer, end);
  }
  mw_tape_slot *given = aim->given ? mw_tape_find(m->tape, aim->given) : NULL;
  if (given) read_at(&given->gradient_buffer, end);
}

/* Makes all steps, in the order that is told above. */
static bool order(maker *m) {
  mw_tape *tape = m->tape;
  mw_tape_step *step;
  if (!tape->loss) return order_part(m);
  mw_tape_slot *loss = mw_tape_find(tape, tape->loss);
  if (!loss) return mw_error_set(m->err, MW_DATA, "the loss is a number that nothing changes");
  loss->touched = true;
  MW_TRY(all_forward(m, false) && append(m, MW_STEP_FORM, 0, &step));
  if (is_linear(m)) {
    MW_TRY(all_back(m, 2));
    group_slots(m);
    for (size_t i = 0; i < tape->slot_count; i++) {
      const mw_tape_slot *s = &tape->slots[i];
      if (m->above[i] && s->wants && s->facts.whole && !is_arithmetic(s) && !m->done[i])
        MW_TRY(run_group(m, find(m->group, (uint32_t)i)));
    }
    MW_TRY(all_networks_forward(m) && append(m, MW_STEP_MEET, 0, &step) && all_forward(m, true));
  } else {
    MW_TRY(all_forward(m, true) && all_back(m, 1));
  }
  return all_back(m, 0);
}

/* Places values, gradients and saved floats of activations in the arena, and counts the floats of the other slots. */
static bool plan(maker *m) {
  mw_tape *tape = m->tape;
  mw_buffer_plan_buffer **buffers = mw_mem_new(tape->slot_count * 3 + 1, sizeof *buffers, m->err);
  if (!buffers) return false;
  size_t count = 0;
  for (size_t i = 0; i < tape->slot_count && tape->kept_size <= MW_BUFFER_PLAN_MOST; i++) {
    mw_tape_slot *s = &tape->slots[i];
    mw_buffer_plan_buffer *own[3] = {&s->value_buffer, &s->gradient_buffer, &s->saved_buffer};
    for (int k = 0; k < 3; k++)
      if (own[k]->used) buffers[count++] = own[k];
    if (!s->facts.whole && s->facts.shape && !is_found(s)) tape->kept_size += s->elements * (size_t)(!s->given + s->wants);
  }
  bool ok = tape->kept_size <= MW_BUFFER_PLAN_MOST ? mw_buffer_plan_make(buffers, count, &tape->arena_size, m->err)
                                              : mw_error_memory(m->err, SIZE_MAX);
  free(buffers);
  return ok;
}

bool mw_steps_make(mw_tape *tape, const mw_tape_aim *aim, mw_error *err) {
  maker m = {.tape = tape, .err = err};
  size_t n = tape->slot_count + 1;
  m.group = mw_mem_new(n, sizeof *m.group, err);
  m.done = mw_mem_new(n, 1, err);
  m.inside = mw_mem_new(n, 1, err);
  m.above = mw_mem_new(n, 1, err);
  bool ok = m.group && m.done && m.inside && m.above && order(&m);
  if (ok) keep(&m, aim);
  ok = ok && plan(&m);
  free(m.group);
  free(m.done);
  free(m.inside);
  free(m.above);
  return ok;
}
