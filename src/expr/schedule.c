/* schedule.c: makes the schedule in these steps:
 *
 *   measure    the level of every node, by one sweep from operands to users; and which nodes have a sink in common: a
 *              union-find joins every node with the operands that depend on a sink
 *   divide     gives each such component of outputs and sinks to a batch
 *   guess      which totals are guessed (speculate.h)
 *   collect    lists the roots: all sinks that are needed, and the outputs
 *   group      sinks of a level that read a common input get the same group, again by union-find
 *   arrange    sorts the list by batch, level, output and group; roots with equal keys are a task, tasks of equal batch and
 *              level a stage */
#include "expr/schedule.h"
#include "expr/cone.h"
#include "expr/speculate.h"
#include <stdlib.h>
#include <string.h>

/* A root, and the keys by which roots form tasks. */
typedef struct pending {
  uint32_t batch, level, group;
  bool f64;
  uint64_t run; /* what needs whole rows at a time: elements for each value; else 0 */
  mw_program_root root;
  uint64_t elements;
  uint32_t output;
} pending;

typedef struct maker {
  const mw_graph *graph;
  const mw_expansion *expansion;
  size_t nodes;
  uint32_t *level;  /* of every node; 0: it depends on no sink */
  uint8_t *needed;  /* of every node: whether an output depends on it */
  uint32_t *parent; /* union-find over nodes */
  uint32_t *seen, *input; /* of every node: the last level that it was met in, and an input below it; 0: none */
  uint64_t steps, most_steps; /* of all passes together */
  mw_node *stack;
  size_t stack_capacity;
  uint32_t *batch;  /* of each component, at the node that represents it; 0: none yet */
  uint32_t *concurrent; /* of every guessed total: 1 + the output that it is computed concurrently with */
  pending *list;
  size_t count, capacity;
  mw_error *err;
} maker;

static bool is_selection(const maker *m, mw_program_root root) {
  return !root.store && mw_graph_op_class(mw_graph_facts(m->graph, root.node).op) == MW_CLASS_SELECT;
}

/* The node that represents the set of `node`. */
static uint32_t find(uint32_t *parent, uint32_t node) {
  while (parent[node] != node) node = parent[node] = parent[parent[node]];
  return node;
}

/* Joins two sets. The lower id represents the union, so a group is named by its first member. */
static void unite(uint32_t *parent, uint32_t a, uint32_t b) {
  a = find(parent, a), b = find(parent, b);
  if (a < b) parent[b] = a;
  else parent[a] = b;
}

/* Every node is a set of its own. */
static void reset(maker *m) {
  for (uint32_t i = 0; i <= m->nodes; i++) m->parent[i] = i;
}

/* Whether it has a pass of its own: no expanded dot, and nothing that changes from step to step of a minimisation. */
static bool is_sink(const maker *m, mw_node id, mw_op op) {
  return mw_graph_op_is_sink(op) && !mw_expansion_has(m->expansion, id) && !mw_graph_facts(m->graph, id).variable;
}

static uint32_t larger(uint32_t a, uint32_t b) { return a > b ? a : b; }

/* An expanded dot is known with its weights, one level after the atoms of its span. */
static uint32_t level_of_expanded(const maker *m, mw_node id, uint32_t level) {
  mw_expansion_span span = mw_expansion_of(m->expansion, id);
  for (uint32_t i = 0; i < span.count; i++) level = larger(level, m->level[span.atoms[i]] + 1);
  return level;
}

/* Marks what each needed node is made of as needed, and joins it with what depends on a sink. */
static void spread_need(maker *m) {
  for (uint32_t id = (uint32_t)m->nodes; id > 0; id--) {
    if (!m->needed[id]) continue;
    uint32_t count;
    const mw_node *operand = mw_graph_read(m->graph, id, &count);
    for (uint32_t i = 0; i < count; i++) {
      m->needed[operand[i]] = 1;
      if (m->level[operand[i]] || mw_graph_facts(m->graph, operand[i]).matrices) unite(m->parent, id, operand[i]);
    }
  }
}

