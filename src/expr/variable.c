/* variable.c: gradients are found backwards: the node with the highest number whose gradient is known propagates it to its operands,
 * which have lower ones, until the variable is reached. So each node is met once, when all that reads it has been. For example, of
 * loss = total((x - t)^2):
 *
 *   TOTAL   its gradient is 1: (x - t)^2 gets 1 for each element
 *   POW     x - t gets 2 (x - t)
 *   SUB     x gets 2 (x - t), and t, which does not depend on x, nothing */
#include "expr/variable.h"
#include "expr/derive.h"
#include <stdlib.h>
#include <string.h>

static mw_graph_node_facts facts_of(const mw_graph *graph, mw_node node) { return mw_graph_facts(graph, node); }

static bool may_vary(mw_op op) {
  switch (mw_graph_op_class(op)) {
  case MW_CLASS_FILL:
  case MW_CLASS_VIEW:
  case MW_CLASS_MATRIX:
  case MW_CLASS_MAP:
  case MW_CLASS_ROW:
  case MW_CLASS_SPREAD:
  case MW_CLASS_COLUMN: return true;
  case MW_CLASS_SUM: return op == MW_OP_TOTAL || op == MW_OP_DOT;
  default: return false;
  }
}

bool mw_variable_of(const mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, mw_node *variable, mw_error *err) {
  *variable = 0;
  for (uint32_t i = 0; i < count; i++) {
    mw_node own = facts_of(graph, operands[i]).variable;
    if (own && *variable && own != *variable) return mw_error_set(err, MW_DATA, "two tensors that minimise changes are in one loss");
    if (own) *variable = own;
  }
  if (*variable && !may_vary(op))
    return mw_error_set(err, MW_DATA, "'%s' of what minimise changes: it has no derivative there", mw_graph_op_name(op));
  return true;
}

/* A tensor that is computed or read from a file, but no part of a matrix, which lies in memory. */
static bool is_read(const mw_graph *graph, mw_node node) {
  mw_graph_node_facts facts = facts_of(graph, node);
  bool in_memory = mw_graph_is_memory(facts.op) || facts.op == MW_OP_FILL || facts.op == MW_OP_VECTOR;
  bool piece = mw_graph_op_class(facts.op) == MW_CLASS_VIEW && facts.matrices;
  return facts.shape && !facts.variable && !facts.over && !in_memory && !piece;
}

bool mw_variable_hold(mw_graph *graph, mw_op op, mw_node variable, const mw_node *operands, uint32_t count, mw_node held[3],
                      bool *changed, mw_error *err) {
  *changed = false;
  if (!variable || op == MW_OP_MINIMISE || op == MW_OP_VARIABLE || count > 3) return true;
  for (uint32_t i = 0; i < count; i++) {
    held[i] = operands[i];
    if (!is_read(graph, operands[i])) continue;
    MW_TRY(mw_graph_apply(graph, MW_OP_HELD, &operands[i], 1, NULL, &held[i], err));
    *changed = true;
  }
  return true;
}

/* ---- gradients ---- */

typedef struct pending {
  mw_node node, gradient; /* of a tensor a tensor; of a vector perhaps a number, which stands for all of its values */
} pending;

typedef struct maker {
  mw_graph *graph;
  mw_node variable;
  pending *list; /* ascending by node */
  size_t count, capacity;
  mw_error *err;
} maker;

static bool apply(maker *m, mw_op op, mw_node a, mw_node b, const uint64_t extra[2], mw_node *out) {
  mw_node operands[2] = {a, b};
  return mw_graph_apply(m->graph, op, operands, b ? 2 : 1, extra, out, m->err);
}

static bool fill_like(maker *m, double value, uint32_t shape, mw_node *out) {
  mw_node number;
  return mw_graph_number(m->graph, value, &number, m->err) && mw_graph_fill(m->graph, number, shape, out, m->err);
}

