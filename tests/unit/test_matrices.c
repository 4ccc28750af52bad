/* Functions of matrices, and minimisations with such functions and sums in their steps: the same in whatever order threads share them;
 * and each request for memory fails in turn, with all that follow and then alone: the error is that of memory, nothing stays, and the
 * result is the same or none. */
#include "memory.h"
#include "exec/matrices.h"
#include "expr/variable.h"
#include "num/cpu.h"
#include "num/gemm.h"
#include "toys.h"

enum { KINDS = 3, STEPS = 4, ROWS = 72, COLUMNS = 66, MOST = 2 * ROWS * ROWS };

static mw_error err;
static mw_model *model;
static mw_family family;
static mw_family_member member = {.label = "model"};
static mw_graph *graph;
static const mw_kernels *kernels;
static int threads = 1;

static mw_node apply(mw_op op, mw_node x, mw_node y, const uint64_t extra[2]) {
  mw_node operands[2] = {x, y}, node = 0;
  CHECK(mw_graph_apply(graph, op, operands, (uint32_t)mw_graph_op_operands(op), extra, &node, &err));
  return node;
}

static mw_node input(uint32_t row) {
  const mw_tensor *tensor = &member.tensors[row];
  uint32_t shape;
  mw_node node = 0;
  CHECK(mw_graph_shape(graph, tensor->shape, tensor->rank, &shape, &err));
  CHECK(mw_graph_input(graph, 0, row, (mw_dtype)tensor->dtype, shape, &node, &err));
  return node;
}

/* What is left of a after steps against the loss of |(x - a / 2) b|^2 / (1 + |x|^2). */
static mw_node minimised(uint64_t kind) {
  const mw_node a = input(0), b = input(1), x = apply(MW_OP_VARIABLE, a, 0, NULL);
  mw_node half = 0, one = 0, rate = 0, gradient = 0, out = 0;
  CHECK(mw_graph_number(graph, 0.5, &half, &err) && mw_graph_number(graph, 1, &one, &err) && mw_graph_number(graph, 1e-3, &rate, &err));
  const mw_node off = apply(MW_OP_MATMUL, apply(MW_OP_SUB, x, apply(MW_OP_MUL, a, half, NULL), NULL), b, NULL);
  const mw_node loss = apply(MW_OP_DIV, apply(MW_OP_DOT, off, off, NULL), apply(MW_OP_ADD, one, apply(MW_OP_DOT, x, x, NULL), NULL), NULL);
  CHECK(mw_variable_gradient(graph, loss, x, &gradient, &err));
  const mw_node operands[4] = {a, x, gradient, rate};
  CHECK(mw_graph_apply(graph, MW_OP_MINIMISE, operands, 4, (uint64_t[]){STEPS, kind}, &out, &err));
  return out;
}

static void open_model(void) {
  static const toy three[] = {{"a", "F32", ROWS, COLUMNS, 4, 0x3f}, {"b", "F32", COLUMNS, 5, 4, 0x3e},
                              {"c", "F32", COLUMNS, COLUMNS, 4, 0x3f}};
  put_tensors("three.safetensors", three, 3);
  CHECK(mw_model_open("three.safetensors", NULL, &model, &err));
  member.model = model;
  CHECK(mw_family_join(&member, 1, 0, &(mw_family_rules){0}, NULL, &family, &err) && mw_graph_new(&graph, &err));
}

/* What a task that reads the output's minimisation is given: by the threads of the team. */
static bool run(const mw_schedule *schedule, const mw_team *team, float values[MOST], mw_error *error) {
  mw_layout nothing = {0};
  mw_job job = {.graph = graph, .schedule = schedule, .family = &family, .layout = &nothing, .threads = threads};
  mw_matrices matrices = {0};
  mw_values known = {0};
  bool ok = mw_values_new(&known, graph, NULL, error) && mw_matrices_new(&matrices, &job, error);
  matrices.tile = 2048, matrices.kernels = kernels, matrices.values = &known, matrices.team = *team, matrices.room = UINT64_MAX;
  ok = ok && mw_matrices_make(&matrices, schedule->roots + schedule->tasks[0].first_root, schedule->tasks[0].root_count, error);
  for (size_t i = 0; i < matrices.held_count && ok; i++)
    if (matrices.held[i].wanted && matrices.held[i].bytes <= MOST * sizeof *values)
      memcpy(values, matrices.held[i].values, matrices.held[i].bytes);
  mw_matrices_free(&matrices);
  mw_values_free(&known);
  return ok;
}

