/* test_graph.c: an operation that is like the last one (graph.c) becomes what it is where it is the first: for every elementwise operation
 * and sum of every pair of operands, in turn in one graph and each in a graph of its own. */
#include "expr/graph.h"
#include "unit.h"
#include <string.h>

enum { LEAVES = 17 };

static mw_error err;

/* Tensors of two shapes, dtypes and kinds, pairs of like ones side by side; vectors, numbers, lazy numbers. */
static void plant(mw_graph *graph, mw_node leaf[LEAVES]) {
  const uint64_t dims[2][2] = {{4, 6}, {3, 6}}, run[2] = {6};
  uint32_t shape[2];
  mw_node node, *next = leaf;
#define ADD(call) CHECK(call), *next++ = node
  for (int s = 0; s < 2; s++) CHECK(mw_graph_shape(graph, dims[s], 2, &shape[s], &err));
  for (uint32_t row = 0; row < 3; row++) ADD(mw_graph_input(graph, 0, row, MW_DTYPE_BF16, shape[row == 2], &node, &err));
  for (uint32_t row = 3; row < 5; row++) ADD(mw_graph_input(graph, 0, row, MW_DTYPE_F64, shape[0], &node, &err));
  ADD(mw_graph_input(graph, 0, 5, MW_DTYPE_I32, shape[0], &node, &err));
  for (int s = 0; s < 2; s++) ADD(mw_graph_number(graph, s + 1, &node, &err));
  ADD(mw_graph_number(graph, 0, &node, &err));
  for (int s = 0; s < 2; s++) ADD(mw_graph_fill(graph, leaf[6], shape[s], &node, &err));
  for (int s = 0; s < 2; s++) ADD(mw_graph_apply(graph, MW_OP_TOTAL, &leaf[2 * s], 1, NULL, &node, &err));
  for (int s = 0; s < 2; s++) ADD(mw_graph_apply(graph, MW_OP_ROW_TOTAL, &leaf[s], 1, run, &node, &err));
  ADD(mw_graph_apply(graph, MW_OP_SUB, leaf, 2, NULL, &node, &err));
  ADD(mw_graph_apply(graph, MW_OP_ADD, leaf, 2, NULL, &node, &err));
#undef ADD
  CHECK(next == leaf + LEAVES);
}

/* What a node is, and the numbers of what it is made of, down to the leaves. */
static bool same(const mw_graph *a, mw_node x, const mw_graph *b, mw_node y) {
  mw_graph_node_facts p = mw_graph_facts(a, x), q = mw_graph_facts(b, y);
  if (p.op != q.op || p.operands != q.operands || memcmp(p.extra, q.extra, sizeof p.extra) != 0 || p.shape != q.shape) return false;
  if (p.f64 != q.f64 || p.learned != q.learned || p.factor != q.factor || p.turned != q.turned || p.viewed != q.viewed) return false;
  if (p.matrices != q.matrices || p.column != q.column || p.rowed != q.rowed || p.whole != q.whole || p.over != q.over) return false;
  if (p.variable != q.variable || p.dtype != q.dtype) return false;
  for (uint32_t i = 0; i < p.operands; i++)
    if (!same(a, p.operand[i], b, q.operand[i])) return false;
  return true;
}

static bool is_tried(mw_op op) {
  mw_graph_class class = mw_graph_op_class(op);
  return (class == MW_CLASS_MAP || class == MW_CLASS_SUM) && mw_graph_op_operands(op) <= 2;
}

