/* matrix_step.c: see matrix_step.h. An operand that is a stream is read in ranges, each by a feed of its own; ranges are cut by its
 * size, and what an element is does not depend on them. */
#include "exec/matrix_step.h"
#include "exec/bad_input.h"
#include "exec/feed.h"
#include "expr/matrix_rules.h"
#include <stdlib.h>
#include <string.h>

enum { RANGE = 256 << 10 };

static mw_graph_node_facts facts_of(const mw_matrix_step *s, mw_node node) { return mw_graph_facts(s->of->job->graph, node); }
static uint64_t elements_of(const mw_matrix_step *s, mw_node node) {
  return mw_graph_elements(s->of->job->graph, facts_of(s, node).shape);
}
static size_t size_of(const mw_matrix_step *s) { return s->call.f64 ? sizeof(double) : sizeof(float); }
static mw_dtype dtype_of(const mw_matrix_step *s) { return s->call.f64 ? MW_DTYPE_F64 : MW_DTYPE_F32; }

/* ---- what it is ---- */

static mw_matrix_kind kind_of(mw_op op) {
  switch (op) {
  case MW_OP_MATMUL: return MW_MATRIX_PRODUCT;
  case MW_OP_SVD: return MW_MATRIX_SVD;
  case MW_OP_LOW_RANK: return MW_MATRIX_LOW_RANK;
  case MW_OP_ORTHOGONAL: return MW_MATRIX_ORTHOGONAL;
  case MW_OP_QR: return MW_MATRIX_QR;
  case MW_OP_EIGH: return MW_MATRIX_EIGEN;
  case MW_OP_SOLVE: return MW_MATRIX_SOLVE;
  case MW_OP_PINV: return MW_MATRIX_INVERSE;
  case MW_OP_ASSIGN: return MW_MATRIX_ASSIGN;
  case MW_OP_CUMULATIVE: return MW_MATRIX_CUMULATIVE;
  case MW_OP_DIAGONAL: return MW_MATRIX_DIAGONAL;
  case MW_OP_TURN: return MW_MATRIX_TURN;
  case MW_OP_BY_ROW: return MW_MATRIX_BY_ROW;
  case MW_OP_HELD: return MW_MATRIX_COPY;
  default: return MW_MATRIX_BY_COLUMN;
  }
}

/* As errors say it. */
static const char *name_of(mw_op op) {
  if (op == MW_OP_BY_ROW || op == MW_OP_BY_COLUMN) return op == MW_OP_BY_ROW ? "scale_rows" : "scale_columns";
  return mw_graph_op_name(op == MW_OP_HELD ? MW_OP_MINIMISE : op);
}

static void describe(mw_matrix_step *s, mw_graph_node_facts facts) {
  const mw_graph *graph = s->of->job->graph;
  mw_matrix_rules_form a = mw_matrix_rules_read(graph, facts_of(s, facts.operand[0]).shape);
  uint64_t own = mw_graph_elements(graph, facts.shape);
  s->call = (mw_matrix_call){.kind = kind_of(facts.op), .f64 = facts.dtype == MW_DTYPE_F64, .m = a.rows, .n = a.columns,
                             .r = facts.extra[0]};
  s->matrices = a.matrices;
  if (facts.op == MW_OP_CUMULATIVE) { /* all rows are one matrix */
    unsigned rank = mw_graph_rank(graph, facts.shape);
    s->call.n = mw_graph_dims(graph, facts.shape)[rank - 1];
    s->call.m = s->call.n ? own / s->call.n : 0;
    s->matrices = 1;
  }
  if (facts.op == MW_OP_MATMUL || facts.op == MW_OP_SOLVE) {
    mw_matrix_rules_form b = mw_matrix_rules_read(graph, facts_of(s, facts.operand[1]).shape);
    s->call.r = facts.op == MW_OP_MATMUL ? a.columns : b.columns;
    if (facts.op == MW_OP_MATMUL) s->call.n = b.columns;
  }
  s->result_elements = own;
  s->result_stride = s->matrices ? own / s->matrices : 0;
}

