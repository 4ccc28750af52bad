/* test_learn_pico.c: learning on real checkpoints, against what an independent forward pass in float64 gave: logits,
 * validation losses, the loss of DAM and its gradient in every coefficient; and that neither threads nor an interruption
 * change a bit. */
#include "learn/net.h"
#include "llama.h"
#include <math.h>

#define PICO "tests/data/pico"

enum { EXPERTS = 2, MOST = 128 };
static const char *const experts[EXPERTS] = {"kjv", "py"};

static mw_error err;
static mw_model *models[EXPERTS];
static mw_family_member members[EXPERTS];
static mw_family family;
static mw_dataset *calibration[EXPERTS], *validation[EXPERTS];

static mw_dataset *data(const char *domain, const char *kind) {
  char path[256];
  mw_dataset *set = NULL;
  snprintf(path, sizeof path, PICO "/data/%s.%s.safetensors", domain, kind);
  mw_dataset_source source = {.path = path};
  bool good = mw_dataset_open(&source, &set, &err);
  if (!good) printf("%s\n", err.text);
  CHECK(good);
  return set;
}

static void open_all(void) {
  static const mw_family_rules rules;
  mw_warning warnings = {0};
  for (int i = 0; i < EXPERTS; i++) {
    char path[256];
    snprintf(path, sizeof path, PICO "/%s", experts[i]);
    CHECK(mw_model_open(path, &warnings, &models[i], &err));
    members[i] = (mw_family_member){.model = models[i], .label = experts[i]};
    calibration[i] = data(experts[i], "calibration");
    validation[i] = data(experts[i], "validation");
  }
  CHECK(mw_family_join(members, EXPERTS, 0, &rules, &warnings, &family, &err));
  mw_warning_free(&warnings);
}

static void close_all(void) {
  mw_family_free(&family);
  for (int i = 0; i < EXPERTS; i++) {
    mw_model_close(models[i]);
    mw_dataset_free(calibration[i]);
    mw_dataset_free(validation[i]);
  }
}

/* ---- weights ---- */

typedef struct made {
  mw_node coefficient[EXPERTS][MOST], weight[MOST], all[EXPERTS * MOST];
  size_t count;
  uint32_t expert;
} made;

static mw_node plain(llama *net, const char *name, uint32_t row) {
  (void)name;
  return llama_input(net, ((made *)net->context)->expert, row);
}

/* Columns of every expert times coefficients, which start at 1 / N. */
static mw_node mixed(llama *net, const char *name, uint32_t row) {
  made *m = net->context;
  (void)name;
  if (m->weight[row]) return m->weight[row];
  for (uint32_t e = 0; e < EXPERTS; e++) {
    const mw_tensor *tensor = &net->family->members[0].tensors[row];
    mw_node c = 0;
    CHECK(mw_graph_coefficient(net->graph, row * EXPERTS + e, tensor->shape[tensor->rank - 1], 1.0 / EXPERTS, &c, &err));
    m->coefficient[e][row] = m->all[m->count++] = c;
    mw_node part = LLAMA(COLUMNS, 0, 0, llama_input(net, e, row), LLAMA(VECTOR, 0, 0, c));
    m->weight[row] = e ? LLAMA(ADD, 0, 0, m->weight[row], part) : part;
  }
  return m->weight[row];
}

static llama pico(mw_graph *graph, made *m, mw_node (*weight)(llama *, const char *, uint32_t)) {
  return (llama){graph, &family, 5, 4, 2, 40, 10000, 1e-5, weight, m};
}

static mw_node tokens(mw_graph *graph, uint64_t set, uint64_t windows) {
  mw_node node = 0;
  CHECK(mw_graph_tokens(graph, set, windows * 256, 256, &node, &err));
  return node;
}

