/* graph.c: storage and constructors of the expression graph. Nodes are 32 bytes, their operands lie in one pool, and a
 * hash table finds equal ones. Every operand's id is below its node's id, and every node satisfies the rules of ops.def, also in a
 * graph from a hostile process. */
#include "expr/graph.h"
#include "expr/rewrite.h"
#include "expr/rules.h"
#include "expr/variable.h"
#include "expr/view.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct node {
  uint8_t op, dtype;
  bool f64 : 1, learned : 1, whole : 1, factor : 1, turned : 1, matrices : 1, rowed : 1, column : 1;
  uint8_t nested; /* views in views */
  uint32_t shape, first, count, over;
  mw_node variable;
  uint64_t extra[2];
} node;

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
  node *nodes; /* [0] stands for no node */
  size_t count, capacity;
  mw_node *operands;
  size_t operand_count, operand_capacity;
  shape *shapes; /* [0] is the scalar's */
  size_t shape_count, shape_capacity;
  uint64_t *dims;
  size_t dim_count, dim_capacity;
  uint64_t *table; /* open addressing, a power of two: a part of the hash above the node's id; 0 is empty */
  size_t table_size;
  row_table *rows; /* of GATHER */
  size_t row_tables, row_capacity;
};

static const struct {
  const char *name;
  mw_graph_class class;
  int operands;
} operations[] = {
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

const char *mw_graph_op_name(mw_op op) { return operations[op].name; }
mw_graph_class mw_graph_op_class(mw_op op) { return operations[op].class; }
int mw_graph_op_operands(mw_op op) { return operations[op].operands; }
uint32_t mw_graph_op_first(mw_op op) {
  if (operations[op].class == MW_CLASS_DATA) return (uint32_t)operations[op].operands;
  return operations[op].class == MW_CLASS_CHANCE || op == MW_OP_LEARNED || op == MW_OP_VARIABLE;
}

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
  for (size_t i = 0; i < graph->row_tables; i++) free(graph->rows[i].rows);
  free(graph->rows);
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
  return (mw_graph_node_facts){.op = (mw_op)n->op, .f64 = n->f64, .learned = n->learned, .factor = n->factor,
                         .turned = n->turned, .viewed = n->nested > 0 || n->matrices, .matrices = n->matrices,
                         .whole = n->whole, .rowed = n->rowed, .column = n->column, .shape = n->shape, .over = n->over,
                         .variable = n->variable, .operands = n->count, .operand = graph->operands + n->first,
                         .extra = {n->extra[0], n->extra[1]}, .dtype = (mw_dtype)n->dtype};
}

mw_op mw_graph_op(const mw_graph *graph, mw_node id) { return (mw_op)graph->nodes[id].op; }

const mw_node *mw_graph_read(const mw_graph *graph, mw_node id, uint32_t *count) {
  const node *n = &graph->nodes[id];
  uint32_t first = n->op == MW_OP_LEARNED || n->op == MW_OP_VARIABLE || operations[n->op].class == MW_CLASS_CHANCE;
  *count = n->count - first;
  return graph->operands + n->first + first;
}

bool mw_graph_is_number(const mw_graph *graph, mw_node id, double *value) {
  if (!id || graph->nodes[id].op != MW_OP_NUMBER) return false;
  memcpy(value, &graph->nodes[id].extra[0], sizeof *value);
  return true;
}

bool mw_graph_is(const mw_graph *graph, mw_node id, double number) {
  double value;
  return mw_graph_is_number(graph, id, &value) && value == number;
}

mw_node mw_graph_part(const mw_graph *graph, mw_node id, mw_op op, unsigned i) {
  const node *n = &graph->nodes[id];
  return n->op == op ? graph->operands[n->first + i] : 0;
}

static uint64_t mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 29);
}

/* Of nodes that follow one another, as those of one operation for each tensor of a model do, LANES have the same hash but for their
 * place among these, so that they lie side by side in the table. The place is that of the first operand that is no constant, or an
 * INPUT's tensor; of the other operands the distance from it counts. */