/* ---- where its operands lie ---- */

/* What a view of something that lies in memory is of it, if its elements follow one another there: the part and where it begins. */
static bool is_piece(const mw_matrix_step *s, mw_graph_node_facts facts, uint64_t *offset) {
  uint32_t of = facts.operands ? facts_of(s, facts.operand[0]).shape : 0;
  const mw_graph *graph = s->of->job->graph;
  if (facts.op == MW_OP_RESHAPE) return *offset = 0, true;
  if (facts.op == MW_OP_SLICE_COLUMNS && mw_graph_rank(graph, of) == 1) return *offset = facts.extra[0], true;
  if (facts.op != MW_OP_SLICE_ROWS) return false;
  uint64_t rows = mw_graph_dims(graph, of)[0];
  *offset = rows ? facts.extra[0] * (mw_graph_elements(graph, of) / rows) : 0;
  return true;
}

static mw_matrix_step_operand find_operand(const mw_matrix_step *s, mw_node node, bool product) {
  mw_matrix_step_operand o = {.elements = elements_of(s, node)};
  mw_graph_node_facts facts = facts_of(s, node);
  if (product && facts.op == MW_OP_TRANSPOSE) {
    o.turned = true;
    node = facts.operand[0];
  }
  o.stride = s->matrices ? o.elements / s->matrices : 0;
  uint64_t offset;
  mw_node at = node;
  for (facts = facts_of(s, at); is_piece(s, facts, &offset); facts = facts_of(s, at)) {
    o.offset += offset;
    at = facts.operand[0];
  }
  if (mw_graph_op_class(facts.op) == MW_CLASS_MATRIX && facts.dtype == dtype_of(s)) o.matrix = at;
  else o.node = node, o.offset = 0;
  return o;
}

/* ---- what it takes ---- */

/* Bytes of the files of all inputs below a node, each once, up to the matrices below it. */
bool mw_matrix_step_files(mw_matrices *m, mw_node node, uint64_t *bytes, mw_error *err) {
  const mw_graph *graph = m->job->graph;
  size_t depth = 0;
  MW_TRY(mw_mem_grow(&m->stack, &m->stack_capacity, 1, sizeof *m->stack, err));
  m->stack[depth++] = node;
  while (depth) {
    mw_node at = m->stack[--depth];
    mw_graph_node_facts facts = mw_graph_facts(graph, at);
    if (m->seen[at] == m->walk || !facts.shape || mw_graph_op_class(facts.op) == MW_CLASS_MATRIX || mw_graph_is_found(facts.op)) continue;
    m->seen[at] = m->walk;
    if (facts.op == MW_OP_INPUT) *bytes += mw_graph_elements(graph, facts.shape) * mw_job_file_bytes(m->job, at);
    for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands; i++) {
      MW_TRY(mw_mem_grow(&m->stack, &m->stack_capacity, depth + 1, sizeof *m->stack, err));
      m->stack[depth++] = facts.operand[i];
    }
  }
  return true;
}

static bool add_operand(mw_matrix_step *s, const mw_matrix_step_operand *o, mw_error *err) {
  uint64_t feed;
  if (!o->node) return true;
  MW_TRY(mw_feed_bytes(s->of->job->graph, o->node, dtype_of(s), s->of->tile, &feed, err));
  s->operand_bytes += o->elements * size_of(s) + feed * (uint64_t)s->threads;
  return mw_matrix_step_files(s->of, o->node, &s->bytes_read, err);
}

/* What is read into memory for its own sake is the result. */
static bool is_kept(const mw_matrix_step *s) { return mw_graph_op(s->of->job->graph, s->node) == MW_OP_HELD && s->operands[0].node; }

