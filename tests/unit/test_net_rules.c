/* test_net_rules.c: networks in the graph: what their constructors accept and give, and what they refuse, since a graph
 * may come from a hostile process; coefficients weigh what nobody knows; activations cannot be streamed. */
#include "heads.h"
#include "expr/schedule.h"
#include "expr/weight_sum.h"
#include "unit.h"
#include <math.h>

static mw_graph *graph;
static mw_error err;

static uint64_t bits(double value) {
  uint64_t word;
  memcpy(&word, &value, sizeof word);
  return word;
}

static mw_node number(double value) {
  mw_node node = 0;
  CHECK(mw_graph_number(graph, value, &node, &err));
  return node;
}

static mw_node input(uint32_t row, uint64_t rows, uint64_t columns) { /* a vector where columns is 0 */
  mw_node node = 0;
  uint32_t shape;
  CHECK(mw_graph_shape(graph, (uint64_t[]){rows, columns}, columns ? 2 : 1, &shape, &err) &&
        mw_graph_input(graph, 0, row, MW_DTYPE_BF16, shape, &node, &err));
  return node;
}

static mw_node try_apply(mw_op op, uint64_t first, uint64_t second, uint32_t count, const mw_node *operands) {
  mw_node node = 0;
  return mw_graph_apply(graph, op, operands, count, (uint64_t[]){first, second}, &node, &err) ? node : 0;
}

