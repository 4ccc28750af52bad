/* schedule.c: levels by one ascending sweep (operands come first), batches and shared passes by union-find; guessed totals
 * by a descending sweep over what their values are used for. */
#include "expr/schedule.h"
#include "expr/cone.h"
#include <stdlib.h>
#include <string.h>

/* A root with the keys by which roots form tasks. */
typedef struct pending {
  uint32_t batch, level, group;
  bool f64;
  mw_program_root root;
  uint64_t elements;
  uint32_t output;
} pending;

typedef struct maker {
  const mw_graph *graph;
  size_t nodes;
  uint32_t *level; /* of every node; 0: depends on no sink */
  uint8_t *needed;
  uint32_t *parent; /* union-find over nodes */
  uint32_t *batch;  /* of each component, by its root node; 0: none yet */
  uint32_t *beside; /* of every guessed total: 1 + the output that it is computed beside */
  pending *list;
  size_t count, capacity;
  mw_cone cone;
  mw_error *err;
} maker;

static bool is_sink(mw_op op) {
  mw_graph_class class = mw_graph_op_class(op);
  return class == MW_CLASS_SUM || class == MW_CLASS_SELECT || class == MW_CLASS_VECTOR;
}

static bool selects(const maker *m, mw_program_root root) {
  return !root.store && mw_graph_op_class(mw_graph_facts(m->graph, root.node).op) == MW_CLASS_SELECT;
}

static uint32_t find(uint32_t *parent, uint32_t node) {
  while (parent[node] != node) node = parent[node] = parent[parent[node]];
  return node;
}

/* The lower id becomes the representative, so that groups are named by their first member. */
static void join(uint32_t *parent, uint32_t a, uint32_t b) {
  a = find(parent, a), b = find(parent, b);
  if (a < b) parent[b] = a;
  else parent[a] = b;
}

static void reset(maker *m) {
  for (uint32_t i = 0; i <= m->nodes; i++) m->parent[i] = i;
}

static void measure(maker *m, const mw_node *outputs, size_t count) {
  for (uint32_t id = 1; id <= m->nodes; id++) {
    mw_graph_node_facts facts = mw_graph_facts(m->graph, id);
    uint32_t level = 0;
    for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands; i++)
      if (m->level[facts.operand[i]] > level) level = m->level[facts.operand[i]];
    m->level[id] = level + is_sink(facts.op);
  }
  for (size_t i = 0; i < count; i++) m->needed[outputs[i]] = 1;
  for (uint32_t id = (uint32_t)m->nodes; id > 0; id--) {
    if (!m->needed[id]) continue;
    mw_graph_node_facts facts = mw_graph_facts(m->graph, id);
    for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands; i++) {
      m->needed[facts.operand[i]] = 1;
      if (m->level[facts.operand[i]]) join(m->parent, id, facts.operand[i]);
    }
  }
}

static uint64_t elements_of(const maker *m, mw_node node) {
  return mw_graph_elements(m->graph, mw_graph_facts(m->graph, node).shape);
}

/* Components in output order fill batches up to the limits. */
static bool divide(maker *m, const mw_node *outputs, size_t count) {
  uint64_t *elements = mw_mem_new(m->nodes + 1, sizeof *elements, m->err);
  uint32_t *selects = mw_mem_new(m->nodes + 1, sizeof *selects, m->err);
  if (elements && selects) {
    for (size_t i = 0; i < count; i++) elements[find(m->parent, outputs[i])] += elements_of(m, outputs[i]);
    for (uint32_t id = 1; id <= m->nodes; id++)
      if (m->needed[id] && mw_graph_op_class(mw_graph_facts(m->graph, id).op) == MW_CLASS_SELECT)
        selects[find(m->parent, id)]++;
    uint32_t batch = 1;
    uint64_t held = 0, chosen = 0;
    for (size_t i = 0; i < count; i++) {
      uint32_t component = find(m->parent, outputs[i]);
      if (m->batch[component]) continue;
      bool waits = m->level[outputs[i]] > 0;
      if (waits && held && (held + elements[component] > MW_SCHEDULE_ELEMENTS ||
                            chosen + selects[component] > MW_SCHEDULE_SELECTS))
        batch++, held = chosen = 0;
      m->batch[component] = batch;
      if (waits) held += elements[component], chosen += selects[component];
    }
  }
  bool ok = elements && selects;
  free(elements);
  free(selects);
  return ok;
}

