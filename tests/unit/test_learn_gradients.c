/* test_learn_gradients.c: the gradient of every operation that learning has, against finite differences: operations of
 * networks on activations, elementwise ones on activations, in weights and on scalars, sums. An operation that no case
 * covers fails. */
#include "heads.h"
#include "nets.h"

enum { ROWS = 12, LENGTH = 6, WIDTH = 8, VOCABULARY = 10, COEFFICIENTS = 64 };
/* Rows of the family; names are in this order. */
enum { BIAS_T, EMBED_T, HEAD_T, KV_T, SQUARE_T, WEIGH_T, WIDE_T };
static const net_tensor tensors[] = {{"b.bias", WIDTH, 0},        {"c.embed", VOCABULARY, WIDTH}, {"d.head", VOCABULARY, WIDTH},
                                     {"e.kv", WIDTH / 2, WIDTH},  {"f.square", WIDTH, WIDTH},     {"g.weigh", ROWS, WIDTH},
                                     {"h.wide", ROWS, VOCABULARY}};

static mw_node coefficients[COEFFICIENTS];
static size_t coefficient_count;
static uint8_t covered[MW_OP_COUNT];
static mw_node batch;

static mw_node fresh(uint64_t elements) {
  mw_node c = coefficient(1000 + mw_graph_count(graph), elements, 0.5);
  coefficients[coefficient_count++] = c;
  return c;
}

/* A weight that learns: columns of two models, each with coefficients. */
static mw_node mixed(uint32_t row, uint64_t columns) {
  mw_node a = DO(COLUMNS, input(0, row), DO(VECTOR, fresh(columns))), b = DO(COLUMNS, input(1, row), DO(VECTOR, fresh(columns)));
  return DO(ADD, a, b);
}

static mw_node activation(void) { return DO(EMBED, batch, mixed(EMBED_T, WIDTH)); }
static mw_node kv(mw_node x) { return DO(LINEAR, x, mixed(KV_T, WIDTH)); }
/* A scalar of an activation that weighs every element differently. */
static mw_node weighed(mw_node x) { return DO(DOT, x, input(0, WEIGH_T)); }

/* ---- the check ---- */

static double loss_of(mw_tape *tape) {
  CHECK(mw_tape_run(tape, &err));
  return mw_tape_find(tape, tape->loss)->scalar;
}

/* By four points, so that what remains of the error is that of f32. */
static double slope(mw_tape *tape, float *at) {
  const double h = 0.02;
  float kept = *at;
  double f[4];
  for (int i = 0; i < 4; i++) {
    *at = (float)((double)kept + h * (i < 2 ? i - 2 : i - 1));
    f[i] = loss_of(tape);
  }
  *at = kept;
  return (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * h);
}

static void cover(mw_node loss) {
  uint8_t *needed = calloc(loss + 1, 1);
  needed[loss] = 1;
  for (mw_node id = loss; id > 0; id--) {
    mw_graph_node_facts facts = mw_graph_facts(graph, id);
    for (uint32_t i = 0; i < facts.operands && needed[id]; i++) needed[facts.operand[i]] = 1;
    if (needed[id]) covered[facts.op] = 1;
  }
  free(needed);
}

/* The tape of a loss, with the same values of the coefficients each time, run once. */
static mw_tape *run(const char *what, mw_node loss, mw_thread_pool *pool) {
  mw_tape *tape = NULL;
  static mw_train_world world; /* the tape borrows it */
  world = net_world(1);
  cover(loss);
  bool made = mw_tape_new(&world, loss, NULL, 0, coefficients, coefficient_count, pool, &tape, &err);
  if (!made) printf("%s: %s\n", what, err.text);
  CHECK(made);
  if (!made) exit(1);
  mw_batch *b = mw_tape_batch(tape, batch);
  if (b) mw_batch_fill(b, net_sets[0], 0);
  uint64_t random = 5;
  CHECK(mw_tape_ready(tape, &err));
  for (size_t c = 0; c < coefficient_count; c++) {
    mw_tape_slot *slot = mw_tape_find(tape, coefficients[c]);
    for (size_t i = 0; i < slot->elements; i++) slot->values[i] = (float)(0.6 + 0.4 * net_random(&random));
  }
  loss_of(tape);
  return tape;
}

/* Holds the gradient of `loss` against finite differences of `smooth`, of which it is a rounded form, in every coefficient made since
 * the last check. */
