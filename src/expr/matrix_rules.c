/* matrix_rules.c: see matrix_rules.h. LAPACK counts with ints, so a side has less than 2^31 elements. */
#include "expr/matrix_rules.h"
#include "base/text.h"
#include <string.h>

static uint32_t shape_of(const mw_graph *graph, mw_node node) { return mw_graph_facts(graph, node).shape; }

mw_matrix_rules_form mw_matrix_rules_read(const mw_graph *graph, uint32_t shape) {
  unsigned rank = mw_graph_rank(graph, shape);
  const uint64_t *dims = mw_graph_dims(graph, shape);
  mw_matrix_rules_form form = {1, rank ? dims[rank > 1 ? rank - 2 : 0] : 1, rank > 1 ? dims[rank - 1] : 1};
  for (unsigned i = 0; i + 2 < rank; i++) form.matrices *= dims[i];
  return form;
}

/* As recipes write an operation. */
static const char *word_of(mw_op op) {
  switch (op) {
  case MW_OP_MATMUL: return "matmul";
  case MW_OP_SVD: return "svd";
  case MW_OP_LOW_RANK: return "low_rank";
  case MW_OP_ORTHOGONAL: return "orthogonal";
  case MW_OP_QR: return "qr";
  case MW_OP_EIGH: return "eigh";
  case MW_OP_SOLVE: return "solve";
  case MW_OP_PINV: return "pinv";
  case MW_OP_ASSIGN: return "assign";
  case MW_OP_CUMULATIVE: return "cumulative";
  case MW_OP_DIAGONAL: return "diagonal";
  case MW_OP_TURN: return "T";
  case MW_OP_HELD:
  case MW_OP_VARIABLE:
  case MW_OP_MINIMISE: return "minimise";
  case MW_OP_BY_ROW: return "scale_rows";
  default: return "scale_columns";
  }
}

/* "'matmul' of [2,3] and [4,5]: ..." */
static bool misfit(const mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, const char *what, mw_error *err) {
  mw_text text = {0};
  for (uint32_t i = 0; i < count; i++) {
    uint32_t shape = shape_of(graph, operands[i]);
    mw_text_format(&text, i ? " and " : "");
    mw_text_shape(&text, mw_graph_dims(graph, shape), mw_graph_rank(graph, shape));
  }
  mw_error_set(err, MW_DATA, "'%s' of %s: %s", word_of(op), text.bytes ? text.bytes : "", what);
  mw_text_free(&text);
  return false;
}

static bool need_whole(const mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, mw_error *err) {
  for (uint32_t i = 0; i < count; i++) {
    mw_graph_node_facts facts = mw_graph_facts(graph, operands[i]);
    if (facts.over) return mw_error_set(err, MW_DATA, "'%s' of a vector along rows", word_of(op));
    if (facts.whole || facts.op == MW_OP_TOKENS) return mw_error_set(err, MW_DATA, "'%s' of what a network computes", word_of(op));
    if (!facts.shape || facts.op == MW_OP_VECTOR) return mw_error_set(err, MW_DATA, "'%s' needs a tensor, not a number", word_of(op));
  }
  return true;
}

/* A shape like `of`'s, with other dimensions from the last ones on: `drop` of them go, and `count` take their place. */
static bool reshaped(mw_graph *graph, uint32_t of, unsigned drop, const uint64_t *last, unsigned count, uint32_t *shape, mw_error *err) {
  uint64_t dims[66];
  unsigned rank = mw_graph_rank(graph, of) - drop;
  memcpy(dims, mw_graph_dims(graph, of), rank * sizeof *dims);
  memcpy(dims + rank, last, count * sizeof *dims);
  return mw_graph_shape(graph, dims, rank + count, shape, err);
}

static bool same_leading(const mw_graph *graph, uint32_t a, unsigned a_last, uint32_t b, unsigned b_last) {
  unsigned rank = mw_graph_rank(graph, a) - a_last;
  return mw_graph_rank(graph, b) >= b_last && rank == mw_graph_rank(graph, b) - b_last &&
         memcmp(mw_graph_dims(graph, a), mw_graph_dims(graph, b), rank * sizeof(uint64_t)) == 0;
}