/* Each request for memory fails once. */
static void refuse(const mw_schedule *schedule, const float expected[MOST], long least) {
  static float values[MOST];
  const mw_team alone = {0};
  for (int once = 0; once < 2; once++) {
    long failing = 0;
    for (bool more = MEMORY_COUNTED; more; failing++) {
      memset(values, 0, sizeof values);
      const size_t before = memory_held;
      memory_once = once;
      memory_left = failing;
      bool done = run(schedule, &alone, values, &err);
      more = (once ? memory_left < 0 : !done) && (done || err.status == MW_MEMORY); /* another error would come for ever */
      memory_once = false;
      memory_left = -1;
      CHECK(done ? memcmp(values, expected, sizeof values) == 0 : err.status == MW_MEMORY);
      CHECK(memory_held == before);
    }
    CHECK(failing > least || !MEMORY_COUNTED);
  }
}

/* In turn from the last, as threads that are late would do. */
static void backwards(void *owner, size_t count, mw_team_work *work, void *context) {
  (void)owner;
  while (count--) work(context, count);
}

/* Of the total of a tensor that is made by one function, or by a minimisation. */
static void compute(mw_node tensor, long least) {
  static float one[MOST], other[MOST];
  const mw_node total = apply(MW_OP_TOTAL, tensor, 0, NULL);
  mw_schedule schedule;
  memset(one, 0, sizeof one);
  memset(other, 0, sizeof other);
  CHECK(mw_schedule_make(graph, NULL, &total, 1, &schedule, &err));
  CHECK(run(&schedule, &(mw_team){0}, one, &err) && memcmp(one, "\x3f\x3f\x3f\x3f", 4) != 0 && memcmp(one, other, sizeof one) != 0);
  CHECK(run(&schedule, &(mw_team){.share = backwards}, other, &err) && memcmp(one, other, sizeof one) == 0);
  refuse(&schedule, one, least);
  mw_schedule_free(&schedule);
}

static void minimise(uint64_t kind) { compute(minimised(kind), 100); }

static void functions(void) {
  static const struct { mw_op op; uint64_t rank; } all[] = {
      {MW_OP_SVD, 5}, {MW_OP_SVD, COLUMNS}, {MW_OP_LOW_RANK, 3}, {MW_OP_ORTHOGONAL, 0}, {MW_OP_QR, 0},
      {MW_OP_PINV, 0}, {MW_OP_CUMULATIVE, 0}, {MW_OP_DIAGONAL, 0}, {MW_OP_TURN, 0}};
  const uint64_t seed[] = {1, 2};
  const mw_node wide = apply(MW_OP_NORMAL, input(0), 0, seed), square = apply(MW_OP_NORMAL, input(2), 0, seed);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) compute(apply(all[i].op, wide, 0, (uint64_t[]){all[i].rank, 0}), 15);
  compute(apply(MW_OP_ASSIGN, apply(MW_OP_EXP, apply(MW_OP_ABS, wide, 0, NULL), 0, NULL), 0, NULL), 15);
  compute(apply(MW_OP_SOLVE, square, apply(MW_OP_NORMAL, input(1), 0, seed), NULL), 15);
  compute(apply(MW_OP_EIGH, input(2), 0, NULL), 15);
  compute(apply(MW_OP_MATMUL, wide, square, NULL), 15);
}

