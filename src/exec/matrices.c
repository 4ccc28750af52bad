/* matrices.c: which functions a task needs, in which order, and what is in memory meanwhile. A plan goes through the same steps as a
 * run, but computes nothing: so what it says of memory is what the run takes. Operands have lower numbers than their users, so
 * functions are made in the order of their nodes. */
#include "exec/matrices.h"
#include "base/machine.h"
#include "exec/descent.h"
#include "exec/matrix_step.h"
#include "expr/cone.h"
#include <stdlib.h>
#include <string.h>

static mw_graph_node_facts facts_of(const mw_matrices *m, mw_node node) { return mw_graph_facts(m->job->graph, node); }
static bool is_matrix(const mw_matrices *m, mw_node node) { return mw_graph_op_class(facts_of(m, node).op) == MW_CLASS_MATRIX; }

bool mw_matrices_any(const mw_job *job) {
  for (size_t r = 0; r < job->schedule->root_count; r++)
    if (mw_graph_facts(job->graph, job->schedule->roots[r].node).matrices) return true;
  return false;
}

bool mw_matrices_new(mw_matrices *m, const mw_job *job, mw_error *err) {
  *m = (mw_matrices){.job = job};
  return (m->seen = mw_mem_new(mw_graph_count(job->graph) + 1u, sizeof *m->seen, err)) != NULL;
}

/* ---- what is needed ---- */

static size_t place_of(const mw_matrices *m, mw_node node) {
  size_t i = 0;
  while (i < m->held_count && m->held[i].node != node) i++;
  return i;
}

static bool push(mw_matrices *m, mw_node node, size_t *depth, mw_error *err) {
  if (m->seen[node] == m->walk) return true;
  m->seen[node] = m->walk;
  MW_TRY(mw_mem_grow(&m->stack, &m->stack_capacity, *depth + 1, sizeof *m->stack, err));
  m->stack[(*depth)++] = node;
  return true;
}

/* Appends the matrices that tensor `node` is made of to the list: itself, or those that the streams below read. A walk meets each once.
 * Those that depend on a VARIABLE are made by its MINIMISE, in every step: what they are made of beside it is looked for. */
static bool find_below(mw_matrices *m, mw_node node, mw_error *err) {
  size_t depth = 0;
  MW_TRY(push(m, node, &depth, err));
  while (depth) {
    mw_node at = m->stack[--depth];
    mw_graph_node_facts facts = facts_of(m, at);
    if (!facts.matrices || (!facts.shape && !facts.variable) || mw_graph_is_found(facts.op)) continue;
    if (is_matrix(m, at) && !facts.variable) {
      MW_TRY(mw_mem_grow(&m->list, &m->list_capacity, m->list_count + 1, sizeof *m->list, err));
      m->list[m->list_count++] = at;
      continue;
    }
    for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands; i++) MW_TRY(push(m, facts.operand[i], &depth, err));
  }
  return true;
}

/* The list becomes what the roots read directly. */
static bool find_wanted(mw_matrices *m, const mw_program_root *roots, size_t count, mw_error *err) {
  m->list_count = 0;
  m->walk++;
  for (size_t r = 0; r < count; r++) {
    mw_node values[2];
    for (unsigned i = mw_cone_values(m->job->graph, roots[r], values); i-- > 0;) MW_TRY(find_below(m, values[i], err));
  }
  return true;
}

bool mw_matrices_needed(mw_matrices *m, const mw_program_root *roots, size_t count, bool *needed, mw_error *err) {
  MW_TRY(find_wanted(m, roots, count, err));
  *needed = m->list_count > 0;
  return true;
}

static int ascending(const void *a, const void *b) {
  mw_node x = *(const mw_node *)a, y = *(const mw_node *)b;
  return (x > y) - (x < y);
}

/* Adds to the list what its members are made of, without what is held, and puts it in order. */
static bool complete(mw_matrices *m, mw_error *err) {
  for (size_t i = 0; i < m->list_count; i++) {
    mw_graph_node_facts facts = facts_of(m, m->list[i]);
    for (uint32_t o = 0; o < facts.operands && place_of(m, m->list[i]) == m->held_count; o++) {
      MW_TRY(find_below(m, facts.operand[o], err));
      facts = facts_of(m, m->list[i]);
    }
  }
  size_t left = 0;
  for (size_t i = 0; i < m->list_count; i++)
    if (place_of(m, m->list[i]) == m->held_count) m->list[left++] = m->list[i];
  m->list_count = left;
  if (left) qsort(m->list, left, sizeof *m->list, ascending);
  return true;
}

/* ---- holding ---- */

static void grow(mw_matrices *m, uint64_t bytes) {
  m->now += bytes;
  if (m->now > m->cost.memory) m->cost.memory = m->now;
}

static bool drop(mw_matrices *m, size_t i, mw_error *err) {
  m->now -= m->held[i].bytes;
  free(m->held[i].values);
  bool ok = !m->values || mw_values_hold(m->values, m->held[i].node, NULL, err);
  m->held[i] = m->held[--m->held_count];
  return ok;
}