enum { AS_VALUE = 1, TO_SINK = 2 }; /* what a node is used for: as itself and not by its sign, and by another sink */

/* What the nodes below `id` are used for, by what `id` is used for. */
static void pass_down(const maker *m, uint32_t id, uint8_t *use) {
  mw_graph_node_facts facts = mw_graph_facts(m->graph, id);
  uint8_t down = use[id];
  if (is_sink(facts.op)) down = AS_VALUE | TO_SINK;
  else if (facts.shape) down |= AS_VALUE;
  else if (facts.op == MW_OP_SIGN) down &= TO_SINK;
  for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands; i++) use[facts.operand[i]] |= down;
}

/* The highest level of what a guess cannot stand for: sinks that are not selections by rank. */
static void stand(const maker *m, uint32_t id, uint32_t *firm) {
  mw_graph_node_facts facts = mw_graph_facts(m->graph, id);
  for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands; i++)
    if (firm[facts.operand[i]] > firm[id]) firm[id] = firm[facts.operand[i]];
  if (is_sink(facts.op) && facts.op != MW_OP_KTH && facts.op != MW_OP_QUANTILE) firm[id] = m->level[id];
}

/* Finds the totals that are guessed, and of each the first output that has its operand. */
static bool find_guesses(maker *m, const mw_node *outputs, size_t count) {
  uint8_t *use = mw_mem_new(m->nodes + 1, sizeof *use, m->err);
  uint32_t *firm = mw_mem_new(m->nodes + 1, sizeof *firm, m->err);
  mw_node *total_of = mw_mem_new(m->nodes + 1, sizeof *total_of, m->err); /* of every node: the guessed total of it */
  bool ok = use && firm && total_of, found = false;
  for (size_t i = 0; i < count && ok; i++) use[outputs[i]] = AS_VALUE;
  for (uint32_t id = (uint32_t)m->nodes; id > 0 && ok; id--)
    if (m->needed[id]) pass_down(m, id, use);
  for (uint32_t id = 1; id <= m->nodes && ok; id++) stand(m, id, firm);
  for (uint32_t id = 1; id <= m->nodes && ok; id++) {
    mw_graph_node_facts facts = mw_graph_facts(m->graph, id);
    if (!m->needed[id] || facts.op != MW_OP_TOTAL || use[id] || !elements_of(m, facts.operand[0])) continue;
    bool first = m->level[id] == 1; /* nothing is known before it: guessed as it is found (exec/pass.h) */
    if (!first && firm[facts.operand[0]] + 1 >= m->level[id]) continue;
    total_of[facts.operand[0]] = id;
    found = true;
  }
  for (size_t i = 0; i < count && found && ok; i++) {
    mw_cone_clear(&m->cone);
    ok = mw_cone_add(&m->cone, m->graph, outputs[i], m->err);
    for (size_t k = 0; k < m->cone.count && ok; k++) {
      mw_node total = total_of[m->cone.nodes[k]];
      if (total && !m->beside[total] && mw_graph_facts(m->graph, total).f64 == mw_graph_facts(m->graph, outputs[i]).f64)
        m->beside[total] = (uint32_t)i + 1;
    }
  }
  free(use);
  free(firm);
  free(total_of);
  return ok;
}

static bool add(maker *m, mw_program_root root, uint32_t batch, uint32_t level, uint32_t output) {
  mw_node values[2];
  mw_cone_values(m->graph, root, values);
  MW_TRY(mw_mem_grow(&m->list, &m->capacity, m->count + 1, sizeof *m->list, m->err));
  m->list[m->count++] = (pending){batch, level, values[0], mw_graph_facts(m->graph, root.node).f64, root,
                                  elements_of(m, values[0]), output};
  return true;
}