bool mw_matrix_step_begin(mw_matrix_step *s, mw_matrices *of, mw_node node, int threads, mw_error *err) {
  *s = (mw_matrix_step){.of = of, .node = node, .threads = threads};
  mw_graph_node_facts facts = facts_of(s, node);
  describe(s, facts);
  s->operand_count = facts.operands;
  of->walk++;
  for (uint32_t i = 0; i < s->operand_count; i++) {
    s->operands[i] = find_operand(s, facts.operand[i], facts.op == MW_OP_MATMUL);
    MW_TRY(add_operand(s, &s->operands[i], err));
  }
  s->call.a_turned = s->operands[0].turned;
  s->call.b_turned = s->operand_count > 1 && s->operands[1].turned;
  s->result_bytes = s->result_elements * size_of(s);
  if (is_kept(s)) s->operand_bytes -= s->result_bytes;
  uint64_t at_a_time = s->matrices < (uint64_t)threads ? s->matrices : (uint64_t)threads;
  s->work_bytes = mw_matrix_bytes(&s->call) * at_a_time;
  s->flops = mw_matrix_flops(&s->call) * (double)s->matrices;
  return true;
}

/* ---- reading ---- */

/* Makes known what a program reads beside tensors. */
static bool prepare(void *context, const mw_program *program, mw_error *err) {
  const mw_matrices *m = context;
  double number;
  mw_values_vector *vector;
  const void *memory;
  for (size_t i = 0; i < program->scalar_count; i++) MW_TRY(mw_values_get(m->values, program->scalars[i], &number, err));
  for (size_t i = 0; i < program->vector_count; i++) MW_TRY(mw_values_make(m->values, program->vectors[i], &vector, err));
  for (size_t i = 0; i < program->input_count; i++)
    if (mw_graph_is_memory(mw_graph_op(m->job->graph, program->inputs[i])))
      MW_TRY(mw_values_memory(m->values, m->job, program->inputs[i], &memory, err));
  return true;
}

typedef struct reading {
  const mw_matrices *of;
  mw_node node;
  mw_dtype dtype;
  uint64_t elements, range;
  unsigned char *to;
  mw_error *errors; /* of each range; MW_OK where there is none */
} reading;

static void read_range(void *context, size_t i) {
  const reading *r = context;
  const mw_matrices *m = r->of;
  uint64_t start = i * r->range, count = r->elements - start < r->range ? r->elements - start : r->range;
  mw_feed *feed;
  mw_error err = {0};
  if (!mw_feed_open(m->job, m->kernels, m->tile, m->values, r->node, r->dtype, &feed, &err)) {
    r->errors[i] = err;
    return;
  }
  if (!mw_feed_read(feed, start, count, r->to + start * mw_dtype_size(r->dtype), &err)) r->errors[i] = err;
  mw_feed_close(feed);
}

bool mw_matrix_step_prepare(const mw_matrices *of, mw_node node, mw_dtype dtype, mw_error *err) {
  return mw_feed_programs(of->job->graph, node, dtype, prepare, (void *)(uintptr_t)of, err);
}

/* What it depends on is prepared. */
static bool read_by(const mw_team *team, const mw_matrices *of, mw_node node, mw_dtype dtype, void *to, mw_error *err) {
  mw_graph_node_facts facts = mw_graph_facts(of->job->graph, node);
  reading r = {.of = of, .node = node, .dtype = dtype, .range = RANGE, .to = to};
  r.elements = mw_graph_elements(of->job->graph, facts.shape);
  if (facts.turned) r.range = MW_FEED_TURNED;
  size_t ranges = (size_t)((r.elements + r.range - 1) / r.range), bad = 0;
  if (!(r.errors = mw_mem_new(ranges, sizeof *r.errors, err))) return false;
  mw_team_share(team, ranges, read_range, &r);
  while (bad < ranges && r.errors[bad].status == MW_OK) bad++;
  if (bad < ranges) *err = r.errors[bad];
  free(r.errors);
  return bad == ranges;
}

bool mw_matrix_step_read(const mw_matrices *of, mw_node node, mw_dtype dtype, void *to, mw_error *err) {
  return mw_matrix_step_prepare(of, node, dtype, err) && read_by(&of->team, of, node, dtype, to, err);
}

/* ---- errors ---- */

