/* learn.c FOLDER [LAYERS]: a step of DAM and an evaluation, against the matrix products that they are made of, alone, in
 * OpenBLAS with threads of its own. The model has SmolLM2-135M's shape and random weights; three experts, 256 tokens
 * each. Everything is measured in one run, turn by turn; the table tells the best of each and the middle ratio. */
#include "base/clock.h"
#include "../unit/llama.h"
#include "learn/net.h"
#include "num/gemm.h"
#include <cblas.h>
#include <math.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXPERTS = 3, HIDDEN = 576, KV = 192, INNER = 1536, VOCABULARY = 49152, LENGTH = 256, TURNS = 5, MOST = 512 };

static unsigned layers = 30;
static mw_error err;
static mw_family family;
static mw_family_member members[EXPERTS];

static void must(bool good) {
  if (good) return;
  fprintf(stderr, "bench: %s\n", err.text);
  exit(1);
}

/* ---- models ---- */

typedef struct entry {
  char name[96];
  unsigned rows, columns;
} entry;

static size_t entries_of(entry *list) {
  static const struct { const char *part; unsigned rows, columns; } parts[] = {
      {"input_layernorm", HIDDEN, 0}, {"mlp.down_proj", HIDDEN, INNER}, {"mlp.gate_proj", INNER, HIDDEN}, {"mlp.up_proj", INNER, HIDDEN},
      {"post_attention_layernorm", HIDDEN, 0}, {"self_attn.k_proj", KV, HIDDEN}, {"self_attn.o_proj", HIDDEN, HIDDEN},
      {"self_attn.q_proj", HIDDEN, HIDDEN}, {"self_attn.v_proj", KV, HIDDEN}};
  size_t n = 0;
  list[n++] = (entry){"model.embed_tokens.weight", VOCABULARY, HIDDEN};
  for (unsigned l = 0; l < layers; l++)
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
      list[n] = (entry){.rows = parts[p].rows, .columns = parts[p].columns};
      snprintf(list[n++].name, sizeof list->name, "model.layers.%u.%s.weight", l, parts[p].part);
    }
  list[n++] = (entry){"model.norm.weight", HIDDEN, 0};
  return n;
}

/* bf16 of about +-0.02, ones for vectors. */
static void put_model(const char *folder, uint64_t seed) {
  static entry list[MOST];
  size_t n = entries_of(list), at = 0;
  char path[512];
  mw_text head = {0};
  for (size_t i = 0; i < n; i++) {
    size_t bytes = 2ul * list[i].rows * (list[i].columns ? list[i].columns : 1);
    mw_text_format(&head, "%s\"%s\":{\"dtype\":\"BF16\",\"shape\":[%u", i ? "," : "{", list[i].name, list[i].rows);
    if (list[i].columns) mw_text_format(&head, ",%u", list[i].columns);
    mw_text_format(&head, "],\"data_offsets\":[%zu,%zu]}", at, at + bytes);
    at += bytes;
  }
  mw_text_format(&head, "}");
  while (head.length % 8) mw_text_format(&head, " ");
  mkdir(folder, 0755);
  snprintf(path, sizeof path, "%s/config.json", folder);
  FILE *file = fopen(path, "w");
  if (!file || fputs("{\"model_type\":\"llama\",\"tie_word_embeddings\":true}", file) < 0 || fclose(file)) exit(1);
  snprintf(path, sizeof path, "%s/model.safetensors", folder);
  if (!(file = fopen(path, "w"))) exit(1);
  uint64_t length = head.length;
  fwrite(&length, 1, 8, file);
  fwrite(head.bytes, 1, head.length, file);
  for (size_t i = 0; i < n; i++)
    for (size_t r = 0; r < list[i].rows; r++) {
      uint16_t row[INNER];
      size_t columns = list[i].columns ? list[i].columns : 1;
      for (size_t c = 0; c < columns; c++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        float value = list[i].columns ? (float)((double)(int64_t)seed * 0x1p-63 * 0.03) : 1;
        uint32_t word;
        memcpy(&word, &value, sizeof word);
        row[c] = (uint16_t)(word >> 16);
      }
      fwrite(row, 2, columns, file);
    }
  if (fclose(file)) exit(1);
  mw_text_free(&head);
}

/* ---- the objective ---- */

typedef struct made {
  mw_node weight[MOST], coefficient[EXPERTS][MOST], all[EXPERTS * MOST];
  size_t count;
  uint32_t expert;
} made;