static bool check_two(mw_graph *graph, mw_op op, const mw_node *o, uint32_t *shape, mw_error *err) {
  uint32_t a = shape_of(graph, o[0]), b = shape_of(graph, o[1]);
  mw_matrix_rules_form x = mw_matrix_rules_read(graph, a), y = mw_matrix_rules_read(graph, b);
  if (op == MW_OP_BY_ROW || op == MW_OP_BY_COLUMN) {
    bool by_row = op == MW_OP_BY_ROW, fits = same_leading(graph, a, 2, b, 1);
    fits = fits && mw_graph_dims(graph, b)[mw_graph_rank(graph, b) - 1] == (by_row ? x.rows : x.columns);
    *shape = a;
    static const char each_row[] = "one number for each row is needed", each_column[] = "one number for each column is needed";
    return fits || misfit(graph, op, o, 2, by_row ? each_row : each_column, err);
  }
  if (op == MW_OP_SOLVE) {
    if (x.rows != x.columns) return misfit(graph, op, o, 1, "a square matrix is needed; pinv(x) is for the others", err);
    bool fits = (same_leading(graph, a, 2, b, 2) || (mw_graph_rank(graph, a) == 2 && mw_graph_rank(graph, b) == 1)) && x.rows == y.rows;
    *shape = b;
    return fits || misfit(graph, op, o, 2, "the second needs as many rows", err);
  }
  if (!same_leading(graph, a, 2, b, 2)) return misfit(graph, op, o, 2, "both are matrices, or as many of them", err);
  if (x.columns != y.rows) return misfit(graph, op, o, 2, "the first needs as many columns as the second has rows", err);
  return reshaped(graph, a, 2, (uint64_t[]){x.rows, y.columns}, 2, shape, err);
}

/* Steps against a gradient: the start, what is changed, a gradient as large, and the length of a step. */
static bool check_minimise(const mw_graph *graph, const mw_node *o, const uint64_t extra[2], uint32_t *shape, mw_error *err) {
  mw_graph_node_facts start = mw_graph_facts(graph, o[0]), x = mw_graph_facts(graph, o[1]), g = mw_graph_facts(graph, o[2]);
  MW_TRY(need_whole(graph, MW_OP_MINIMISE, o, 3, err));
  *shape = start.shape;
  bool of_start = x.op == MW_OP_VARIABLE && x.operand[0] == o[0] && !start.variable;
  if (!of_start || g.shape != start.shape || (g.variable && g.variable != o[1]))
    return mw_error_set(err, MW_DATA, "'minimise' needs a start, the variable made of it, and a gradient of their shape");
  if (shape_of(graph, o[3]) || mw_graph_facts(graph, o[3]).variable)
    return mw_error_set(err, MW_DATA, "the rate of 'minimise' is a number, the same in each step");
  return (extra[0] <= MW_MATRIX_RULES_STEPS && extra[1] <= 2) ||
         mw_error_set(err, MW_DATA, "'minimise' takes at most %d steps", MW_MATRIX_RULES_STEPS);
}

bool mw_matrix_rules_check(mw_graph *graph, mw_op op, const mw_node *o, uint32_t count, const uint64_t extra[2], uint32_t *shape,
                           mw_error *err) {
  if (op == MW_OP_MINIMISE) return check_minimise(graph, o, extra, shape, err);
  MW_TRY(need_whole(graph, op, o, count, err));
  uint32_t a = *shape = shape_of(graph, o[0]);
  if (op == MW_OP_HELD || op == MW_OP_VARIABLE) return true;
  if (op == MW_OP_CUMULATIVE)
    return mw_graph_rank(graph, a) > 0 || misfit(graph, op, o, 1, "a tensor without dimensions has no order", err);
  if (mw_graph_rank(graph, a) < 2) return misfit(graph, op, o, 1, "a matrix is needed, a tensor of two dimensions or more", err);
  mw_matrix_rules_form x = mw_matrix_rules_read(graph, a);
  uint64_t k = x.rows < x.columns ? x.rows : x.columns, results;
  if (x.rows > INT32_MAX || x.columns > INT32_MAX) return misfit(graph, op, o, 1, "a side of 2^31 or more", err);
  switch (op) {
  case MW_OP_SVD:
  case MW_OP_LOW_RANK:
    if (extra[0] > k || (k && !extra[0])) return misfit(graph, op, o, 1, "its rank is 1 to the smaller side", err);
    if (op == MW_OP_LOW_RANK) return true;
    if (__builtin_mul_overflow(extra[0], x.rows + x.columns + 1, &results)) break;
    return reshaped(graph, a, 2, &results, 1, shape, err);
  case MW_OP_QR:
    if (__builtin_mul_overflow(k, x.rows + x.columns, &results)) break;
    return reshaped(graph, a, 2, &results, 1, shape, err);
  case MW_OP_EIGH:
    if (x.rows != x.columns) return misfit(graph, op, o, 1, "a square matrix is needed; svd(x) is for the others", err);
    results = x.rows * (x.rows + 1);
    return reshaped(graph, a, 2, &results, 1, shape, err);
  case MW_OP_TURN:
  case MW_OP_PINV: return reshaped(graph, a, 2, (uint64_t[]){x.columns, x.rows}, 2, shape, err);
  case MW_OP_ORTHOGONAL:
  case MW_OP_ASSIGN:
  case MW_OP_DIAGONAL: return true;
  default: return check_two(graph, op, o, shape, err);
  }
  return misfit(graph, op, o, 1, "too many elements", err);
}
