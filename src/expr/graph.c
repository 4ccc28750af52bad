/* graph.c: storage and constructors of the expression graph. Nodes are 32 bytes, their operands lie in one pool, and a
 * hash table finds equal ones. Invariant: every operand's id is below its node's id, and every node satisfies the rules
 * of ops.def, whoever asked for it. */
#include "expr/graph.h"
#include "base/mathx.h"
#include "expr/rules.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct node {
  uint8_t op, dtype;
  bool f64 : 1, learned : 1, whole : 1, factor : 1;
  uint32_t shape, first, count;
  uint64_t extra[2];
} node;

typedef struct shape {
  uint32_t first, rank;
  uint64_t elements;
} shape;

enum { MAX_SHAPES = 4096, MAX_RANK = 64 };

struct mw_graph {
  node *nodes; /* [0] stands for no node */
  size_t count, capacity;
  mw_node *operands;
  size_t operand_count, operand_capacity;
  shape *shapes; /* [0] is the scalar's */
  size_t shape_count, shape_capacity;
  uint64_t *dims;
  size_t dim_count, dim_capacity;
  uint32_t *table; /* open addressing, a power of two, 0 is empty */
  size_t table_size;
};

static const struct {
  const char *name, *meaning;
  mw_graph_class class;
  int operands;
} operations[] = {
#define MW_OP(name, class, operands, meaning) {#name, meaning, MW_CLASS_##class, operands},
#include "expr/ops.def"
#undef MW_OP
};

const char *mw_graph_op_name(mw_op op) { return operations[op].name; }
const char *mw_graph_op_meaning(mw_op op) { return operations[op].meaning; }
mw_graph_class mw_graph_op_class(mw_op op) { return operations[op].class; }
int mw_graph_op_operands(mw_op op) { return operations[op].operands; }
uint32_t mw_graph_op_first(mw_op op) { return operations[op].class == MW_CLASS_CHANCE || op == MW_OP_LEARNED ? 1 : 0; }

bool mw_graph_new(mw_graph **out, mw_error *err) {
  mw_graph *graph = mw_mem_new(1, sizeof *graph, err);
  if (!graph) return false;
  *out = graph;
  graph->table_size = 256;
  graph->table = mw_mem_new(graph->table_size, sizeof *graph->table, err);
  if (!graph->table || !mw_mem_grow(&graph->nodes, &graph->capacity, 64, sizeof *graph->nodes, err) ||
      !mw_mem_grow(&graph->shapes, &graph->shape_capacity, 16, sizeof *graph->shapes, err)) {
    mw_graph_free(graph);
    *out = NULL;
    return false;
  }
  graph->nodes[0] = (node){0};
  graph->shapes[0] = (shape){.elements = 1};
  graph->shape_count = 1;
  return true;
}

void mw_graph_free(mw_graph *graph) {
  if (!graph) return;
  free(graph->nodes);
  free(graph->operands);
  free(graph->shapes);
  free(graph->dims);
  free(graph->table);
  free(graph);
}

uint32_t mw_graph_count(const mw_graph *graph) { return (uint32_t)graph->count; }

/* ---- shapes ---- */

bool mw_graph_shape(mw_graph *graph, const uint64_t *dims, unsigned rank, uint32_t *out, mw_error *err) {
  if (rank > MAX_RANK) return mw_error_set(err, MW_DATA, "a shape of %u dimensions is beyond %d", rank, MAX_RANK);
  for (size_t i = 1; i < graph->shape_count; i++) {
    const shape *s = &graph->shapes[i];
    if (s->rank == rank && (rank == 0 || memcmp(graph->dims + s->first, dims, rank * sizeof *dims) == 0)) {
      *out = (uint32_t)i;
      return true;
    }
  }
  if (graph->shape_count >= MAX_SHAPES) return mw_error_set(err, MW_DATA, "more than %d different shapes", MAX_SHAPES);
  uint64_t elements = 1;
  for (unsigned i = 0; i < rank; i++)
    if (__builtin_mul_overflow(elements, dims[i], &elements) || elements >> 62)
      return mw_error_set(err, MW_DATA, "a shape's element count overflows");
  MW_TRY(mw_mem_grow(&graph->dims, &graph->dim_capacity, graph->dim_count + rank + 1, sizeof *graph->dims, err));
  MW_TRY(mw_mem_grow(&graph->shapes, &graph->shape_capacity, graph->shape_count + 1, sizeof *graph->shapes, err));
  if (rank) memcpy(graph->dims + graph->dim_count, dims, rank * sizeof *dims);
  graph->shapes[graph->shape_count] = (shape){(uint32_t)graph->dim_count, rank, elements};
  graph->dim_count += rank;
  *out = (uint32_t)graph->shape_count++;
  return true;
}