/* DAM: KL of every expert against the mix on its own data, and the cosines of coefficients. */
static mw_node dam(mw_graph *graph, made *m, uint64_t windows, mw_node *kl) {
  llama teacher = pico(graph, m, plain), student = pico(graph, m, mixed), *net = &student;
  mw_node loss = 0, weight = 0;
  for (uint32_t e = 0; e < EXPERTS; e++) {
    mw_node batch = tokens(graph, e, windows);
    m->expert = e;
    mw_node term = LLAMA(KL, llama_bits(2), 0, llama_logits(&teacher, batch), llama_logits(&student, batch), batch);
    loss = loss ? LLAMA(ADD, 0, 0, loss, term) : term;
  }
  *kl = loss;
  CHECK(mw_graph_number(graph, 0.01, &weight, &err));
  for (uint32_t row = 0; row < family.members[0].count; row++) {
    mw_node a = m->coefficient[0][row], b = m->coefficient[1][row];
    mw_node norms = LLAMA(SQRT, 0, 0, LLAMA(MUL, 0, 0, LLAMA(DOT, 0, 0, a, a), LLAMA(DOT, 0, 0, b, b)));
    mw_node cosine = LLAMA(DIV, 0, 0, LLAMA(DOT, 0, 0, a, b), norms);
    loss = LLAMA(ADD, 0, 0, loss, LLAMA(MUL, 0, 0, weight, cosine));
  }
  return loss;
}

static mw_train_world world(const mw_graph *graph, mw_dataset *const *sets, int threads) {
  return (mw_train_world){.graph = graph, .family = &family,
                          .sets = (const mw_dataset *const *)sets, .set_count = EXPERTS, .threads = threads};
}

/* ---- the oracle ---- */

/* The F64 tensors of a file. */
typedef struct oracle {
  mw_file file;
  mw_arena arena;
  mw_tensor_list list;
} oracle;

static void open_oracle(oracle *o, const char *name) {
  char path[256];
  snprintf(path, sizeof path, PICO "/oracle/%s", name);
  *o = (oracle){0};
  CHECK(mw_file_open(&o->file, path, &err) && mw_tensor_find(&o->file, 0, &o->arena, &o->list, &err));
}

static double *values_of(oracle *o, const char *name) {
  for (size_t i = 0; i < o->list.count; i++)
    if (strcmp(o->list.tensors[i].name, name) == 0) {
      double *values = malloc(mw_tensor_bytes(&o->list.tensors[i]));
      CHECK(mw_tensor_read(&o->file, &o->list.tensors[i], 0, values, mw_tensor_bytes(&o->list.tensors[i]), &err));
      return values;
    }
  unit_check(0, "a tensor of the oracle", __FILE__, __LINE__);
  return NULL;
}

static void close_oracle(oracle *o) {
  mw_file_close(&o->file);
  mw_mem_release(&o->arena);
  free(o->list.tensors);
}

static mw_tape *tape_of(mw_train_world *w, mw_node loss, made *m, mw_thread_pool *pool) {
  mw_tape *tape = NULL;
  bool good = mw_thread_pool_new(pool, w->threads, &err) && mw_tape_new(w, loss, NULL, 0, m->all, m->count, pool, &tape, &err);
  if (!good) printf("%s\n", err.text);
  CHECK(good);
  return tape;
}

/* ---- tests ---- */

static void logits(void) {
  mw_graph *graph = NULL;
  made m = {0};
  mw_thread_pool pool;
  oracle o;
  CHECK(mw_graph_new(&graph, &err));
  llama net = pico(graph, &m, plain);
  mw_node batch = tokens(graph, 0, 1), z = llama_logits(&net, batch);
  mw_node loss = llama_apply(graph, MW_OP_CROSS_ENTROPY, 0, 0, 2, (mw_node[]){z, batch});
  mw_train_world w = world(graph, calibration, 2);
  mw_tape *tape = tape_of(&w, loss, &m, &pool);
  open_oracle(&o, "logits_kjv_window0.safetensors");
  double *expected = values_of(&o, "logits"), worst = 0;
  mw_batch_fill(mw_tape_batch(tape, batch), calibration[0], 0);
  CHECK(mw_tape_run(tape, &err));
  for (int p = 0; p < 8; p++)
    for (int v = 0; v < 2048; v++) {
      double error = fabs((double)mw_tape_find(tape, z)->values[p * 32 * 2048 + v] - expected[p * 2048 + v]);
      if (!(error <= worst)) worst = error;
    }
  if (!(worst < 1e-4)) printf("logits are off by %g\n", worst);
  CHECK(worst < 1e-4);
  free(expected);
  close_oracle(&o);
  mw_tape_free(tape);
  mw_thread_pool_free(&pool);
  mw_graph_free(graph);
}

