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

/* The task of a root; NULL: it has none. */
static const mw_schedule_task *task_of(const mw_schedule *s, mw_node node, bool guess) {
  for (size_t t = 0; t < s->task_count; t++)
    for (uint32_t r = 0; r < s->tasks[t].root_count; r++) {
      mw_program_root root = s->roots[s->tasks[t].first_root + r];
      if (root.node == node && root.guess == guess) return &s->tasks[t];
    }
  return NULL;
}

static void begin_matrices(mw_node *y) {
  uint32_t shape;
  begin();
  for (uint32_t i = 0; i < 3; i++)
    CHECK(mw_graph_shape(graph, (uint64_t[]){10, 10}, 2, &shape, &err) && mw_graph_input(graph, 1, i, MW_DTYPE_F32, shape, &y[i], &err));
}

/* Sums that read one tensor are one task, but for those of another type, of rows, or of another number of elements. */
static void test_unlike_sums(void) {
  mw_node y[3];
  mw_schedule s;
  begin_matrices(y);
  mw_node rows = 0, slice = 0, spread = 0;
  CHECK(mw_graph_apply(graph, MW_OP_ROW_TOTAL, y, 1, (uint64_t[]){10, 0}, &rows, &err) && mw_graph_spread(graph, rows, &spread, &err));
  CHECK(mw_graph_apply(graph, MW_OP_SLICE_ROWS, y, 1, (uint64_t[]){2, 5}, &slice, &err));
  mw_node wide = APPLY(MW_OP_TOTAL, APPLY(MW_OP_AS_F64, y[0])), plain = APPLY(MW_OP_TOTAL, APPLY(MW_OP_ABS, y[0])), peak = APPLY(MW_OP_PEAK, y[0]),
          of_rows = APPLY(MW_OP_TOTAL, rows), of_spread = APPLY(MW_OP_TOTAL, APPLY(MW_OP_SQRT, spread)), sliced = APPLY(MW_OP_TOTAL, slice),
          dot = APPLY(MW_OP_DOT, y[0], y[1]), columns = APPLY(MW_OP_COLUMN_DOT, y[0], y[1]);
  mw_node scaled = APPLY(MW_OP_MUL, y[2], columns), of_columns = APPLY(MW_OP_TOTAL, scaled);
  mw_node wide_too = APPLY(MW_OP_TOTAL, APPLY(MW_OP_AS_F64, y[1]));
  const mw_node outputs[] = {wide, plain, peak, of_rows, of_spread, sliced, dot, of_columns, scaled, wide_too};
  CHECK(mw_schedule_make(graph, NULL, outputs, sizeof outputs / sizeof *outputs, &s, &err));
  const mw_schedule_task *of_plain = task_of(&s, plain, false);
  CHECK(of_plain && of_plain == task_of(&s, peak, false) && of_plain == task_of(&s, dot, false));
  const mw_node others[] = {wide, of_rows, of_spread, sliced};
  for (size_t i = 0; i < 4; i++) {
    const mw_schedule_task *task = task_of(&s, others[i], false);
    CHECK(task && task != of_plain && task->f64 == (i == 0) && task->elements == (i == 1 ? 10 : i == 3 ? 30 : 100));
  }
  CHECK(task_of(&s, wide, false) == task_of(&s, wide_too, false)); /* one task reads both, as the dot does */
  CHECK(s.stages[0].task_count >= 4 && task_of(&s, of_columns, false) > of_plain);
  mw_schedule_free(&s);
  mw_graph_free(graph);
}

/* A dot with what a training found is grouped by the tensor that it reads; one of two such has a group of its own. */
static void test_learned_dots(void) {
  mw_schedule s;
  mw_node coefficient[2], learned[2];
  begin();
  for (uint64_t i = 0; i < 2; i++)
    CHECK(mw_graph_coefficient(graph, i, 100, 1, &coefficient[i], &err) && mw_graph_learned(graph, coefficient[i], i, &learned[i], &err));
  const mw_node outputs[] = {APPLY(MW_OP_DOT, x[0], learned[0]), APPLY(MW_OP_DOT, learned[1], x[0]), APPLY(MW_OP_TOTAL, x[0]),
                             APPLY(MW_OP_DOT, learned[0], learned[1])};
  CHECK(mw_schedule_make(graph, NULL, outputs, 4, &s, &err));
  CHECK(task_of(&s, outputs[0], false) == task_of(&s, outputs[2], false) && task_of(&s, outputs[1], false) == task_of(&s, outputs[2], false));
  CHECK(s.task_count == 2 && task_of(&s, outputs[3], false) != task_of(&s, outputs[0], false));
  mw_schedule_free(&s);
  mw_graph_free(graph);
}