unsigned mw_graph_rank(const mw_graph *graph, uint32_t s) { return graph->shapes[s].rank; }
const uint64_t *mw_graph_dims(const mw_graph *graph, uint32_t s) { return graph->dims + graph->shapes[s].first; }
uint64_t mw_graph_elements(const mw_graph *graph, uint32_t s) { return graph->shapes[s].elements; }

/* ---- nodes ---- */

mw_graph_node_facts mw_graph_facts(const mw_graph *graph, mw_node id) {
  const node *n = &graph->nodes[id];
  return (mw_graph_node_facts){.op = (mw_op)n->op, .f64 = n->f64, .learned = n->learned, .whole = n->whole,
                         .shape = n->shape, .operands = n->count, .operand = graph->operands + n->first,
                         .extra = {n->extra[0], n->extra[1]}, .dtype = (mw_dtype)n->dtype};
}

bool mw_graph_is_number(const mw_graph *graph, mw_node id, double *value) {
  if (!id || graph->nodes[id].op != MW_OP_NUMBER) return false;
  memcpy(value, &graph->nodes[id].extra[0], sizeof *value);
  return true;
}

static uint64_t mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 29);
}

static uint64_t hash_of(const node *n, const mw_node *operands) {
  uint64_t hash = mix(mix(mix(n->op, n->shape), n->extra[0]), n->extra[1]);
  for (uint32_t i = 0; i < n->count; i++) hash = mix(hash, operands[i]);
  return hash ^ (hash >> 32);
}

static bool same(const mw_graph *graph, const node *a, const node *b, const mw_node *operands) {
  return a->op == b->op && a->shape == b->shape && a->count == b->count && a->dtype == b->dtype &&
         a->extra[0] == b->extra[0] && a->extra[1] == b->extra[1] &&
         (a->count == 0 || memcmp(graph->operands + a->first, operands, a->count * sizeof *operands) == 0);
}

static bool widen_table(mw_graph *graph, mw_error *err) {
  size_t size = graph->table_size * 2;
  uint32_t *table = mw_mem_new(size, sizeof *table, err);
  if (!table) return false;
  for (size_t id = 1; id <= graph->count; id++) {
    const node *n = &graph->nodes[id];
    size_t slot = hash_of(n, graph->operands + n->first) & (size - 1);
    while (table[slot]) slot = (slot + 1) & (size - 1);
    table[slot] = (uint32_t)id;
  }
  free(graph->table);
  graph->table = table;
  graph->table_size = size;
  return true;
}

/* The node equal to `n`, made if there is none. */
static bool intern(mw_graph *graph, node n, const mw_node *operands, mw_node *out, mw_error *err) {
  size_t mask = graph->table_size - 1, slot = hash_of(&n, operands) & mask;
  for (; graph->table[slot]; slot = (slot + 1) & mask)
    if (same(graph, &graph->nodes[graph->table[slot]], &n, operands)) {
      *out = graph->table[slot];
      return true;
    }
  if (graph->count >= MW_GRAPH_NODES)
    return mw_error_set(err, MW_DATA, "the recipe's graph has more than %d nodes", MW_GRAPH_NODES);
  MW_TRY(mw_mem_grow(&graph->nodes, &graph->capacity, graph->count + 2, sizeof *graph->nodes, err));
  MW_TRY(mw_mem_grow(&graph->operands, &graph->operand_capacity, graph->operand_count + n.count + 1,
                     sizeof *graph->operands, err));
  n.first = (uint32_t)graph->operand_count;
  if (n.count) memcpy(graph->operands + n.first, operands, n.count * sizeof *operands);
  graph->operand_count += n.count;
  graph->nodes[++graph->count] = n;
  graph->table[slot] = *out = (mw_node)graph->count;
  return graph->count * 2 < graph->table_size || widen_table(graph, err);
}

bool mw_graph_number(mw_graph *graph, double value, mw_node *out, mw_error *err) {
  node n = {.op = MW_OP_NUMBER, .factor = true};
  if (value == 0) value = 0; /* one zero */
  memcpy(&n.extra[0], &value, sizeof value);
  return intern(graph, n, NULL, out, err);
}