/* The dots that expanded ones are made of are needed with them. They are nodes of their own, behind all others. */
static void need_expanded(maker *m) {
  for (uint32_t id = 1; id <= m->nodes; id++) {
    if (!m->needed[id] || !mw_expansion_has(m->expansion, id)) continue;
    mw_expansion_span span = mw_expansion_of(m->expansion, id);
    for (uint32_t i = 0; i < span.count * (span.count + 1) / 2; i++) {
      m->needed[span.dots[i]] = 1;
      unite(m->parent, id, span.dots[i]);
    }
  }
  spread_need(m);
}

/* Levels, what is needed, and the components: nodes that depend on a common sink. */
static void measure(maker *m, const mw_node *outputs, size_t count) {
  for (uint32_t id = 1; id <= m->nodes; id++) {
    uint32_t operands, level = 0;
    const mw_node *operand = mw_graph_read(m->graph, id, &operands);
    for (uint32_t i = 0; i < operands; i++) level = larger(level, m->level[operand[i]]);
    if (mw_expansion_has(m->expansion, id)) m->level[id] = level_of_expanded(m, id, level);
    else if (mw_graph_op(m->graph, id) == MW_OP_TIE) m->level[id] = level; /* its threshold's */
    else m->level[id] = level + is_sink(m, id, mw_graph_op(m->graph, id));
  }
  for (size_t i = 0; i < count; i++) m->needed[outputs[i]] = 1;
  spread_need(m);
  if (m->expansion) need_expanded(m);
}

static uint64_t elements_of(const maker *m, mw_node node) {
  return mw_graph_elements(m->graph, mw_graph_facts(m->graph, node).shape);
}

static bool has_masks(const maker *m) {
  mw_node id = (mw_node)m->nodes;
  while (id > 0 && !(m->needed[id] && mw_graph_op(m->graph, id) == MW_OP_BERNOULLI_EACH)) id--;
  return id > 0;
}

/* Counts the elements of masks for each component: of a node that depends on no sink, its component is that of a node that reads it. */
static bool count_masks(const maker *m, const mw_node *outputs, size_t count, uint64_t *masks) {
  uint32_t *home = mw_mem_new(m->nodes + 1, sizeof *home, m->err);
  if (!home) return false;
  for (size_t i = 0; i < count; i++) home[outputs[i]] = find(m->parent, outputs[i]);
  for (uint32_t id = (uint32_t)m->nodes; id > 0; id--) {
    uint32_t operands;
    const mw_node *operand = mw_graph_read(m->graph, id, &operands);
    if (!m->needed[id]) continue;
    if (m->level[id]) home[id] = find(m->parent, id);
    if (mw_graph_op(m->graph, id) == MW_OP_BERNOULLI_EACH) masks[home[id]] += elements_of(m, id);
    for (uint32_t i = 0; i < operands; i++) home[operand[i]] = home[id];
  }
  free(home);
  return true;
}

/* Components fill batches in the order of their outputs. A batch is full when its outputs that wait for a sink have more than
 * MW_SCHEDULE_ELEMENTS elements, MW_SCHEDULE_SELECTS selections, or MW_SCHEDULE_MASKS elements of masks. One with matrices has a batch of
 * its own, so that only its matrices are in memory. */
