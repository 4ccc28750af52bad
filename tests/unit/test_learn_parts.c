/* test_learn_parts.c: parts of learning against plain C: attention with grouped heads and a sliding window, AdamW and
 * MoFO, padding that changes no bit, buffers that never overlap while they are alive, and what is refused. */
#include "heads.h"
#include "nets.h"
#include "learn/optim.h"
#include <math.h>

enum { LENGTH = 9, WINDOWS = 2, ROWS = LENGTH * WINDOWS, WIDTH = 12, KV = 6, VOCABULARY = 10 };
enum { EMBED_T, HEAD_T, K_T, V_T };
static const net_tensor tensors[] = {{"a.embed", VOCABULARY, WIDTH}, {"b.head", VOCABULARY, WIDTH}, {"c.k", KV, WIDTH}, {"d.v", KV, WIDTH}};

static uint32_t ids[WINDOWS][LENGTH + 1] = {{3, 1, 4, 1, 5, 9, 2, 6, 5, 3}, {5, 8, 9, 7, 9}};
static mw_dataset_window windows[WINDOWS] = {{ids[0], LENGTH + 1}, {ids[1], 5}};
static const mw_dataset set = {.windows = windows, .count = WINDOWS};

static mw_tape *tape_of(const mw_train_world *world, mw_node loss, const mw_node *coefficients, size_t count, mw_thread_pool *pool) {
  mw_tape *tape = NULL;
  bool good = mw_thread_pool_new(pool, world->threads, &err) && mw_tape_new(world, loss, NULL, 0, coefficients, count, pool, &tape, &err);
  if (!good) printf("%s\n", err.text);
  CHECK(good);
  return tape;
}

/* ---- attention ---- */

static void attention(size_t heads, size_t kv_heads, size_t sliding) {
  mw_thread_pool pool;
  mw_train_world world = net_world(2);
  mw_node batch = tokens(0, ROWS, LENGTH), q = DO(EMBED, batch, input(0, EMBED_T)), k = DO(LINEAR, q, input(0, K_T)), v = DO(LINEAR, q, input(1, V_T));
  if (heads == kv_heads) k = DO(MUL, q, q), v = DO(TANH, q);
  mw_node y = WITH(ATTENTION, LENGTH, packed_heads(heads, kv_heads, sliding), q, k, v), loss = DO(ADD, DO(TOTAL, y), DO(MUL, number(0), DO(ADD, DO(TOTAL, q), DO(ADD, DO(TOTAL, k), DO(TOTAL, v)))));
  mw_tape *tape = tape_of(&world, loss, NULL, 0, &pool);
  mw_batch_fill(mw_tape_batch(tape, batch), &set, 0);
  CHECK(mw_tape_run(tape, &err));
  /* The inputs again, from a run that keeps them: every tensor is the loss's own operand. */
  size_t width = WIDTH / heads, stride = kv_heads * width;
  const float *Q = mw_tape_find(tape, q)->values, *K = mw_tape_find(tape, k)->values, *V = mw_tape_find(tape, v)->values, *Y = mw_tape_find(tape, y)->values;
  double worst = 0;
  for (size_t row = 0; row < ROWS; row++)
    for (size_t h = 0; h < heads; h++) {
      size_t start = row / LENGTH * LENGTH, position = row % LENGTH, from = sliding && position + 1 > sliding ? position + 1 - sliding : 0;
      double weight[LENGTH], sum = 0, out[WIDTH] = {0};
      for (size_t p = from; p <= position; p++) {
        double score = 0;
        for (size_t i = 0; i < width; i++) score += (double)Q[row * WIDTH + h * width + i] * (double)K[(start + p) * stride + h * kv_heads / heads * width + i];
        sum += weight[p] = exp(score / sqrt((double)width));
      }
      for (size_t p = from; p <= position; p++)
        for (size_t i = 0; i < width; i++) out[i] += weight[p] / sum * (double)V[(start + p) * stride + h * kv_heads / heads * width + i];
      for (size_t i = 0; i < width; i++) worst = fmax(worst, fabs(out[i] - (double)Y[row * WIDTH + h * width + i]));
    }
  if (!(worst < 1e-6)) printf("attention with %zu, %zu heads, window %zu: off by %g\n", heads, kv_heads, sliding, worst);
  CHECK(worst < 1e-6);
  mw_tape_free(tape);
  mw_thread_pool_free(&pool);
}