static void check_rounded(const char *what, mw_node loss, mw_node smooth) {
  mw_thread_pool pool;
  double worst = 0, largest = 0;
  CHECK(mw_thread_pool_new(&pool, 1, &err));
  mw_tape *tape = run(what, loss, &pool);
  float *found[COEFFICIENTS];
  for (size_t c = 0; c < coefficient_count; c++) {
    mw_tape_slot *slot = mw_tape_find(tape, coefficients[c]);
    found[c] = malloc(slot->elements * sizeof(float));
    memcpy(found[c], slot->gradient, slot->elements * sizeof(float));
  }
  if (smooth != loss) mw_tape_free(tape), tape = run(what, smooth, &pool);
  for (size_t c = 0; c < coefficient_count; c++) {
    mw_tape_slot *slot = mw_tape_find(tape, coefficients[c]);
    for (size_t i = 0; i < slot->elements; i++) {
      double expected = slope(tape, &slot->values[i]), error = fabs(expected - (double)found[c][i]);
      if (fabs(expected) > largest) largest = fabs(expected);
      if (!(error <= worst)) worst = error;
    }
    free(found[c]);
  }
  bool good = worst <= (smooth == loss ? 1e-3 : 1e-2) * largest + 2e-4 && largest > 1e-3;
  if (!good) printf("%s: off by %g where the largest slope is %g\n", what, worst, largest);
  CHECK(good);
  coefficient_count = 0;
  mw_tape_free(tape);
  mw_thread_pool_free(&pool);
}

static void check(const char *what, mw_node loss) { check_rounded(what, loss, loss); }

/* ---- networks ---- */

static mw_node rope(mw_node x) { return WITH(ROPE, LENGTH, 4, x, number(1), number(0.3)); }

static void networks(void) {
  mw_node x = activation();
  check("embed", weighed(x));
  check("linear", weighed(DO(LINEAR, activation(), mixed(SQUARE_T, WIDTH))));
  check("linear of a fixed weight", weighed(DO(LINEAR, activation(), input(0, SQUARE_T))));
  check("linear of fixed activations", weighed(DO(LINEAR, DO(EMBED, batch, input(0, EMBED_T)), mixed(SQUARE_T, WIDTH))));
  x = activation();
  check("bias", weighed(DO(MUL, DO(BIAS, x, mixed(BIAS_T, WIDTH)), x)));
  check("rms_norm", weighed(WITH(RMS_NORM, bits(1e-3), 0, activation(), mixed(BIAS_T, WIDTH))));
  mw_node half = DO(MUL, fresh(WIDTH / 2), number(2));
  check("rms_norm of runs", weighed(WITH(RMS_NORM, bits(1e-3), 0, activation(), half)));
  check("layer_norm", weighed(WITH(LAYER_NORM, bits(1e-3), 0, activation(), mixed(BIAS_T, WIDTH), DO(ABS, mixed(BIAS_T, WIDTH)))));
  check("rope", weighed(rope(activation())));
  x = activation();
  check("attention", weighed(WITH(ATTENTION, LENGTH, packed_heads(2, 2, 0), rope(x), x, DO(LINEAR, x, input(1, SQUARE_T)))));
  x = activation();
  check("attention of one tensor", weighed(WITH(ATTENTION, LENGTH, packed_heads(2, 2, 0), x, x, x)));
  x = activation();
  check("attention with groups", weighed(WITH(ATTENTION, LENGTH, packed_heads(4, 2, 0), x, kv(x), kv(x))));
  x = activation();
  check("attention that slides", weighed(WITH(ATTENTION, LENGTH, packed_heads(2, 1, 3), x, kv(x), kv(x))));
  check("silu", weighed(DO(SILU, activation())));
  check("gelu", weighed(WITH(GELU, 0, 0, activation())));
  check("gelu by tanh", weighed(WITH(GELU, 1, 0, activation())));
  check("softmax", weighed(DO(SOFTMAX, activation())));
  check("log_softmax", weighed(DO(LOG_SOFTMAX, activation())));
}

static mw_node logits(void) { return DO(MUL, number(3), DO(LINEAR, activation(), mixed(HEAD_T, WIDTH))); }