static void likeness(void) {
  mw_graph *graph, *alone;
  mw_node leaf[LEAVES], own[LEAVES], operands[2], node, other;
  uint32_t good = 0, tried = 0;
  CHECK(mw_graph_new(&graph, &err));
  plant(graph, leaf);
  for (mw_op op = 0; op < MW_OP_COUNT; op++) {
    if (!is_tried(op)) continue;
    for (int i = 0; i < LEAVES * LEAVES; i++) {
      const uint32_t count = (uint32_t)mw_graph_op_operands(op);
      CHECK(mw_graph_new(&alone, &err));
      plant(alone, own);
      const int at[2] = {i / LEAVES, i % LEAVES};
      for (int k = 0; k < 2; k++) operands[k] = leaf[at[k]];
      bool first = mw_graph_apply(graph, op, operands, count, NULL, &node, &err);
      for (int k = 0; k < 2; k++) operands[k] = own[at[k]];
      mw_error own_err;
      bool second = mw_graph_apply(alone, op, operands, count, NULL, &other, &own_err);
      tried++;
      good += first == second && (first ? same(graph, node, alone, other) : strcmp(err.text, own_err.text) == 0);
      mw_graph_free(alone);
    }
  }
  CHECK(good == tried && tried > 5000);
  mw_graph_free(graph);
}

/* Equal nodes are one however many there are: rows of the table are filled at one place (multiples of 64) and grow. */
static void interned(void) {
  enum { MANY = 20000 };
  mw_graph *graph;
  uint64_t dims[1] = {5};
  uint32_t shape;
  static mw_node first[MANY];
  mw_node node;
  uint32_t found = 0;
  CHECK(mw_graph_new(&graph, &err) && mw_graph_shape(graph, dims, 1, &shape, &err));
  for (uint32_t i = 0; i < MANY; i++) CHECK(mw_graph_input(graph, i % 3, i * 64, MW_DTYPE_F32, shape, &first[i], &err));
  for (uint32_t i = 0; i < MANY; i++)
    found += mw_graph_input(graph, i % 3, i * 64, MW_DTYPE_F32, shape, &node, &err) && node == first[i];
  CHECK(found == MANY && mw_graph_count(graph) == MANY);
  mw_graph_free(graph);
}

/* Sums, quotients and totals of each of many tensors, as an operation on whole models makes them, are nodes that follow one another;
 * made once more, forward, backward and one here and there, they are the same ones, and (b + x) - b is x for each. */
static void lanes(void) {
  enum { MANY = 723, KINDS = 4 };
  mw_graph *graph;
  const uint64_t dims[1] = {5};
  uint32_t shape, again = 0, undone = 0;
  static mw_node leaf[2][MANY], made[KINDS][MANY];
  mw_node three, node;
  CHECK(mw_graph_new(&graph, &err) && mw_graph_shape(graph, dims, 1, &shape, &err) && mw_graph_number(graph, 3, &three, &err));
  for (uint32_t m = 0; m < 2; m++)
    for (uint32_t i = 0; i < MANY; i++) CHECK(mw_graph_input(graph, m, i, MW_DTYPE_BF16, shape, &leaf[m][i], &err));
  static const mw_op ops[KINDS] = {MW_OP_ADD, MW_OP_DIV, MW_OP_TOTAL, MW_OP_SUB};
  for (int round = 0; round < 4; round++)
    for (int kind = 0; kind < KINDS; kind++)
      for (uint32_t k = 0; k < MANY; k++) {
        const uint32_t i = round == 2 ? MANY - 1 - k : round == 3 ? k * 64 % MANY : k;
        const mw_node pairs[KINDS][2] = {{leaf[0][i], leaf[1][i]}, {made[0][i], three}, {made[1][i]}, {made[0][i], leaf[0][i]}};
        CHECK(mw_graph_apply(graph, ops[kind], pairs[kind], 1 + (ops[kind] != MW_OP_TOTAL), NULL, &node, &err));
        if (!round) made[kind][i] = node;
        again += node == made[kind][i];
        undone += kind == 3 && node == leaf[1][i];
      }
  CHECK(again == 4 * KINDS * MANY && undone == 4 * MANY);
  CHECK(mw_graph_count(graph) == 1 + (2 + 3) * MANY);
  mw_graph_free(graph);
}

int main(void) {
  RUN(likeness());
  RUN(interned());
  RUN(lanes());
  UNIT_END();
}