#define TRY(op, first, second, ...) \
  try_apply(MW_OP_##op, first, second, (uint32_t)(sizeof((mw_node[]){__VA_ARGS__}) / sizeof(mw_node)), (mw_node[]){__VA_ARGS__})

static int has_shape(mw_node node, uint64_t rows, uint64_t columns) {
  if (!node) return 0;
  uint32_t shape = mw_graph_facts(graph, node).shape;
  if (!rows) return shape == 0;
  return mw_graph_rank(graph, shape) == 2 && mw_graph_dims(graph, shape)[0] == rows && mw_graph_dims(graph, shape)[1] == columns;
}

static void shapes(void) {
  mw_node tokens = 0, other = 0, none = 0;
  CHECK(mw_graph_tokens(graph, 0, 12, 4, &tokens, &err) && mw_graph_tokens(graph, 0, 8, 4, &other, &err));
  CHECK(!mw_graph_tokens(graph, 0, 12, 5, &none, &err) && !mw_graph_tokens(graph, 0, 12, 0, &none, &err));
  CHECK(!mw_graph_tokens(graph, 0, (uint64_t)MW_GRAPH_ROWS * 2, 1, &none, &err));
  mw_node table = input(0, 50, 16), gain = input(1, 16, 0), half = input(2, 8, 0), seven = input(3, 7, 0);
  mw_node x = TRY(EMBED, 0, 0, tokens, table);
  CHECK(has_shape(x, 12, 16) && mw_graph_facts(graph, x).whole);
  CHECK(!TRY(EMBED, 0, 0, table, table) && !TRY(EMBED, 0, 0, tokens, gain));
  CHECK(has_shape(TRY(LINEAR, 0, 0, x, table), 12, 50) && !TRY(LINEAR, 0, 0, x, input(4, 16, 50)) && !TRY(LINEAR, 0, 0, x, gain));
  CHECK(has_shape(TRY(BIAS, 0, 0, x, gain), 12, 16) && !TRY(BIAS, 0, 0, x, half));
  CHECK(has_shape(TRY(RMS_NORM, bits(1e-5), 0, x, half), 12, 16) && !TRY(RMS_NORM, bits(1e-5), 0, x, seven));
  CHECK(!TRY(RMS_NORM, bits(-1.0), 0, x, half) && !TRY(RMS_NORM, bits(NAN), 0, x, half));
  CHECK(has_shape(TRY(LAYER_NORM, bits(0), 0, x, gain, gain), 12, 16) && !TRY(LAYER_NORM, bits(0), 0, x, gain, half));
  mw_node f = number(0.5), g = number(0.25);
  CHECK(has_shape(TRY(ROPE, 4, 4, x, f, g), 12, 16) && !TRY(ROPE, 4, 4, x, f) && !TRY(ROPE, 5, 4, x, f, g) && !TRY(ROPE, 0, 4, x, f, g));
  CHECK(!TRY(ROPE, 4, 0, x, f, g) && !TRY(ROPE, 4, 4, x, f, x) && !TRY(ROPE, 4, UINT64_MAX, x, f, g));
  mw_node narrow = TRY(LINEAR, 0, 0, x, input(5, 8, 16));
  CHECK(has_shape(TRY(ATTENTION, 4, packed_heads(4, 2, 0), x, narrow, narrow), 12, 16));
  CHECK(!TRY(ATTENTION, 4, packed_heads(4, 3, 0), x, narrow, narrow) && !TRY(ATTENTION, 4, packed_heads(0, 0, 0), x, narrow, narrow));
  CHECK(!TRY(ATTENTION, 4, packed_heads(4, 1, 0), x, narrow, narrow) && !TRY(ATTENTION, 4, packed_heads(4, 2, 0), x, narrow, x));
  CHECK(!TRY(ATTENTION, 0, packed_heads(4, 2, 0), x, narrow, narrow) && !TRY(ATTENTION, 5, packed_heads(4, 2, 0), x, narrow, narrow));
  CHECK(has_shape(TRY(SILU, 0, 0, x), 12, 16) && has_shape(TRY(GELU, 1, 0, x), 12, 16) && !TRY(GELU, 2, 0, x) && !TRY(SILU, 0, 0, gain));
  CHECK(has_shape(TRY(SOFTMAX, 0, 0, x), 12, 16) && has_shape(TRY(LOG_SOFTMAX, 0, 0, x), 12, 16) && !TRY(SOFTMAX, 0, 0, f));
  CHECK(has_shape(TRY(KL, bits(2), 0, x, x, tokens), 0, 0) && !TRY(KL, bits(0), 0, x, x, tokens) && !TRY(KL, bits(2), 0, x, narrow, tokens));
  CHECK(!TRY(KL, bits(2), 0, x, x, other) && !TRY(KL, bits(2), 0, x, x, x));
  CHECK(has_shape(TRY(CROSS_ENTROPY, 0, 0, x, tokens), 0, 0) && !TRY(CROSS_ENTROPY, 0, 0, x, other));
  CHECK(has_shape(TRY(ENTROPY, 0, 0, x, tokens), 0, 0) && has_shape(TRY(MSE, 0, 0, x, x, tokens), 0, 0));
  CHECK(!TRY(ADD, 0, 0, tokens, tokens) && !TRY(TOTAL, 0, 0, tokens) && !TRY(VECTOR, 0, 0, tokens));
  mw_schedule schedule;
  CHECK(!mw_schedule_make(graph, NULL, &x, 1, &schedule, &err) && strstr(err.text, "only learn computes"));
}

static void coefficients(void) {
  mw_node c = 0, same = 0, learned = 0, none = 0;
  CHECK(mw_graph_coefficient(graph, 7, 16, 0.25, &c, &err) && mw_graph_coefficient(graph, 7, 16, 0.25, &same, &err) && c == same);
  CHECK(!mw_graph_coefficient(graph, 7, 0, 0, &none, &err) && !mw_graph_coefficient(graph, 7, MW_GRAPH_VECTOR + 1, 0, &none, &err));
  CHECK(!mw_graph_coefficient(graph, 7, 1, NAN, &none, &err) && !mw_graph_coefficient(graph, 7, 1, INFINITY, &none, &err));
  CHECK(mw_graph_learned(graph, c, 0, &learned, &err) && learned != c && !mw_graph_learned(graph, learned, 0, &none, &err));
  CHECK(!mw_graph_learned(graph, 0, 0, &none, &err) && !mw_graph_learned(graph, number(1), 0, &none, &err));
  CHECK(mw_graph_facts(graph, learned).learned && !mw_graph_facts(graph, learned).whole);
  mw_node table = input(0, 50, 16), scaled = TRY(COLUMNS, 0, 0, table, TRY(VECTOR, 0, 0, TRY(TANH, 0, 0, learned)));
  CHECK(scaled && mw_graph_facts(graph, scaled).learned && !mw_graph_facts(graph, scaled).f64);
  mw_node plain = TRY(COLUMNS, 0, 0, table, TRY(VECTOR, 0, 0, input(1, 16, 0)));
  mw_node times = TRY(MUL, 0, 0, table, TRY(TOTAL, 0, 0, learned));
  double mass[1024];
  CHECK(mw_graph_count(graph) < 1024);
  mw_weight_sum(graph, mass);
  CHECK(isnan(mass[scaled]) && isnan(mass[times]) && mass[plain] == 1);
  mw_schedule schedule;
  CHECK(mw_schedule_make(graph, NULL, (mw_node[]){scaled, times}, 2, &schedule, &err));
  mw_schedule_free(&schedule);
}

int main(void) {
  CHECK(mw_graph_new(&graph, &err));
  RUN(shapes());
  RUN(coefficients());
  mw_graph_free(graph);
  UNIT_END();
}