/* ---- padding ---- */

/* The loss and gradient of a coefficient, with these ids in the padding. */
static double padded(uint32_t filler, float gradient[WIDTH]) {
  mw_thread_pool pool;
  mw_train_world world = net_world(2);
  mw_node c = coefficient(5, WIDTH, 1), batch = tokens(0, ROWS, LENGTH), x = DO(EMBED, batch, DO(COLUMNS, input(0, EMBED_T), DO(VECTOR, c)));
  mw_node y = WITH(ATTENTION, LENGTH, packed_heads(2, 1, 0), x, DO(LINEAR, x, input(0, K_T)), DO(LINEAR, x, input(0, V_T)));
  mw_node z = DO(LINEAR, DO(ADD, x, y), input(0, HEAD_T)), teacher = DO(LINEAR, DO(EMBED, batch, input(1, EMBED_T)), input(1, HEAD_T));
  mw_node loss = DO(ADD, WITH(KL, bits(2), 0, teacher, z, batch), DO(ADD, DO(CROSS_ENTROPY, z, batch), DO(ADD, DO(ENTROPY, z, batch), DO(MSE, z, teacher, batch))));
  mw_tape *tape = tape_of(&world, loss, &c, 1, &pool);
  mw_batch *b = mw_tape_batch(tape, batch);
  mw_batch_fill(b, &set, 0);
  for (size_t p = 5; p <= LENGTH; p++) b->ids[LENGTH + 1 + p] = filler;
  CHECK(mw_tape_run(tape, &err));
  memcpy(gradient, mw_tape_find(tape, c)->gradient, WIDTH * sizeof(float));
  double value = mw_tape_find(tape, loss)->scalar;
  mw_tape_free(tape);
  mw_thread_pool_free(&pool);
  return value;
}

static void padding(void) {
  float zeros[WIDTH], nines[WIDTH];
  double a = padded(0, zeros), b = padded(9, nines);
  CHECK(a == b && memcmp(zeros, nines, sizeof zeros) == 0 && a > 0);
}

/* ---- optimisers ---- */

static void optimiser(double share, double decay, double scale) {
  enum { N = 11, STEPS = 6 };
  mw_train_spec t = {.rate = 0.01, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8, .decay = decay, .share = share};
  float values[N], work[N], m[N] = {0}, v[N] = {0};
  double x[N], a[N] = {0}, b[N] = {0};
  uint64_t random = 9;
  for (int i = 0; i < N; i++) x[i] = values[i] = (float)net_random(&random);
  for (int s = 1; s <= STEPS; s++) {
    float g[N];
    for (int i = 0; i < N; i++) g[i] = (float)net_random(&random);
    mw_optim_step(&t, (uint64_t)s, scale, g, N, values, m, v, work);
    for (int i = 0; i < N; i++) {
      a[i] = 0.9 * a[i] + 0.1 * g[i] * scale, b[i] = 0.99 * b[i] + 0.01 * g[i] * g[i] * scale * scale;
    }
    for (int i = 0; i < N; i++) {
      int larger = 0, kept = (int)(share * N) ? (int)(share * N) : 1;
      for (int k = 0; k < N; k++) larger += fabs(a[k]) > fabs(a[i]);
      x[i] *= 1 - 0.01 * decay;
      if (share >= 1 || larger < kept) x[i] -= 0.01 * (a[i] / (1 - pow(0.9, s))) / (sqrt(b[i] / (1 - pow(0.99, s))) + 1e-8);
    }
  }
  double worst = 0;
  for (int i = 0; i < N; i++) worst = fmax(worst, fabs(x[i] - (double)values[i]));
  CHECK(worst < 1e-6);
}