static bool divide(maker *m, const mw_node *outputs, size_t count) {
  uint64_t *elements = mw_mem_new(m->nodes + 1, sizeof *elements, m->err);
  uint32_t *selections = mw_mem_new(m->nodes + 1, sizeof *selections, m->err);
  uint8_t *matrices = mw_mem_new(m->nodes + 1, sizeof *matrices, m->err);
  const bool drawn_apart = has_masks(m);
  uint64_t *masks = mw_mem_new(drawn_apart ? m->nodes + 1 : 1, sizeof *masks, m->err);
  bool ok = elements && selections && masks && matrices && (!drawn_apart || count_masks(m, outputs, count, masks));
  if (ok) {
    for (size_t i = 0; i < count; i++) {
      elements[find(m->parent, outputs[i])] += elements_of(m, outputs[i]);
      matrices[find(m->parent, outputs[i])] |= mw_graph_facts(m->graph, outputs[i]).matrices;
    }
    for (uint32_t id = 1; id <= m->nodes; id++)
      if (m->needed[id] && mw_graph_op_class(mw_graph_op(m->graph, id)) == MW_CLASS_SELECT)
        selections[find(m->parent, id)]++;
    uint32_t batch = 1;
    uint64_t held = 0, chosen = 0, drawn = 0;
    bool alone = false;
    for (size_t i = 0; i < count; i++) {
      uint32_t component = find(m->parent, outputs[i]);
      if (m->batch[component]) continue;
      const uint64_t draws = drawn_apart ? masks[component] : 0;
      bool waits = m->level[outputs[i]] > 0;
      bool full = waits && held && (held + elements[component] > MW_SCHEDULE_ELEMENTS ||
                                    chosen + selections[component] > MW_SCHEDULE_SELECTS ||
                                    drawn + draws > MW_SCHEDULE_MASKS);
      if (full || alone || (i && matrices[component])) batch++, held = chosen = drawn = 0;
      alone = matrices[component];
      m->batch[component] = batch;
      if (waits) held += elements[component], chosen += selections[component], drawn += draws;
    }
  }
  free(matrices);
  free(masks);
  free(elements);
  free(selections);
  return ok;
}

/* Finds which totals are guessed, and with which output each is computed. */
static bool find_guesses(maker *m, const mw_node *outputs, size_t count) {
  mw_speculate_input input = {m->graph, m->level, m->needed, outputs, count};
  return mw_speculate_totals(&input, m->concurrent, m->err);
}

/* Adds a root to the list, at first with a group of its own: that of the tensor it reads. */
static bool add(maker *m, mw_program_root root, uint32_t batch, uint32_t level, uint32_t output) {
  mw_node values[2];
  mw_cone_values(m->graph, root, values);
  MW_TRY(mw_mem_grow(&m->list, &m->capacity, m->count + 1, sizeof *m->list, m->err));
  mw_graph_node_facts facts = mw_graph_facts(m->graph, root.node);
  uint64_t run = facts.rowed ? mw_graph_run(m->graph, mw_graph_facts(m->graph, values[0])) : 0;
  m->list[m->count++] = (pending){batch, level, values[0], facts.f64, run, root,
                                  elements_of(m, values[0]), output};
  return true;
}

/* Lists the roots. A guessed total is listed with its output, and if it has a level above 1 also as a guess, one level earlier. */
static bool collect(maker *m, const mw_node *outputs, size_t count) {
  for (uint32_t id = 1; id <= m->nodes; id++) {
    if (!m->needed[id] || !is_sink(m, id, mw_graph_op(m->graph, id))) continue;
    mw_graph_node_facts facts = mw_graph_facts(m->graph, id);
    uint32_t parts = mw_graph_op_class(facts.op) == MW_CLASS_SELECT ? mw_graph_selected(facts) : 1;
    uint32_t batch = m->batch[find(m->parent, id)], output = m->concurrent[id];
    if (output) {
      if (m->level[id] > 1)
        MW_TRY(add(m, (mw_program_root){.node = id, .guess = true}, batch, m->level[id] - 1, MW_SCHEDULE_NO_OUTPUT));
      MW_TRY(add(m, (mw_program_root){.node = id}, batch, UINT32_MAX, output - 1));
      m->list[m->count - 1].group = outputs[output - 1]; /* the output's own group, so they share a task */
      continue;
    }
    for (uint32_t p = 0; p < parts; p++)
      MW_TRY(add(m, (mw_program_root){.node = id, .part = p}, batch, m->level[id], MW_SCHEDULE_NO_OUTPUT));
  }
  for (size_t i = 0; i < count; i++) {
    if (!mw_graph_facts(m->graph, outputs[i]).shape) continue; /* a scalar needs only its sinks */
    MW_TRY(add(m, (mw_program_root){.node = outputs[i], .store = true}, m->batch[find(m->parent, outputs[i])], UINT32_MAX, (uint32_t)i));
  }
  return true;
}

