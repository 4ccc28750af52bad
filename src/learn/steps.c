/* steps.c: in which order slots are computed and differentiated.
 *   1. what has no activation in it (coefficients and all that is made of them alone), then the weights are formed
 *   2. the network. Where the loss is linear in the scalars that end it (sums of terms, scaled by numbers), their
 *      gradients are known beforehand: each group of terms that share differentiable activations goes forward and back
 *      before the next begins, and only one group's activations are alive at a time. Else all goes forward, then back
 *   3. what is left forward: scalars made of the network's, and what only the log asks for
 *   4. back through what has no activation in it
 * A value lives from the step that makes it to the last that reads it. */
#include "learn/steps.h"
#include "learn/elements.h"
#include "learn/net.h"
#include <stdlib.h>
#include <string.h>

typedef struct maker {
  mw_tape *tape;
  uint32_t *group; /* union-find over slots: those that share differentiable activations */
  uint8_t *done;   /* of every slot: its forward step is there */
  uint8_t *inside; /* of every slot: below the group at hand */
  uint8_t *above;  /* of every slot: a scalar between the network's and the loss */
  mw_error *err;
} maker;

static mw_tape_slot *operand_slot(const maker *m, mw_graph_node_facts facts, uint32_t i) {
  if (i < mw_graph_op_first(facts.op) || (facts.op == MW_OP_ROPE && i)) return NULL;
  return mw_tape_find(m->tape, facts.operand[i]);
}

static size_t index_of(const maker *m, const mw_tape_slot *slot) { return (size_t)(slot - m->tape->slots); }

/* A scalar of scalars. */
static bool is_arithmetic(const mw_tape_slot *s) { return !s->facts.shape && mw_graph_op_class(s->facts.op) == MW_CLASS_MAP; }

/* ---- lifetimes ---- */

static void read_at(mw_buffer_plan_piece *piece, uint32_t step) {
  if (piece->used && step > piece->last) piece->last = step;
}

static void begin_at(mw_buffer_plan_piece *piece, size_t size, uint32_t step) {
  if (!piece->used) *piece = (mw_buffer_plan_piece){.size = size, .first = step, .last = step, .used = true};
}

static void note_read(void *context, uint32_t slot, bool gradient) {
  mw_tape *tape = context;
  mw_tape_slot *s = &tape->slots[slot];
  if (!s->facts.whole || !s->facts.shape) return;
  read_at(gradient ? &s->gradient_piece : &s->value_piece, (uint32_t)tape->step_count - 1);
}

/* ---- emission ---- */

static bool append(maker *m, mw_tape_step_kind kind, size_t slot, mw_tape_step **out) {
  mw_tape *tape = m->tape;
  MW_TRY(mw_mem_grow(&tape->steps, &tape->step_capacity, tape->step_count + 1, sizeof *tape->steps, m->err));
  *out = &tape->steps[tape->step_count++];
  **out = (mw_tape_step){.kind = kind, .slot = (uint32_t)slot};
  return true;
}

static size_t saved_size(const maker *m, const mw_tape_slot *s) {
  const mw_net_entry *entry = mw_net_entry_of(s->facts.op);
  if (mw_graph_op_class(s->facts.op) != MW_CLASS_NET || !entry->saves || !s->wants) return 0;
  const uint64_t *dims = mw_graph_dims(m->tape->world->graph, mw_graph_facts(m->tape->world->graph, s->facts.operand[0]).shape);
  return entry->saves(s->facts, (size_t)dims[0], (size_t)dims[1]);
}

static bool forward(maker *m, size_t slot) {
  mw_tape_slot *s = &m->tape->slots[slot];
  if (m->done[slot]) return true;
  m->done[slot] = 1;
  if (s->facts.op == MW_OP_COEFFICIENT || s->facts.op == MW_OP_LEARNED || s->constant) return true;
  mw_tape_step *step;
  MW_TRY(append(m, MW_STEP_FORWARD, slot, &step));
  uint32_t now = (uint32_t)m->tape->step_count - 1;
  for (uint32_t i = 0; i < s->facts.operands; i++) {
    mw_tape_slot *operand = operand_slot(m, s->facts, i);
    if (operand) read_at(&operand->value_piece, now);
  }
  if (s->facts.whole && s->facts.shape) begin_at(&s->value_piece, s->elements, now);
  if (saved_size(m, s)) begin_at(&s->saved_piece, saved_size(m, s), now);
  return mw_graph_op_class(s->facts.op) == MW_CLASS_NET || mw_elements_make(m->tape, step, m->err);
}

static bool net_back(maker *m, mw_tape_step *step, mw_tape_slot *s, uint32_t now) {
  const mw_net_entry *entry = mw_net_entry_of(s->facts.op);
  if (entry->reads_result) read_at(&s->value_piece, now);
  for (uint32_t i = 0; i < s->facts.operands && i < 8; i++) {
    if (entry->weights >> i & 1) {
      mw_tape_weight *weight = mw_tape_weight_of(m->tape, s->facts.operand[i]);
      for (size_t l = 0; l < weight->leaf_count; l++) m->tape->slots[weight->leaves[l].slot].touched = true;
      continue;
    }
    mw_tape_slot *operand = operand_slot(m, s->facts, i);
    if (!operand) continue;
    if (entry->reads >> i & 1) read_at(&operand->value_piece, now);
    if (!operand->wants) continue;
    if (operand->facts.whole && !operand->touched) step->fresh |= 1u << i;
    operand->touched = true;
  }
  return true;
}