enum { LANES = 16 };

static uint64_t hash_of(const mw_graph *graph, const node *n, const mw_node *operands) {
  const bool input = n->op == MW_OP_INPUT, shaped = n->op == MW_OP_FILL || n->op == MW_OP_RESHAPE;
  uint64_t hash = mix(mix(n->op, n->extra[0]), input ? 0 : n->extra[1]), place = input ? n->extra[1] : 0;
  if (shaped) hash = mix(hash, n->shape);
  for (uint32_t i = 0; i < n->count; i++) {
    bool constant = graph->nodes[operands[i]].op == MW_OP_NUMBER;
    hash = mix(hash, constant || !place ? !constant : operands[i] - place);
    if (constant) hash = mix(hash, operands[i]);
    else if (!place) place = operands[i];
  }
  return ((mix(hash, place / LANES) >> 32 & ~(uint64_t)(LANES - 1)) | place % LANES) << 32;
}

static bool same(const mw_graph *graph, const node *a, const node *b, const mw_node *operands) {
  return a->op == b->op && a->shape == b->shape && a->count == b->count && a->dtype == b->dtype &&
         a->extra[0] == b->extra[0] && a->extra[1] == b->extra[1] &&
         (a->count == 0 || memcmp(graph->operands + a->first, operands, a->count * sizeof *operands) == 0);
}

/* The hash, an upper half, is kept beside the id: what differs in it differs, and a larger table needs no node to be looked at. */
static size_t slot_of(const mw_graph *graph, uint64_t hash) { return (hash >> 32) & (graph->table_size - 1); }

static bool widen_table(mw_graph *graph, mw_error *err) {
  uint64_t *old = graph->table, size = graph->table_size;
  graph->table = mw_mem_new(size * 2, sizeof *graph->table, err);
  if (!graph->table) return graph->table = old, false;
  graph->table_size = size * 2;
  for (size_t i = 0; i < size; i++) {
    if (!old[i]) continue;
    size_t slot = slot_of(graph, old[i]);
    while (graph->table[slot]) slot = (slot + 1) & (graph->table_size - 1);
    graph->table[slot] = old[i];
  }
  free(old);
  return true;
}

/* The node equal to `n`, made if there is none. */
static bool intern(mw_graph *graph, node n, const mw_node *operands, mw_node *out, mw_error *err) {
  const uint64_t hash = hash_of(graph, &n, operands);
  size_t mask = graph->table_size - 1, slot = slot_of(graph, hash);
  for (; graph->table[slot]; slot = (slot + 1) & mask) {
    const mw_node id = (mw_node)graph->table[slot];
    if (graph->table[slot] != (hash | id) || !same(graph, &graph->nodes[id], &n, operands)) continue;
    *out = id;
    return true;
  }
  if (graph->count >= MW_GRAPH_NODES)
    return mw_error_set(err, MW_DATA, "the recipe's graph has more than %d nodes", MW_GRAPH_NODES);
  MW_TRY(mw_mem_grow(&graph->nodes, &graph->capacity, graph->count + 2, sizeof *graph->nodes, err));
  MW_TRY(mw_mem_grow(&graph->operands, &graph->operand_capacity, graph->operand_count + n.count + 1, sizeof *graph->operands, err));
  n.first = (uint32_t)graph->operand_count;
  if (n.count) memcpy(graph->operands + n.first, operands, n.count * sizeof *operands);
  graph->operand_count += n.count;
  graph->nodes[++graph->count] = n;
  *out = (mw_node)graph->count;
  graph->table[slot] = hash | *out;
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
  if (s == 0 || s >= graph->shape_count || dtype >= MW_DTYPE_COUNT)
    return mw_error_set(err, MW_DATA, "an input tensor needs a shape and a dtype");
  node n = {.op = MW_OP_INPUT, .shape = s, .dtype = (uint8_t)dtype, .f64 = dtype == MW_DTYPE_F64,
            .extra = {model, row}};
  return intern(graph, n, NULL, out, err);
}