static mw_node plain(llama *net, const char *name, uint32_t row) {
  (void)name;
  return llama_input(net, ((made *)net->context)->expert, row);
}

static mw_node mixed(llama *net, const char *name, uint32_t row) {
  made *m = net->context;
  (void)name;
  for (uint32_t e = 0; e < EXPERTS && !(e == 0 && m->weight[row]); e++) {
    const mw_tensor *tensor = &members[0].tensors[row];
    mw_node c = 0;
    must(mw_graph_coefficient(net->graph, row * EXPERTS + e, tensor->shape[tensor->rank - 1], 1.0 / EXPERTS, &c, &err));
    m->coefficient[e][row] = m->all[m->count++] = c;
    mw_node part = LLAMA(COLUMNS, 0, 0, llama_input(net, e, row), LLAMA(VECTOR, 0, 0, c));
    m->weight[row] = e ? LLAMA(ADD, 0, 0, m->weight[row], part) : part;
  }
  return m->weight[row];
}

static llama smol(mw_graph *graph, made *m, mw_node (*weight)(llama *, const char *, uint32_t)) {
  return (llama){graph, &family, layers, 9, 3, 64, 10000, 1e-5, weight, m};
}

static mw_node dam(mw_graph *graph, made *m) {
  llama teacher = smol(graph, m, plain), student = smol(graph, m, mixed), *net = &student;
  mw_node loss = 0, weight = 0;
  for (uint32_t e = 0; e < EXPERTS; e++) {
    mw_node batch = 0;
    must(mw_graph_tokens(graph, e, LENGTH, LENGTH, &batch, &err));
    m->expert = e;
    mw_node term = LLAMA(KL, llama_bits(2), 0, llama_logits(&teacher, batch), llama_logits(&student, batch), batch);
    loss = loss ? LLAMA(ADD, 0, 0, loss, term) : term;
  }
  must(mw_graph_number(graph, 0.01 / 3, &weight, &err));
  for (uint32_t row = 0; row < family.members[0].count; row++)
    for (int a = 0; a < EXPERTS; a++)
      for (int b = 0; b < a; b++) {
        mw_node x = m->coefficient[a][row], y = m->coefficient[b][row];
        mw_node norms = LLAMA(SQRT, 0, 0, LLAMA(MUL, 0, 0, LLAMA(DOT, 0, 0, x, x), LLAMA(DOT, 0, 0, y, y)));
        loss = LLAMA(ADD, 0, 0, loss, LLAMA(MUL, 0, 0, weight, LLAMA(DIV, 0, 0, LLAMA(DOT, 0, 0, x, y), norms)));
      }
  return loss;
}

/* ---- the products alone ---- */

static float *left, *right, *out;

/* Everything of LINEAR that the tape does, as one sgemm each, by all of OpenBLAS's threads. */
static double products(const mw_tape *tape, int threads, double *flops) {
  double start = mw_clock_now();
  openblas_set_num_threads(threads);
  *flops = 0;
  for (size_t s = 0; s < tape->step_count; s++) {
    const mw_tape_step *step = &tape->steps[s];
    const mw_tape_slot *slot = &tape->slots[step->slot];
    if (step->kind == MW_STEP_FORM || slot->facts.op != MW_OP_LINEAR) continue;
    const mw_tape_weight *w = mw_tape_weight_of(tape, slot->facts.operand[1]);
    int rows = LENGTH, n = (int)w->rows, k = (int)w->columns;
    double once = 2.0 * rows * n * k;
    if (step->kind == MW_STEP_FORWARD) {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, n, k, 1, left, k, right, k, 0, out, n);
      *flops += once;
      continue;
    }
    if (mw_tape_find(tape, slot->facts.operand[0])->wants) {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, k, n, 1, left, n, right, k, 0, out, k);
      *flops += once;
    }
    if (w->wants) {
      cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, k, rows, 1, left, n, out, k, 0, right, k);
      *flops += once;
    }
  }
  double took = mw_clock_now() - start;
  openblas_set_num_threads(1);
  return took;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* One line: the best of both, and the middle of the ratios of neighbours. */
static void tell(const char *what, double *ours, double *alone, double flops) {
  double ratio[TURNS];
  for (int t = 0; t < TURNS; t++) ratio[t] = alone[t] / ours[t];
  qsort(ratio, TURNS, sizeof *ratio, ascending);
  qsort(ours, TURNS, sizeof *ours, ascending);
  qsort(alone, TURNS, sizeof *alone, ascending);
  printf("%-28s %8.2f s %8.2f s (%4.0f GF/s) %6.0f %% %6.0f %%\n", what, ours[0], alone[0], flops / alone[0] * 1e-9,
         100 * alone[0] / ours[0], 100 * ratio[TURNS / 2]);
}

