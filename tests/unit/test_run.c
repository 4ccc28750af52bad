/* Runs that only measure: scalars without any output, over several passes, the same for every number of threads; what a wrong guess
 * spoils; and sums that are added in the order of the blocks though the blocks come in any other. */
#include "exec/cut.h"
#include "exec/order.h"
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

static mw_model *model;
static mw_family family;
static mw_family_member member = {.label = "model"};

static mw_node input(uint32_t row) {
  const mw_tensor *tensor = &member.tensors[row];
  uint32_t shape;
  mw_node node = 0;
  CHECK(mw_graph_shape(graph, tensor->shape, tensor->rank, &shape, &err) &&
        mw_graph_input(graph, 0, row, (mw_dtype)tensor->dtype, shape, &node, &err));
  return node;
}

static void open_two(void) {
  static const toy two[] = {{"a", "F32", 300, 70, 4, 0x3f}, {"b", "F32", 7, 5, 4, 0x40}};
  mw_family_rules rules = {0};
  put_tensors("two.safetensors", two, 2);
  CHECK(mw_model_open("two.safetensors", NULL, &model, &err));
  member.model = model;
  CHECK(mw_family_join(&member, 1, 0, &rules, NULL, &family, &err) && mw_graph_new(&graph, &err));
}

static void close_two(void) {
  mw_graph_free(graph);
  mw_family_free(&family);
  mw_model_close(model);
}

