/* descent.c: see descent.h. A sum is taken in pieces of a fixed size, which threads share; the pieces are added in their order. */
#include "exec/descent.h"
#include "exec/feed.h"
#include "exec/matrix_step.h"
#include "base/mathx.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 64 << 10 }; /* a multiple of MW_UNIT */
static const double B1 = 0.9, B2 = 0.999, EPSILON = 1e-8;

static mw_graph_node_facts facts_of(const mw_descent *d, mw_node node) { return mw_graph_facts(d->of->job->graph, node); }
static bool is_sum(const mw_descent *d, mw_node node) { return mw_graph_op_class(facts_of(d, node).op) == MW_CLASS_SUM; }

/* ---- what a step computes ---- */

static int ascending(const void *a, const void *b) {
  mw_node x = *(const mw_node *)a, y = *(const mw_node *)b;
  return (x > y) - (x < y);
}

/* Takes down what depends on x below the gradient: functions of matrices and sums, and numbers, which are forgotten after a step. */
static bool take(mw_descent *d, mw_node node, mw_error *err) {
  mw_graph_node_facts facts = facts_of(d, node);
  if (!facts.shape) {
    MW_TRY(mw_mem_grow(&d->scalars, &d->scalar_capacity, d->scalar_count + 1, sizeof *d->scalars, err));
    d->scalars[d->scalar_count++] = node;
  }
  bool computed = mw_graph_op_class(facts.op) == MW_CLASS_MATRIX || mw_graph_op_class(facts.op) == MW_CLASS_SUM;
  if (!computed || facts.op == MW_OP_VARIABLE) return true;
  MW_TRY(mw_mem_grow(&d->nodes, &d->capacity, d->count + 1, sizeof *d->nodes, err));
  d->nodes[d->count++] = node;
  return true;
}

static bool find_functions(mw_descent *d, mw_error *err) {
  mw_matrices *m = d->of;
  size_t depth = 0;
  m->walk++;
  MW_TRY(mw_mem_grow(&m->stack, &m->stack_capacity, 1, sizeof *m->stack, err));
  m->stack[depth++] = d->gradient;
  while (depth) {
    mw_node at = m->stack[--depth];
    mw_graph_node_facts facts = facts_of(d, at);
    if (m->seen[at] == m->walk || !facts.variable) continue;
    m->seen[at] = m->walk;
    MW_TRY(take(d, at, err));
    for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands; i++) {
      MW_TRY(mw_mem_grow(&m->stack, &m->stack_capacity, depth + 1, sizeof *m->stack, err));
      m->stack[depth++] = facts.operand[i];
    }
  }
  if (d->count) qsort(d->nodes, d->count, sizeof *d->nodes, ascending);
  return true;
}

/* Results of a step's functions stay until the next step replaces them; beside them is the most that one takes while it runs. */
static bool measure(mw_descent *d, mw_error *err) {
  const mw_graph *graph = d->of->job->graph;
  const uint64_t size = mw_dtype_size(d->dtype), threads = (uint64_t)d->of->job->threads;
  const uint64_t buffers = d->kind == MW_DESCENT_ADAM ? 4 : d->kind == MW_DESCENT_MOMENTUM ? 3 : 2, flops_each = 16;
  uint64_t held = d->elements * size * buffers, most, feed;
  MW_TRY(mw_feed_bytes(graph, d->gradient, d->dtype, d->of->tile, &feed, err));
  most = feed * threads;
  if (!(d->functions = mw_mem_new(d->count + 1, sizeof *d->functions, err))) return false;
  for (size_t i = 0; i < d->count; i++) {
    uint64_t taken = 2 * PIECE * sizeof(double) * threads;
    if (is_sum(d, d->nodes[i])) {
      MW_TRY(mw_feed_bytes(graph, facts_of(d, d->nodes[i]).operand[0], MW_DTYPE_F64, d->of->tile, &feed, err));
      taken += 2 * feed * threads;
    } else {
      mw_matrix_step *s = &d->functions[i];
      MW_TRY(mw_matrix_step_begin(s, d->of, d->nodes[i], d->of->job->threads, err));
      taken = s->operand_bytes + s->result_bytes + s->work_bytes;
      held += s->result_bytes;
      d->flops += s->flops * (double)d->steps;
    }
    if (taken > most) most = taken;
  }
  d->flops += (double)(flops_each * d->steps) * (double)d->elements;
  d->result_bytes = d->elements * size;
  d->bytes = held + most;
  d->of->walk++;
  return mw_matrix_step_files(d->of, d->start, &d->bytes_read, err);
}