bool mw_graph_input(mw_graph *graph, uint32_t model, uint32_t row, mw_dtype dtype, uint32_t s, mw_node *out,
                    mw_error *err) {
  if (s == 0 || s >= graph->shape_count || dtype >= MW_DTYPE_COUNT || mw_dtype_kind_of(dtype) != MW_DTYPE_KIND_REAL)
    return mw_error_set(err, MW_DATA, "an input tensor needs a shape and a dtype that computes");
  node n = {.op = MW_OP_INPUT, .shape = s, .dtype = (uint8_t)dtype, .f64 = dtype == MW_DTYPE_F64,
            .extra = {model, row}};
  return intern(graph, n, NULL, out, err);
}

bool mw_graph_coefficient(mw_graph *graph, uint64_t ordinal, uint64_t elements, double initial, mw_node *out,
                          mw_error *err) {
  if (elements == 0 || elements > MW_GRAPH_VECTOR)
    return mw_error_set(err, MW_DATA, "a coefficient has 1 to %d elements", MW_GRAPH_VECTOR);
  if (!isfinite(initial)) return mw_error_set(err, MW_DATA, "a coefficient must start at a finite number");
  node n = {.op = MW_OP_COEFFICIENT, .dtype = MW_DTYPE_F32, .learned = true, .factor = true, .extra = {ordinal}};
  if (initial == 0) initial = 0; /* one zero */
  memcpy(&n.extra[1], &initial, sizeof initial);
  MW_TRY(mw_graph_shape(graph, &elements, 1, &n.shape, err));
  return intern(graph, n, NULL, out, err);
}

bool mw_graph_learned(mw_graph *graph, mw_node coefficient, uint64_t training, mw_node *out, mw_error *err) {
  if (!coefficient || coefficient > graph->count || graph->nodes[coefficient].op != MW_OP_COEFFICIENT)
    return mw_error_set(err, MW_DATA, "only a coefficient can be learned");
  node n = graph->nodes[coefficient];
  n.op = MW_OP_LEARNED;
  n.count = 1;
  n.extra[0] = training;
  n.extra[1] = 0;
  return intern(graph, n, &coefficient, out, err);
}

bool mw_graph_tokens(mw_graph *graph, uint64_t set, uint64_t rows, uint64_t length, mw_node *out, mw_error *err) {
  if (length == 0 || rows == 0 || rows % length || rows > MW_GRAPH_ROWS)
    return mw_error_set(err, MW_DATA, "a batch holds whole windows of at least one token, and at most %d tokens", MW_GRAPH_ROWS);
  node n = {.op = MW_OP_TOKENS, .extra = {set, length}};
  MW_TRY(mw_graph_shape(graph, &rows, 1, &n.shape, err));
  return intern(graph, n, NULL, out, err);
}

/* ---- rewrites ---- */

static bool is(const mw_graph *graph, mw_node id, double number) {
  double value;
  return mw_graph_is_number(graph, id, &value) && value == number;
}

/* Operand `i` of a node of kind `op`, or 0. */
static mw_node part(const mw_graph *graph, mw_node id, mw_op op, unsigned i) {
  const node *n = &graph->nodes[id];
  return n->op == op ? graph->operands[n->first + i] : 0;
}

/* The rewrites that recipes.md promises: what `a op b` is already, or 0. */
static mw_node known(const mw_graph *graph, mw_op op, mw_node a, mw_node b) {
  switch (op) {
  case MW_OP_ADD:
    if (is(graph, a, 0)) return b;
    if (is(graph, b, 0)) return a;
    if (part(graph, b, MW_OP_SUB, 1) == a && a) return part(graph, b, MW_OP_SUB, 0);
    if (part(graph, a, MW_OP_SUB, 1) == b && b) return part(graph, a, MW_OP_SUB, 0);
    return 0;
  case MW_OP_SUB:
    if (is(graph, b, 0)) return a;
    if (part(graph, a, MW_OP_ADD, 0) == b) return part(graph, a, MW_OP_ADD, 1);
    if (part(graph, a, MW_OP_ADD, 1) == b) return part(graph, a, MW_OP_ADD, 0);
    return 0;
  case MW_OP_MUL: return is(graph, a, 1) ? b : is(graph, b, 1) ? a : 0;
  case MW_OP_DIV:
  case MW_OP_POW: return is(graph, b, 1) ? a : 0;
  default: return 0;
  }
}

