/* expansion.c: one sweep from operands to users gives every tensor its span. Spans are interned: most tensors of a chain have the same
 * one, so that joining two is a comparison. A second sweep tells which level every sink would have if all dots that can be expanded
 * were; a span for which that saves enough passes gets the dots of its basis. */
#include "expr/expansion.h"
#include <stdlib.h>
#include <string.h>

/* Passes that must be saved at least: for one alone the result would only be rounded otherwise. For one dot more of each atom
 * another pass over it may be saved: a pass costs about as much as six dots of two tensors that it reads. */
enum { LEAST_SAVED = 2, DOTS_OF_A_PASS = 6 };

/* In `of`: that the node is a dot, not a tensor. */
static const uint32_t DOT = 1u << 31;

typedef struct span {
  uint32_t first, count; /* in atoms */
  uint32_t before, after; /* the highest level of its dots, direct and expanded */
  uint32_t dots;          /* 1 + place of its dots in `dots`; 0: it is not expanded */
  uint32_t wider;         /* 1 + the expanded span that its dots are made of: itself, or one that has all its atoms; 0: none */
} span;

struct mw_expansion {
  size_t nodes;   /* of the graph before the bases were added */
  uint32_t *of;   /* of every node: 1 + its span, and DOT where it is one; 0: none */
  span *spans;
  size_t span_count, span_capacity;
  mw_node *atoms;
  size_t atom_count, atom_capacity;
  mw_node *dots;
  size_t dot_count, dot_capacity;
  uint32_t *table; /* of spans: open addressing, a power of two, 0 is empty */
  size_t table_size;
};

/* ---- spans ---- */

static size_t slot_of(const mw_expansion *e, const mw_node *atoms, uint32_t count) {
  uint64_t hash = count;
  for (uint32_t i = 0; i < count; i++) hash = (hash ^ atoms[i]) * 0x9e3779b97f4a7c15u, hash ^= hash >> 29;
  size_t slot = hash & (e->table_size - 1);
  while (e->table[slot]) {
    const span *s = &e->spans[e->table[slot] - 1];
    if (s->count == count && memcmp(e->atoms + s->first, atoms, count * sizeof *atoms) == 0) break;
    slot = (slot + 1) & (e->table_size - 1);
  }
  return slot;
}

static bool widen(mw_expansion *e, mw_error *err) {
  size_t size = e->table_size ? e->table_size * 2 : 256;
  uint32_t *table = mw_mem_new(size, sizeof *table, err);
  if (!table) return false;
  free(e->table);
  e->table = table;
  e->table_size = size;
  for (size_t i = 0; i < e->span_count; i++)
    table[slot_of(e, e->atoms + e->spans[i].first, e->spans[i].count)] = (uint32_t)i + 1;
  return true;
}

/* The number of the span of these atoms, from 1. */
static bool intern(mw_expansion *e, const mw_node *atoms, uint32_t count, uint32_t *out, mw_error *err) {
  if (e->span_count * 2 >= e->table_size) MW_TRY(widen(e, err));
  size_t slot = slot_of(e, atoms, count);
  if (!e->table[slot]) {
    MW_TRY(mw_mem_grow(&e->spans, &e->span_capacity, e->span_count + 1, sizeof *e->spans, err));
    MW_TRY(mw_mem_grow(&e->atoms, &e->atom_capacity, e->atom_count + count, sizeof *e->atoms, err));
    memcpy(e->atoms + e->atom_count, atoms, count * sizeof *atoms);
    e->spans[e->span_count] = (span){.first = (uint32_t)e->atom_count, .count = count};
    e->atom_count += count;
    e->table[slot] = (uint32_t)++e->span_count;
  }
  *out = e->table[slot];
  return true;
}