/* The first input below a node: what an error names. */
static mw_node first_input(const mw_graph *graph, mw_node node) {
  for (;;) {
    mw_graph_node_facts facts = mw_graph_facts(graph, node);
    uint32_t i = mw_graph_op_first(facts.op);
    if (facts.op == MW_OP_INPUT) return node;
    while (i < facts.operands && !mw_graph_facts(graph, facts.operand[i]).shape) i++;
    if (i == facts.operands) return 0;
    node = facts.operand[i];
  }
}

bool mw_matrix_step_name(const mw_matrices *of, mw_node node, mw_error *err) {
  const mw_graph *graph = of->job->graph;
  mw_node input = first_input(graph, node);
  mw_text_escaped name;
  return input && err->status == MW_DATA
             ? mw_error_wrap(err, "tensor '%s'", mw_text_escape_z(&name, mw_job_tensor(of->job, mw_graph_facts(graph, input))->name))
             : false;
}

/* A model's NaN is told of with its file; else an operand has become one. */
static bool refuse_operand(const mw_matrix_step *s, mw_node operand, mw_error *err) {
  if (!mw_bad_input_report(s->of->job, s->of->kernels, operand, err))
    return mw_error_hint(err, "a function of whole matrices needs finite numbers, whatever --nonfinite says");
  mw_error_set(err, MW_DATA, "what goes into a function of whole matrices (%s) is NaN or infinite",
               name_of(facts_of(s, s->node).op));
  mw_error_hint(err, "a division by zero before it, perhaps: ratio(x, y) is 0 there");
  return mw_matrix_step_name(s->of, s->node, err);
}

bool mw_matrix_step_finite(const mw_matrices *of, mw_dtype dtype, const void *values, uint64_t elements) {
  double peak = 0;
  const mw_kernel_set *k = &of->kernels->type[dtype == MW_DTYPE_F64];
  for (uint64_t at = 0; at < elements && peak - peak == 0; at += RANGE) {
    uint64_t count = elements - at < RANGE ? elements - at : RANGE;
    peak = k->peak(peak, (const unsigned char *)values + at * mw_dtype_size(dtype), (size_t)count);
  }
  return peak - peak == 0;
}

/* ---- the run ---- */

typedef struct running {
  const mw_matrix_step *step;
  const unsigned char *operands[2];
  unsigned char *read[2]; /* of these, what was read into memory */
  unsigned char *out;
  size_t failed; /* the first matrix on which the function failed; SIZE_MAX: none */
  bool made;
} running;

static bool compute(const running *r, const mw_team *team, size_t i, mw_error *err) {
  const mw_matrix_step *s = r->step;
  mw_matrix_call call = s->call;
  call.a = r->operands[0] + i * s->operands[0].stride * size_of(s);
  call.b = s->operand_count > 1 ? r->operands[1] + i * s->operands[1].stride * size_of(s) : NULL;
  call.out = r->out + i * s->result_stride * size_of(s);
  return mw_matrix_compute(team, &s->of->kernels->type[call.f64], &call, err);
}