static void measure(const char *what, const mw_train_world *world, mw_node loss, const made *m) {
  mw_thread_pool pool;
  mw_tape *tape = NULL;
  mw_train_cost cost;
  double ours[TURNS], alone[TURNS], flops = 0;
  must(mw_train_measure(world, loss, m->all, m->count, &cost, &err));
  must(mw_thread_pool_new(&pool, world->threads, &err) && mw_tape_new(world, loss, NULL, 0, m->all, m->count, &pool, &tape, &err));
  for (size_t b = 0; b < tape->batch_count; b++) mw_batch_fill(&tape->batches[b], world->sets[0], b);
  must(mw_tape_run(tape, &err)); /* touches all memory once */
  for (int t = 0; t < TURNS; t++) {
    double start = mw_clock_now();
    must(mw_tape_run(tape, &err));
    ours[t] = mw_clock_now() - start;
    alone[t] = products(tape, world->threads, &flops);
  }
  tell(what, ours, alone, flops);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("    memory: %.0f MB foretold (weights %.0f, activations %.0f, coefficients %.1f), peak of the process so far %.0f MB\n",
         (double)cost.memory * 1e-6, (double)cost.weights * 1e-6, (double)cost.activations * 1e-6, (double)cost.coefficients * 1e-6,
         (double)usage.ru_maxrss * 1e-3);
  mw_tape_free(tape);
  mw_thread_pool_free(&pool);
}

int main(int argc, char **argv) {
  static const mw_family_rules rules;
  static uint32_t ids[EXPERTS][LENGTH + 1];
  static mw_dataset_window windows[EXPERTS];
  mw_warning notes = {0};
  mw_model *models[EXPERTS];
  if (argc < 2 || chdir(argv[1])) return 2;
  if (argc > 2) layers = (unsigned)atoi(argv[2]);
  for (uint32_t e = 0; e < EXPERTS; e++) {
    char folder[16];
    snprintf(folder, sizeof folder, "expert%u", e);
    put_model(folder, e + 1);
    must(mw_model_open(folder, &notes, &models[e], &err));
    members[e] = (mw_family_member){.model = models[e], .label = folder};
    for (uint32_t i = 0; i <= LENGTH; i++) ids[e][i] = (i * 7919 + e * 104729) % VOCABULARY;
    windows[e] = (mw_dataset_window){ids[e], LENGTH + 1};
  }
  must(mw_family_join(members, EXPERTS, 0, &rules, &notes, &family, &err));
  mw_dataset set = {.windows = windows, .count = EXPERTS};
  CASE("every graph is built and run");
  const mw_dataset *sets[EXPERTS] = {&set, &set, &set};
  int threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
  must(mw_gemm_begin(&err));
  left = calloc((size_t)LENGTH * VOCABULARY, sizeof *left);
  right = calloc((size_t)HIDDEN * VOCABULARY, sizeof *right);
  out = calloc((size_t)LENGTH * VOCABULARY, sizeof *out);
  if (!left || !right || !out) return 1;
  printf("learning, %u layers of SmolLM2-135M, %d threads, OpenBLAS %s\n", layers, threads, mw_gemm_core());
  printf("%-28s %10s %10s %12s %8s %8s\n", "", "moonweld", "sgemm", "", "best", "middle");
  mw_graph *graph = NULL;
  mw_train_world world = {.family = &family, .sets = sets, .set_count = EXPERTS, .threads = threads};
  static made m, none;
  must(mw_graph_new(&graph, &err));
  world.graph = graph;
  llama net = smol(graph, &none, plain);
  mw_node batch = 0, loss = 0;
  must(mw_graph_tokens(graph, 0, LENGTH, LENGTH, &batch, &err));
  must(mw_graph_apply(graph, MW_OP_CROSS_ENTROPY, (mw_node[]){llama_logits(&net, batch), batch}, 2, NULL, &loss, &err));
  measure("eval, 256 tokens", &world, loss, &none);
  measure("DAM step, 3 x 256 tokens", &world, dam(graph, &m), &m);
  mw_graph_free(graph);
  mw_family_free(&family);
  for (int e = 0; e < EXPERTS; e++) mw_model_close(models[e]);
  mw_warning_free(&notes);
  free(left);
  free(right);
  free(out);
  UNIT_END();
}