static void losses(void) {
  mw_node z = DO(LINEAR, DO(EMBED, batch, input(0, EMBED_T)), input(0, HEAD_T)), both;
  check("kl", WITH(KL, bits(2), 0, z, logits(), batch));
  check("kl, of the teacher", WITH(KL, bits(0.5), 0, logits(), z, batch));
  both = logits();
  check("kl of both", WITH(KL, bits(1), 0, both, DO(MUL, both, number(0.5)), batch));
  check("cross_entropy", DO(CROSS_ENTROPY, logits(), batch));
  check("entropy", DO(ENTROPY, logits(), batch));
  check("mse", DO(MSE, logits(), z, batch));
  check("mse, of the second", DO(MSE, z, logits(), batch));
  /* Sums of terms go forward and back one after the other; products cannot. */
  mw_node one = DO(CROSS_ENTROPY, logits(), batch), two = DO(ENTROPY, logits(), batch);
  check("a sum of losses", DO(ADD, DO(SUB, one, DO(MUL, number(0.3), two)), DO(DIV, DO(TOTAL, coefficients[0]), number(7))));
  one = DO(CROSS_ENTROPY, logits(), batch), two = DO(ENTROPY, logits(), batch);
  check("a product of losses", DO(MUL, one, two));
  mw_node x = activation();
  check("a scalar that goes back in", weighed(DO(MUL, x, DO(TOTAL, DO(MUL, x, x)))));
}

/* ---- elementwise ---- */

/* An operand in the domain of every operation: between 0.1 and 0.9, by a smooth function. */
static mw_node tame(mw_node x) { return DO(ADD, number(0.5), DO(MUL, number(0.4), DO(SIN, x))); }

/* Masks jump and are flat elsewhere; so are signs and whole numbers. */
static bool is_flat(int op) {
  enum { FLAT_ANY, FLAT_ARITHMETIC = FLAT_ANY, FLAT_MASK };
  static const uint8_t kinds[MW_OP_COUNT] = {
#define MW_ELEMENTWISE(name, kind, operands, written, meaning, expression) [MW_OP_##name] = FLAT_##kind,
#include "base/elementwise.def"
#undef MW_ELEMENTWISE
  };
  return kinds[op] == FLAT_MASK || op == MW_OP_SIGN || op == MW_OP_FLOOR || op == MW_OP_ROUND;
}

/* op of a and b, which are kept apart by `fixed` (1 or -1) where the operation has a kink or jumps, as a factor of a. */
static mw_node of(int op, mw_node a, mw_node b, mw_node fixed) {
  bool kinked = op == MW_OP_MIN || op == MW_OP_MAX;
  mw_node operands[3] = {tame(a), kinked ? DO(ADD, tame(b), fixed) : tame(b), a};
  if (is_flat(op)) operands[0] = op == MW_OP_NOT ? DO(LT, fixed, number(0)) : fixed, operands[1] = number(1);
  if (op == MW_OP_WHERE) operands[0] = DO(LT, fixed, number(0));
  return DO(MUL, apply((mw_op)op, 0, 0, (uint32_t)mw_graph_op_operands((mw_op)op), operands), a);
}

/* Rounding to a dtype passes the gradient on, as a cast of torch does. */
static void rounding(void) {
  for (int op = MW_OP_AS_BF16; op <= MW_OP_AS_F64; op++) {
    mw_node a = activation(), w = mixed(SQUARE_T, WIDTH);
    check_rounded(mw_graph_op_name((mw_op)op), weighed(DO(LINEAR, DO(MUL, apply((mw_op)op, 0, 0, 1, &a), a), apply((mw_op)op, 0, 0, 1, &w))),
                  weighed(DO(LINEAR, DO(MUL, a, a), w)));
  }
}

static void elementwise(void) {
  char name[64];
  mw_node signs = DO(SIGN, input(0, WEIGH_T)), square = DO(SIGN, input(0, SQUARE_T)), a, b, s, t, w;
  for (int op = 0; op < MW_OP_COUNT; op++) {
    if (mw_graph_op_class((mw_op)op) != MW_CLASS_MAP || (op >= MW_OP_AS_BF16 && op <= MW_OP_AS_F64)) continue;
    const char *called = mw_graph_op_name((mw_op)op);
    a = activation(), b = activation();
    snprintf(name, sizeof name, "%s of activations", called);
    check(name, weighed(of(op, a, b, signs)));
    if (mw_graph_op_operands((mw_op)op) > 1) {
      a = activation(), s = DO(TOTAL, fresh(1)), t = DO(TOTAL, fresh(1));
      snprintf(name, sizeof name, "%s with a scalar", called);
      check(name, DO(ADD, weighed(of(op, a, s, signs)), weighed(DO(MUL, of(op, t, a, signs), signs))));
    }
    w = mixed(SQUARE_T, WIDTH), b = mixed(SQUARE_T, WIDTH), s = DO(TOTAL, fresh(1));
    snprintf(name, sizeof name, "%s in a weight", called);
    w = DO(ADD, of(op, w, b, square), DO(MUL, of(op, w, s, square), s));
    check(name, weighed(DO(LINEAR, activation(), w)));
    s = DO(TOTAL, fresh(3)), t = DO(TOTAL, fresh(3));
    snprintf(name, sizeof name, "%s of scalars", called);
    check(name, DO(ADD, of(op, s, t, DO(ADD, DO(MUL, s, number(0)), number(1))), DO(MUL, s, t)));
  }
}

