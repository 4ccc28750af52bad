/* A level of many selections is cut into stages of a few, so that the memory of their counters stays bounded; but never
 * through a selection, nor between a guess and what it is guessed from. */
#include "expr/schedule.h"
#include "unit.h"
#include <stdlib.h>
#include <time.h>

enum { TENSORS = 40 };

static mw_graph *graph;
static mw_error err;
static mw_node x[TENSORS];

#define APPLY(op, ...) apply(op, (mw_node[]){__VA_ARGS__}, sizeof((mw_node[]){__VA_ARGS__}) / sizeof(mw_node))

static mw_node apply(mw_op op, const mw_node *operands, size_t count) {
  mw_node node = 0;
  uint64_t rank[2] = {30};
  CHECK(mw_graph_apply(graph, op, operands, (uint32_t)count, op == MW_OP_KTH ? rank : NULL, &node, &err));
  return node;
}

static void begin(void) {
  uint64_t dims[] = {100};
  uint32_t shape;
  CHECK(mw_graph_new(&graph, &err) && mw_graph_shape(graph, dims, 1, &shape, &err));
  for (uint32_t i = 0; i < TENSORS; i++) CHECK(mw_graph_input(graph, 0, i, MW_DTYPE_F32, shape, &x[i], &err));
}

/* Outputs: the signs of what each tensor keeps above its threshold in `k`, turned by the sign of their total. */
static void make(const mw_node *k, mw_schedule *schedule) {
  mw_node votes[TENSORS], outputs[TENSORS], total = 0;
  for (int i = 0; i < TENSORS; i++) {
    votes[i] = APPLY(MW_OP_SIGN, APPLY(MW_OP_MUL, x[i], APPLY(MW_OP_LE, k[i], APPLY(MW_OP_ABS, x[i]))));
    mw_node sum = APPLY(MW_OP_TOTAL, votes[i]);
    total = total ? APPLY(MW_OP_ADD, total, sum) : sum;
  }
  for (int i = 0; i < TENSORS; i++) outputs[i] = APPLY(MW_OP_MUL, votes[i], APPLY(MW_OP_SIGN, total));
  CHECK(mw_schedule_make(graph, NULL, outputs, TENSORS, schedule, &err));
}

/* The stage of a selection's roots, which must be one; they are counted. */
static size_t stage_of(const mw_schedule *s, mw_node selection, size_t *parts) {
  size_t found = SIZE_MAX;
  *parts = 0;
  for (size_t i = 0; i < s->stage_count; i++)
    for (uint32_t t = 0; t < s->stages[i].task_count; t++) {
      const mw_schedule_task *task = &s->tasks[s->stages[i].first_task + t];
      for (uint32_t r = 0; r < task->root_count; r++) {
        if (s->roots[task->first_root + r].node != selection || s->roots[task->first_root + r].store) continue;
        if (*parts && i != found) CHECK(i == found);
        found = i, ++*parts;
      }
    }
  return found;
}

static void test_each(void) {
  mw_node k[TENSORS];
  mw_schedule s;
  size_t parts, stage_selects[TENSORS] = {0};
  begin();
  for (int i = 0; i < TENSORS; i++) k[i] = APPLY(MW_OP_KTH, x[i]);
  make(k, &s);
  CHECK(s.stage_count == TENSORS / MW_SCHEDULE_SELECTS + 1);
  for (int i = 0; i < TENSORS; i++) {
    size_t stage = stage_of(&s, k[i], &parts);
    CHECK(parts == 1 && stage < s.stage_count && ++stage_selects[stage] <= MW_SCHEDULE_SELECTS);
    CHECK(s.stages[stage].batch == 1 && s.stages[stage].level == 1);
  }
  mw_schedule_free(&s);
  mw_graph_free(graph);
}

/* The first of two selections runs over all tensors but the last: nothing can be cut but what comes after it. */
static void test_shared(void) {
  mw_node k[TENSORS];
  mw_schedule s;
  size_t parts;
  begin();
  k[0] = apply(MW_OP_KTH, x, TENSORS - 1);
  for (int i = 1; i < TENSORS - 1; i++) k[i] = i < 20 ? APPLY(MW_OP_KTH, x[i]) : k[0];
  k[TENSORS - 1] = APPLY(MW_OP_KTH, x[TENSORS - 1]);
  make(k, &s);
  CHECK(stage_of(&s, k[0], &parts) == 0 && parts == TENSORS - 1);
  for (int i = 1; i < 20; i++) CHECK(stage_of(&s, k[i], &parts) == 0 && parts == 1);
  CHECK(stage_of(&s, k[TENSORS - 1], &parts) == 1 && s.stage_count == 3);
  mw_schedule_free(&s);
  mw_graph_free(graph);
}

