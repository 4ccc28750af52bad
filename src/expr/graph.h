/* graph.h: lazy expressions. A node is an id into one graph and dies with it; operands come before their users, so the
 * graph cannot have a cycle. Equal expressions are one node (hash-consing); constants fold; the rewrites that recipes.md
 * promises are made here and nowhere else. Constructors check everything, since a graph may come from a hostile process. */
#ifndef MW_EXPR_GRAPH_H
#define MW_EXPR_GRAPH_H

#include "base/dtype.h"
#include "expr/node.h"
#include <string.h>

typedef enum mw_op {
#define MW_OP(name, class, operands, meaning) MW_OP_##name,
#include "expr/ops.def"
#undef MW_OP
  MW_OP_COUNT
} mw_op;

typedef enum mw_graph_class {
  MW_CLASS_LEAF, MW_CLASS_FILL, MW_CLASS_VIEW, MW_CLASS_MATRIX, MW_CLASS_MAP, MW_CLASS_ROW, MW_CLASS_SPREAD, MW_CLASS_CHANCE,
  MW_CLASS_COLUMN, MW_CLASS_MASK, MW_CLASS_SUM, MW_CLASS_SELECT,
  MW_CLASS_VECTOR, MW_CLASS_CROSS, MW_CLASS_NET, MW_CLASS_DATA, MW_CLASS_FUSED
} mw_graph_class;

typedef struct mw_graph_operation {
  const char *name; /* "ADD" */
  mw_graph_class class;
  int operands;
} mw_graph_operation;
extern const mw_graph_operation mw_graph_operations[MW_OP_COUNT];
static inline const char *mw_graph_op_name(mw_op op) { return mw_graph_operations[op].name; }
static inline mw_graph_class mw_graph_op_class(mw_op op) { return mw_graph_operations[op].class; }
static inline int mw_graph_op_operands(mw_op op) { return mw_graph_operations[op].operands; }
/* Whether it is a reduction: computed once from whole tensors, in a pass of its own. */
static inline bool mw_graph_op_is_sink(mw_op op) {
  mw_graph_class class = mw_graph_op_class(op);
  return class == MW_CLASS_SUM || class == MW_CLASS_SELECT || class == MW_CLASS_VECTOR || class == MW_CLASS_CROSS;
}
/* Whether its elements are read as they are stored, in the dtype of its facts. */
static inline bool mw_graph_is_stored(mw_op op) { return op == MW_OP_INPUT || mw_graph_op_class(op) == MW_CLASS_VIEW; }
/* Whether its elements lie in memory, in the dtype of its facts, before a program reads them. */
static inline bool mw_graph_is_memory(mw_op op) {
  mw_graph_class class = mw_graph_op_class(op);
  return op == MW_OP_COEFFICIENT || op == MW_OP_LEARNED || class == MW_CLASS_MATRIX || class == MW_CLASS_CROSS ||
         class == MW_CLASS_DATA;
}
/* Whether it is a tensor that a sink has left in memory: what it is made of is not read again. */
static inline bool mw_graph_is_found(mw_op op) {
  return mw_graph_op_class(op) == MW_CLASS_VECTOR || mw_graph_op_class(op) == MW_CLASS_CROSS;
}
/* Whether it sums columns, or finds the largest of each, block by block. */
static inline bool mw_graph_sums_columns(mw_op op) {
  return op == MW_OP_COLUMN_TOTAL || op == MW_OP_COLUMN_DOT || op == MW_OP_COLUMN_MAX;
}
/* The first operand whose values are read: CHANCE takes only the shape of its first, LEARNED, VARIABLE and DATA nothing of their own. */
static inline uint32_t mw_graph_op_first(mw_op op) {
  mw_graph_class class = mw_graph_op_class(op);
  if (class == MW_CLASS_DATA) return (uint32_t)mw_graph_op_operands(op);
  return class == MW_CLASS_CHANCE || op == MW_OP_LEARNED || op == MW_OP_VARIABLE;
}

/* The most nodes of a graph. Fuzz targets are built with fewer: room for as many as a message announces is taken at once. */
#ifndef MW_GRAPH_MOST
#define MW_GRAPH_MOST (4 << 20)
#endif
enum { MW_GRAPH_OPERANDS = 1 << 20, MW_GRAPH_VECTOR = 1 << 20, MW_GRAPH_NODES = MW_GRAPH_MOST, MW_GRAPH_ROWS = 16 << 20,
       MW_GRAPH_LEARNED = 1 << 30, MW_GRAPH_RUN = 1 << 24, MW_GRAPH_PARTS = 4096, MW_GRAPH_NESTED = 24 };
