/* graph.c: constructors of the expression graph, whose nodes lie in node.h. Every operand's id is below its node's id, and every
 * node satisfies the rules of ops.def, also in a graph from a hostile process. */
#include "expr/graph.h"

#include "expr/rewrite.h"
#include "expr/rules.h"
#include "expr/variable.h"
#include "expr/view.h"
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef mw_node_table_entry node;

typedef struct shape {
  uint32_t first, rank;
  uint64_t elements;
} shape;

typedef struct row_table {
  uint32_t *rows;
  size_t count;
  uint64_t hash;
} row_table;

enum { MAX_SHAPES = 4096, MAX_RANK = 64, MAX_TABLES = 4096 };

struct mw_graph {
  mw_node_table all;
  shape *shapes; /* [0] is the scalar's */
  size_t shape_count, shape_capacity;
  uint64_t *dims;
  size_t dim_count, dim_capacity;
  mw_node last; /* of an elementwise operation or a sum; 0: none */
  row_table *rows; /* of GATHER */
  size_t row_tables, row_capacity;
};

const mw_graph_operation mw_graph_operations[MW_OP_COUNT] = {
#define MW_OP(name, class, operands, meaning) {#name, MW_CLASS_##class, operands},
#include "expr/ops.def"
#undef MW_OP
};

enum { IS_ANY, IS_ARITHMETIC, IS_MASK };
static const uint8_t kinds[MW_OP_COUNT] = {
#define MW_ELEMENTWISE(name, kind, operands, written, meaning, expression) [MW_OP_##name] = IS_##kind,
#include "base/elementwise.def"
#undef MW_ELEMENTWISE
    [MW_OP_TOP] = IS_MASK, [MW_OP_BERNOULLI] = IS_MASK, [MW_OP_BERNOULLI_EACH] = IS_MASK};


bool mw_graph_new(mw_graph **out, mw_error *err) {
  mw_graph *graph = mw_mem_new(1, sizeof *graph, err);
  if (!graph) return false;
  *out = graph;
  if (!mw_node_table_new(&graph->all, err) || !mw_mem_grow(&graph->shapes, &graph->shape_capacity, 16, sizeof *graph->shapes, err)) {
    mw_graph_free(graph);
    *out = NULL;
    return false;
  }
  graph->shapes[0] = (shape){.elements = 1};
  graph->shape_count = 1;
  return true;
}

void mw_graph_free(mw_graph *graph) {
  if (!graph) return;
  mw_node_table_free(&graph->all);
  free(graph->shapes);
  free(graph->dims);
  for (size_t i = 0; i < graph->row_tables; i++) free(graph->rows[i].rows);
  free(graph->rows);
  free(graph);
}

bool mw_graph_expect(mw_graph *graph, uint32_t nodes, mw_error *err) { return mw_node_table_expect(&graph->all, nodes, err); }

uint32_t mw_graph_count(const mw_graph *graph) { return (uint32_t)graph->all.count; }

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


bool mw_graph_number(mw_graph *graph, double value, mw_node *out, mw_error *err) {
  node n = {.op = MW_OP_NUMBER, .factor = true};
  uint64_t extra[2] = {0};
  if (value == 0) value = 0; /* one zero */
  memcpy(extra, &value, sizeof value);
  return mw_node_table_intern(&graph->all, n, NULL, extra, out, err);
}

bool mw_graph_input(mw_graph *graph, uint32_t model, uint32_t row, mw_dtype dtype, uint32_t s, mw_node *out,
                    mw_error *err) {
  if (s == 0 || s >= graph->shape_count || dtype >= MW_DTYPE_COUNT)
    return mw_error_set(err, MW_DATA, "an input tensor needs a shape and a dtype");
  node n = {.op = MW_OP_INPUT, .shape = s, .dtype = (uint8_t)dtype, .f64 = dtype == MW_DTYPE_F64};
  return mw_node_table_intern(&graph->all, n, NULL, (uint64_t[]){model, row}, out, err);
}