/* One selection of what two expressions make of one tensor: its parts are roots of one task, in their order. */
static void test_parts_of_one(void) {
  mw_schedule s;
  begin();
  mw_node k = APPLY(MW_OP_KTH, x[0], APPLY(MW_OP_ABS, x[0]), APPLY(MW_OP_SQRT, APPLY(MW_OP_ABS, x[0])));
  mw_node output = APPLY(MW_OP_LE, k, x[0]);
  CHECK(mw_schedule_make(graph, NULL, &output, 1, &s, &err) && s.stage_count == 2 && s.stages[0].task_count == 1);
  CHECK(s.tasks[s.stages[0].first_task].root_count == 3);
  for (uint32_t p = 0; p < 3; p++) {
    mw_program_root root = s.roots[s.tasks[s.stages[0].first_task].first_root + p];
    CHECK(root.node == k && root.part == p && !root.store);
  }
  mw_schedule_free(&s);
  mw_graph_free(graph);
}

/* Each tensor's votes are guessed from the next tensor's threshold, and the first's from the last one's. */
static void test_guesses(void) {
  mw_node k[TENSORS], own[TENSORS];
  mw_schedule s;
  size_t parts, guesses = 0;
  begin();
  for (int i = 0; i < TENSORS; i++) own[i] = APPLY(MW_OP_KTH, x[i]);
  for (int i = 0; i < TENSORS; i++) k[i] = own[(i + 1) % TENSORS];
  make(k, &s);
  for (size_t i = 0; i < s.stage_count; i++)
    for (uint32_t t = 0; t < s.stages[i].task_count; t++) {
      const mw_schedule_task *task = &s.tasks[s.stages[i].first_task + t];
      for (uint32_t r = 0; r < task->root_count; r++) {
        mw_program_root root = s.roots[task->first_root + r];
        if (!root.guess) continue;
        guesses++;
        mw_node above = mw_graph_facts(graph, mw_graph_facts(graph, root.node).operand[0]).operand[0];
        for (int n = 0; n < TENSORS; n++) {
          bool reads = mw_graph_facts(graph, above).operand[0] == x[n] || mw_graph_facts(graph, above).operand[1] == x[n];
          if (reads) CHECK(stage_of(&s, k[n], &parts) <= i);
        }
      }
    }
  CHECK(guesses == TENSORS);
  mw_schedule_free(&s);
  mw_graph_free(graph);
}

/* A vector has no place in a program of tiles, whoever asks for one as a result. */
static void test_vector(void) {
  mw_schedule s;
  begin();
  mw_node vector = APPLY(MW_OP_VECTOR, x[0]);
  CHECK(!mw_schedule_make(graph, NULL, &vector, 1, &s, &err) && err.status == MW_DATA && strstr(err.text, "a vector along columns"));
  mw_graph_free(graph);
}

/* CPU time that must be enough; a build without optimisation, such as that of `make coverage`, gets more. */
#ifdef __OPTIMIZE__
static const clock_t second = CLOCKS_PER_SEC;
#else
static const clock_t second = 6 * CLOCKS_PER_SEC;
#endif

/* Every total is one of what the total before has made: what is planned within a second or refused, which took minutes. */
static bool plans_a_chain(int length) {
  mw_schedule s;
  begin();
  mw_node y = x[0];
  for (int i = 0; i < length; i++) y = APPLY(MW_OP_MUL, y, APPLY(MW_OP_TOTAL, y));
  clock_t begun = clock();
  bool ok = mw_schedule_make(graph, NULL, &y, 1, &s, &err);
  CHECK(clock() - begun < 5 * second);
  if (ok) CHECK(s.stage_count == (size_t)length + 1), mw_schedule_free(&s);
  else CHECK(err.status == MW_DATA);
  mw_graph_free(graph);
  return ok;
}

static void test_chains(void) {
  CHECK(plans_a_chain(1) && plans_a_chain(1000));
  CHECK(!plans_a_chain(8000) && strstr(err.text, "in 8001 passes over its models"));
}

static mw_node number(double value) {
  mw_node node;
  CHECK(mw_graph_number(graph, value, &node, &err));
  return node;
}

/* Many outputs of one large expression, which each computes anew; guesses look at all of them, too. It took minutes. */
static void test_shared_by_many(void) {
  enum { OUTPUTS = 6000, TERMS = 30000 };
  mw_node *outputs = calloc(OUTPUTS, sizeof *outputs);
  mw_schedule s;
  begin();
  mw_node y = x[0];
  for (int i = 1; i < TERMS; i++) y = APPLY(MW_OP_ADD, y, APPLY(MW_OP_MUL, x[0], number(i)));
  y = APPLY(MW_OP_MUL, y, APPLY(MW_OP_SIGN, APPLY(MW_OP_TOTAL, y)));
  for (int i = 0; i < OUTPUTS; i++) outputs[i] = APPLY(MW_OP_MUL, y, number(i));
  clock_t begun = clock();
  CHECK(!mw_schedule_make(graph, NULL, outputs, OUTPUTS, &s, &err) && strstr(err.text, "takes more than"));
  CHECK(clock() - begun < 10 * second);
  mw_graph_free(graph);
  free(outputs);
}

int main(void) {
  RUN(test_vector());
  RUN(test_each());
  RUN(test_shared());
  RUN(test_parts_of_one());
  RUN(test_guesses());
  RUN(test_chains());
  RUN(test_shared_by_many());
  UNIT_END();
}