bool mw_descent_begin(mw_descent *d, mw_matrices *of, mw_node node, mw_error *err) {
  mw_graph_node_facts facts = mw_graph_facts(of->job->graph, node);
  *d = (mw_descent){.of = of, .node = node, .start = facts.operand[0], .variable = facts.operand[1], .gradient = facts.operand[2],
                    .rate = facts.operand[3], .dtype = facts.dtype, .steps = facts.extra[0],
                    .elements = mw_graph_elements(of->job->graph, facts.shape)};
  d->kind = facts.extra[1] == 1 ? MW_DESCENT_PLAIN : facts.extra[1] == 2 ? MW_DESCENT_MOMENTUM : MW_DESCENT_ADAM;
  return find_functions(d, err) && measure(d, err);
}

void mw_descent_end(mw_descent *d) {
  free(d->functions);
  free(d->nodes);
  free(d->scalars);
}

/* ---- sums ---- */

typedef struct summing {
  const mw_descent *descent;
  mw_node operand[2]; /* the second is 0 where it is no product */
  mw_dtype dtype;
  uint64_t elements;
  double *sums;     /* of each piece */
  mw_error *errors;
} summing;

static double add_up(const summing *s, const void *x, const void *y, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    bool f64 = s->dtype == MW_DTYPE_F64;
    double a = f64 ? ((const double *)x)[i] : (double)((const float *)x)[i];
    sum += !y ? a : a * (f64 ? ((const double *)y)[i] : (double)((const float *)y)[i]);
  }
  return sum;
}

static bool read_piece(const summing *s, mw_node node, uint64_t start, uint64_t count, void *to, mw_error *err) {
  const mw_matrices *m = s->descent->of;
  mw_feed *feed;
  MW_TRY(mw_feed_open(m->job, m->kernels, m->tile, m->values, node, s->dtype, &feed, err));
  bool ok = mw_feed_read(feed, start, count, to, err);
  mw_feed_close(feed);
  return ok;
}

static void sum_piece(void *context, size_t i) {
  const summing *s = context;
  uint64_t start = i * PIECE, count = s->elements - start < PIECE ? s->elements - start : PIECE;
  const bool two = s->operand[1] && s->operand[1] != s->operand[0];
  mw_error *err = &s->errors[i];
  unsigned char *x = mw_mem_new(PIECE * (two ? 2 : 1), sizeof(double), err), *y = x ? x + PIECE * sizeof(double) : NULL;
  bool ok = x && read_piece(s, s->operand[0], start, count, x, err) && (!two || read_piece(s, s->operand[1], start, count, y, err));
  if (ok) s->sums[i] = add_up(s, x, two ? y : s->operand[1] ? x : NULL, (size_t)count);
  free(x);
}

static bool sum_up(const mw_descent *d, mw_node node, mw_error *err) {
  mw_graph_node_facts facts = facts_of(d, node);
  mw_matrices *m = d->of;
  summing s = {.descent = d, .operand = {facts.operand[0], facts.op == MW_OP_DOT ? facts.operand[1] : 0},
               .dtype = facts.f64 ? MW_DTYPE_F64 : MW_DTYPE_F32,
               .elements = mw_graph_elements(m->job->graph, facts_of(d, facts.operand[0]).shape)};
  size_t pieces = (size_t)((s.elements + PIECE - 1) / PIECE);
  for (int i = 0; i < 2 && s.operand[i]; i++) MW_TRY(mw_matrix_step_prepare(m, s.operand[i], s.dtype, err));
  s.sums = mw_mem_new(pieces + 1, sizeof *s.sums, err);
  s.errors = s.sums ? mw_mem_new(pieces + 1, sizeof *s.errors, err) : NULL;
  bool ok = s.errors != NULL;
  double sum = 0;
  if (ok) mw_team_share(&m->team, pieces, sum_piece, &s);
  for (size_t i = 0; i < pieces && ok; i++) {
    if (s.errors[i].status != MW_OK) *err = s.errors[i], ok = false;
    sum += s.sums[i];
  }
  free(s.sums);
  free(s.errors);
  return ok && mw_values_set(m->values, node, sum, err);
}

/* ---- steps ---- */

/* One step over a range of elements. */
typedef struct moving {
  const mw_descent *descent;
  void *x, *g, *m, *v;
  double rate, m_scale, v_scale; /* 1 / (1 - b^step) */
} moving;