static void test_run_values(void) {
  open_two();
  mw_node a = input(0), b = input(1), number = 0;
  mw_node total = apply(MW_OP_TOTAL, a, 0), dot = apply(MW_OP_DOT, b, b);
  mw_node centred = apply(MW_OP_SUB, a, apply(MW_OP_DIV, total, dot)); /* known only after the first pass */
  CHECK(mw_graph_number(graph, 7, &number, &err));
  mw_node scalars[] = {total, dot, apply(MW_OP_TOTAL, centred, 0), apply(MW_OP_SQRT, dot, 0), number};
  enum { COUNT_OF = sizeof scalars / sizeof *scalars };
  mw_schedule schedule;
  mw_layout nothing = {0};
  CHECK(mw_schedule_make(graph, NULL, scalars, COUNT_OF, &schedule, &err));
  double result[COUNT_OF] = {0};
  for (int threads = 1; threads <= 5; threads += 2) {
    mw_job job = {.graph = graph, .schedule = &schedule, .family = &family, .layout = &nothing,
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
  close_two();
}

/* Terms whose sum depends on the order in which they are added. */
static void test_order(void) {
  enum { BLOCKS = 40, AHEAD = MW_ORDER_SLOTS };
  open_two();
  mw_node total = apply(MW_OP_TOTAL, input(0), 0);
  mw_schedule schedule;
  mw_layout nothing = {0};
  CHECK(mw_schedule_make(graph, NULL, &total, 1, &schedule, &err));
  mw_job job = {.graph = graph, .schedule = &schedule, .family = &family, .layout = &nothing, .threads = 1};
  mw_values values;
  mw_pass pass = {0};
  mw_order order;
  CHECK(mw_values_new(&values, graph, NULL, &err) && mw_order_new(&order, 1, &err));
  double expected = 0;
  for (int i = 0; i < BLOCKS; i++) expected += 1e16 / (i + 1), expected += i % 3 - 1e16 / (i + 2);
  for (unsigned shuffle = 1; shuffle < 200; shuffle++) {
    bool done[BLOCKS] = {false};
    CHECK(mw_pass_begin(&pass, &job, &schedule.stages[0], false, &values, &err));
    mw_order_begin(&order);
    for (unsigned left = BLOCKS, random = shuffle; left;) {
      random = random * 1103515245u + 12345u;
      unsigned item = (random >> 16) % BLOCKS;
      if (done[item]) continue;
      double units[] = {1e16 / (item + 1), (int)(item % 3) - 1e16 / (item + 2)};
      mw_tile_gather gather = {.units = units, .unit_count = 2};
      mw_worker worker = {.task = &pass.schedule.tasks[0], .gathers = &gather};
      uint64_t next = order.next;
      bool taken = mw_order_take(&order, &pass, item, &worker);
      if (taken != (item < next + AHEAD)) CHECK(taken == (item < next + AHEAD));
      if (taken) done[item] = true, left--;
    }
    CHECK(pass.found[0] == expected && order.next == BLOCKS);
  }
  mw_order_free(&order);
  mw_values_free(&values);
  mw_pass_free(&pass);
  mw_schedule_free(&schedule);
  close_two();
}

/* An output at an odd place of its file: blocks end where the file has whole ones, but in whole units where a total is summed beside it. */
static void test_cuts(void) {
  enum { ELEMENTS = 10 << 20, OFFSET = 1000 };
  open_two();
  mw_node sign = apply(MW_OP_SIGN, input(0), 0);
  mw_node outputs[] = {sign, apply(MW_OP_MUL, sign, apply(MW_OP_SIGN, apply(MW_OP_TOTAL, sign, 0), 0))};
  for (int summed = 0; summed < 2; summed++) {
    mw_schedule schedule;
    mw_program program = {0};
    mw_layout_file file = {0};
    mw_tensor place = {.offset = OFFSET, .dtype = MW_DTYPE_F32};
    mw_layout layout = {.tensors = &place, .count = 1, .shards = &file, .shard_count = 1};
    CHECK(mw_schedule_make(graph, NULL, &outputs[summed], 1, &schedule, &err) && schedule.task_count == 1);
    const mw_schedule_task *task = &schedule.tasks[0];
    CHECK(task->root_count == 1u + (unsigned)summed && task->output == 0);
    CHECK(mw_program_compile(&program, graph, schedule.roots, task->root_count, &err));
    const mw_job job = {.graph = graph, .schedule = &schedule, .family = &family, .layout = &layout, .places = (uint32_t[]){0}, .threads = 1};
    const mw_cut cut = mw_cut_make(&job, task, &program, 0, ELEMENTS);
    uint64_t start, count, next = 0;
    bool aligned = true, units = true, before = true; /* summed: no block goes on into the next place by a few elements */
    for (uint64_t k = 0; k < mw_cut_count(&cut); k++, next = start + count) {
      mw_cut_block(&cut, k, &start, &count);
      if (start != next) CHECK(start == next);
      aligned = aligned && (!start || (OFFSET + start * 4) % (cut.block * 4) == 0);
      units = units && start % MW_UNIT == 0;
      before = before && (!start || (OFFSET + start * 4 - 1) % (cut.block * 4) >= (cut.block - MW_UNIT) * 4);
    }
    CHECK(next == ELEMENTS && mw_cut_count(&cut) > 10);
    CHECK(summed ? units && before && !aligned : aligned && !units);
    mw_program_free(&program);
    mw_schedule_free(&schedule);
  }
  /* Only units that are marked, the last of which is shorter. */
  const uint64_t open[] = {UINT64_C(1) << 63 | 5, 2};
  const mw_cut marked = {.to = 65 * MW_UNIT + 7, .open = open, .units = 66};
  const uint64_t starts[] = {0, 2 * MW_UNIT, 63 * MW_UNIT, 65 * MW_UNIT};
  CHECK(mw_cut_count(&marked) == 4);
  for (uint64_t k = 0; k < 4; k++) {
    uint64_t start, count;
    mw_cut_block(&marked, k, &start, &count);
    CHECK(start == starts[k] && count == (k == 3 ? 7 : MW_UNIT));
  }
  close_two();
}

/* What is computed again after a wrong guess: all, where something else has changed or much is marked; else the marked units. */
static void test_speculation(void) {
  open_two();
  mw_node total = apply(MW_OP_TOTAL, input(0), 0), sign = apply(MW_OP_SIGN, total, 0), other = apply(MW_OP_SQRT, total, 0);
  for (int round = 0; round < 5; round++) {
    mw_speculation s = {0};
    mw_values values;
    uint64_t units = 0;
    bool invalidated;
    CHECK(mw_values_new(&values, graph, NULL, &err) && mw_values_set(&values, total, 4, &err));
    CHECK(mw_speculation_assume(&s, 3, sign, round ? -1 : 1, true, &err) && mw_speculation_assume(&s, 3, other, round == 1 ? 7 : 2, false, &err));
    CHECK(mw_speculation_mark(&s, 3, 100, &err) && s.outputs[0].open);
    s.outputs[0].not_finite = round == 2;
    for (uint64_t u = 0; u < (round == 3 ? 13u : 12u); u++) s.outputs[0].open[u * 7 / 64] |= UINT64_C(1) << u * 7 % 64;
    if (round == 3) CHECK(mw_speculation_assume(&s, 9, other, 7, false, &err) && mw_speculation_mark(&s, 9, 100, &err) && !s.outputs[1].open);
    CHECK(mw_speculation_check(&s, 3, &values, &invalidated, &err) && invalidated == (round > 0));
    CHECK((mw_speculation_open(&s, 3, &units) != NULL) == (round == 0 || round == 4) && !mw_speculation_open(&s, 4, &units));
    if (round == 4) CHECK(units == 100);
    mw_speculation_free(&s);
    mw_values_free(&values);
  }
  close_two();
}

/* Of several processes tasks stand in another order than their outputs: what is marked is found all the same, in whatever order it is asked for. */
static void test_speculation_order(void) {
  static const uint32_t order[] = {0, 4, 1, 5, 2, 6, 3};
  enum { COUNT = sizeof order / sizeof *order };
  open_two();
  mw_node sign = apply(MW_OP_SIGN, apply(MW_OP_TOTAL, input(0), 0), 0);
  mw_speculation s = {0};
  mw_values values;
  bool invalidated;
  CHECK(mw_values_new(&values, graph, NULL, &err) && mw_values_set(&values, sign, 1, &err));
  for (uint32_t i = 0; i < COUNT; i++)
    CHECK(mw_speculation_assume(&s, order[i], sign, -1, true, &err) && mw_speculation_mark(&s, order[i], 10 + order[i], &err));
  for (uint32_t i = 0; i < COUNT; i++) CHECK(mw_speculation_check(&s, order[i], &values, &invalidated, &err) && invalidated);
  for (uint32_t i = 0; i < 2 * COUNT; i++) {
    uint64_t units = 0;
    const uint32_t output = i < COUNT ? order[i] : 2 * COUNT - 1 - i;
    CHECK(mw_speculation_open(&s, output, &units) && units == 10 + output && !mw_speculation_open(&s, COUNT, &units));
  }
  mw_speculation_free(&s);
  mw_values_free(&values);
  close_two();
}

int main(void) {
  toys_begin();
  RUN(test_cuts());
  RUN(test_speculation());
  RUN(test_speculation_order());
  RUN(test_run_values());
  RUN(test_order());
  toys_end();
  UNIT_END();
}