bool mw_graph_is_kept(const mw_graph *graph, mw_node id) {
  const node *n = &graph->all.nodes[id];
  return n->op == MW_OP_INPUT && mw_dtype_kind_of(n->dtype) != MW_DTYPE_KIND_REAL;
}

bool mw_graph_fill(mw_graph *graph, mw_node value, uint32_t s, mw_node *out, mw_error *err) {
  if (s == 0 || s >= graph->shape_count) return mw_error_set(err, MW_DATA, "a filled tensor needs a shape");
  if (!value || value > graph->all.count || graph->all.nodes[value].shape)
    return mw_error_set(err, MW_DATA, "a tensor is filled with a number, not with a tensor");
  const node *of = &graph->all.nodes[value];
  node n = {.op = MW_OP_FILL, .shape = s, .count = 1, .factor = true, .learned = of->learned, .whole = of->whole,
            .matrices = of->matrices, .variable = of->variable};
  return mw_node_table_intern(&graph->all, n, &value, NULL, out, err);
}

bool mw_graph_coefficient(mw_graph *graph, uint64_t ordinal, uint64_t elements, double initial, mw_node *out, mw_error *err) {
  uint32_t s;
  return mw_graph_shape(graph, &elements, 1, &s, err) && mw_graph_coefficient_of(graph, ordinal, s, initial, out, err);
}

bool mw_graph_coefficient_of(mw_graph *graph, uint64_t ordinal, uint32_t s, double initial, mw_node *out, mw_error *err) {
  const uint64_t most = s < graph->shape_count && graph->shapes[s].rank == 1 ? MW_GRAPH_VECTOR : MW_GRAPH_LEARNED;
  if (!s || s >= graph->shape_count || !graph->shapes[s].elements || graph->shapes[s].elements > most)
    return mw_error_set(err, MW_DATA, "a coefficient has 1 to %llu elements", (unsigned long long)most);
  if (!isfinite(initial)) return mw_error_set(err, MW_DATA, "a coefficient must start at a finite number");
  node n = {.op = MW_OP_COEFFICIENT, .dtype = MW_DTYPE_F32, .learned = true, .factor = true, .shape = s};
  uint64_t extra[2] = {ordinal};
  initial = initial == 0 ? 0 : initial; /* one zero */
  memcpy(&extra[1], &initial, sizeof initial);
  return mw_node_table_intern(&graph->all, n, NULL, extra, out, err);
}

bool mw_graph_learned(mw_graph *graph, mw_node coefficient, uint64_t training, mw_node *out, mw_error *err) {
  if (!coefficient || coefficient > graph->all.count || graph->all.nodes[coefficient].op != MW_OP_COEFFICIENT)
    return mw_error_set(err, MW_DATA, "only a coefficient can be learned");
  node n = graph->all.nodes[coefficient];
  n.op = MW_OP_LEARNED, n.count = 1;
  return mw_node_table_intern(&graph->all, n, &coefficient, (uint64_t[]){training, 0}, out, err);
}

bool mw_graph_tokens(mw_graph *graph, uint64_t set, uint64_t rows, uint64_t length, mw_node *out, mw_error *err) {
  if (length == 0 || rows == 0 || rows % length || rows > MW_GRAPH_ROWS)
    return mw_error_set(err, MW_DATA, "a batch holds whole windows of at least one token, and at most %d tokens", MW_GRAPH_ROWS);
  node n = {.op = MW_OP_TOKENS};
  MW_TRY(mw_graph_shape(graph, &rows, 1, &n.shape, err));
  return mw_node_table_intern(&graph->all, n, NULL, (uint64_t[]){set, length}, out, err);
}

/* ---- views ---- */