bool mw_graph_is_kept(const mw_graph *graph, mw_node id) {
  const node *n = &graph->nodes[id];
  return n->op == MW_OP_INPUT && mw_dtype_kind_of(n->dtype) != MW_DTYPE_KIND_REAL;
}

bool mw_graph_fill(mw_graph *graph, mw_node value, uint32_t s, mw_node *out, mw_error *err) {
  if (s == 0 || s >= graph->shape_count) return mw_error_set(err, MW_DATA, "a filled tensor needs a shape");
  if (!value || value > graph->count || graph->nodes[value].shape)
    return mw_error_set(err, MW_DATA, "a tensor is filled with a number, not with a tensor");
  node n = {.op = MW_OP_FILL, .shape = s, .count = 1, .factor = true, .learned = graph->nodes[value].learned,
            .whole = graph->nodes[value].whole, .matrices = graph->nodes[value].matrices, .variable = graph->nodes[value].variable};
  return intern(graph, n, &value, out, err);
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
  node n = {.op = MW_OP_COEFFICIENT, .dtype = MW_DTYPE_F32, .learned = true, .factor = true, .shape = s, .extra = {ordinal}};
  initial = initial == 0 ? 0 : initial; /* one zero */
  memcpy(&n.extra[1], &initial, sizeof initial);
  return intern(graph, n, NULL, out, err);
}

bool mw_graph_learned(mw_graph *graph, mw_node coefficient, uint64_t training, mw_node *out, mw_error *err) {
  if (!coefficient || coefficient > graph->count || graph->nodes[coefficient].op != MW_OP_COEFFICIENT)
    return mw_error_set(err, MW_DATA, "only a coefficient can be learned");
  node n = graph->nodes[coefficient];
  n.op = MW_OP_LEARNED, n.count = 1;
  n.extra[0] = training, n.extra[1] = 0;
  return intern(graph, n, &coefficient, out, err);
}

bool mw_graph_tokens(mw_graph *graph, uint64_t set, uint64_t rows, uint64_t length, mw_node *out, mw_error *err) {
  if (length == 0 || rows == 0 || rows % length || rows > MW_GRAPH_ROWS)
    return mw_error_set(err, MW_DATA, "a batch holds whole windows of at least one token, and at most %d tokens", MW_GRAPH_ROWS);
  node n = {.op = MW_OP_TOKENS, .extra = {set, length}};
  MW_TRY(mw_graph_shape(graph, &rows, 1, &n.shape, err));
  return intern(graph, n, NULL, out, err);
}

/* ---- views ---- */