/* Decompositions that none of them reads are made side by side, and what reads them after them. */
static void side_by_side(void) {
  const uint64_t seed[] = {1, 2}, all_values[] = {COLUMNS, 0};
  const mw_node wide = apply(MW_OP_NORMAL, input(0), 0, seed);
  mw_node sum = 0;
  for (int i = 0; i < 3; i++) {
    mw_node number = 0;
    CHECK(mw_graph_number(graph, i + 0.5, &number, &err));
    const mw_node own = apply(MW_OP_SVD, apply(MW_OP_ADD, wide, number, NULL), 0, all_values);
    sum = sum ? apply(MW_OP_ADD, sum, own, NULL) : own;
  }
  mw_node rows = 0;
  CHECK(mw_graph_apply(graph, MW_OP_SLICE_COLUMNS, &sum, 1, (uint64_t[]){0, COLUMNS * COLUMNS}, &rows, &err));
  uint32_t shape;
  CHECK(mw_graph_shape(graph, (uint64_t[]){COLUMNS, COLUMNS}, 2, &shape, &err) && mw_graph_reshape(graph, rows, shape, &rows, &err));
  const mw_node last = apply(MW_OP_EIGH, apply(MW_OP_MATMUL, rows, apply(MW_OP_TRANSPOSE, rows, 0, NULL), NULL), 0, NULL);
  const mw_node total = apply(MW_OP_ADD, apply(MW_OP_TOTAL, sum, 0, NULL), apply(MW_OP_TOTAL, last, 0, NULL), NULL);
  static float one[MOST], other[MOST];
  mw_schedule schedule;
  CHECK(mw_schedule_make(graph, NULL, &total, 1, &schedule, &err));
  for (threads = 1; threads <= 4; threads++) {
    memset(other, 0, sizeof other);
    CHECK(run(&schedule, &(mw_team){.share = backwards}, threads == 1 ? one : other, &err));
    CHECK((memcmp(one, other, sizeof one) == 0) == (threads > 1));
  }
  threads = 2;
  refuse(&schedule, one, 15);
  threads = 1;
  mw_schedule_free(&schedule);
}

/* Functions of tasks that follow one another are made together where there are threads, unless they depend on what a task finds. */
static void together(void) {
  const uint64_t seed[] = {1, 2};
  const mw_node wide = apply(MW_OP_NORMAL, input(0), 0, seed), square = apply(MW_OP_NORMAL, input(2), 0, seed);
  const mw_node parts[] = {apply(MW_OP_ORTHOGONAL, wide, 0, NULL), apply(MW_OP_PINV, square, 0, NULL)};
  mw_node totals[] = {apply(MW_OP_TOTAL, parts[0], 0, NULL), apply(MW_OP_TOTAL, parts[1], 0, NULL), 0};
  const mw_node later = apply(MW_OP_ADD, apply(MW_OP_ADD, wide, totals[0], NULL), totals[1], NULL);
  totals[2] = apply(MW_OP_TOTAL, apply(MW_OP_QR, later, 0, NULL), 0, NULL);
  mw_schedule schedule;
  CHECK(mw_schedule_make(graph, NULL, totals, 3, &schedule, &err) && schedule.task_count == 3);
  static float values[2][2][MOST];
  uint64_t memory[2];
  for (int round = 0; round < 2; round++) {
    mw_layout nothing = {0};
    mw_job job = {.graph = graph, .schedule = &schedule, .family = &family, .layout = &nothing, .threads = 1 + round};
    mw_matrices_cost cost;
    mw_matrices m = {0};
    mw_values known = {0};
    CHECK(mw_matrices_measure(&job, 2048, &cost, &err) && mw_values_new(&known, graph, NULL, &err) && mw_matrices_new(&m, &job, &err));
    m.tile = 2048, m.kernels = kernels, m.values = &known, m.team.share = backwards, m.room = cost.room;
    CHECK(mw_matrices_plan(&m, &err) && m.portion_count == (size_t)round);
    for (size_t t = 0; t < 2; t++) {
      CHECK(mw_matrices_make(&m, schedule.roots + schedule.tasks[t].first_root, schedule.tasks[t].root_count, &err));
      CHECK(t || m.held_count == 1 + (size_t)round);
      for (size_t i = 0; i < m.held_count; i++)
        for (int p = 0; p < 2; p++)
          if (m.held[i].node == parts[p]) memcpy(values[round][p], m.held[i].values, m.held[i].bytes);
    }
    CHECK(m.cost.memory <= cost.memory && cost.memory <= cost.room);
    memory[round] = cost.memory;
    mw_matrices_free(&m);
    mw_values_free(&known);
  }
  CHECK(memcmp(values[0], values[1], sizeof values[0]) == 0 && values[0][0][0] != 0 && values[0][1][0] != 0 && memory[0] < memory[1]);
  mw_schedule_free(&schedule);
}

int main(void) {
  toys_begin();
  CHECK(mw_cpu_kernels(&kernels, &err));
  if (mw_gemm_begin(&err)) {
    open_model();
    for (uint64_t kind = 0; kind < KINDS; kind++) RUN(minimise(kind));
    RUN(functions());
    RUN(side_by_side());
    RUN(together());
    mw_graph_free(graph);
    mw_family_free(&family);
    mw_model_close(model);
  } else printf("skipped: OpenBLAS is not there: minimisations\n");
  toys_end();
  UNIT_END();
}