/* A quotient by a power of two is a product, to the last bit and much faster. `factor`: by what. */
static bool is_product(const mw_graph *graph, mw_op op, mw_node b, double *factor) {
  double value;
  int exponent;
  if (op != MW_OP_DIV || !mw_graph_is_number(graph, b, &value) || fabs(frexp(value, &exponent)) != 0.5) return false;
  *factor = 1 / value;
  return abs(exponent) <= 120; /* far from what float cannot hold */
}

static bool fold(const mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, double *value) {
  double values[3];
  for (uint32_t i = 0; i < count; i++)
    if (!mw_graph_is_number(graph, operands[i], &values[i])) return false;
  *value = mw_graph_compute(op, values);
  return true;
}

/* Whether an operation gives a mask. */
static bool is_mask(mw_op op) {
  return op == MW_OP_LT || op == MW_OP_LE || op == MW_OP_EQ || op == MW_OP_NE || op == MW_OP_AND || op == MW_OP_OR ||
         op == MW_OP_NOT || op == MW_OP_TOP || op == MW_OP_BERNOULLI;
}

bool mw_graph_apply(mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, const uint64_t extra[2],
                    mw_node *out, mw_error *err) {
  if ((unsigned)op >= MW_OP_COUNT) return mw_error_set(err, MW_DATA, "an unknown operation");
  int arity = operations[op].operands;
  if (arity >= 0 ? count != (uint32_t)arity : count < 1 || count > MW_GRAPH_OPERANDS)
    return mw_error_set(err, MW_DATA, "'%s' of %u operands", operations[op].name, count);
  for (uint32_t i = 0; i < count; i++)
    if (!operands[i] || operands[i] > graph->count)
      return mw_error_set(err, MW_DATA, "'%s' of a value that is not in this graph", operations[op].name);
  node n = {.op = (uint8_t)op, .count = count};
  if (extra) memcpy(n.extra, extra, sizeof n.extra);
  MW_TRY(mw_rules_check(graph, op, operands, count, n.extra, &n.shape, err));
  n.whole = operations[op].class == MW_CLASS_NET;
  n.factor = true;
  for (uint32_t i = 0; i < count; i++) {
    const node *operand = &graph->nodes[operands[i]];
    n.f64 |= operand->f64 && operand->shape && operand->op != MW_OP_VECTOR;
    n.learned |= operand->learned;
    n.whole |= operand->whole;
    n.factor &= operand->factor;
  }
  n.factor |= is_mask(op) || n.shape == 0;
  if (operations[op].class == MW_CLASS_MAP) {
    double value;
    if (fold(graph, op, operands, count, &value)) return mw_graph_number(graph, value, out, err);
    if (count == 2 && !is(graph, operands[1], 1) && is_product(graph, op, operands[1], &value)) {
      mw_node product[2] = {operands[0]};
      return mw_graph_number(graph, value, &product[1], err) && mw_graph_apply(graph, MW_OP_MUL, product, 2, NULL, out, err);
    }
    mw_node already = count == 2 ? known(graph, op, operands[0], operands[1]) : 0;
    if (already && graph->nodes[already].shape == n.shape) {
      *out = already;
      return true;
    }
  }
  return intern(graph, n, operands, out, err);
}

double mw_graph_compute(mw_op op, const double *operands) {
  double a = operands[0], b = 0, c = 0;
  if (operations[op].operands > 1) b = operands[1];
  if (operations[op].operands > 2) c = operands[2];
  switch (op) {
  case MW_OP_ADD: return a + b;
  case MW_OP_SUB: return a - b;
  case MW_OP_MUL: return a * b;
  case MW_OP_DIV: return a / b;
  case MW_OP_RATIO: return b == 0 ? 0 : a / b;
  case MW_OP_MIN: return b < a ? b : a;
  case MW_OP_MAX: return b > a ? b : a;
  case MW_OP_LT: return a < b;
  case MW_OP_LE: return a <= b;
  case MW_OP_EQ: return a == b;
  case MW_OP_NE: return a != b;
  case MW_OP_AND: return a != 0 && b != 0;
  case MW_OP_OR: return a != 0 || b != 0;
  case MW_OP_NOT: return a == 0;
  case MW_OP_WHERE: return a != 0 ? b : c;
  case MW_OP_NEG: return -a;
  case MW_OP_ABS: return fabs(a);
  case MW_OP_SIGN: return (a > 0) - (a < 0);
  case MW_OP_SQRT: return sqrt(a);
  case MW_OP_EXP: return mw_mathx_exp(a);
  case MW_OP_LOG: return mw_mathx_log(a);
  case MW_OP_TANH: return mw_mathx_tanh(a);
  case MW_OP_SIN: return mw_mathx_sin(a);
  case MW_OP_COS: return mw_mathx_cos(a);
  case MW_OP_ACOS: return mw_mathx_acos(a);
  case MW_OP_POW: return mw_mathx_pow(a, b);
  default: return NAN;
  }
}