#define MW_GRAPH_NO_ROW UINT32_MAX

typedef struct mw_graph_node_facts {
  mw_op op;
  bool f64;              /* it depends on an F64 input, so it is computed in f64 */
  bool learned;          /* it depends on a coefficient */
  bool factor;           /* it depends on tensors of models only through masks or scalars: it can only weigh others */
  bool turned;           /* it is, or is made of, a TRANSPOSE */
  bool viewed;           /* it is, or is made of, a view or a matrix: its shape is its own */
  bool matrices;         /* it is, or is made of, a MATRIX */
  bool column;           /* a vector along columns: it has one value for each */
  bool rowed;            /* it is computed from runs of elements (ROW), so whole rows are needed at a time */
  bool whole;            /* it depends on a NET operation, so only src/learn can compute it, as a whole tensor */
  uint32_t shape;        /* 0: a scalar */
  mw_node variable;      /* not 0: it depends on this VARIABLE, so it has a value only during a step of a MINIMISE */
  uint32_t over;         /* not 0: a vector, of as many values as its shape has elements, that goes with tensors of this shape */
  uint32_t operands;     /* how many */
  const mw_node *operand;/* borrowed until the next constructor call */
  uint64_t extra[2];     /* op's own; NUMBER: bits of the double; INPUT: model, row */
  mw_dtype dtype;        /* INPUT; VIEW: that of its operands, or F32 or F64; MATRIX: either; COEFFICIENT, LEARNED and DATA: F32 */
} mw_graph_node_facts;

/* A named result of a recipe. */
typedef struct mw_graph_output {
  const char *name;
  mw_node node;
} mw_graph_output;

typedef struct mw_graph mw_graph;
bool mw_graph_new(mw_graph **out, mw_error *err);
void mw_graph_free(mw_graph *graph);
/* So many nodes will be made. */
bool mw_graph_expect(mw_graph *graph, uint32_t nodes, mw_error *err);
uint32_t mw_graph_count(const mw_graph *graph); /* ids are 1 .. count */

/* Shapes are interned; a tensor of rank 0 has a shape too. */
bool mw_graph_shape(mw_graph *graph, const uint64_t *dims, unsigned rank, uint32_t *shape, mw_error *err);
unsigned mw_graph_rank(const mw_graph *graph, uint32_t shape);
const uint64_t *mw_graph_dims(const mw_graph *graph, uint32_t shape);
uint64_t mw_graph_elements(const mw_graph *graph, uint32_t shape); /* 1 for a scalar */

bool mw_graph_number(mw_graph *graph, double value, mw_node *out, mw_error *err);
/* Tensor `row` of input model `model`. If its dtype is not REAL, it can only be an output; nothing can be computed with it. */
bool mw_graph_input(mw_graph *graph, uint32_t model, uint32_t row, mw_dtype dtype, uint32_t shape, mw_node *out,
                    mw_error *err);
/* What an elementwise operation makes of a vector and a tensor that it goes with: the vector's value for each of the tensor's elements. */
bool mw_graph_spread(mw_graph *graph, mw_node vector, mw_node *out, mw_error *err);
/* How many elements of the tensors that it goes with a vector along rows has one value for; 1 for any other node. */
uint64_t mw_graph_run(const mw_graph *graph, mw_graph_node_facts facts);
bool mw_graph_is_kept(const mw_graph *graph, mw_node node);
/* A tensor of that shape whose elements are all the scalar `value`. */
bool mw_graph_fill(mw_graph *graph, mw_node value, uint32_t shape, mw_node *out, mw_error *err);
/* A trainable vector of `elements` (1 .. MW_GRAPH_VECTOR), all `initial` at first. `ordinal` makes the coefficients of
 * a recipe different nodes. */
bool mw_graph_coefficient(mw_graph *graph, uint64_t ordinal, uint64_t elements, double initial, mw_node *out, mw_error *err);
/* The same in a shape of 1 to MW_GRAPH_LEARNED elements: a number for each element of a tensor. */
bool mw_graph_coefficient_of(mw_graph *graph, uint64_t ordinal, uint32_t shape, double initial, mw_node *out, mw_error *err);
/* The value of a COEFFICIENT after training number `training` of the recipe. It is known when that training has run. */
bool mw_graph_learned(mw_graph *graph, mw_node coefficient, uint64_t training, mw_node *out, mw_error *err);
/* The ids of a batch of data set `set`: windows of `length` positions, `rows` in all (a multiple of `length`, at most
 * MW_GRAPH_ROWS). */