bool mw_graph_table(mw_graph *graph, const uint32_t *rows, size_t count, uint64_t *table, mw_error *err) {
  if (count > MW_GRAPH_ROWS) return mw_error_set(err, MW_DATA, "a table of more than %d rows", MW_GRAPH_ROWS);
  uint64_t hash = count;
  for (size_t i = 0; i < count; i++) hash = mw_node_table_mix(hash, rows[i]);
  for (size_t i = 0; i < graph->row_tables; i++) {
    const row_table *t = &graph->rows[i];
    if (t->hash != hash || t->count != count || (count && memcmp(t->rows, rows, count * sizeof *rows) != 0)) continue;
    *table = i;
    return true;
  }
  if (graph->row_tables >= MAX_TABLES) return mw_error_set(err, MW_DATA, "more than %d tables of rows", MAX_TABLES);
  MW_TRY(mw_mem_grow(&graph->rows, &graph->row_capacity, graph->row_tables + 1, sizeof *graph->rows, err));
  row_table new = {mw_mem_new(count + 1, sizeof *rows, err), count, hash};
  if (!new.rows) return false;
  if (count) memcpy(new.rows, rows, count * sizeof *rows);
  *table = graph->row_tables;
  graph->rows[graph->row_tables++] = new;
  return true;
}

const uint32_t *mw_graph_rows(const mw_graph *graph, uint64_t table, size_t *count) {
  *count = table < graph->row_tables ? graph->rows[table].count : 0;
  return table < graph->row_tables ? graph->rows[table].rows : NULL;
}

size_t mw_graph_tables(const mw_graph *graph) { return graph->row_tables; }

/* Completes the node of a view and interns it. A view of one filled tensor is one, and what is turned twice is what it was. */
static bool intern_view(mw_graph *graph, node n, const mw_node *operands, const uint64_t extra[2], mw_node *out, mw_error *err) {
  if (n.count == 1 && graph->all.nodes[operands[0]].op == MW_OP_FILL)
    return mw_graph_fill(graph, graph->all.operands[graph->all.nodes[operands[0]].first], n.shape, out, err);
  if (n.op == MW_OP_TRANSPOSE && graph->all.nodes[operands[0]].op == MW_OP_TRANSPOSE)
    return *out = graph->all.operands[graph->all.nodes[operands[0]].first], true;
  bool same_shape = n.count == 1 && n.shape == graph->all.nodes[operands[0]].shape;
  if (same_shape && n.op != MW_OP_GATHER && n.op != MW_OP_TRANSPOSE) return *out = operands[0], true; /* all of it */
  for (uint32_t i = 0; i < n.count; i++)
    if (graph->all.nodes[operands[i]].nested >= n.nested) n.nested = (uint8_t)(graph->all.nodes[operands[i]].nested + 1);
  if (n.nested > MW_GRAPH_NESTED) return mw_error_set(err, MW_DATA, "more than %d slices and joins of one another", MW_GRAPH_NESTED);
  n.dtype = (uint8_t)mw_view_dtype(graph, operands, n.count, n.f64);
  return mw_node_table_intern(&graph->all, n, operands, extra, out, err);
}

bool mw_graph_reshape(mw_graph *graph, mw_node tensor, uint32_t s, mw_node *out, mw_error *err) {
  if (!tensor || tensor > graph->all.count || !s || s >= graph->shape_count || mw_graph_is_kept(graph, tensor))
    return mw_error_set(err, MW_DATA, "'reshape' needs a tensor of numbers and a shape");
  MW_TRY(mw_view_reshape(graph, tensor, s, err));
  const node *of = &graph->all.nodes[tensor];
  node n = {.op = MW_OP_RESHAPE, .shape = s, .count = 1, .f64 = of->f64, .learned = of->learned, .whole = of->whole, .factor = of->factor,
            .turned = of->turned, .matrices = of->matrices, .variable = of->variable};
  return intern_view(graph, n, &tensor, NULL, out, err);
}

/* ---- vectors ---- */