/* Adds to the gradient of a node that depends on the variable. What a scalar gets of a tensor's elements is their sum. */
static bool give(maker *m, mw_node node, mw_node gradient) {
  mw_graph_node_facts to = facts_of(m->graph, node);
  if (!to.variable) return true;
  bool is_tensor = facts_of(m->graph, gradient).shape != 0;
  if (!to.shape && is_tensor) MW_TRY(apply(m, MW_OP_TOTAL, gradient, 0, NULL, &gradient));
  if (to.shape && !to.over && !is_tensor) MW_TRY(mw_graph_fill(m->graph, gradient, to.shape, &gradient, m->err));
  size_t at = m->count;
  while (at && m->list[at - 1].node > node) at--;
  if (at && m->list[at - 1].node == node)
    return mw_derive_add(m->graph, m->list[at - 1].gradient, gradient, &m->list[at - 1].gradient, m->err);
  MW_TRY(mw_mem_grow(&m->list, &m->capacity, m->count + 1, sizeof *m->list, m->err));
  memmove(m->list + at + 1, m->list + at, (m->count - at) * sizeof *m->list);
  m->list[at] = (pending){node, gradient};
  m->count++;
  return true;
}

static bool no_derivative(maker *m, mw_op op) {
  return mw_error_set(m->err, MW_DATA, "minimise's loss goes through '%s', which has no derivative here", mw_graph_op_name(op));
}

static bool back_map(maker *m, mw_op op, const mw_node *o, uint32_t count, mw_node y, mw_node g) {
  mw_node out[3];
  unsigned wanted = 0;
  for (uint32_t i = 0; i < count; i++) wanted |= (unsigned)(facts_of(m->graph, o[i]).variable != 0) << i;
  MW_TRY(mw_derive(m->graph, op, o, y, g, wanted, out, m->err));
  for (uint32_t i = 0; i < count; i++)
    if (out[i]) MW_TRY(give(m, o[i], out[i]));
  return true;
}

/* The matrix turned; what has been turned as it was. */
static bool turn(maker *m, mw_node x, mw_node *out) {
  mw_graph_node_facts facts = facts_of(m->graph, x);
  bool plain = mw_graph_rank(m->graph, facts.shape) == 2;
  if (facts.op == MW_OP_TRANSPOSE || facts.op == MW_OP_TURN) return *out = facts.operand[0], true;
  return apply(m, plain ? MW_OP_TRANSPOSE : MW_OP_TURN, x, 0, NULL, out);
}

/* Of y = a * scale along rows or columns, where a is one matrix: what the scale gets is the sum of g * a along the other side, by a
 * product with ones. */
static bool back_scale(maker *m, bool by_row, mw_node a, mw_node scale, mw_node g) {
  mw_graph_node_facts of = facts_of(m->graph, a), by = facts_of(m->graph, scale);
  mw_node scaled, product, ones, sums;
  uint32_t shape, scale_shape = by.shape;
  MW_TRY(apply(m, by_row ? MW_OP_BY_ROW : MW_OP_BY_COLUMN, g, scale, NULL, &scaled) && give(m, a, scaled));
  if (!by.variable) return true;
  if (mw_graph_rank(m->graph, of.shape) != 2) return no_derivative(m, by_row ? MW_OP_BY_ROW : MW_OP_BY_COLUMN);
  const uint64_t *dims = mw_graph_dims(m->graph, of.shape), side[2] = {by_row ? dims[1] : 1, by_row ? 1 : dims[0]};
  MW_TRY(apply(m, MW_OP_MUL, g, a, NULL, &product));
  MW_TRY(mw_graph_shape(m->graph, side, 2, &shape, m->err) && fill_like(m, 1, shape, &ones));
  MW_TRY(apply(m, MW_OP_MATMUL, by_row ? product : ones, by_row ? ones : product, NULL, &sums));
  return mw_graph_reshape(m->graph, sums, scale_shape, &sums, m->err) && give(m, scale, sums);
}