static bool is_used(const mw_matrices_held *held) { return held->wanted || held->last_use; }

/* What the functions of a task take if nothing is held before. */
static bool need_alone(const mw_matrices *m, const mw_program_root *roots, size_t count, uint64_t *need, mw_error *err) {
  mw_matrices probe;
  bool ok = mw_matrices_new(&probe, m->job, err);
  probe.tile = m->tile;
  ok = ok && mw_matrices_make(&probe, roots, count, err);
  *need = probe.cost.memory;
  mw_matrices_free(&probe);
  return ok;
}

/* Drops what this task does not use, if it would have too little room beside. */
static bool make_room(mw_matrices *m, const mw_program_root *roots, size_t count, mw_error *err) {
  uint64_t need;
  if (!m->held_count) return true;
  MW_TRY(need_alone(m, roots, count, &need, err));
  for (size_t i = m->held_count; i-- > 0 && m->now + need > m->room;)
    if (!is_used(&m->held[i])) MW_TRY(drop(m, i, err));
  return true;
}

/* The functions of one task. */
typedef struct task_functions {
  mw_node *list, *wanted; /* both ascending */
  size_t *first_of, *last_of; /* of each of the list: 1 + the first and the last of the list that reads it; 0: none does */
  size_t count, wanted_count;
} task_functions;

static bool contains(const mw_node *list, size_t count, mw_node node) {
  return bsearch(&node, list, count, sizeof *list, ascending) != NULL;
}

/* Marks what the functions of the list read: the first and last use of each, the last of each held matrix. */
static bool find_uses(mw_matrices *m, const task_functions *f, mw_error *err) {
  for (size_t i = 0; i < f->count; i++) {
    mw_graph_node_facts facts = facts_of(m, f->list[i]);
    m->walk++;
    m->list_count = 0;
    for (uint32_t o = 0; o < facts.operands; o++) {
      MW_TRY(find_below(m, facts.operand[o], err));
      facts = facts_of(m, f->list[i]);
    }
    for (size_t k = 0; k < m->list_count; k++) {
      size_t held = place_of(m, m->list[k]);
      if (held < m->held_count) m->held[held].last_use = i + 1;
      const mw_node *own = bsearch(&m->list[k], f->list, f->count, sizeof *f->list, ascending);
      if (!own) continue;
      f->last_of[own - f->list] = i + 1;
      if (!f->first_of[own - f->list]) f->first_of[own - f->list] = i + 1;
    }
  }
  return true;
}

/* Where there is no memory for it, the matrix is freed. */
static bool hold(mw_matrices *m, mw_matrices_held held, mw_error *err) {
  if (!mw_mem_grow(&m->held, &m->held_capacity, m->held_count + 1, sizeof *m->held, err)) return free(held.values), false;
  m->held[m->held_count++] = held;
  return !m->values || mw_values_hold(m->values, held.node, held.values, err);
}

static bool may_go_on(const mw_matrices *m, mw_error *err) {
  return !m->goes_on || m->goes_on(m->team.owner) || mw_error_set(err, MW_INTERRUPTED, "interrupted");
}

static void count_cost(mw_matrices *m, double flops, uint64_t bytes_read) {
  m->cost.flops += flops;
  m->cost.bytes_read += bytes_read;
}

/* A minimisation, whose result is held. */
static bool descend(mw_matrices *m, const task_functions *f, size_t i, mw_error *err) {
  mw_descent descent = {0};
  mw_matrices_held held = {.node = f->list[i], .last_use = f->last_of[i], .wanted = contains(f->wanted, f->wanted_count, f->list[i])};
  bool ok = mw_descent_begin(&descent, m, held.node, err);
  if (ok) {
    held.bytes = descent.result_bytes;
    grow(m, descent.bytes);
    count_cost(m, descent.flops, descent.bytes_read);
    ok = !m->kernels || (may_go_on(m, err) && mw_descent_run(&descent, &held.values, err));
    m->now -= descent.bytes - held.bytes;
  }
  mw_descent_end(&descent);
  return ok && hold(m, held, err);
}

static uint64_t taken(const mw_matrix_step *step) { return step->operand_bytes + step->result_bytes + step->work_bytes; }

/* How many of the functions from list[from] on are computed side by side, a thread each: those that would take one thread anyway, and of
 * which none reads another; as long as what they take is no large part of the machine's memory. */
static bool begin_group(mw_matrices *m, const task_functions *f, size_t from, mw_matrix_step *steps, size_t *count, mw_error *err) {
  enum { PART = 4 };
  uint64_t all = 0;
  *count = 0;
  for (size_t i = from; i < f->count && *count < (size_t)m->job->threads && facts_of(m, f->list[i]).op != MW_OP_MINIMISE; i++) {
    mw_matrix_step *step = &steps[*count];
    for (size_t k = from; k < i; k++)
      if (f->first_of[k] && f->first_of[k] <= i + 1) return true;
    MW_TRY(mw_matrix_step_begin(step, m, f->list[i], err));
    all += taken(step);
    if (*count && (!mw_matrix_step_is_alone(step) || all > mw_machine_memory() / PART)) return true;
    ++*count;
    if (!mw_matrix_step_is_alone(step)) return true;
  }
  return true;
}