static void sums(void) {
  mw_node x = activation(), y = activation();
  check("dot", DO(DOT, x, DO(MUL, y, y)));
  x = activation();
  check("dot with itself", DO(DOT, x, x));
  x = activation();
  check("total", DO(TOTAL, DO(MUL, x, DO(MUL, x, x))));
  mw_node one = DO(EQ, DO(ABS, input(0, WEIGH_T)), DO(PEAK, input(0, WEIGH_T))); /* the peak stays where it is */
  check("peak", DO(PEAK, DO(SUB, activation(), DO(MUL, one, number(9)))));
  x = activation();
  mw_node c = fresh(WIDTH);
  check("columns", weighed(DO(COLUMNS, DO(MUL, x, x), DO(VECTOR, DO(TANH, c)))));
  c = fresh(WIDTH);
  mw_node d = fresh(WIDTH), cosine = DO(DIV, DO(DOT, c, d), DO(SQRT, DO(MUL, DO(DOT, c, c), DO(DOT, d, d))));
  check("cosine", DO(ADD, cosine, DO(MUL, number(0.1), DO(TOTAL, DO(ABS, c)))));
  /* A weight with all that a weight may hold. */
  mw_node noise = WITH(NORMAL, 3, 4, input(0, SQUARE_T)), mask = WITH(BERNOULLI, 5, 6, input(1, SQUARE_T), number(0.5));
  mw_node w = DO(ADD, DO(MUL, mixed(SQUARE_T, WIDTH), mask), DO(MUL, noise, DO(TOTAL, fresh(1))));
  w = DO(ADD, w, DO(MUL, WITH(TOP, 0, 0, input(0, SQUARE_T), number(0.4), number(3)), DO(COLUMNS, input(0, SQUARE_T), DO(VECTOR, fresh(WIDTH)))));
  check("chance and masks in a weight", weighed(DO(LINEAR, activation(), w)));
  /* A weight over what is selected of two models, whose threshold and norm are computed once, elsewhere. */
  mw_node delta = DO(SUB, input(1, SQUARE_T), input(0, SQUARE_T)), cut = WITH(KTH, WIDTH * WIDTH / 2, 0, delta);
  w = DO(WHERE, DO(LT, DO(ABS, delta), cut), number(0), DO(DIV, delta, DO(SQRT, DO(DOT, delta, delta))));
  check("a selection in a weight", weighed(DO(LINEAR, activation(), DO(ADD, input(0, SQUARE_T), DO(COLUMNS, w, DO(VECTOR, fresh(WIDTH)))))));
  w = mixed(SQUARE_T, WIDTH);
  check("a sum over a weight", DO(TOTAL, DO(MUL, w, w)));
}

static void completeness(void) {
  for (int op = 0; op < MW_OP_COUNT; op++) {
    mw_graph_class class = mw_graph_op_class((mw_op)op);
    bool ours = class == MW_CLASS_NET || class == MW_CLASS_MAP || class == MW_CLASS_SUM || class == MW_CLASS_COLUMN || class == MW_CLASS_VECTOR;
    if (op == MW_OP_HIGHEST || op == MW_OP_ARGMAX) continue; /* places, which learning refuses (tape.c) */
    if (ours && !covered[op]) printf("no case covers %s\n", mw_graph_op_name((mw_op)op));
    CHECK(!ours || covered[op]);
  }
}

int main(void) {
  static uint32_t ids[2][LENGTH + 1] = {{3, 1, 4, 1, 5, 9, 2}, {6, 5, 3, 5}};
  static mw_dataset_window windows[2] = {{ids[0], LENGTH + 1}, {ids[1], 4}};
  static const mw_dataset set = {.windows = windows, .count = 2};
  for (int i = 0; i < NET_SETS; i++) net_sets[i] = &set;
  net_begin(tensors, sizeof tensors / sizeof *tensors);
  batch = tokens(0, ROWS, LENGTH);
  RUN(networks());
  RUN(losses());
  RUN(elementwise());
  RUN(rounding());
  RUN(sums());
  RUN(completeness());
  net_end();
  UNIT_END();
}