static void validation_losses(void) {
  static const double expected[EXPERTS][EXPERTS] = {{3.274506, 2.489671}, {3.611238, 2.235057}};
  for (uint32_t e = 0; e < EXPERTS; e++)
    for (uint32_t d = e; d < EXPERTS; d++) {
      mw_graph *graph = NULL;
      made m = {.expert = e};
      double mean = 0;
      uint64_t count = 0;
      CHECK(mw_graph_new(&graph, &err));
      llama net = pico(graph, &m, plain);
      mw_node batch = tokens(graph, d, 5); /* 96 windows: the last batch is not full */
      mw_node loss = llama_apply(graph, MW_OP_CROSS_ENTROPY, 0, 0, 2, (mw_node[]){llama_logits(&net, batch), batch});
      mw_train_world w = world(graph, validation, 2);
      bool good = mw_train_evaluate(&w, loss, NULL, NULL, &mean, &count, &err);
      if (!good) printf("%s\n", err.text);
      good = good && count == 96 * 256 && fabs(mean - expected[e][d]) < 1e-4;
      if (!good) printf("%s on %s: %.6f of %llu tokens\n", experts[e], experts[d], mean, (unsigned long long)count);
      CHECK(good);
      mw_graph_free(graph);
    }
}

static void gradients(void) {
  mw_graph *graph = NULL;
  made m = {0};
  mw_thread_pool pool;
  oracle o;
  mw_node kl;
  CHECK(mw_graph_new(&graph, &err));
  mw_node loss = dam(graph, &m, 2, &kl);
  mw_train_world w = world(graph, calibration, 2);
  mw_tape *tape = tape_of(&w, loss, &m, &pool);
  open_oracle(&o, "dam_gradient.safetensors");
  CHECK(mw_tape_ready(tape, &err));
  for (size_t b = 0; b < tape->batch_count; b++) mw_batch_fill(&tape->batches[b], calibration[mw_graph_facts(graph, tape->tokens[b]).extra[0]], 0);
  for (uint32_t row = 0; row < family.members[0].count; row++)
    for (int e = 0; e < EXPERTS; e++) {
      char name[160];
      snprintf(name, sizeof name, "coefficient.%s.%s", experts[e], family.members[0].tensors[row].name);
      double *values = values_of(&o, name);
      mw_tape_slot *slot = mw_tape_find(tape, m.coefficient[e][row]);
      for (size_t i = 0; i < slot->elements; i++) slot->values[i] = (float)values[i];
      free(values);
    }
  CHECK(mw_tape_run(tape, &err));
  double total = mw_tape_find(tape, loss)->scalar, divergence = mw_tape_find(tape, kl)->scalar, worst = 0;
  if (fabs(total - 0.7018313819506583) >= 1e-5) printf("loss %.9f, kl %.9f\n", total, divergence);
  CHECK(fabs(total - 0.7018313819506583) < 1e-5 && fabs(divergence - 0.2364165488858225) < 1e-5);
  for (uint32_t row = 0; row < family.members[0].count; row++)
    for (int e = 0; e < EXPERTS; e++) {
      char name[160];
      snprintf(name, sizeof name, "gradient.%s.%s", experts[e], family.members[0].tensors[row].name);
      double *values = values_of(&o, name), largest = 0, error = 0;
      const mw_tape_slot *slot = mw_tape_find(tape, m.coefficient[e][row]);
      for (size_t i = 0; i < slot->elements; i++) {
        largest = fmax(largest, fabs(values[i]));
        error = fmax(error, fabs(values[i] - (double)slot->gradient[i]));
      }
      if (!(error <= 1e-4 * largest)) printf("%s: off by %g of %g\n", name, error, largest);
      CHECK(error <= 1e-4 * largest);
      worst = fmax(worst, error / largest);
      free(values);
    }
  printf("gradients of %zu coefficients are within %.1e of each tensor's largest entry\n", m.count, worst);
  close_oracle(&o);
  mw_tape_free(tape);
  mw_thread_pool_free(&pool);
  mw_graph_free(graph);
}

/* ---- training ---- */

static bool stop_after(void *context, const mw_train_report *report, const mw_train_state *state, mw_error *error) {
  (void)state, (void)error;
  return report->step != *(uint64_t *)context;
}