uint64_t mw_graph_run(const mw_graph *graph, mw_graph_node_facts facts) {
  return facts.over && !facts.column ? mw_graph_elements(graph, facts.over) / mw_graph_elements(graph, facts.shape) : 1;
}

bool mw_graph_spread(mw_graph *graph, mw_node vector, mw_node *out, mw_error *err) {
  if (!vector || vector > graph->all.count || !graph->all.nodes[vector].over)
    return mw_error_set(err, MW_DATA, "only a vector is spread over the tensor that it goes with");
  bool apart = graph->all.nodes[vector].column; /* along columns it is read from memory, in a pass that has not read what it is made of */
  if (apart && !mw_graph_is_found((mw_op)graph->all.nodes[vector].op))
    MW_TRY(mw_graph_apply(graph, MW_OP_COLUMN_KEPT, &vector, 1, NULL, &vector, err));
  const node *of = &graph->all.nodes[vector];
  node n = {.op = MW_OP_SPREAD, .shape = of->over, .count = 1, .f64 = of->f64, .learned = of->learned, .factor = of->factor,
            .matrices = of->matrices, .variable = of->variable, .rowed = of->rowed && !apart,
            .turned = of->turned && !apart, .nested = apart ? 0 : of->nested};
  return mw_node_table_intern(&graph->all, n, &vector, NULL, out, err);
}

/* Spreads the vectors among the operands, if there is a tensor among them that they go with, or a vector of other runs. What does not
 * go together stays as it is, for rules.c to refuse. */
static bool spread_vectors(mw_graph *graph, const mw_node *operands, uint32_t count, mw_node *spread, bool *changed, mw_error *err) {
  uint32_t whole = 0, own = 0; /* the tensors' shape, and the last vector's own */
  bool vector = false, tensor = false, differ = false, misfit = false;
  for (uint32_t i = 0; i < count; i++) {
    const node *n = &graph->all.nodes[operands[i]];
    if (!n->shape) continue;
    const uint32_t of = n->over ? n->over : n->shape;
    misfit |= whole && of != whole;
    whole = of;
    if (n->over) differ |= vector && n->shape != own, own = n->shape, vector = true;
    else tensor = true;
  }
  *changed = vector && (tensor || differ) && !misfit;
  for (uint32_t i = 0; i < count && *changed; i++) {
    spread[i] = operands[i];
    if (graph->all.nodes[operands[i]].over) MW_TRY(mw_graph_spread(graph, operands[i], &spread[i], err));
  }
  return true;
}

/* ---- operations ---- */

static bool has_filled(const mw_graph *graph, const mw_node *operands, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    if (graph->all.nodes[operands[i]].op == MW_OP_FILL) return true;
  return false;
}

/* The operands, with the scalar of each filled tensor in its place. Returns whether all of them are scalars now. */
static bool scalars_of(const mw_graph *graph, const mw_node *operands, uint32_t count, mw_node *plain) {
  bool all = true;
  for (uint32_t i = 0; i < count; i++) {
    plain[i] = graph->all.nodes[operands[i]].op == MW_OP_FILL ? graph->all.operands[graph->all.nodes[operands[i]].first] : operands[i];
    all = all && !graph->all.nodes[plain[i]].shape;
  }
  return all;
}

/* An operation on whole models is applied tensor by tensor, so each application is like the last one: what was found about that holds
 * again. So it does for an elementwise operation or a sum whose operands differ from those of the last node only in what they are made
 * of, and in the shape that they have in common. Vectors and what minimise changes are looked at anew. `next`: the operands lie behind
 * the last ones. */
