/* Runs that only measure: scalars without any output, over several passes, the same for every number of threads. */
#include "exec/run.h"
#include "toys.h"
#include <math.h>

static mw_graph *graph;
static mw_error err;

static mw_node apply(mw_op op, mw_node x, mw_node y) {
  mw_node operands[2] = {x, y}, node = 0;
  CHECK(mw_graph_apply(graph, op, operands, (uint32_t)mw_graph_op_operands(op), NULL, &node, &err));
  return node;
}

static mw_node input(const mw_family *family, uint32_t row) {
  const mw_tensor *tensor = family->donor[row];
  uint32_t shape;
  mw_node node = 0;
  CHECK(mw_graph_shape(graph, tensor->shape, tensor->rank, &shape, &err) &&
        mw_graph_input(graph, 0, row, (mw_dtype)tensor->dtype, shape, &node, &err));
  return node;
}

static void test_run_values(void) {
  static const toy two[] = {{"a", "F32", 300, 70, 4, 0x3f}, {"b", "F32", 7, 5, 4, 0x40}};
  put_tensors("two.safetensors", two, 2);
  mw_model *model;
  mw_family family = {0};
  mw_family_rules rules = {0};
  CHECK(mw_model_open("two.safetensors", NULL, &model, &err));
  mw_family_member member = {model, "model"};
  CHECK(mw_family_join(&member, 1, 0, &rules, NULL, &family, &err) && mw_graph_new(&graph, &err));
  mw_node a = input(&family, 0), b = input(&family, 1), number = 0;
  mw_node total = apply(MW_OP_TOTAL, a, 0), dot = apply(MW_OP_DOT, b, b);
  mw_node centred = apply(MW_OP_SUB, a, apply(MW_OP_DIV, total, dot)); /* known only after the first pass */
  CHECK(mw_graph_number(graph, 7, &number, &err));
  mw_node scalars[] = {total, dot, apply(MW_OP_TOTAL, centred, 0), apply(MW_OP_SQRT, dot, 0), number};
  enum { COUNT_OF = sizeof scalars / sizeof *scalars };
  mw_schedule schedule;
  mw_layout nothing = {0};
  CHECK(mw_schedule_make(graph, scalars, COUNT_OF, &schedule, &err));
  double result[COUNT_OF] = {0};
  for (int threads = 1; threads <= 5; threads += 2) {
    mw_job job = {.graph = graph, .schedule = &schedule, .family = &family, .members = &member, .layout = &nothing,
                  .threads = threads};
    double values[COUNT_OF] = {0};
    CHECK(mw_run_values(&job, scalars, COUNT_OF, values, &err));
    if (threads == 1) memcpy(result, values, sizeof result);
    CHECK(memcmp(result, values, sizeof result) == 0);
  }
  double x = 0, y = 0;
  float part;
  memcpy(&part, "\x3f\x3f\x3f\x3f", 4), x = part;
  memcpy(&part, "\x40\x40\x40\x40", 4), y = part;
  double expected[] = {21000 * x, 35 * y * y, 21000 * (x - 21000 * x / (35 * y * y)), sqrt(35 * y * y), 7};
  for (size_t i = 0; i < COUNT_OF; i++) CHECK(fabs(result[i] / expected[i] - 1) < 1e-6);
  mw_schedule_free(&schedule);
  mw_graph_free(graph);
  mw_family_free(&family);
  mw_model_close(model);
}

int main(void) {
  toys_begin();
  test_run_values();
  toys_end();
  UNIT_END();
}