/* ---- mass ---- */

/* What drop_rescale leaves of a tensor, as often more as there is less of it: `factor` is 1 / (1 - p). */
static bool is_rescaled(const mw_graph *graph, mw_node kept, double factor) {
  mw_node dropped = part(graph, part(graph, kept, MW_OP_WHERE, 0), MW_OP_NOT, 0);
  double p;
  return is(graph, part(graph, kept, MW_OP_WHERE, 2), 0) &&
         mw_graph_is_number(graph, part(graph, dropped, MW_OP_BERNOULLI, 1), &p) && fabs(factor * (1 - p) - 1) < 1e-12;
}

/* (1 - t) * x + t * y, for any t. */
static bool is_lerp(const mw_graph *graph, mw_node a, mw_node b) {
  mw_node rest = part(graph, a, MW_OP_MUL, 0), t = part(graph, b, MW_OP_MUL, 0);
  return t && part(graph, rest, MW_OP_SUB, 1) == t && is(graph, part(graph, rest, MW_OP_SUB, 0), 1);
}

/* Of `value` times something: a number that is none leaves no finite mass, rather than an unknown one. */
static double times(double value, double mass) { return isnan(value) && !isnan(mass) ? (double)INFINITY : value * mass; }

/* Of a product that is of no plain number. A factor weighs what it multiplies, by an unknown number: of a delta it leaves a
 * delta, so that `mask * tau` without its base is found. A product of two tensors of models, such as `base * (1 + 0.1 * tau)`
 * or a weight `tau * tau`, is not linear in them and weighs an unknown number, but for a delta times an unknown one. */
static double product(const mw_graph *graph, mw_node a, mw_node b, const double *mass) {
  if (graph->nodes[a].factor) return mass[b] == 0 ? 0 : NAN;
  if (graph->nodes[b].factor) return mass[a] == 0 ? 0 : NAN;
  return (isnan(mass[a]) && mass[b] == 0) || (isnan(mass[b]) && mass[a] == 0) ? 0 : NAN;
}

static double mass_of(const mw_graph *graph, const node *n, const mw_node *o, const double *mass) {
  double value;
  switch ((mw_op)n->op) {
  case MW_OP_NUMBER: return 0;
  case MW_OP_INPUT: return 1;
  case MW_OP_ADD:
    if (is_lerp(graph, o[0], o[1]) && mass[part(graph, o[0], MW_OP_MUL, 1)] == mass[part(graph, o[1], MW_OP_MUL, 1)])
      return mass[part(graph, o[0], MW_OP_MUL, 1)];
    return mass[o[0]] + mass[o[1]];
  case MW_OP_SUB: return mass[o[0]] - mass[o[1]];
  case MW_OP_NEG: return -mass[o[0]];
  case MW_OP_COLUMNS: return graph->nodes[o[1]].learned ? NAN : mass[o[0]]; /* what is learned may weigh anything */
  case MW_OP_MUL:
    if (mw_graph_is_number(graph, o[0], &value)) return times(value, mass[o[1]]);
    if (mw_graph_is_number(graph, o[1], &value)) return is_rescaled(graph, o[0], value) ? mass[o[0]] : times(value, mass[o[0]]);
    return product(graph, o[0], o[1], mass);
  case MW_OP_DIV:
  case MW_OP_RATIO:
    if (mw_graph_is_number(graph, o[1], &value) && value != 0)
      return is_rescaled(graph, o[0], 1 / value) ? mass[o[0]] : mass[o[0]] / value;
    return mass[o[0]] == 0 && !graph->nodes[o[0]].factor ? 0 : NAN; /* 1 / x is a weight like any other */
  case MW_OP_WHERE: /* a selection (`keep`) keeps the mass; two models of one mass do too */
    if (mw_graph_is_number(graph, o[2], &value) && value == 0) return mass[o[1]];
    return mass[o[1]] == mass[o[2]] ? mass[o[1]] : NAN;
  default: return NAN;
  }
}

void mw_graph_mass(const mw_graph *graph, double *mass) {
  mass[0] = NAN;
  for (size_t id = 1; id <= graph->count; id++) {
    const node *n = &graph->nodes[id];
    mass[id] = mass_of(graph, n, graph->operands + n->first, mass);
  }
}