static void norm(void) {
  float a[2] = {3, 0}, b[1] = {-4};
  CHECK(mw_optim_norm((const float *const[]){a, b}, (size_t[]){2, 1}, 2) == 5);
}

/* ---- memory ---- */

static void buffers(void) {
  enum { N = 300 };
  static mw_buffer_plan_buffer all[N];
  mw_buffer_plan_buffer *list[N];
  uint64_t random = 3;
  size_t total = 0, sum = 0, overlaps = 0;
  for (int i = 0; i < N; i++) {
    uint32_t born = (uint32_t)(50 * (1 + net_random(&random)));
    all[i] = (mw_buffer_plan_buffer){.size = (size_t)(200 * (1.01 + net_random(&random))), .first = born, .last = born + (uint32_t)(8 * (1 + net_random(&random))), .used = true};
    list[i] = &all[i];
    sum += all[i].size;
  }
  CHECK(mw_buffer_plan_make(list, N, &total, &err));
  for (int i = 0; i < N; i++)
    for (int k = 0; k < i; k++)
      overlaps += all[i].first <= all[k].last && all[k].first <= all[i].last && all[i].offset < all[k].offset + all[k].size &&
                  all[k].offset < all[i].offset + all[i].size;
  CHECK(overlaps == 0 && total < sum / 2);
}

/* ---- trainings one after the other ---- */

/* A loss that pulls a coefficient to `goal` times what an earlier training learned, or to `goal` itself. */
static mw_node pull(mw_node c, mw_node earlier, double goal) {
  mw_node far = DO(SUB, c, earlier ? DO(MUL, number(goal), earlier) : number(goal));
  return DO(DOT, far, far);
}

static void learned(void) {
  mw_node first_c = coefficient(8, 3, 0), second_c = coefficient(9, 3, 0), known = 0;
  mw_train_world world = net_world(1);
  mw_train_state one, two;
  mw_train_spec t = {.loss = pull(first_c, 0, 2), .coefficients = &first_c, .coefficient_count = 1, .steps = 800, .rate = 0.05,
                   .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .share = 1};
  CHECK(mw_graph_learned(graph, first_c, 0, &known, &err));
  CHECK(mw_train_state_new(&one, graph, &t, &err) && mw_train_run(&world, &t, &one, NULL, &err));
  CHECK(fabs((double)one.values[1] - 2) < 1e-3);
  t.loss = pull(second_c, known, -0.5), t.coefficients = &second_c;
  CHECK(mw_train_state_new(&two, graph, &t, &err));
  CHECK(!mw_train_run(&world, &t, &two, NULL, &err) && err.status == MW_BUG); /* nobody has said what was learned */
  mw_job_learned values = {0, first_c, one.values};
  world.learned = &values, world.learned_count = 1;
  CHECK(mw_train_run(&world, &t, &two, NULL, &err) && fabs((double)two.values[2] + 1) < 1e-3);
  mw_train_state_free(&one);
  mw_train_state_free(&two);
}

/* ---- refusals ---- */

static const char *refused(mw_node loss, mw_node c) {
  static const mw_train_watch none;
  mw_train_world world = net_world(1);
  mw_train_state state;
  mw_train_spec t = {.loss = loss, .coefficients = &c, .coefficient_count = 1, .steps = 1, .rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999,
                   .epsilon = 1e-8, .share = 1};
  CHECK(mw_train_state_new(&state, graph, &t, &err));
  CHECK(!mw_train_run(&world, &t, &state, &none, &err) && state.step == 0);
  mw_train_state_free(&state);
  return err.text;
}