static bool is_like_last(const mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, const uint64_t extra[2],
                         uint32_t *shared, bool *next) {
  const node *nodes = graph->all.nodes, *last = &nodes[graph->last];
  *shared = 0;
  *next = true;
  if (!graph->last || last->op != op || last->count != count || last->has_extra || (extra && (extra[0] || extra[1]))) return false;
  for (uint32_t i = 0; i < count; i++) {
    const mw_node before = graph->all.operands[last->first + i];
    if (!operands[i] || operands[i] > graph->all.count) return false;
    const node *a = &nodes[operands[i]], *b = &nodes[before];
    const bool same_kind = memcmp(a, b, offsetof(node, shape)) == 0 && !a->shape == !b->shape;
    if (!same_kind || a->over || b->over || a->variable || b->variable) return false;
    if (a->op == MW_OP_NUMBER && operands[i] != before) return false; /* x * 1 is x */
    if (a->shape && *shared && a->shape != *shared) return false;
    if (a->shape) *shared = a->shape;
    *next &= operands[i] == before + 1 || a->op == MW_OP_NUMBER;
  }
  return true;
}

/* Whether an operation that is like the last, which equals nothing else, may equal something all the same: a part of an operand. */
static bool may_undo(const mw_graph *graph, mw_op op, const mw_node *operands) {
  const mw_op undone = op == MW_OP_ADD ? MW_OP_SUB : MW_OP_ADD;
  if (op != MW_OP_ADD && op != MW_OP_SUB) return false;
  return graph->all.nodes[operands[0]].op == undone || graph->all.nodes[operands[1]].op == undone;
}

static bool apply_like_last(mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, uint32_t shared, bool next, mw_node *out,
                            mw_error *err) {
  const uint32_t s = graph->all.nodes[graph->last].shape ? shared : 0;
  if (may_undo(graph, op, operands)) {
    MW_TRY(mw_rewrite(graph, op, operands, count, s, out, err));
    if (*out) return true;
  }
  MW_TRY(mw_node_table_intern_like(&graph->all, graph->last, s, operands, next, out, err));
  graph->last = *out;
  return true;
}