static bool collect(maker *m, const mw_node *outputs, size_t count) {
  for (uint32_t id = 1; id <= m->nodes; id++) {
    mw_graph_node_facts facts = mw_graph_facts(m->graph, id);
    if (!m->needed[id] || !is_sink(facts.op)) continue;
    uint32_t parts = mw_graph_op_class(facts.op) == MW_CLASS_SELECT ? mw_graph_selected(facts) : 1;
    uint32_t batch = m->batch[find(m->parent, id)], output = m->beside[id];
    if (output) {
      if (m->level[id] > 1)
        MW_TRY(add(m, (mw_program_root){.node = id, .guess = true}, batch, m->level[id] - 1, MW_SCHEDULE_NO_OUTPUT));
      MW_TRY(add(m, (mw_program_root){.node = id}, batch, UINT32_MAX, output - 1));
      m->list[m->count - 1].group = outputs[output - 1]; /* as the output itself */
      continue;
    }
    for (uint32_t p = 0; p < parts; p++)
      MW_TRY(add(m, (mw_program_root){.node = id, .part = p}, batch, m->level[id], MW_SCHEDULE_NO_OUTPUT));
  }
  for (size_t i = 0; i < count; i++) {
    if (!mw_graph_facts(m->graph, outputs[i]).shape) continue; /* a scalar is found by the sinks it needs */
    MW_TRY(add(m, (mw_program_root){.node = outputs[i], .store = true}, m->batch[find(m->parent, outputs[i])], UINT32_MAX, (uint32_t)i));
  }
  return true;
}

static int by_level(const void *a, const void *b) {
  const pending *x = a, *y = b;
  return (x->level > y->level) - (x->level < y->level);
}

static int by_task(const void *a, const void *b) {
  const pending *x = a, *y = b;
#define BY(field) if (x->field != y->field) return x->field < y->field ? -1 : 1
  BY(batch);
  BY(level);
  BY(output);
  BY(group);
  BY(f64);
  BY(elements);
  BY(root.node);
  BY(root.part);
#undef BY
  return 0;
}

/* Sinks of a level that read a common input get the same group: the first input of them all. */
static bool gather(maker *m) {
  if (m->count) qsort(m->list, m->count, sizeof *m->list, by_level);
  for (size_t from = 0, to; from < m->count; from = to) {
    for (to = from; to < m->count && m->list[to].level == m->list[from].level; to++) continue;
    if (m->list[from].level == UINT32_MAX) break; /* outputs share nothing */
    reset(m);
    for (size_t i = from; i < to; i++) {
      mw_node values[2], first = 0;
      unsigned n = mw_cone_values(m->graph, m->list[i].root, values);
      mw_cone_clear(&m->cone);
      for (unsigned v = 0; v < n; v++) MW_TRY(mw_cone_add(&m->cone, m->graph, values[v], m->err));
      for (size_t k = 0; k < m->cone.count; k++) {
        if (mw_graph_facts(m->graph, m->cone.nodes[k]).op != MW_OP_INPUT) continue;
        if (first) join(m->parent, first, m->cone.nodes[k]);
        else first = m->cone.nodes[k];
      }
      if (first) m->list[i].group = first;
    }
    for (size_t i = from; i < to; i++) m->list[i].group = find(m->parent, m->list[i].group);
  }
  return true;
}

/* A task of very many roots would need very many histograms at once. */
static bool together(const pending *a, const pending *b) {
  return a->batch == b->batch && a->level == b->level && a->output == b->output && a->f64 == b->f64 &&
         a->group == b->group && a->elements == b->elements;
}

/* For every node: 1 + the last place in the list of a selection that it is or depends on; 0: of none. */
static uint32_t *find_reach(const maker *m) {
  uint32_t *reach = mw_mem_new(m->nodes + 1, sizeof *reach, m->err);
  for (size_t i = 0; reach && i < m->count; i++)
    if (selects(m, m->list[i].root)) reach[m->list[i].root.node] = (uint32_t)i + 1;
  for (uint32_t id = 1; reach && id <= m->nodes; id++) {
    mw_graph_node_facts facts = mw_graph_facts(m->graph, id);
    for (uint32_t k = mw_graph_op_first(facts.op); k < facts.operands; k++)
      if (reach[facts.operand[k]] > reach[id]) reach[id] = reach[facts.operand[k]];
  }
  return reach;
}