/* What waits for sums is in memory until they are known: so many elements fill a batch. A matrix has a batch of its own. */
static void test_batches(void) {
  mw_schedule s;
  mw_node large[3], outputs[5], y[3];
  uint32_t shape;
  begin_matrices(y);
  CHECK(mw_graph_shape(graph, (uint64_t[]){MW_SCHEDULE_ELEMENTS / 2 + 1}, 1, &shape, &err));
  for (uint32_t i = 0; i < 3; i++) {
    CHECK(mw_graph_input(graph, 2, i, MW_DTYPE_F32, shape, &large[i], &err));
    outputs[i] = APPLY(MW_OP_MUL, large[i], APPLY(MW_OP_TOTAL, large[i]));
  }
  outputs[3] = APPLY(MW_OP_MATMUL, y[0], y[1]);
  outputs[4] = APPLY(MW_OP_MUL, y[2], APPLY(MW_OP_TOTAL, y[2]));
  CHECK(mw_schedule_make(graph, NULL, outputs, 5, &s, &err));
  CHECK(s.stages[s.stage_count - 1].batch == 5);
  for (uint32_t i = 0; i + 1 < s.stage_count; i++) CHECK(s.stages[i].batch <= s.stages[i + 1].batch);
  mw_schedule_free(&s);
  mw_graph_free(graph);
}

/* Masks that several stages draw are in memory, too: a batch is full of them before it is full of elements. */
static void test_masks(void) {
  enum { MASKS = 5, PART = 8 }; /* of each output, of a PART-th of what a batch holds */
  mw_schedule s;
  mw_node y, outputs[2];
  uint32_t shape;
  CHECK(mw_graph_new(&graph, &err) && mw_graph_shape(graph, (uint64_t[]){MW_SCHEDULE_MASKS / PART}, 1, &shape, &err));
  for (uint32_t i = 0; i < 2; i++) {
    CHECK(mw_graph_input(graph, 0, i, MW_DTYPE_F32, shape, &y, &err));
    outputs[i] = APPLY(MW_OP_MUL, y, APPLY(MW_OP_TOTAL, y));
    for (uint64_t m = 0; m < MASKS; m++) {
      mw_node mask;
      CHECK(mw_graph_apply(graph, MW_OP_BERNOULLI_EACH, (mw_node[]){y, APPLY(MW_OP_ABS, y)}, 2, (uint64_t[]){m, i}, &mask, &err));
      outputs[i] = APPLY(MW_OP_MUL, outputs[i], mask);
    }
  }
  CHECK(mw_schedule_make(graph, NULL, outputs, 2, &s, &err));
  CHECK(s.stages[s.stage_count - 1].batch == 2);
  mw_schedule_free(&s);
  mw_graph_free(graph);
}

/* A vote is computed with the first result of its tensor in the same type and in the same runs; it is guessed only where it depends on
 * selections alone, and its tensor has elements and no matrix in it. */
static void test_votes(void) {
  mw_schedule s;
  mw_node y[3], empty;
  uint32_t none;
  begin_matrices(y);
  CHECK(mw_graph_shape(graph, (uint64_t[]){0}, 1, &none, &err) && mw_graph_input(graph, 3, 0, MW_DTYPE_F32, none, &empty, &err));
  mw_node rows = 0, spread = 0;
  CHECK(mw_graph_apply(graph, MW_OP_ROW_TOTAL, y, 1, (uint64_t[]){10, 0}, &rows, &err) && mw_graph_spread(graph, rows, &spread, &err));
  mw_node product = APPLY(MW_OP_MATMUL, y[0], y[1]), vote[5];
  mw_node early = APPLY(MW_OP_ABS, y[2]), late = APPLY(MW_OP_MUL, early, APPLY(MW_OP_TOTAL, y[1]));
  mw_node above = APPLY(MW_OP_SIGN, APPLY(MW_OP_LE, APPLY(MW_OP_QUANTILE, y[1]), y[2]));
  const mw_node of[] = {early, late, above, product, empty};
  for (int i = 0; i < 5; i++) vote[i] = APPLY(MW_OP_TOTAL, of[i]);
  mw_node sign = APPLY(MW_OP_SIGN, APPLY(MW_OP_ADD, vote[0], APPLY(MW_OP_ADD, vote[1], APPLY(MW_OP_ADD, vote[2], APPLY(MW_OP_ADD, vote[3], vote[4])))));
  const mw_node outputs[] = {APPLY(MW_OP_MUL, APPLY(MW_OP_AS_F64, early), sign), APPLY(MW_OP_MUL, APPLY(MW_OP_ADD, early, spread), sign),
                             APPLY(MW_OP_MUL, early, sign), APPLY(MW_OP_MUL, APPLY(MW_OP_NEG, early), sign), APPLY(MW_OP_MUL, late, sign),
                             APPLY(MW_OP_MUL, above, sign), APPLY(MW_OP_MUL, product, sign), APPLY(MW_OP_MUL, empty, sign)};
  CHECK(mw_schedule_make(graph, NULL, outputs, sizeof outputs / sizeof *outputs, &s, &err));
  const mw_schedule_task *first = task_of(&s, vote[0], false), *third = task_of(&s, vote[2], false);
  CHECK(first && first->output == 2 && !task_of(&s, vote[0], true));
  CHECK(third && third->output == 5 && task_of(&s, vote[2], true));
  for (int i = 1; i < 5; i++)
    if (i != 2) CHECK(task_of(&s, vote[i], false) && task_of(&s, vote[i], false)->output == MW_SCHEDULE_NO_OUTPUT);
  mw_schedule_free(&s);
  mw_graph_free(graph);
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
  RUN(test_unlike_sums());
  RUN(test_learned_dots());
  RUN(test_batches());
  RUN(test_masks());
  RUN(test_votes());
  RUN(test_chains());
  RUN(test_shared_by_many());
  UNIT_END();
}