bool mw_graph_tokens(mw_graph *graph, uint64_t set, uint64_t rows, uint64_t length, mw_node *out, mw_error *err);
/* A table of row numbers for GATHER; equal tables are one. At most MW_GRAPH_ROWS rows. */
bool mw_graph_table(mw_graph *graph, const uint32_t *rows, size_t count, uint64_t *table, mw_error *err);
const uint32_t *mw_graph_rows(const mw_graph *graph, uint64_t table, size_t *count); /* NULL: there is no such table */
size_t mw_graph_tables(const mw_graph *graph);
/* The elements of a tensor in their order, in a shape of as many. */
bool mw_graph_reshape(mw_graph *graph, mw_node tensor, uint32_t shape, mw_node *out, mw_error *err);
/* Any other op but FUSED, LEAF, FILL, SPREAD and RESHAPE. A MAP or SUM of a tensor and a vector over its shape spreads the vector.
 * Errors (MW_DATA): shapes that differ, a scalar where a tensor is needed, ranks outside ... */
bool mw_graph_apply(mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, const uint64_t extra[2],
                    mw_node *out, mw_error *err);

/* extra[1] of ATTENTION, in bits from the top: 16, 16 and 32. */
typedef struct mw_graph_heads {
  uint64_t query, key_value; /* the second divides the first */
  uint32_t back;             /* how many positions a query sees, itself included; 0: all */
} mw_graph_heads;
static inline mw_graph_heads mw_graph_heads_of(const uint64_t extra[2]) {
  return (mw_graph_heads){extra[1] >> 48, extra[1] >> 32 & 0xffff, (uint32_t)extra[1]};
}

/* A graph begins with its nodes. They are read here without a call, since planning sweeps over all of them again and again. */
static inline const mw_node_table *mw_graph_nodes(const mw_graph *graph) { return (const mw_node_table *)(const void *)graph; }

static inline mw_graph_node_facts mw_graph_facts(const mw_graph *graph, mw_node node) { /* node must be in 1 .. count */
  const mw_node_table *all = mw_graph_nodes(graph);
  const mw_node_table_entry n = all->nodes[node];
  mw_graph_node_facts facts = {.op = (mw_op)n.op, .f64 = n.f64, .learned = n.learned, .factor = n.factor, .turned = n.turned,
                               .viewed = n.nested > 0 || n.matrices, .matrices = n.matrices, .whole = n.whole, .rowed = n.rowed,
                               .column = n.column, .shape = n.shape, .over = n.over, .variable = n.variable, .operands = n.count,
                               .operand = all->operands + n.first, .dtype = (mw_dtype)n.dtype};
  mw_node_table_extra(all, node, facts.extra);
  return facts;
}
/* The same in part: the operation; the operands whose values are read (mw_graph_op_first), and those that DATA is found from. */
static inline mw_op mw_graph_op(const mw_graph *graph, mw_node node) { return (mw_op)mw_graph_nodes(graph)->nodes[node].op; }
static inline const mw_node *mw_graph_read(const mw_graph *graph, mw_node node, uint32_t *count) {
  const mw_node_table_entry *n = &mw_graph_nodes(graph)->nodes[node];
  const mw_op op = (mw_op)n->op;
  uint32_t first = mw_graph_op_class(op) == MW_CLASS_DATA ? 0 : mw_graph_op_first(op);
  *count = n->count - first;
  return mw_graph_nodes(graph)->operands + n->first + first;
}

static inline bool mw_graph_has_extra(const mw_graph *graph, mw_node node) { return mw_graph_nodes(graph)->nodes[node].has_extra; }

static inline bool mw_graph_is_number(const mw_graph *graph, mw_node node, double *value) {
  uint64_t extra[2];
  if (!node || mw_graph_op(graph, node) != MW_OP_NUMBER) return false;
  mw_node_table_extra(mw_graph_nodes(graph), node, extra);
  memcpy(value, extra, sizeof *value);
  return true;
}
/* Whether it is this number. */
static inline bool mw_graph_is(const mw_graph *graph, mw_node node, double number) {
  double value;
  return mw_graph_is_number(graph, node, &value) && value == number;
}
/* Operand i of a node of this kind, else 0. */
static inline mw_node mw_graph_part(const mw_graph *graph, mw_node node, mw_op op, unsigned i) {
  const mw_node_table *all = mw_graph_nodes(graph);
  return mw_graph_op(graph, node) == op ? all->operands[all->nodes[node].first + i] : 0;
}

/* How many of a SELECT's operands it selects from: the first ones. */
static inline uint32_t mw_graph_selected(mw_graph_node_facts facts) {
  return facts.operands - (facts.op == MW_OP_TIE || facts.op == MW_OP_KTH_LAZY);
}

#endif