/* The order for grouping: roots of a level together. */
static int by_level(const void *a, const void *b) {
  const pending *x = a, *y = b;
  return (x->level > y->level) - (x->level < y->level);
}

/* The order of the schedule: batch, level, then what makes a task. Outputs have the level UINT32_MAX, so they come last in their
 * batch, in their own order; sinks have the output MW_SCHEDULE_NO_OUTPUT. */
static int by_task(const void *a, const void *b) {
  const pending *x = a, *y = b;
#define BY(field) if (x->field != y->field) return x->field < y->field ? -1 : 1
  BY(batch);
  BY(level);
  BY(output);
  BY(group);
  BY(f64);
  BY(run);
  BY(elements);
  BY(root.node);
#undef BY
  return (x->root.part > y->root.part) - (x->root.part < y->root.part);
}

static bool push(maker *m, mw_node node, size_t depth) {
  MW_TRY(mw_mem_grow(&m->stack, &m->stack_capacity, depth + 1, sizeof *m->stack, m->err));
  m->stack[depth] = node;
  return true;
}

static bool too_many_steps(const maker *m) {
  uint32_t passes = 0;
  for (uint32_t id = 1; id <= m->nodes; id++)
    if (m->level[id] > passes) passes = m->level[id];
  mw_error_set(m->err, MW_DATA, "the recipe takes more than %llu steps for an element of each tensor, in %u passes over its models",
               (unsigned long long)m->most_steps, passes + 1);
  return mw_error_hint(m->err, "every pass, and every function of matrices, computes again what it is made of: "
                               "let fewer of them depend on each other");
}

/* Joins all inputs below `value` in this level; operands first, and what the level has met before is done. */
static bool join_inputs(maker *m, mw_node value, uint32_t level) {
  MW_TRY(push(m, value, 0));
  for (size_t depth = 1; depth;) {
    mw_node node = m->stack[depth - 1];
    mw_graph_node_facts facts = mw_graph_facts(m->graph, node);
    size_t before = depth;
    if (m->seen[node] == level) { depth--; continue; }
    if (mw_graph_is_found(facts.op)) facts.operands = 0;
    for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands; i++)
      if (mw_cone_goes_on(m->graph, facts.operand[i]) && m->seen[facts.operand[i]] != level) MW_TRY(push(m, facts.operand[i], depth++));
    if (depth > before) continue;
    m->seen[node] = level;
    m->parent[node] = node;
    if (m->steps++ == m->most_steps) return too_many_steps(m);
    m->input[node] = facts.op == MW_OP_INPUT ? node : 0;
    for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands; i++) {
      mw_node below = mw_cone_goes_on(m->graph, facts.operand[i]) ? m->input[facts.operand[i]] : 0;
      if (below && m->input[node]) unite(m->parent, below, m->input[node]);
      else if (below) m->input[node] = below;
    }
    depth--;
  }
  return true;
}

/* Counts the nodes below `node`, down to matrices, each once for a mark. */
static bool count_below(maker *m, mw_node node, uint32_t mark) {
  MW_TRY(push(m, node, 0));
  for (size_t depth = 1; depth;) {
    mw_node at = m->stack[--depth];
    if (m->seen[at] == mark) continue;
    m->seen[at] = mark;
    if (m->steps++ == m->most_steps) return too_many_steps(m);
    mw_graph_node_facts facts = mw_graph_facts(m->graph, at);
    if (mw_graph_is_found(facts.op) || mw_graph_op_class(facts.op) == MW_CLASS_MATRIX) facts.operands = 0;
    for (uint32_t k = mw_graph_op_first(facts.op); k < facts.operands; k++)
      if (m->seen[facts.operand[k]] != mark && mw_cone_goes_on(m->graph, facts.operand[k])) MW_TRY(push(m, facts.operand[k], depth++));
  }
  return true;
}

/* What outputs take. Each computes for itself, so each meets its nodes anew, and so does each function of whole matrices.
 * This comes first of all, since whatever looks at the tensors below takes as long. */