static bool add_stage(maker *m, const pending *p, mw_schedule *out) {
  MW_TRY(mw_mem_grow(&out->stages, &out->stage_capacity, out->stage_count + 1, sizeof *out->stages, m->err));
  out->stages[out->stage_count++] = (mw_schedule_stage){(uint32_t)out->task_count, 0, p->batch, p->level};
  return true;
}

/* A stage ends with its level, or when it has enough selections and neither these nor guesses from them go on. */
static bool arrange_by(maker *m, const uint32_t *reach, mw_schedule *out) {
  uint32_t chosen = 0, bond = 0;
  for (size_t i = 0; i < m->count; i++) {
    const pending *p = &m->list[i], *before = i ? p - 1 : NULL;
    MW_TRY(mw_mem_grow(&out->roots, &out->root_capacity, i + 1, sizeof *out->roots, m->err));
    out->roots[out->root_count++] = p->root;
    if (before && together(before, p)) out->tasks[out->task_count - 1].root_count++;
    else {
      bool on = before && before->batch == p->batch && before->level == p->level;
      if (!on || (chosen >= MW_SCHEDULE_SELECTS && bond <= i)) {
        MW_TRY(add_stage(m, p, out));
        chosen = 0;
      }
      MW_TRY(mw_mem_grow(&out->tasks, &out->task_capacity, out->task_count + 1, sizeof *out->tasks, m->err));
      out->tasks[out->task_count++] = (mw_schedule_task){(uint32_t)i, 1, p->output, p->f64, p->elements};
      out->stages[out->stage_count - 1].task_count++;
    }
    if (reach[p->root.node] > bond) bond = reach[p->root.node];
    if (selects(m, p->root) && reach[p->root.node] == i + 1) chosen++;
  }
  return true;
}

static bool arrange(maker *m, mw_schedule *out) {
  if (m->count) qsort(m->list, m->count, sizeof *m->list, by_task);
  uint32_t *reach = find_reach(m);
  bool ok = reach && arrange_by(m, reach, out);
  free(reach);
  return ok;
}

bool mw_schedule_make(const mw_graph *graph, const mw_node *outputs, size_t count, mw_schedule *out, mw_error *err) {
  memset(out, 0, sizeof *out);
  for (size_t i = 0; i < count; i++) {
    mw_graph_node_facts facts = mw_graph_facts(graph, outputs[i]);
    if (facts.op == MW_OP_VECTOR)
      return mw_error_set(err, MW_DATA, "a tensor of the result is a vector, which can only scale columns");
    if (facts.whole)
      return mw_error_set(err, MW_DATA,
                          "a tensor of the result is made of a network's activations, which only learn computes");
  }
  maker m = {.graph = graph, .nodes = mw_graph_count(graph), .err = err};
  m.level = mw_mem_new(m.nodes + 1, sizeof *m.level, err);
  m.needed = mw_mem_new(m.nodes + 1, sizeof *m.needed, err);
  m.parent = mw_mem_new(m.nodes + 1, sizeof *m.parent, err);
  m.batch = mw_mem_new(m.nodes + 1, sizeof *m.batch, err);
  m.beside = mw_mem_new(m.nodes + 1, sizeof *m.beside, err);
  bool ok = m.level && m.needed && m.parent && m.batch && m.beside;
  if (ok) {
    reset(&m);
    measure(&m, outputs, count);
    ok = divide(&m, outputs, count) && find_guesses(&m, outputs, count) && collect(&m, outputs, count) && gather(&m) && arrange(&m, out);
  }
  free(m.level);
  free(m.needed);
  free(m.parent);
  free(m.batch);
  free(m.beside);
  free(m.list);
  mw_cone_free(&m.cone);
  if (!ok) mw_schedule_free(out);
  return ok;
}

void mw_schedule_free(mw_schedule *schedule) {
  free(schedule->roots);
  free(schedule->tasks);
  free(schedule->stages);
  memset(schedule, 0, sizeof *schedule);
}