#define MOVE(type, root) \
  type *x = a->x, *g = a->g, *m = a->m, *v = a->v; \
  const type b1 = (type)B1, b2 = (type)B2, epsilon = (type)EPSILON, rate = (type)a->rate; \
  const type m_scale = (type)a->m_scale, v_scale = (type)a->v_scale; \
  for (uint64_t k = first; k < last; k++) { \
    if (a->descent->kind != MW_DESCENT_ADAM) { \
      if (m) m[k] = b1 * m[k] + g[k]; \
      x[k] -= rate * (m ? m : g)[k]; \
      continue; \
    } \
    m[k] = b1 * m[k] + (1 - b1) * g[k]; \
    v[k] = b2 * v[k] + (1 - b2) * g[k] * g[k]; \
    x[k] -= rate * (m[k] * m_scale) / (root(v[k] * v_scale) + epsilon); \
  }

static void move_piece(void *context, size_t i) {
  const moving *a = context;
  uint64_t first = i * PIECE, last = a->descent->elements - first < PIECE ? a->descent->elements : first + PIECE;
  if (a->descent->dtype == MW_DTYPE_F64) { MOVE(double, sqrt) }
  else { MOVE(float, sqrtf) }
}

/* Computes the functions of a step and its gradient at x. */
static bool find_gradient(mw_descent *d, void *gradient, void **results, mw_error *err) {
  mw_values *values = d->of->values;
  for (size_t i = 0; i < d->scalar_count; i++) values->known[d->scalars[i]] = false;
  for (size_t i = 0; i < d->count; i++) {
    if (is_sum(d, d->nodes[i])) {
      MW_TRY(sum_up(d, d->nodes[i], err));
      continue;
    }
    void *result;
    MW_TRY(mw_matrix_step_run(&d->functions[i], 1, &result, err));
    MW_TRY(mw_values_hold(values, d->nodes[i], NULL, err));
    free(results[i]);
    results[i] = result;
    MW_TRY(mw_values_hold(values, d->nodes[i], result, err));
  }
  return mw_matrix_step_read(d->of, d->gradient, d->dtype, gradient, err);
}

static bool take_step(mw_descent *d, moving *a, uint64_t step, void **results, mw_error *err) {
  mw_matrices *m = d->of;
  if (m->goes_on && !m->goes_on(m->team.owner)) return mw_error_set(err, MW_INTERRUPTED, "interrupted");
  MW_TRY(find_gradient(d, a->g, results, err));
  if (!mw_matrix_step_finite(m, d->dtype, a->g, d->elements)) {
    mw_error_set(err, MW_DATA, "minimise's gradient is not finite in step %llu", (unsigned long long)step);
    return mw_error_hint(err, "a smaller rate, or a loss that has no root or quotient of what becomes 0");
  }
  a->m_scale = 1 / (1 - mw_mathx_pow(B1, (double)step));
  a->v_scale = 1 / (1 - mw_mathx_pow(B2, (double)step));
  const mw_team team = mw_team_for(&m->team, 16.0 * (double)d->elements);
  mw_team_share(&team, (size_t)((d->elements + PIECE - 1) / PIECE), move_piece, a);
  return true;
}

bool mw_descent_run(mw_descent *d, void **out, mw_error *err) {
  mw_matrices *m = d->of;
  const size_t size = mw_dtype_size(d->dtype), elements = (size_t)d->elements;
  void **results = mw_mem_new(d->count + 1, sizeof *results, err);
  moving a = {.descent = d};
  bool ok = results && (a.x = mw_mem_new(elements, size, err)) && (a.g = mw_mem_new(elements, size, err)) &&
            (d->kind == MW_DESCENT_PLAIN || (a.m = mw_mem_new(elements, size, err))) &&
            (d->kind != MW_DESCENT_ADAM || (a.v = mw_mem_new(elements, size, err)));
  ok = ok && mw_values_get(m->values, d->rate, &a.rate, err) && mw_matrix_step_read(m, d->start, d->dtype, a.x, err);
  if (ok && !isfinite(a.rate)) ok = mw_error_set(err, MW_DATA, "minimise's rate is %g", a.rate);
  ok = ok && mw_values_hold(m->values, d->variable, a.x, err);
  for (uint64_t step = 1; step <= d->steps && ok; step++) ok = take_step(d, &a, step, results, err);
  if (!ok && err->status == MW_DATA) mw_matrix_step_name(m, d->start, err);
  mw_error ignored;
  for (size_t i = 0; results && i < d->count; i++) {
    if (results[i]) mw_values_hold(m->values, d->nodes[i], NULL, &ignored);
    free(results[i]);
  }
  if (results) mw_values_hold(m->values, d->variable, NULL, &ignored);
  free(results);
  free(a.g);
  free(a.m);
  free(a.v);
  if (!ok) free(a.x);
  *out = ok ? a.x : NULL;
  return ok;
}