static bool back(maker *m, size_t slot) {
  mw_tape_slot *s = &m->tape->slots[slot];
  if (!s->wants || !s->touched || s->facts.op == MW_OP_COEFFICIENT) return true;
  mw_tape_step *step;
  MW_TRY(append(m, MW_STEP_BACK, slot, &step));
  uint32_t now = (uint32_t)m->tape->step_count - 1;
  read_at(&s->gradient_piece, now);
  read_at(&s->saved_piece, now);
  if (mw_graph_op_class(s->facts.op) == MW_CLASS_NET) MW_TRY(net_back(m, step, s, now));
  else MW_TRY(mw_elements_make(m->tape, step, m->err));
  for (uint32_t i = 0; i < s->facts.operands; i++) {
    mw_tape_slot *operand = operand_slot(m, s->facts, i);
    if (operand && operand->wants && operand->touched && operand->facts.whole && operand->facts.shape)
      begin_at(&operand->gradient_piece, operand->elements, now);
  }
  for (size_t i = 0; i < step->on_count; i++) mw_formula_reads(m->tape, &step->ons[i].formula, note_read, m->tape);
  return true;
}

/* ---- groups ---- */

static uint32_t find(uint32_t *parent, uint32_t i) {
  while (parent[i] != i) i = parent[i] = parent[parent[i]];
  return i;
}

/* Whether the loss is linear in the network's scalars; marks the scalars above them. */
static bool is_linear(maker *m) {
  mw_tape *tape = m->tape;
  for (size_t i = 0; i < tape->slot_count; i++) /* a scalar of the network that goes back into it */
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

/* Slots that share a differentiable activation, directly or not, become one group. */
static void gather(maker *m) {
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

/* One group forward, with whatever it needs, and back. */
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

/* Back through every slot of a kind: 0 without activations, 1 with them, 2 the scalars above the network. */
static bool all_back(maker *m, int kind) {
  for (size_t i = m->tape->slot_count; i-- > 0;) {
    const mw_tape_slot *s = &m->tape->slots[i];
    bool chosen = kind == 0 ? !s->facts.whole : kind == 1 ? s->facts.whole : s->facts.whole && is_arithmetic(s) && m->above[i];
    if (chosen) MW_TRY(back(m, i));
  }
  return true;
}

static bool order(maker *m) {
  mw_tape *tape = m->tape;
  mw_tape_step *step;
  mw_tape_slot *loss = mw_tape_find(tape, tape->loss);
  if (!loss) return mw_error_set(m->err, MW_DATA, "the loss is a number that nothing changes");
  loss->touched = true;
  MW_TRY(all_forward(m, false) && append(m, MW_STEP_FORM, 0, &step));
  if (is_linear(m)) {
    MW_TRY(all_back(m, 2));
    gather(m);
    for (size_t i = 0; i < tape->slot_count; i++) {
      const mw_tape_slot *s = &tape->slots[i];
      if (m->above[i] && s->wants && s->facts.whole && !is_arithmetic(s) && !m->done[i])
        MW_TRY(run_group(m, find(m->group, (uint32_t)i)));
    }
    MW_TRY(all_forward(m, true));
  } else {
    MW_TRY(all_forward(m, true) && all_back(m, 1));
  }
  return all_back(m, 0);
}

static bool plan(maker *m) {
  mw_tape *tape = m->tape;
  mw_buffer_plan_piece **pieces = mw_mem_new(tape->slot_count * 3 + 1, sizeof *pieces, m->err);
  if (!pieces) return false;
  size_t count = 0;
  for (size_t i = 0; i < tape->slot_count && tape->kept_size <= MW_PIECES_MOST; i++) {
    mw_tape_slot *s = &tape->slots[i];
    mw_buffer_plan_piece *own[3] = {&s->value_piece, &s->gradient_piece, &s->saved_piece};
    for (int k = 0; k < 3; k++)
      if (own[k]->used) pieces[count++] = own[k];
    if (!s->facts.whole && s->facts.shape) tape->kept_size += s->elements * (1u + s->wants);
  }
  bool ok = tape->kept_size <= MW_PIECES_MOST ? mw_buffer_plan_plan(pieces, count, &tape->arena_size, m->err)
                                              : mw_error_memory(m->err, SIZE_MAX);
  free(pieces);
  return ok;
}

bool mw_steps_make(mw_tape *tape, mw_error *err) {
  maker m = {.tape = tape, .err = err};
  size_t n = tape->slot_count + 1;
  m.group = mw_mem_new(n, sizeof *m.group, err);
  m.done = mw_mem_new(n, 1, err);
  m.inside = mw_mem_new(n, 1, err);
  m.above = mw_mem_new(n, 1, err);
  bool ok = m.group && m.done && m.inside && m.above && order(&m) && plan(&m);
  free(m.group);
  free(m.done);
  free(m.inside);
  free(m.above);
  return ok;
}