/* The union of two spans; 0 if it has too many atoms. */
static bool join(mw_expansion *e, uint32_t a, uint32_t b, uint32_t *out, mw_error *err) {
  mw_node atoms[2 * MW_EXPANSION_ATOMS];
  *out = a ? a : b;
  if (a == b || !a || !b) return true;
  const span *x = &e->spans[a - 1], *y = &e->spans[b - 1];
  uint32_t count = 0, i = 0, k = 0;
  while (i < x->count || k < y->count) {
    mw_node left = i < x->count ? e->atoms[x->first + i] : UINT32_MAX, right = k < y->count ? e->atoms[y->first + k] : UINT32_MAX;
    atoms[count++] = left < right ? left : right;
    i += left <= right;
    k += right <= left;
  }
  *out = 0;
  return count > MW_EXPANSION_ATOMS || intern(e, atoms, count, out, err);
}

/* ---- which tensors are sums ---- */

static bool is_tensor(const mw_graph *graph, mw_node node) {
  mw_graph_node_facts facts = mw_graph_facts(graph, node);
  return facts.shape && !facts.over;
}

/* The first and last operand that a weighted sum adds up; false if it is none. What it is weighed by are scalars. */
static bool summands(const mw_graph *graph, mw_graph_node_facts facts, uint32_t *first, uint32_t *last) {
  *first = *last = 0;
  switch (facts.op) {
  case MW_OP_NEG: return true;
  case MW_OP_DIV:
  case MW_OP_RATIO: return is_tensor(graph, facts.operand[0]) && !mw_graph_facts(graph, facts.operand[1]).shape;
  case MW_OP_MUL:
    *first = *last = is_tensor(graph, facts.operand[1]);
    return is_tensor(graph, facts.operand[*first]) && !mw_graph_facts(graph, facts.operand[1 - *first]).shape;
  case MW_OP_ADD:
  case MW_OP_SUB:
    *last = 1;
    return is_tensor(graph, facts.operand[0]) && is_tensor(graph, facts.operand[1]);
  case MW_OP_WHERE: /* one sum or the other, as a lazy number says */
    *first = 1, *last = 2;
    return !mw_graph_facts(graph, facts.operand[0]).shape && is_tensor(graph, facts.operand[1]) && is_tensor(graph, facts.operand[2]);
  default: return false;
  }
}

/* x:dot(y), (x * y):total() and (x ^ 2):total() of tensors. */
static bool is_dot(const mw_graph *graph, mw_graph_node_facts facts) {
  if (facts.op == MW_OP_DOT) return is_tensor(graph, facts.operand[0]) && is_tensor(graph, facts.operand[1]);
  if (facts.op != MW_OP_TOTAL || !is_tensor(graph, facts.operand[0])) return false;
  mw_graph_node_facts product = mw_graph_facts(graph, facts.operand[0]);
  if (product.op == MW_OP_POW) return is_tensor(graph, product.operand[0]) && mw_graph_is(graph, product.operand[1], 2);
  return product.op == MW_OP_MUL && is_tensor(graph, product.operand[0]) && is_tensor(graph, product.operand[1]);
}

void mw_expansion_factors(const mw_graph *graph, mw_node dot, mw_node factors[2]) {
  mw_graph_node_facts facts = mw_graph_facts(graph, dot);
  if (facts.op == MW_OP_TOTAL) facts = mw_graph_facts(graph, facts.operand[0]);
  factors[0] = facts.operand[0];
  factors[1] = facts.op == MW_OP_POW ? facts.operand[0] : facts.operand[1];
}

/* ---- the sweeps ---- */

typedef struct maker {
  mw_graph *graph;
  mw_expansion *e;
  uint32_t *before, *after; /* the level of every node, direct and expanded (schedule.h) */
  uint8_t *needed;
  uint32_t *expanded; /* of every atom 1 + an expanded span that has it; 0: none */
  mw_error *err;
} maker;

/* The span of a tensor: that of the sum that it is, or its own alone. */
static bool span_tensor(maker *m, mw_node id, mw_graph_node_facts facts) {
  uint32_t first, last, *of = m->e->of;
  bool plain = !facts.matrices && !facts.whole && !facts.over && facts.op != MW_OP_VECTOR && facts.op != MW_OP_TOKENS;
  if (!plain || !summands(m->graph, facts, &first, &last)) return !plain || intern(m->e, &id, 1, &of[id], m->err);
  MW_TRY(join(m->e, of[facts.operand[first]], of[facts.operand[last]], &of[id], m->err));
  bool all = of[facts.operand[first]] && of[facts.operand[last]];
  return (all && of[id]) || intern(m->e, &id, 1, &of[id], m->err);
}