bool mw_graph_apply(mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, const uint64_t extra[2],
                    mw_node *out, mw_error *err) {
  uint32_t shared;
  bool next;
  if ((unsigned)op >= MW_OP_COUNT) return mw_error_set(err, MW_DATA, "an unknown operation");
  if (is_like_last(graph, op, operands, count, extra, &shared, &next))
    return apply_like_last(graph, op, operands, count, shared, next, out, err);
  int arity = mw_graph_operations[op].operands;
  if (arity >= 0 ? count != (uint32_t)arity : count < 1 || count > MW_GRAPH_OPERANDS)
    return mw_error_set(err, MW_DATA, "'%s' of %u operands", mw_graph_operations[op].name, count);
  for (uint32_t i = 0; i < count; i++)
    if (!operands[i] || operands[i] > graph->all.count)
      return mw_error_set(err, MW_DATA, "'%s' of a value that is not in this graph", mw_graph_operations[op].name);
    else if (mw_graph_is_kept(graph, operands[i]))
      return mw_error_set(err, MW_DATA, "'%s' of a tensor of integers, which is only copied", mw_graph_operations[op].name);
  mw_node plain[3], variable;
  bool changed;
  MW_TRY(mw_variable_of(graph, op, operands, count, &variable, err));
  if (mw_graph_operations[op].class == MW_CLASS_MAP || mw_graph_operations[op].class == MW_CLASS_SUM || op == MW_OP_BERNOULLI_EACH) {
    MW_TRY(spread_vectors(graph, operands, count, plain, &changed, err));
    if (changed) return mw_graph_apply(graph, op, plain, count, extra, out, err);
  }
  const bool rounds = op >= MW_OP_AS_BF16 && op <= MW_OP_AS_F64; /* which is of tensors alone, filled ones too */
  if (mw_graph_operations[op].class == MW_CLASS_MAP && !rounds && has_filled(graph, operands, count)) {
    uint32_t of_all;
    MW_TRY(mw_rules_check(graph, op, operands, count, NULL, &of_all, err));
    bool filled = scalars_of(graph, operands, count, plain);
    MW_TRY(mw_graph_apply(graph, op, plain, count, extra, out, err));
    return !filled || mw_graph_fill(graph, *out, of_all, out, err);
  }
  MW_TRY(mw_variable_hold(graph, op, variable, operands, count, plain, &changed, err));
  if (changed) return mw_graph_apply(graph, op, plain, count, extra, out, err);
  node n = {.op = (uint8_t)op, .count = count, .variable = variable};
  static const uint64_t none[2] = {0};
  if (!extra) extra = none;
  MW_TRY(mw_rules_check(graph, op, operands, count, extra, &n.shape, err));
  n.whole = mw_graph_operations[op].class == MW_CLASS_NET;
  n.turned = op == MW_OP_TRANSPOSE;
  const bool operands_share_shape = mw_graph_operations[op].class == MW_CLASS_MAP || mw_graph_operations[op].class == MW_CLASS_CHANCE;
  n.factor = true;
  for (uint32_t i = 0; i < count; i++) {
    const node *operand = &graph->all.nodes[operands[i]];
    n.f64 |= operand->f64 && operand->shape && operand->op != MW_OP_VECTOR;
    n.learned |= operand->learned;
    n.whole |= operand->whole;
    n.matrices |= operand->matrices;
    n.factor &= operand->factor;
    bool read = operand->shape && !mw_graph_op_is_sink((mw_op)operand->op); /* with what it is made of */
    n.turned |= read && operand->turned;
    n.rowed |= read && operand->rowed;
    if (operands_share_shape && operand->over) {
      n.over = operand->over;
      n.column = operand->column;
    }
    if (read && operand->nested > n.nested) n.nested = operand->nested;
  }
  n.f64 |= op == MW_OP_AS_F64;
  if (mw_graph_operations[op].class == MW_CLASS_CROSS) {
    n.column = true;
    n.dtype = n.f64 ? MW_DTYPE_F64 : MW_DTYPE_F32;
    n.over = op == MW_OP_COLUMN_KEPT ? graph->all.nodes[operands[0]].over : graph->all.nodes[operands[0]].shape;
    if (op == MW_OP_COLUMN_TURNED) MW_TRY(mw_rules_turned(graph, operands[0], &n.over, err));
  }
  if (mw_graph_operations[op].class == MW_CLASS_ROW) {
    n.rowed = true;
    n.over = op == MW_OP_ROW_RANK ? 0 : graph->all.nodes[operands[0]].shape;
  }
  n.factor |= kinds[op] == IS_MASK || n.shape == 0 || n.over || op == MW_OP_ROW_RANK;
  if (mw_graph_operations[op].class == MW_CLASS_DATA) { /* it is a tensor like that of a file */
    n = (node){.op = n.op, .dtype = MW_DTYPE_F32, .factor = true, .shape = n.shape, .count = count};
    return mw_node_table_intern(&graph->all, n, operands, extra, out, err);
  }
  if (mw_graph_operations[op].class == MW_CLASS_MATRIX) { /* it begins anew, in memory */
    n.turned = n.rowed = false;
    n.nested = 0;
    n.matrices = true;
    if (op == MW_OP_VARIABLE) n.variable = (mw_node)graph->all.count + 1;
    if (op == MW_OP_MINIMISE) n.f64 = graph->all.nodes[operands[0]].f64, n.variable = 0;
    n.dtype = n.f64 ? MW_DTYPE_F64 : MW_DTYPE_F32;
    return mw_node_table_intern(&graph->all, n, operands, extra, out, err);
  }
  if (mw_graph_operations[op].class == MW_CLASS_VIEW) return intern_view(graph, n, operands, extra, out, err);
  const bool map = mw_graph_operations[op].class == MW_CLASS_MAP;
  if (map) {
    MW_TRY(mw_rewrite(graph, op, operands, count, n.shape, out, err));
    if (*out) return true;
  }
  MW_TRY(mw_node_table_intern(&graph->all, n, operands, extra, out, err));
  if (map || mw_graph_operations[op].class == MW_CLASS_SUM) graph->last = *out;
  return true;
}