static bool back_matrix(maker *m, mw_op op, const mw_node *o, mw_node y, mw_node g) {
  mw_node turned, to;
  switch (op) {
  case MW_OP_MATMUL:
    if (facts_of(m->graph, o[0]).variable)
      MW_TRY(turn(m, o[1], &turned) && apply(m, MW_OP_MATMUL, g, turned, NULL, &to) && give(m, o[0], to));
    if (!facts_of(m->graph, o[1]).variable) return true;
    return turn(m, o[0], &turned) && apply(m, MW_OP_MATMUL, turned, g, NULL, &to) && give(m, o[1], to);
  case MW_OP_SOLVE: /* x = a^-1 b: b gets a'^-1 g, and a minus that times x' */
    if (mw_graph_rank(m->graph, facts_of(m->graph, y).shape) != 2) return no_derivative(m, op);
    MW_TRY(turn(m, o[0], &turned) && apply(m, MW_OP_SOLVE, turned, g, NULL, &to) && give(m, o[1], to));
    if (!facts_of(m->graph, o[0]).variable) return true;
    MW_TRY(turn(m, y, &turned) && apply(m, MW_OP_MATMUL, to, turned, NULL, &to) && apply(m, MW_OP_NEG, to, 0, NULL, &to));
    return give(m, o[0], to);
  case MW_OP_TURN:
  case MW_OP_DIAGONAL: return apply(m, op, g, 0, NULL, &to) && give(m, o[0], to);
  case MW_OP_BY_ROW:
  case MW_OP_BY_COLUMN: return back_scale(m, op == MW_OP_BY_ROW, o[0], o[1], g);
  default: return no_derivative(m, op);
  }
}

/* A slice's gradient lies between zeros: rows [first, end) of a tensor of `size` rows. */
static bool back_slice(maker *m, bool rows, mw_node of, uint64_t first, uint64_t end, mw_node g) {
  mw_node parts[3];
  uint32_t shape = facts_of(m->graph, of).shape, count = 0, own;
  uint64_t dims[64], size;
  unsigned rank = mw_graph_rank(m->graph, shape), axis = rows ? 0 : rank - 1;
  memcpy(dims, mw_graph_dims(m->graph, shape), rank * sizeof *dims);
  size = dims[axis];
  const uint64_t zeros[2] = {first, size - end};
  for (int i = 0; i < 2; i++) {
    if (i) parts[count++] = g;
    if (!(dims[axis] = zeros[i])) continue;
    MW_TRY(mw_graph_shape(m->graph, dims, rank, &own, m->err) && fill_like(m, 0, own, &parts[count++]));
  }
  MW_TRY(mw_graph_apply(m->graph, rows ? MW_OP_JOIN_ROWS : MW_OP_JOIN_COLUMNS, parts, count, NULL, &g, m->err));
  return give(m, of, g);
}

static bool back_join(maker *m, bool rows, const mw_node *o, uint32_t count, mw_node g) {
  uint64_t extra[2] = {0, 0};
  for (uint32_t i = 0; i < count; i++) {
    uint32_t shape = facts_of(m->graph, o[i]).shape;
    mw_node part;
    extra[1] = extra[0] + mw_graph_dims(m->graph, shape)[rows ? 0 : mw_graph_rank(m->graph, shape) - 1];
    if (facts_of(m->graph, o[i]).variable)
      MW_TRY(apply(m, rows ? MW_OP_SLICE_ROWS : MW_OP_SLICE_COLUMNS, g, 0, extra, &part) && give(m, o[i], part));
    extra[0] = extra[1];
  }
  return true;
}