static void compute_one(void *context, size_t i) {
  running *r = context;
  const mw_team alone = {0};
  mw_error err;
  if (compute(r, &alone, i, &err)) return;
  size_t before = __atomic_load_n(&r->failed, __ATOMIC_RELAXED);
  while (i < before && !__atomic_compare_exchange_n(&r->failed, &before, i, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) continue;
}

/* One matrix takes all threads; of several each takes one. A failure is met again, to tell of it. */
static bool compute_all(running *r, const mw_team *team, mw_error *err) {
  const mw_matrix_step *s = r->step;
  const mw_team alone = {0};
  if (s->matrices == 1) return compute(r, team, 0, err);
  mw_team_share(team, (size_t)s->matrices, compute_one, r);
  return r->failed == SIZE_MAX || compute(r, &alone, r->failed, err);
}

bool mw_matrix_step_is_alone(const mw_matrix_step *s) {
  const size_t least = s->call.m < s->call.n ? s->call.m : s->call.n;
  if (s->matrices != 1) return false;
  return s->call.kind == MW_MATRIX_EIGEN || (s->call.kind == MW_MATRIX_SVD && !mw_svd_is_sampled(least, s->call.r));
}

/* Reads the operands, and takes memory for the result. */
static bool fetch(running *r, const mw_team *team, mw_error *err) {
  const mw_matrix_step *s = r->step;
  mw_graph_node_facts facts = facts_of(s, s->node);
  for (uint32_t i = 0; i < s->operand_count; i++) {
    const mw_matrix_step_operand *o = &s->operands[i];
    const void *memory;
    if (o->matrix) {
      MW_TRY(mw_values_memory(s->of->values, s->of->job, o->matrix, &memory, err));
      r->operands[i] = (const unsigned char *)memory + o->offset * size_of(s);
      continue;
    }
    r->operands[i] = r->read[i] = mw_mem_new((size_t)o->elements, size_of(s), err);
    MW_TRY(r->read[i] && read_by(team, s->of, o->node, dtype_of(s), r->read[i], err));
    if (!mw_matrix_step_finite(s->of, dtype_of(s), r->read[i], o->elements)) return refuse_operand(s, facts.operand[i], err);
  }
  if (is_kept(s)) r->out = r->read[0], r->read[0] = NULL;
  else r->out = mw_mem_new((size_t)s->result_elements, size_of(s), err);
  return r->out != NULL;
}

static void release_operands(running *r) {
  for (int i = 0; i < 2; i++) {
    free(r->read[i]);
    r->read[i] = NULL;
  }
}

/* Reads and computes. The result is looked at, and what it was computed from is freed. */
static bool run_by(running *r, const mw_team *team, mw_error *err) {
  const mw_matrix_step *s = r->step;
  bool ok = fetch(r, team, err);
  if (ok && !is_kept(s) && !compute_all(r, team, err)) ok = mw_matrix_step_name(s->of, s->node, err);
  release_operands(r);
  if (!ok || mw_matrix_step_finite(s->of, dtype_of(s), r->out, s->result_elements)) return ok;
  mw_error_set(err, MW_DATA, "the result of a function of whole matrices (%s) is beyond its dtype", name_of(facts_of(s, s->node).op));
  return mw_matrix_step_name(s->of, s->node, err);
}

static bool may_go_on(const mw_matrices *of, mw_error *err) {
  return !of->goes_on || of->goes_on(of->team.owner) || mw_error_set(err, MW_INTERRUPTED, "interrupted");
}

static void run_one(void *context, size_t i) {
  running *r = (running *)context + i;
  const mw_team alone = {0};
  mw_error err;
  r->made = may_go_on(r->step->of, &err) && run_by(r, &alone, &err);
}

/* What failed side by side is met again, to tell of it. */
static bool run_again(running *r, mw_error *err) {
  if (r->made) return true;
  free(r->out);
  *r = (running){.step = r->step, .failed = SIZE_MAX};
  return may_go_on(r->step->of, err) && run_by(r, &r->step->of->team, err);
}

bool mw_matrix_step_run(const mw_matrix_step *steps, size_t count, void **out, mw_error *err) {
  running *all = mw_mem_new(count, sizeof *all, err);
  bool ok = all != NULL;
  for (size_t i = 0; i < count && ok; i++) {
    const mw_matrix_step *s = &steps[i];
    all[i] = (running){.step = s, .failed = SIZE_MAX};
    for (uint32_t o = 0; o < s->operand_count && ok; o++)
      if (s->operands[o].node) ok = mw_matrix_step_prepare(s->of, s->operands[o].node, dtype_of(s), err);
  }
  if (ok && count == 1) ok = run_by(&all[0], &steps[0].of->team, err);
  if (ok && count > 1) mw_team_share(&steps[0].of->team, count, run_one, all);
  for (size_t i = 0; i < count && count > 1 && ok; i++) ok = run_again(&all[i], err);
  for (size_t i = 0; i < count && all; i++) {
    if (!ok) free(all[i].out);
    out[i] = ok ? all[i].out : NULL;
  }
  free(all);
  return ok;
}