bool mw_graph_table(mw_graph *graph, const uint32_t *rows, size_t count, uint64_t *table, mw_error *err) {
  if (count > MW_GRAPH_ROWS) return mw_error_set(err, MW_DATA, "a table of more than %d rows", MW_GRAPH_ROWS);
  uint64_t hash = count;
  for (size_t i = 0; i < count; i++) hash = mix(hash, rows[i]);
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
static bool intern_view(mw_graph *graph, node n, const mw_node *operands, mw_node *out, mw_error *err) {
  if (n.count == 1 && graph->nodes[operands[0]].op == MW_OP_FILL)
    return mw_graph_fill(graph, graph->operands[graph->nodes[operands[0]].first], n.shape, out, err);
  if (n.op == MW_OP_TRANSPOSE && graph->nodes[operands[0]].op == MW_OP_TRANSPOSE)
    return *out = graph->operands[graph->nodes[operands[0]].first], true;
  bool same_shape = n.count == 1 && n.shape == graph->nodes[operands[0]].shape;
  if (same_shape && n.op != MW_OP_GATHER && n.op != MW_OP_TRANSPOSE) return *out = operands[0], true; /* all of it */
  for (uint32_t i = 0; i < n.count; i++)
    if (graph->nodes[operands[i]].nested >= n.nested) n.nested = (uint8_t)(graph->nodes[operands[i]].nested + 1);
  if (n.nested > MW_GRAPH_NESTED) return mw_error_set(err, MW_DATA, "more than %d slices and joins of one another", MW_GRAPH_NESTED);
  n.dtype = (uint8_t)mw_view_dtype(graph, operands, n.count, n.f64);
  return intern(graph, n, operands, out, err);
}

bool mw_graph_reshape(mw_graph *graph, mw_node tensor, uint32_t s, mw_node *out, mw_error *err) {
  if (!tensor || tensor > graph->count || !s || s >= graph->shape_count || mw_graph_is_kept(graph, tensor))
    return mw_error_set(err, MW_DATA, "'reshape' needs a tensor of numbers and a shape");
  MW_TRY(mw_view_reshape(graph, tensor, s, err));
  const node *of = &graph->nodes[tensor];
  node n = {.op = MW_OP_RESHAPE, .shape = s, .count = 1, .f64 = of->f64, .learned = of->learned, .whole = of->whole, .factor = of->factor,
            .turned = of->turned, .matrices = of->matrices, .variable = of->variable};
  return intern_view(graph, n, &tensor, out, err);
}

/* ---- vectors ---- */

uint64_t mw_graph_run(const mw_graph *graph, mw_graph_node_facts facts) {
  return facts.over && !facts.column ? mw_graph_elements(graph, facts.over) / mw_graph_elements(graph, facts.shape) : 1;
}

bool mw_graph_spread(mw_graph *graph, mw_node vector, mw_node *out, mw_error *err) {
  if (!vector || vector > graph->count || !graph->nodes[vector].over)
    return mw_error_set(err, MW_DATA, "only a vector is spread over the tensor that it goes with");
  bool apart = graph->nodes[vector].column; /* along columns it is read from memory, in a pass that has not read what it is made of */
  if (apart && !mw_graph_is_found((mw_op)graph->nodes[vector].op))
    MW_TRY(mw_graph_apply(graph, MW_OP_COLUMN_KEPT, &vector, 1, NULL, &vector, err));
  const node *of = &graph->nodes[vector];
  node n = {.op = MW_OP_SPREAD, .shape = of->over, .count = 1, .f64 = of->f64, .learned = of->learned, .factor = of->factor,
            .matrices = of->matrices, .variable = of->variable, .rowed = of->rowed && !apart,
            .turned = of->turned && !apart, .nested = apart ? 0 : of->nested};
  return intern(graph, n, &vector, out, err);
}

/* Spreads the vectors among the operands, if there is a tensor among them that they go with, or a vector of other runs. What does not
 * go together stays as it is, for rules.c to refuse. */
static bool spread_vectors(mw_graph *graph, const mw_node *operands, uint32_t count, mw_node *spread, bool *changed, mw_error *err) {
  uint32_t whole = 0, own = 0; /* the tensors' shape, and the last vector's own */
  bool vector = false, tensor = false, differ = false, misfit = false;
  for (uint32_t i = 0; i < count; i++) {
    const node *n = &graph->nodes[operands[i]];
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
    if (graph->nodes[operands[i]].over) MW_TRY(mw_graph_spread(graph, operands[i], &spread[i], err));
  }
  return true;
}

/* ---- operations ---- */

static bool has_filled(const mw_graph *graph, const mw_node *operands, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    if (graph->nodes[operands[i]].op == MW_OP_FILL) return true;
  return false;
}

/* The operands, with the scalar of each filled tensor in its place. Returns whether all of them are scalars now. */
static bool scalars_of(const mw_graph *graph, const mw_node *operands, uint32_t count, mw_node *plain) {
  bool all = true;
  for (uint32_t i = 0; i < count; i++) {
    plain[i] = graph->nodes[operands[i]].op == MW_OP_FILL ? graph->operands[graph->nodes[operands[i]].first] : operands[i];
    all = all && !graph->nodes[plain[i]].shape;
  }
  return all;
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
    else if (mw_graph_is_kept(graph, operands[i]))
      return mw_error_set(err, MW_DATA, "'%s' of a tensor of integers, which is only copied", operations[op].name);
  mw_node plain[3], variable;
  bool changed;
  MW_TRY(mw_variable_of(graph, op, operands, count, &variable, err));
  if (operations[op].class == MW_CLASS_MAP || operations[op].class == MW_CLASS_SUM || op == MW_OP_BERNOULLI_EACH) {
    MW_TRY(spread_vectors(graph, operands, count, plain, &changed, err));
    if (changed) return mw_graph_apply(graph, op, plain, count, extra, out, err);
  }
  if (operations[op].class == MW_CLASS_MAP && has_filled(graph, operands, count)) {
    uint32_t of_all;
    MW_TRY(mw_rules_check(graph, op, operands, count, NULL, &of_all, err));
    bool filled = scalars_of(graph, operands, count, plain);
    MW_TRY(mw_graph_apply(graph, op, plain, count, extra, out, err));
    return !filled || mw_graph_fill(graph, *out, of_all, out, err);
  }
  MW_TRY(mw_variable_hold(graph, op, variable, operands, count, plain, &changed, err));
  if (changed) return mw_graph_apply(graph, op, plain, count, extra, out, err);
  node n = {.op = (uint8_t)op, .count = count, .variable = variable};
  if (extra) memcpy(n.extra, extra, sizeof n.extra);
  MW_TRY(mw_rules_check(graph, op, operands, count, n.extra, &n.shape, err));
  n.whole = operations[op].class == MW_CLASS_NET;
  n.turned = op == MW_OP_TRANSPOSE;
  const bool operands_share_shape = operations[op].class == MW_CLASS_MAP || operations[op].class == MW_CLASS_CHANCE;
  n.factor = true;
  for (uint32_t i = 0; i < count; i++) {
    const node *operand = &graph->nodes[operands[i]];
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
  if (operations[op].class == MW_CLASS_CROSS) {
    n.column = true;
    n.dtype = n.f64 ? MW_DTYPE_F64 : MW_DTYPE_F32;
    n.over = op == MW_OP_COLUMN_KEPT ? graph->nodes[operands[0]].over : graph->nodes[operands[0]].shape;
    if (op == MW_OP_COLUMN_TURNED) MW_TRY(mw_rules_turned(graph, operands[0], &n.over, err));
  }
  if (operations[op].class == MW_CLASS_ROW) {
    n.rowed = true;
    n.over = op == MW_OP_ROW_RANK ? 0 : graph->nodes[operands[0]].shape;
  }
  n.factor |= kinds[op] == IS_MASK || n.shape == 0 || n.over || op == MW_OP_ROW_RANK;
  if (operations[op].class == MW_CLASS_DATA) { /* it is a tensor like that of a file */
    n = (node){.op = n.op, .dtype = MW_DTYPE_F32, .factor = true, .shape = n.shape, .count = count, .extra = {n.extra[0], n.extra[1]}};
    return intern(graph, n, operands, out, err);
  }
  if (operations[op].class == MW_CLASS_MATRIX) { /* it begins anew, in memory */
    n.turned = n.rowed = false;
    n.nested = 0;
    n.matrices = true;
    if (op == MW_OP_VARIABLE) n.variable = (mw_node)graph->count + 1;
    if (op == MW_OP_MINIMISE) n.f64 = graph->nodes[operands[0]].f64, n.variable = 0;
    n.dtype = n.f64 ? MW_DTYPE_F64 : MW_DTYPE_F32;
    return intern(graph, n, operands, out, err);
  }
  if (operations[op].class == MW_CLASS_VIEW) return intern_view(graph, n, operands, out, err);
  if (operations[op].class == MW_CLASS_MAP) {
    MW_TRY(mw_rewrite(graph, op, operands, count, n.shape, out, err));
    if (*out) return true;
  }
  return intern(graph, n, operands, out, err);
}