static bool count_steps(maker *m, const mw_node *outputs, size_t count) {
  uint32_t mark = (uint32_t)m->nodes; /* levels are lower */
  for (size_t i = 0; i < count; i++)
    if (mw_graph_facts(m->graph, outputs[i]).shape) MW_TRY(count_below(m, outputs[i], ++mark));
  for (uint32_t id = 1; id <= m->nodes; id++) {
    mw_graph_node_facts facts = mw_graph_facts(m->graph, id);
    if (!m->needed[id] || mw_graph_op_class(facts.op) != MW_CLASS_MATRIX) continue;
    mark++;
    for (uint32_t k = mw_graph_op_first(facts.op); k < facts.operands; k++)
      if (mw_cone_goes_on(m->graph, facts.operand[k])) MW_TRY(count_below(m, facts.operand[k], mark));
  }
  return true;
}

/* Sinks of a level that read a common input, directly or over other sinks, get the same group: the first of their inputs. For
 * example, sinks that read inputs {1, 2}, {3, 4} and {2, 3} are all in group 1. A level meets every node once, so that a chain of n
 * totals, each of what the one before has made, takes n * n / 2 steps here as it does when it runs. */
static bool group(maker *m) {
  if (m->count) qsort(m->list, m->count, sizeof *m->list, by_level);
  for (size_t from = 0, to; from < m->count; from = to) {
    uint32_t level = m->list[from].level;
    for (to = from; to < m->count && m->list[to].level == level; to++) continue;
    if (level == UINT32_MAX) break; /* outputs have a task each */
    for (size_t i = from; i < to; i++) {
      mw_node values[2];
      unsigned n = mw_cone_values(m->graph, m->list[i].root, values);
      for (unsigned v = 0; v < n; v++) MW_TRY(join_inputs(m, values[v], level));
      if (n == 2 && m->input[values[0]] && m->input[values[1]]) unite(m->parent, m->input[values[0]], m->input[values[1]]);
      mw_node input = m->input[values[0]] ? m->input[values[0]] : n == 2 ? m->input[values[1]] : 0;
      if (input) m->list[i].group = input;
    }
    for (size_t i = from; i < to; i++) m->list[i].group = find(m->parent, m->list[i].group);
  }
  return true;
}

/* Whether two roots are in the same task. */
static bool same_task(const pending *a, const pending *b) {
  return a->batch == b->batch && a->level == b->level && a->output == b->output && a->f64 == b->f64 && a->run == b->run &&
         a->group == b->group && a->elements == b->elements;
}

/* For every node, the last selection that it is or depends on: 1 + its place in the list; 0: it depends on none. */
static uint32_t *find_dependence(const maker *m) {
  uint32_t *depends_on = mw_mem_new(m->nodes + 1, sizeof *depends_on, m->err);
  bool any = false;
  for (size_t i = 0; depends_on && i < m->count; i++)
    if (is_selection(m, m->list[i].root)) depends_on[m->list[i].root.node] = (uint32_t)i + 1, any = true;
  for (uint32_t id = 1; any && id <= m->nodes; id++) {
    uint32_t count;
    const mw_node *operand = mw_graph_read(m->graph, id, &count);
    for (uint32_t k = 0; k < count; k++)
      if (depends_on[operand[k]] > depends_on[id]) depends_on[id] = depends_on[operand[k]];
  }
  return depends_on;
}

/* Begins a stage with the task of this root. */
static bool add_stage(maker *m, const pending *p, mw_schedule *out) {
  MW_TRY(mw_mem_grow(&out->stages, &out->stage_capacity, out->stage_count + 1, sizeof *out->stages, m->err));
  out->stages[out->stage_count++] = (mw_schedule_stage){(uint32_t)out->task_count, 0, p->batch, p->level, 0};
  return true;
}

/* A stage ends with its level; or when it has enough selections and is closed: none of its selections has a part in a later
 * task, and none of its guesses depends on a later selection. `union_end` is the place after the last selection that a root
 * so far is a part of, or depends on. For example, if one selection were enough and the tasks were {a} {b} {c b} {d}, the
 * stages would be {a}, then {b} {c b}, then {d}: b has a part in two tasks. */