static void refusals(void) {
  mw_node c = coefficient(6, WIDTH, 1), batch = tokens(0, ROWS, LENGTH), x = DO(EMBED, batch, DO(COLUMNS, input(0, EMBED_T), DO(VECTOR, c)));
  CHECK(strstr(refused(number(3), c), "nothing changes"));
  CHECK(strstr(refused(DO(TOTAL, DO(EMBED, batch, input(0, EMBED_T))), c), "none of the coefficients"));
  CHECK(strstr(refused(x, c), "one number"));
  CHECK(strstr(refused(WITH(KTH, 3, 0, x), c), "'KTH' cannot be part"));
  CHECK(strstr(refused(DO(TOTAL, DO(LINEAR, x, x)), c), "made of activations"));
  CHECK(strstr(refused(DO(TOTAL, DO(DIV, x, number(0))), c), "finite"));
  mw_node far = tokens(NET_SETS, ROWS, LENGTH);
  CHECK(strstr(refused(DO(TOTAL, DO(EMBED, far, DO(COLUMNS, input(0, EMBED_T), DO(VECTOR, c)))), c), "no data set"));
  mw_node small = DO(EMBED, batch, DO(COLUMNS, input(0, K_T), DO(VECTOR, c))); /* 6 rows, ids up to 9 */
  CHECK(strstr(refused(DO(TOTAL, small), c), "token 9, where the model's vocabulary has 6"));
}

/* A vocabulary of 2^30 words and a batch of 2^20 tokens: 2^52 bytes of logits, on no machine of today. */
static void too_large(void) {
  uint32_t shape;
  mw_node c = coefficient(7, 1, 1), batch = tokens(0, 1 << 20, 1), table = 0;
  mw_train_world world = net_world(1);
  double mean;
  uint64_t count;
  CHECK(mw_graph_shape(graph, (uint64_t[]){1 << 30, 1}, 2, &shape, &err));
  CHECK(mw_graph_input(graph, 0, 99, MW_DTYPE_F32, shape, &table, &err));
  mw_node x = DO(EMBED, batch, DO(COLUMNS, table, DO(VECTOR, c)));
  mw_node loss = DO(CROSS_ENTROPY, DO(LINEAR, x, table), batch);
  CHECK(strstr(refused(loss, c), "for a batch of 1048576 tokens") && err.status == MW_MEMORY && strstr(err.hint, "smaller batch"));
  loss = DO(CROSS_ENTROPY, DO(LINEAR, DO(EMBED, batch, table), table), batch);
  CHECK(!mw_train_evaluate(&world, loss, NULL, NULL, &mean, &count, &err) && err.status == MW_MEMORY);
  CHECK(mw_graph_shape(graph, (uint64_t[]){1ull << 48, 1}, 2, &shape, &err));
  CHECK(mw_graph_input(graph, 0, 98, MW_DTYPE_F32, shape, &table, &err));
  loss = DO(TOTAL, DO(EMBED, tokens(0, LENGTH, 1), DO(COLUMNS, table, DO(VECTOR, c))));
  CHECK(strstr(refused(loss, c), "bytes of memory are needed") && strstr(err.hint, "whatever the batch"));

  mw_buffer_plan_buffer large[] = {{.size = MW_BUFFER_PLAN_MOST / 2, .last = 1}, {.size = MW_BUFFER_PLAN_MOST / 2, .last = 1}, {.size = 32, .first = 1, .last = 1}};
  mw_buffer_plan_buffer *all[] = {&large[0], &large[1], &large[2]};
  size_t total;
  CHECK(!mw_buffer_plan_make(all, 3, &total, &err) && err.status == MW_MEMORY);
}

int main(void) {
  for (int i = 0; i < NET_SETS; i++) net_sets[i] = &set;
  net_begin(tensors, sizeof tensors / sizeof *tensors);
  RUN(attention(2, 1, 0));
  RUN(attention(2, 1, 3));
  RUN(attention(4, 2, 0));
  RUN(attention(3, 3, 0));
  RUN(attention(3, 3, 1));
  RUN(padding());
  RUN(optimiser(1, 0, 1));
  RUN(optimiser(1, 0.1, 0.5));
  RUN(optimiser(0.3, 0, 1));
  RUN(optimiser(0.01, 0, 1));
  RUN(norm());
  RUN(buffers());
  RUN(learned());
  RUN(refusals());
  RUN(too_large());
  net_end();
  UNIT_END();
}
