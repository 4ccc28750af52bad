/* matrices.c: which functions a task needs, in which order, and what is in memory meanwhile. A plan goes through the same steps as a
 * run, but computes nothing: so what it says of memory is what the run takes. Operands have lower numbers than their users, so
 * functions are made in the order of their nodes. */
#include "exec/matrices.h"
#include "base/machine.h"
#include "exec/descent.h"
#include "exec/matrix_step.h"
#include "expr/cone.h"
#include <math.h>
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

/* Bytes from which on functions are no more made together: a large part of the machine's memory. It is asked for once. */
static uint64_t large(mw_matrices *m) {
  enum { PART = 4 };
  if (!m->large) m->large = mw_machine_memory() / PART + 1;
  return m->large;
}

static bool is_used(const mw_matrices_held *held) { return held->wanted || held->readers; }

/* What the functions of a task take if nothing is held before. */
static bool need_alone(mw_matrices *m, const mw_program_root *roots, size_t count, uint64_t *need, mw_error *err) {
  mw_matrices probe;
  bool ok = mw_matrices_new(&probe, m->job, err);
  probe.tile = m->tile;
  probe.large = large(m);
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

/* What a function reads: a matrix, and its place among the functions that are made now, from 1 on; 0: it is held. */
typedef struct reading {
  mw_node node;
  size_t own;
} reading;

/* The functions that are made together. */
typedef struct functions {
  mw_node *list, *wanted; /* both ascending */
  size_t count, wanted_count;
  bool *made;
  size_t *readers;        /* of each: how many of the list read it */
  reading *reads;         /* of function i from first_read[i] to first_read[i + 1] */
  size_t *first_read, read_count, read_capacity;
} functions;

static bool contains(const mw_node *list, size_t count, mw_node node) {
  return bsearch(&node, list, count, sizeof *list, ascending) != NULL;
}

/* Finds what each of the list reads, and counts the readers of these and of what is held. */
static bool find_reads(mw_matrices *m, functions *f, mw_error *err) {
  for (size_t i = 0; i < f->count; i++) {
    mw_graph_node_facts facts = facts_of(m, f->list[i]);
    m->walk++;
    m->list_count = 0;
    for (uint32_t o = 0; o < facts.operands; o++) {
      MW_TRY(find_below(m, facts.operand[o], err));
      facts = facts_of(m, f->list[i]);
    }
    MW_TRY(mw_mem_grow(&f->reads, &f->read_capacity, f->read_count + m->list_count + 1, sizeof *f->reads, err));
    for (size_t k = 0; k < m->list_count; k++) {
      const mw_node *own = bsearch(&m->list[k], f->list, f->count, sizeof *f->list, ascending);
      if (own) f->readers[own - f->list]++;
      else m->held[place_of(m, m->list[k])].readers++;
      f->reads[f->read_count++] = (reading){m->list[k], own ? (size_t)(own - f->list) + 1 : 0};
    }
    f->first_read[i + 1] = f->read_count;
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

static mw_matrices_held made(const functions *f, size_t i, void *values, uint64_t bytes) {
  return (mw_matrices_held){.node = f->list[i], .values = values, .bytes = bytes, .readers = f->readers[i],
                            .wanted = contains(f->wanted, f->wanted_count, f->list[i])};
}

/* A minimisation, whose result is held. */
static bool descend(mw_matrices *m, const functions *f, size_t i, mw_error *err) {
  mw_descent descent = {0};
  void *values = NULL;
  bool ok = mw_descent_begin(&descent, m, f->list[i], err);
  const uint64_t bytes = descent.result_bytes;
  if (ok) {
    grow(m, descent.bytes);
    count_cost(m, descent.flops, descent.bytes_read);
    ok = !m->kernels || (may_go_on(m, err) && mw_descent_run(&descent, &values, err));
    m->now -= descent.bytes - bytes;
  }
  mw_descent_end(&descent);
  return ok && hold(m, made(f, i, values, bytes), err);
}

/* ---- side by side ---- */

/* Functions that do not read one another may be computed side by side, a thread each: so LAPACK, which takes one thread, leaves none idle,
 * and no thread waits for another within a product. As many at a time as their memory is no large part of the machine's. */
enum { EACH = 4, FURTHER = 16 };
#define SHARED 0.75 /* of the threads' time that a function makes use of which all of them compute */

/* Functions of the list that are computed at a time, those that take longest first. */
typedef struct group {
  struct { mw_matrix_step step; size_t place; } *members;
  mw_matrix_step *steps;
  void **values;
  size_t count;
} group;

static uint64_t beside(const mw_matrix_step *step) { return step->operand_bytes + step->work_bytes; }

/* Bytes that a group takes: all results, and of what is taken beside the largest of as many as there are threads. */
static uint64_t group_bytes(const group *g, size_t threads) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < g->count; i++) {
    const uint64_t own = beside(&g->members[i].step);
    size_t larger = 0;
    for (size_t k = 0; k < g->count; k++) larger += beside(&g->members[k].step) >= own + (k > i);
    bytes += g->members[i].step.result_bytes + (larger <= threads ? own : 0); /* it is one of the larger ones */
  }
  return bytes;
}

static bool is_ready(const functions *f, size_t i) {
  for (size_t r = f->first_read[i]; r < f->first_read[i + 1]; r++)
    if (f->reads[r].own && !f->made[f->reads[r].own - 1]) return false;
  return true;
}

/* Whether the group is done sooner side by side than one after the other by all threads. */
static bool is_faster_apart(const group *g, size_t threads) {
  double most = 0, all = 0, together = 0;
  for (size_t i = 0; i < g->count; i++) {
    const double flops = g->members[i].step.flops + 1;
    all += flops;
    if (flops > most) most = flops;
    together += mw_matrix_step_is_alone(&g->members[i].step) ? flops : flops / (SHARED * (double)threads);
  }
  return fmax(most, all / (double)threads) <= together;
}

/* The functions that are ready, from `first` on, which is; those that do not fit are left for later. Alone: `first`. */
static bool choose_group(mw_matrices *m, const functions *f, size_t first, group *g, mw_error *err) {
  const size_t threads = (size_t)m->job->threads, most = threads > 1 ? EACH * threads : 1;
  g->count = 0;
  for (size_t i = first; i < f->count && i - first < FURTHER * most && g->count < most; i++) {
    if (f->made[i] || facts_of(m, f->list[i]).op == MW_OP_MINIMISE || !is_ready(f, i)) continue;
    size_t at = g->count++;
    mw_matrix_step step;
    MW_TRY(mw_matrix_step_begin(&step, m, f->list[i], 1, err));
    for (; at > 0 && g->members[at - 1].step.flops < step.flops; at--) g->members[at] = g->members[at - 1];
    g->members[at].step = step;
    g->members[at].place = i;
    if (g->count == 1 || group_bytes(g, threads) < large(m)) continue;
    for (g->count--; at < g->count; at++) g->members[at] = g->members[at + 1];
    break;
  }
  if (g->count > threads && g->count < 2 * threads) g->count = threads;
  if (g->count > 1 && is_faster_apart(g, threads)) return true;
  g->count = 1;
  g->members[0].place = first;
  return mw_matrix_step_begin(&g->members[0].step, m, f->list[first], m->job->threads, err);
}

/* Makes the group, whose results are held. */
static bool make_group(mw_matrices *m, functions *f, group *g, mw_error *err) {
  const uint64_t bytes = group_bytes(g, (size_t)m->job->threads);
  grow(m, bytes);
  for (size_t i = 0; i < g->count; i++) {
    g->steps[i] = g->members[i].step;
    g->values[i] = NULL;
    count_cost(m, g->steps[i].flops, g->steps[i].bytes_read);
  }
  bool ok = !m->kernels || (may_go_on(m, err) && mw_matrix_step_run(g->steps, g->count, g->values, err));
  m->now -= bytes;
  for (size_t i = 0; i < g->count; i++) {
    if (!ok) {
      free(g->values[i]);
      continue;
    }
    m->now += g->steps[i].result_bytes;
    ok = hold(m, made(f, g->members[i].place, g->values[i], g->steps[i].result_bytes), err);
  }
  return ok;
}

/* Function `i` is made: what only it still had to read is dropped. */
static bool finish(mw_matrices *m, functions *f, size_t i, mw_error *err) {
  f->made[i] = true;
  for (size_t r = f->first_read[i]; r < f->first_read[i + 1]; r++) {
    const size_t at = place_of(m, f->reads[r].node);
    if (--m->held[at].readers == 0 && !m->held[at].wanted) MW_TRY(drop(m, at, err));
  }
  return true;
}

/* Makes the functions in order, and those with them that need not wait. */
static bool make_all(mw_matrices *m, functions *f, mw_error *err) {
  const size_t most = EACH * (size_t)m->job->threads;
  group g = {.members = mw_mem_new(most, sizeof *g.members, err)};
  bool ok = g.members && (g.steps = mw_mem_new(most, sizeof *g.steps, err)) && (g.values = mw_mem_new(most, sizeof *g.values, err));
  for (size_t i = 0; i < f->count && ok; i++) {
    if (f->made[i]) continue;
    if (facts_of(m, f->list[i]).op == MW_OP_MINIMISE) {
      ok = descend(m, f, i, err) && finish(m, f, i, err);
      continue;
    }
    ok = choose_group(m, f, i, &g, err) && make_group(m, f, &g, err);
    for (size_t k = 0; k < g.count && ok; k++) ok = finish(m, f, g.members[k].place, err);
    i -= !f->made[i];
  }
  free(g.members);
  free(g.steps);
  free(g.values);
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

/* ---- tasks together ---- */

/* Where there are threads, tasks that follow one another have their functions made together, so that there are more of them to be computed
 * side by side. A portion is such tasks: as many as AHEAD times the threads, as long as what they take is no large part of the
 * machine's memory. Nothing in it may depend on numbers that tasks find. */
enum { AHEAD = 2 };

/* Whether the functions of the list, and what they are made of, depend on no sink, and on no minimisation. */
static bool is_known(mw_matrices *m, bool *known, mw_error *err) {
  size_t depth = 0;
  m->walk++;
  for (size_t i = 0; i < m->list_count; i++) MW_TRY(push(m, m->list[i], &depth, err));
  for (*known = true; depth && *known;) {
    mw_graph_node_facts facts = facts_of(m, m->stack[--depth]);
    *known = !mw_graph_op_is_sink(facts.op) && facts.op != MW_OP_MINIMISE;
    for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands; i++) MW_TRY(push(m, facts.operand[i], &depth, err));
  }
  return true;
}

static int by_node(const void *a, const void *b) {
  const mw_matrices_member *x = a, *y = b;
  return ascending(&x->node, &y->node);
}

/* Takes down a portion, if it is more than one task. */
static bool close_portion(mw_matrices *m, mw_matrices_portion portion, size_t tasks, mw_error *err) {
  if (tasks < 2) return true;
  MW_TRY(find_wanted(m, m->job->schedule->roots + portion.first_root, portion.root_count, err));
  MW_TRY(mw_mem_grow(&m->portions, &m->portion_capacity, m->portion_count + 1, sizeof *m->portions, err));
  MW_TRY(mw_mem_grow(&m->members, &m->member_capacity, m->member_count + m->list_count + 1, sizeof *m->members, err));
  for (size_t i = 0; i < m->list_count; i++) m->members[m->member_count++] = (mw_matrices_member){m->list[i], (uint32_t)m->portion_count};
  m->portions[m->portion_count++] = portion;
  return true;
}

bool mw_matrices_plan(mw_matrices *m, mw_error *err) {
  const mw_schedule *schedule = m->job->schedule;
  mw_matrices_portion open = {0};
  size_t tasks = 0;
  for (size_t t = 0; t < schedule->task_count && m->job->threads > 1; t++) {
    const mw_schedule_task *task = &schedule->tasks[t];
    const uint32_t end = task->first_root + task->root_count;
    uint64_t need = 0;
    bool known = false;
    MW_TRY(find_wanted(m, schedule->roots + task->first_root, task->root_count, err));
    if (!m->list_count) continue;
    if (mw_job_is_own(m->job, task->rank)) MW_TRY(is_known(m, &known, err));
    if (known && tasks && tasks < AHEAD * (size_t)m->job->threads)
      MW_TRY(need_alone(m, schedule->roots + open.first_root, end - open.first_root, &need, err));
    if (need && need < large(m)) {
      open.root_count = end - open.first_root;
      tasks++;
      continue;
    }
    MW_TRY(close_portion(m, open, tasks, err));
    open = (mw_matrices_portion){.first_root = task->first_root, .root_count = task->root_count};
    tasks = known;
  }
  MW_TRY(close_portion(m, open, tasks, err));
  if (m->member_count) qsort(m->members, m->member_count, sizeof *m->members, by_node);
  return true;
}

/* The portion that the list has a function of that is not held, if none of that portion was made yet. */
static mw_matrices_portion *portion_of(const mw_matrices *m) {
  for (size_t i = 0; i < m->list_count && m->member_count; i++) {
    const mw_matrices_member key = {.node = m->list[i]};
    const mw_matrices_member *found = bsearch(&key, m->members, m->member_count, sizeof key, by_node);
    if (found && !m->portions[found->portion].made && place_of(m, key.node) == m->held_count) return &m->portions[found->portion];
  }
  return NULL;
}

/* ---- all of it ---- */

bool mw_matrices_make(mw_matrices *m, const mw_program_root *roots, size_t count, mw_error *err) {
  functions f = {0};
  MW_TRY(find_wanted(m, roots, count, err));
  mw_matrices_portion *portion = portion_of(m);
  if (portion) {
    portion->made = true;
    roots = m->job->schedule->roots + portion->first_root;
    count = portion->root_count;
    MW_TRY(find_wanted(m, roots, count, err));
  }
  bool ok = (f.wanted = take_list(m, &f.wanted_count, err)) != NULL;
  for (size_t i = 0; i < m->held_count && ok; i++) {
    m->held[i].wanted = contains(f.wanted, f.wanted_count, m->held[i].node);
    m->held[i].readers = 0;
  }
  ok = ok && complete(m, err) && (f.list = take_list(m, &f.count, err)) != NULL &&
       (f.made = mw_mem_new(f.count, sizeof *f.made, err)) != NULL && (f.readers = mw_mem_new(f.count, sizeof *f.readers, err)) != NULL &&
       (f.first_read = mw_mem_new(f.count + 1, sizeof *f.first_read, err)) != NULL;
  ok = ok && find_reads(m, &f, err) && (!f.count || make_room(m, roots, count, err)) && make_all(m, &f, err);
  free(f.wanted);
  free(f.list);
  free(f.made);
  free(f.readers);
  free(f.reads);
  free(f.first_read);
  return ok;
}

/* Each task alone, and each portion, says how much room there must be; all in their order say what is computed again. */
bool mw_matrices_measure(const mw_job *job, size_t tile, mw_matrices_cost *cost, mw_error *err) {
  *cost = (mw_matrices_cost){0};
  if (!mw_matrices_any(job)) return true;
  const mw_schedule *s = job->schedule;
  mw_matrices all;
  uint64_t need = 0;
  bool ok = mw_matrices_new(&all, job, err);
  all.tile = tile;
  ok = ok && mw_matrices_plan(&all, err);
  for (size_t t = 0; t < s->task_count + all.portion_count && ok; t++) {
    const bool task = t < s->task_count;
    const mw_matrices_portion *portion = task ? NULL : &all.portions[t - s->task_count];
    ok = need_alone(&all, s->roots + (task ? s->tasks[t].first_root : portion->first_root),
                    task ? s->tasks[t].root_count : portion->root_count, &need, err);
    if (ok && need > all.room) all.room = need;
  }
  for (size_t t = 0; t < s->task_count && ok; t++)
    ok = mw_matrices_make(&all, s->roots + s->tasks[t].first_root, s->tasks[t].root_count, err);
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
  free(m->portions);
  free(m->members);
  *m = (mw_matrices){0};
}