/* Makes these functions, whose results are held. */
static bool make(mw_matrices *m, const task_functions *f, size_t from, const mw_matrix_step *steps, size_t count, mw_error *err) {
  void **values = mw_mem_new(count, sizeof *values, err);
  bool ok = values != NULL;
  for (size_t i = 0; i < count; i++) {
    grow(m, taken(&steps[i]));
    count_cost(m, steps[i].flops, steps[i].bytes_read);
  }
  if (ok && m->kernels) ok = may_go_on(m, err) && mw_matrix_step_run(steps, count, values, err);
  for (size_t i = 0; i < count && values; i++) {
    if (!ok) {
      free(values[i]);
      continue;
    }
    mw_matrices_held held = {.node = steps[i].node, .values = values[i], .bytes = steps[i].result_bytes, .last_use = f->last_of[from + i],
                             .wanted = contains(f->wanted, f->wanted_count, steps[i].node)};
    m->now -= taken(&steps[i]) - held.bytes;
    ok = hold(m, held, err);
  }
  free(values);
  return ok;
}

/* Makes the functions in order; what only they read is dropped after its last use. */
static bool make_all(mw_matrices *m, const task_functions *f, mw_error *err) {
  mw_matrix_step *steps = mw_mem_new((size_t)m->job->threads + 1, sizeof *steps, err);
  bool ok = steps != NULL;
  for (size_t i = 0, count; i < f->count && ok; i += count) {
    ok = begin_group(m, f, i, steps, &count, err) &&
         (count ? make(m, f, i, steps, count, err) : descend(m, f, i, err));
    count += !count;
    for (size_t k = m->held_count; k-- > 0 && ok;)
      if (!m->held[k].wanted && m->held[k].last_use && m->held[k].last_use <= i + count) ok = drop(m, k, err);
  }
  free(steps);
  return ok;
}

/* A copy of the list that can be searched. */
static mw_node *take_list(const mw_matrices *m, size_t *count, mw_error *err) {
  mw_node *list = mw_mem_new(m->list_count, sizeof *list, err);
  *count = list ? m->list_count : 0;
  if (*count) memcpy(list, m->list, *count * sizeof *list);
  if (*count) qsort(list, *count, sizeof *list, ascending);
  return list;
}

bool mw_matrices_make(mw_matrices *m, const mw_program_root *roots, size_t count, mw_error *err) {
  task_functions f = {0};
  MW_TRY(find_wanted(m, roots, count, err));
  bool ok = (f.wanted = take_list(m, &f.wanted_count, err)) != NULL;
  for (size_t i = 0; i < m->held_count && ok; i++) {
    m->held[i].wanted = contains(f.wanted, f.wanted_count, m->held[i].node);
    m->held[i].last_use = 0;
  }
  ok = ok && complete(m, err) && (f.list = take_list(m, &f.count, err)) != NULL &&
       (f.last_of = mw_mem_new(f.count, sizeof *f.last_of, err)) != NULL &&
       (f.first_of = mw_mem_new(f.count, sizeof *f.first_of, err)) != NULL;
  ok = ok && find_uses(m, &f, err) && (!f.count || make_room(m, roots, count, err)) && make_all(m, &f, err);
  free(f.wanted);
  free(f.list);
  free(f.last_of);
  free(f.first_of);
  return ok;
}

/* Each task alone says how much room there must be; all in their order say what is computed again. */
bool mw_matrices_measure(const mw_job *job, size_t tile, mw_matrices_cost *cost, mw_error *err) {
  *cost = (mw_matrices_cost){0};
  if (!mw_matrices_any(job)) return true;
  mw_matrices all;
  bool ok = mw_matrices_new(&all, job, err);
  all.tile = tile;
  for (int round = 0; round < 2; round++)
    for (size_t t = 0; t < job->schedule->task_count && ok; t++) {
      const mw_schedule_task *task = &job->schedule->tasks[t];
      const mw_program_root *roots = job->schedule->roots + task->first_root;
      uint64_t need = 0;
      ok = round ? mw_matrices_make(&all, roots, task->root_count, err) : need_alone(&all, roots, task->root_count, &need, err);
      if (ok && !round && need > all.room) all.room = need;
    }
  *cost = all.cost;
  cost->room = all.room;
  mw_matrices_free(&all);
  return ok;
}

void mw_matrices_free(mw_matrices *m) {
  for (size_t i = 0; i < m->held_count; i++) free(m->held[i].values);
  free(m->held);
  free(m->list);
  free(m->stack);
  free(m->seen);
  *m = (mw_matrices){0};
}