static bool back_view(maker *m, mw_op op, const mw_node *o, uint32_t count, const uint64_t extra[2], mw_node g) {
  switch (op) {
  case MW_OP_TRANSPOSE: return turn(m, g, &g) && give(m, o[0], g);
  case MW_OP_RESHAPE: return mw_graph_reshape(m->graph, g, facts_of(m->graph, o[0]).shape, &g, m->err) && give(m, o[0], g);
  case MW_OP_SLICE_ROWS:
  case MW_OP_SLICE_COLUMNS: return back_slice(m, op == MW_OP_SLICE_ROWS, o[0], extra[0], extra[1], g);
  case MW_OP_JOIN_ROWS:
  case MW_OP_JOIN_COLUMNS: return back_join(m, op == MW_OP_JOIN_ROWS, o, count, g);
  default: return no_derivative(m, op);
  }
}

/* Of sums of all elements, or of each run along the last dimension. */
static bool back_sum(maker *m, mw_op op, const mw_node *o, mw_node g) {
  mw_node to;
  if (op == MW_OP_DOT || op == MW_OP_ROW_DOT)
    return apply(m, MW_OP_MUL, g, o[1], NULL, &to) && give(m, o[0], to) && apply(m, MW_OP_MUL, g, o[0], NULL, &to) && give(m, o[1], to);
  if (op != MW_OP_TOTAL && op != MW_OP_ROW_TOTAL) return no_derivative(m, op);
  if (facts_of(m->graph, g).over) MW_TRY(mw_graph_spread(m->graph, g, &g, m->err));
  return give(m, o[0], g);
}

static bool back_spread(maker *m, mw_node vector, mw_node g) {
  mw_graph_node_facts of = facts_of(m->graph, vector);
  uint64_t extra[2] = {mw_graph_run(m->graph, of), 0};
  if (of.column) return no_derivative(m, MW_OP_SPREAD);
  return apply(m, MW_OP_ROW_TOTAL, g, 0, extra, &g) && give(m, vector, g);
}

static bool back(maker *m, mw_node y, mw_node g) {
  mw_graph_node_facts facts = facts_of(m->graph, y);
  mw_node few[8], *o = few;
  if (facts.operands > 8 && !(o = mw_mem_new(facts.operands, sizeof *o, m->err))) return false;
  memcpy(o, facts.operand, facts.operands * sizeof *o); /* constructors move them */
  bool ok;
  switch (mw_graph_op_class(facts.op)) {
  case MW_CLASS_MAP: ok = back_map(m, facts.op, o, facts.operands, y, g); break;
  case MW_CLASS_MATRIX: ok = back_matrix(m, facts.op, o, y, g); break;
  case MW_CLASS_VIEW: ok = back_view(m, facts.op, o, facts.operands, facts.extra, g); break;
  case MW_CLASS_SUM:
  case MW_CLASS_ROW: ok = back_sum(m, facts.op, o, g); break;
  case MW_CLASS_FILL: ok = give(m, o[0], g); break;
  case MW_CLASS_SPREAD: ok = back_spread(m, o[0], g); break;
  case MW_CLASS_COLUMN: ok = apply(m, MW_OP_COLUMNS, g, o[1], NULL, &g) && give(m, o[0], g); break;
  default: ok = no_derivative(m, facts.op);
  }
  if (o != few) free(o);
  return ok;
}

bool mw_variable_gradient(mw_graph *graph, mw_node loss, mw_node variable, mw_node *gradient, mw_error *err) {
  maker m = {.graph = graph, .variable = variable, .err = err};
  mw_node one;
  if (facts_of(graph, loss).variable != variable || facts_of(graph, loss).shape)
    return mw_error_set(err, MW_DATA, "minimise's loss is a number that depends on what is changed");
  bool ok = mw_graph_number(graph, 1, &one, err) && give(&m, loss, one);
  *gradient = 0;
  while (ok && m.count && !*gradient) {
    pending last = m.list[--m.count];
    if (last.node == variable) *gradient = last.gradient;
    else ok = back(&m, last.node, last.gradient);
  }
  free(m.list);
  if (ok && !*gradient) ok = fill_like(&m, 0, facts_of(graph, variable).shape, gradient); /* flat everywhere, as a mask is */
  return ok;
}