static bool cut_into_stages(maker *m, const uint32_t *depends_on, mw_schedule *out) {
  uint32_t chosen = 0, union_end = 0;
  for (size_t i = 0; i < m->count; i++) {
    const pending *p = &m->list[i], *before = i ? p - 1 : NULL;
    MW_TRY(mw_mem_grow(&out->roots, &out->root_capacity, i + 1, sizeof *out->roots, m->err));
    out->roots[out->root_count++] = p->root;
    if (before && same_task(before, p)) out->tasks[out->task_count - 1].root_count++;
    else {
      bool on = before && before->batch == p->batch && before->level == p->level;
      if (!on || (chosen >= MW_SCHEDULE_SELECTS && union_end <= i)) {
        MW_TRY(add_stage(m, p, out));
        chosen = 0;
      }
      MW_TRY(mw_mem_grow(&out->tasks, &out->task_capacity, out->task_count + 1, sizeof *out->tasks, m->err));
      out->tasks[out->task_count++] = (mw_schedule_task){(uint32_t)i, 1, p->output, p->f64, p->elements, 0};
      out->stages[out->stage_count - 1].task_count++;
    }
    if (depends_on[p->root.node] > union_end) union_end = depends_on[p->root.node];
    if (is_selection(m, p->root) && depends_on[p->root.node] == i + 1) chosen++;
  }
  return true;
}

static bool arrange(maker *m, mw_schedule *out) {
  if (m->count) qsort(m->list, m->count, sizeof *m->list, by_task);
  uint32_t *depends_on = find_dependence(m);
  bool ok = depends_on && cut_into_stages(m, depends_on, out);
  free(depends_on);
  return ok;
}

bool mw_schedule_make(const mw_graph *graph, const mw_expansion *expansion, const mw_node *outputs, size_t count, mw_schedule *out,
                      mw_error *err) {
  *out = (mw_schedule){.expansion = expansion};
  for (size_t i = 0; i < count; i++) {
    mw_graph_node_facts facts = mw_graph_facts(graph, outputs[i]);
    if (mw_graph_is_found(facts.op))
      return mw_error_set(err, MW_DATA, "a tensor of the result is a vector along columns");
    if (facts.variable)
      return mw_error_set(err, MW_DATA, "the result is made of what minimise changes, which has a value only within its loss");
    if (facts.whole)
      return mw_error_set(err, MW_DATA,
                          "a tensor of the result is made of a network's activations, which only learn computes");
  }
  maker m = {.graph = graph, .expansion = expansion, .nodes = mw_graph_count(graph),
             .most_steps = MW_SCHEDULE_STEPS + MW_SCHEDULE_STEPS_EACH * (uint64_t)count, .err = err};
  m.level = mw_mem_new(m.nodes + 1, sizeof *m.level, err);
  m.needed = mw_mem_new(m.nodes + 1, sizeof *m.needed, err);
  m.parent = mw_mem_new(m.nodes + 1, sizeof *m.parent, err);
  m.batch = mw_mem_new(m.nodes + 1, sizeof *m.batch, err);
  m.concurrent = mw_mem_new(m.nodes + 1, sizeof *m.concurrent, err);
  m.seen = mw_mem_new(m.nodes + 1, sizeof *m.seen, err);
  m.input = mw_mem_new(m.nodes + 1, sizeof *m.input, err);
  bool ok = m.level && m.needed && m.parent && m.batch && m.concurrent && m.seen && m.input;
  if (ok) {
    reset(&m);
    measure(&m, outputs, count);
    ok = count_steps(&m, outputs, count) && divide(&m, outputs, count) && find_guesses(&m, outputs, count) &&
         collect(&m, outputs, count) && group(&m) && arrange(&m, out);
  }
  free(m.level);
  free(m.needed);
  free(m.parent);
  free(m.batch);
  free(m.concurrent);
  free(m.seen);
  free(m.input);
  free(m.stack);
  free(m.list);
  if (!ok) mw_schedule_free(out);
  return ok;
}

void mw_schedule_free(mw_schedule *schedule) {
  free(schedule->roots);
  free(schedule->tasks);
  free(schedule->stages);
  memset(schedule, 0, sizeof *schedule);
}
