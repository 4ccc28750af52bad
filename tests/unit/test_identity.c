/* test_identity.c: what a graph computes has one hash, however it was built, and what differs has another. */
#include "expr/identity.h"
#include "unit.h"

static mw_node input(mw_graph *graph, uint32_t model, uint32_t row) {
  mw_error err;
  uint32_t shape;
  mw_node node = 0;
  CHECK(mw_graph_shape(graph, (uint64_t[]){4, 3}, 2, &shape, &err));
  CHECK(mw_graph_input(graph, model, row, MW_DTYPE_F32, shape, &node, &err));
  return node;
}

static mw_node number(mw_graph *graph, double value) {
  mw_error err;
  mw_node node = 0;
  CHECK(mw_graph_number(graph, value, &node, &err));
  return node;
}

static mw_node apply(mw_graph *graph, mw_op op, mw_node a, mw_node b, uint64_t extra) {
  mw_error err;
  mw_node node = 0;
  CHECK(mw_graph_apply(graph, op, (mw_node[]){a, b}, b ? 2 : 1, (uint64_t[]){extra, 0}, &node, &err));
  return node;
}

/* (x + y) * 0.5 and x, of models `first` and `second`; with `noise`, among nodes that nobody needs and in another order. */
static void build(mw_graph *graph, bool noise, uint32_t first, uint32_t second, double factor, mw_node outputs[2]) {
  if (noise) {
    mw_node y = input(graph, second, 0);
    apply(graph, MW_OP_MUL, number(graph, 7), apply(graph, MW_OP_TANH, y, 0, 0), 0);
    input(graph, 2, 1);
    number(graph, factor);
  }
  mw_node x = input(graph, first, 0), y = input(graph, second, 0);
  outputs[0] = apply(graph, MW_OP_MUL, apply(graph, MW_OP_ADD, x, y, 0), number(graph, factor), 0);
  outputs[1] = x;
}

static void hash(const mw_graph *graph, const mw_node *outputs, size_t count, bool models[3], char hex[65]) {
  mw_error err;
  CHECK(mw_identity_hash(graph, outputs, count, models, 3, hex, &err));
}

static void differs(const char *reference, bool noise, uint32_t first, uint32_t second, double factor) {
  mw_graph *graph;
  mw_error err;
  mw_node outputs[2];
  char hex[65];
  if (!mw_graph_new(&graph, &err)) return;
  build(graph, noise, first, second, factor, outputs);
  hash(graph, outputs, 2, NULL, hex);
  CHECK(strcmp(hex, reference) != 0);
  mw_graph_free(graph);
}

/* Coefficients that differ in nothing but their length. */
static void lengths(void) {
  mw_error err;
  char hex[2][65];
  for (uint64_t i = 0; i < 2; i++) {
    mw_graph *graph;
    mw_node c = 0, total = 0;
    if (!mw_graph_new(&graph, &err)) return;
    CHECK(mw_graph_coefficient(graph, 0, 3 + i, 0.5, &c, &err));
    CHECK(mw_graph_apply(graph, MW_OP_TOTAL, &c, 1, NULL, &total, &err));
    hash(graph, &total, 1, NULL, hex[i]);
    mw_graph_free(graph);
  }
  CHECK(strcmp(hex[0], hex[1]) != 0);
}

int main(void) {
  mw_graph *plain, *other;
  mw_error err;
  mw_node outputs[2], again[2];
  bool models[3] = {false, false, false};
  char one[65], two[65], turned[65];
  if (!mw_graph_new(&plain, &err) || !mw_graph_new(&other, &err)) return 1;
  CASE("a graph built in another order");
  build(plain, false, 0, 1, 0.5, outputs);
  build(other, true, 0, 1, 0.5, again);
  hash(plain, outputs, 2, models, one);
  hash(other, again, 2, NULL, two);
  CHECK(strlen(one) == 64);
  CHECK_TEXT(two, one);
  CHECK(models[0] && models[1] && !models[2]);
  CASE("outputs in another order, and fewer");
  hash(plain, (mw_node[]){outputs[1], outputs[0]}, 2, NULL, turned);
  CHECK(strcmp(turned, one) != 0);
  hash(plain, outputs, 1, NULL, turned);
  CHECK(strcmp(turned, one) != 0);
  RUN(differs(one, false, 1, 0, 0.5));
  RUN(differs(one, true, 0, 2, 0.5));
  RUN(differs(one, true, 0, 1, 0.25));
  RUN(lengths());
  mw_graph_free(plain);
  mw_graph_free(other);
  UNIT_END();
}