/* The state after `steps` steps with so many threads, stopped and taken up again after `stop`. */
static mw_train_state trained(const mw_graph *graph, made *m, mw_node loss, int threads, uint64_t steps, uint64_t stop, double share) {
  mw_train_world w = world(graph, calibration, threads);
  mw_train_spec t = {.loss = loss, .coefficients = m->all, .coefficient_count = m->count, .steps = steps, .rate = 1e-3,
                   .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .clip = 1, .share = share, .seed = 5};
  mw_train_state state, again;
  mw_train_watch watch = {&stop, stop_after};
  CHECK(mw_train_state_new(&state, graph, &t, &err));
  bool whole = mw_train_run(&w, &t, &state, &watch, &err);
  if (!stop) {
    CHECK(whole && state.step == steps);
    return state;
  }
  CHECK(!whole && err.status == MW_INTERRUPTED && state.step == stop);
  CHECK(mw_train_state_new(&again, graph, &t, &err)); /* as if it had been saved and loaded */
  again.step = state.step;
  memcpy(again.values, state.values, state.count * sizeof(float));
  memcpy(again.momentum, state.momentum, state.count * sizeof(float));
  memcpy(again.variance, state.variance, state.count * sizeof(float));
  mw_train_state_free(&state);
  CHECK(mw_train_run(&w, &t, &again, NULL, &err) && again.step == steps);
  return again;
}

static bool same(const mw_train_state *a, const mw_train_state *b) {
  size_t n = a->count * sizeof(float);
  return a->count == b->count && memcmp(a->values, b->values, n) == 0 && memcmp(a->momentum, b->momentum, n) == 0 &&
         memcmp(a->variance, b->variance, n) == 0;
}

/* Products grow with the tokens; but a step also forms, reads and hands on weights, however few its tokens are: at least
 * ten times as many elements as the model has parameters, and most of what a step of few tokens takes. */
static void costs(void) {
  mw_train_cost cost[2] = {{0}, {0}};
  double parameters = 0;
  for (uint32_t row = 0; row < family.members[0].count; row++) parameters += (double)mw_tensor_bytes(&family.members[0].tensors[row]) / 2;
  for (int i = 0; i < 2; i++) {
    mw_graph *graph = NULL;
    made m = {0};
    mw_node kl;
    CHECK(mw_graph_new(&graph, &err));
    mw_node loss = dam(graph, &m, i ? 8 : 1, &kl);
    mw_train_world w = world(graph, calibration, 1);
    CHECK(mw_train_measure(&w, loss, m.all, m.count, &cost[i], &err) && cost[i].tokens == (i ? 4096 : 512));
    mw_graph_free(graph);
  }
  double fixed = (8 * cost[0].touched - cost[1].touched) / 7;
  CHECK(fabs(cost[1].products / cost[0].products - 8) < 1e-9);
  CHECK(fixed > 10 * parameters && fixed < 40 * parameters && cost[0].touched > 2 * fixed);
}

static void training(void) {
  mw_graph *graph = NULL;
  made m = {0};
  mw_node kl;
  CHECK(mw_graph_new(&graph, &err));
  mw_node loss = dam(graph, &m, 1, &kl);
  for (int kind = 0; kind < 2; kind++) {
    double share = kind ? 0.3 : 1;
    mw_train_state one = trained(graph, &m, loss, 1, 3, 0, share), two = trained(graph, &m, loss, 2, 3, 1 + (uint64_t)kind, share);
    CHECK(same(&one, &two));
    if (kind == 0) {
      mw_train_state three = trained(graph, &m, loss, 3, 3, 2, share);
      CHECK(same(&one, &three));
      mw_train_state_free(&three);
    }
    size_t moved = 0;
    for (size_t i = 0; i < one.count; i++) moved += one.values[i] != 0.5f;
    CHECK(kind ? moved < one.count && moved > one.count / 4 : moved > one.count / 10 * 9);
    mw_train_state_free(&one);
    mw_train_state_free(&two);
  }
  mw_graph_free(graph);
}

int main(void) {
  open_all();
  RUN(logits());
  RUN(validation_losses());
  RUN(gradients());
  RUN(training());
  RUN(costs());
  close_all();
  UNIT_END();
}