/* The highest level that the dots of a span's basis have. */
static uint32_t level_of_dots(const maker *m, const span *s) {
  uint32_t level = 0;
  for (uint32_t i = 0; i < s->count; i++)
    if (m->after[m->e->atoms[s->first + i]] > level) level = m->after[m->e->atoms[s->first + i]];
  return level + 1;
}

/* A dot gets the span of its factors, where it would have a lower level if it was expanded. */
static bool span_dot(maker *m, mw_node id) {
  mw_node factors[2];
  uint32_t both, *of = m->e->of;
  mw_expansion_factors(m->graph, id, factors);
  if (!of[factors[0]] || !of[factors[1]]) return true;
  MW_TRY(join(m->e, of[factors[0]], of[factors[1]], &both, m->err));
  if (!both) return true;
  span *s = &m->e->spans[both - 1];
  uint32_t level = level_of_dots(m, s);
  for (int i = 0; i < 2; i++)
    if (m->after[factors[i]] > level) level = m->after[factors[i]];
  if (level >= m->before[id] || level >= m->after[id]) return true;
  m->after[id] = level;
  if (m->before[id] > s->before) s->before = m->before[id];
  if (level > s->after) s->after = level;
  of[id] = both | DOT;
  return true;
}

/* The highest level among a node's operands. */
static uint32_t level_of(const maker *m, const uint32_t *levels, mw_node id) {
  uint32_t count, level = 0;
  const mw_node *operand = mw_graph_read(m->graph, id, &count);
  for (uint32_t i = 0; i < count; i++)
    if (levels[operand[i]] > level) level = levels[operand[i]];
  return level;
}

/* Levels without expansion; whether a chain is long enough to be looked at. */
static bool measure(maker *m, const mw_node *outputs, size_t count) {
  bool is_long = false;
  for (size_t i = 0; i < count; i++) m->needed[outputs[i]] = 1;
  for (mw_node id = (mw_node)m->e->nodes; id > 0; id--) {
    if (!m->needed[id]) continue;
    uint32_t operands;
    const mw_node *operand = mw_graph_read(m->graph, id, &operands);
    for (uint32_t i = 0; i < operands; i++) m->needed[operand[i]] = 1;
  }
  for (mw_node id = 1; id <= m->e->nodes; id++) {
    if (!m->needed[id]) continue;
    uint32_t level = level_of(m, m->before, id);
    m->before[id] = level + mw_graph_op_is_sink(mw_graph_op(m->graph, id));
    is_long |= level >= LEAST_SAVED && m->before[id] > level && is_dot(m->graph, mw_graph_facts(m->graph, id));
  }
  return is_long;
}

static bool find_spans(maker *m) {
  for (mw_node id = 1; id <= m->e->nodes; id++) {
    if (!m->needed[id]) continue;
    mw_graph_node_facts facts = mw_graph_facts(m->graph, id);
    m->after[id] = level_of(m, m->after, id) + mw_graph_op_is_sink(facts.op);
    MW_TRY(facts.shape ? span_tensor(m, id, facts) : !is_dot(m->graph, facts) || span_dot(m, id));
  }
  return true;
}

/* Whether all atoms are read as they are. What is computed keeps its own type: in f64 an element could lie on the other side of a
 * threshold that was found in f32. */
static bool are_read(const maker *m, const span *s) {
  for (uint32_t i = 0; i < s->count; i++)
    if (mw_graph_op(m->graph, m->e->atoms[s->first + i]) != MW_OP_INPUT) return false;
  return true;
}

/* Adds the dots of a span's basis to the graph. */
static bool add_dots(maker *m, span *s) {
  const bool read = are_read(m, s);
  mw_node basis[MW_EXPANSION_ATOMS];
  mw_expansion *e = m->e;
  MW_TRY(mw_mem_grow(&e->dots, &e->dot_capacity, e->dot_count + s->count * (s->count + 1) / 2, sizeof *e->dots, m->err));
  s->dots = (uint32_t)e->dot_count + 1;
  for (uint32_t i = 0; i < s->count; i++) {
    basis[i] = e->atoms[s->first + i];
    if (read) MW_TRY(mw_graph_apply(m->graph, MW_OP_AS_F64, &e->atoms[s->first + i], 1, NULL, &basis[i], m->err));
    mw_node from_first[2] = {basis[i], basis[0]};
    if (i) MW_TRY(mw_graph_apply(m->graph, MW_OP_SUB, from_first, 2, NULL, &basis[i], m->err));
    for (uint32_t k = 0; k <= i; k++) {
      mw_node pair[2] = {basis[i], basis[k]};
      MW_TRY(mw_graph_apply(m->graph, MW_OP_DOT, pair, 2, NULL, &e->dots[e->dot_count++], m->err));
    }
  }
  return true;
}

static bool contains(const mw_expansion *e, const span *s, const span *part) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < s->count && found < part->count; i++) found += e->atoms[s->first + i] == e->atoms[part->first + found];
  return found == part->count;
}

/* The dots of a span within an expanded one cost nothing more. */
static bool decide(maker *m, bool *any) {
  mw_expansion *e = m->e;
  for (uint32_t i = 0; i < e->span_count; i++) {
    span *s = &e->spans[i];
    uint32_t saved = s->before - s->after;
    if (saved < LEAST_SAVED || s->count + 1 > DOTS_OF_A_PASS * saved) continue;
    MW_TRY(add_dots(m, s));
    for (uint32_t k = 0; k < s->count; k++) m->expanded[e->atoms[s->first + k]] = i + 1;
    s->wider = i + 1;
    *any = true;
  }
  for (uint32_t i = 0; i < e->span_count; i++) {
    span *s = &e->spans[i];
    uint32_t wider = s->before > s->after && !s->wider ? m->expanded[e->atoms[s->first]] : 0;
    if (wider && contains(e, &e->spans[wider - 1], s)) s->wider = wider;
  }
  return true;
}

bool mw_expansion_make(mw_graph *graph, const mw_node *outputs, size_t count, mw_expansion **out, mw_error *err) {
  size_t nodes = mw_graph_count(graph);
  mw_expansion *e = mw_mem_new(1, sizeof *e, err);
  maker m = {.graph = graph, .e = e, .before = mw_mem_new(nodes + 1, sizeof *m.before, err), .needed = mw_mem_new(nodes + 1, 1, err),
             .err = err};
  bool ok = e && m.before && m.needed, any = false;
  *out = NULL;
  if (ok) e->nodes = nodes;
  if (ok && measure(&m, outputs, count)) {
    m.after = mw_mem_new(nodes + 1, sizeof *m.after, err);
    e->of = mw_mem_new(nodes + 1, sizeof *e->of, err);
    m.expanded = mw_mem_new(nodes + 1, sizeof *m.expanded, err);
    ok = m.after && e->of && m.expanded && find_spans(&m) && decide(&m, &any);
  }
  free(m.before);
  free(m.after);
  free(m.expanded);
  free(m.needed);
  if (ok && any) *out = e;
  else mw_expansion_free(e);
  return ok;
}

void mw_expansion_free(mw_expansion *e) {
  if (!e) return;
  free(e->of);
  free(e->spans);
  free(e->atoms);
  free(e->dots);
  free(e->table);
  free(e);
}

static const span *span_of(const mw_expansion *e, mw_node node) { return &e->spans[(e->of[node] & ~DOT) - 1]; }

bool mw_expansion_has(const mw_expansion *e, mw_node node) {
  return e && node <= e->nodes && e->of[node] & DOT && span_of(e, node)->wider;
}

mw_expansion_span mw_expansion_of(const mw_expansion *e, mw_node node) {
  const span *s = span_of(e, node);
  if (e->of[node] & DOT) s = &e->spans[s->wider - 1];
  return (mw_expansion_span){s->count, e->atoms + s->first, s->dots ? e->dots + s->dots - 1 : NULL};
}
