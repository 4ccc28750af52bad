/* test_selection.c: exact counts over files: a threshold and the index that cuts its ties, of tensors alone and taken as one
 * vector, against a count of every element; with few values and many, zeros, infinities and NaN, sampled or not, for any
 * number of threads. What is not needed is not read. */
#include "exec/run.h"
#include "toys.h"
#include <math.h>

enum { TENSORS = 4, MOST = 75000 + 35 + 66000 + 2049 };
static const toy toys[TENSORS] = {{"a", "F32", 300, 250, 4, 0}, {"b", "F32", 7, 5, 4, 0}, {"c", "F32", 66, 1000, 4, 0}, {"d", "F32", 1, 2049, 4, 0}};
static float data[MOST];
static double sorted[MOST];
static mw_error err;

static uint64_t state = 88172645463325252u;
static uint64_t next(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state; }

enum { FEW, ZEROS, MANY, ONE, CLOSE, ODD, KINDS };

static float value_of(int kind) {
  static const float few[] = {0, -0.0f, 0.5f, -0.5f, 1, -1, 2, 1}, odd[] = {INFINITY, -INFINITY, NAN, -NAN, 0, 1e-45f, 3, 1};
  switch (kind) {
  case FEW: return few[next() % 8];
  case ZEROS: return next() % 2 ? 0 : -0.0f;
  case MANY: return (float)(int64_t)next() * 0x1p-63f;
  case ONE: return next() % 50000 ? 0.25f : -0.5f;
  case CLOSE: return (float)(int)(1 - 2 * (next() & 1)) * (0.5f + (float)(next() % 20000) * 0x1p-24f); /* some equal ones of each */
  default: return odd[next() % 8];
  }
}

static void fill(int kind) {
  for (size_t i = 0; i < MOST; i++) data[i] = value_of(kind);
  FILE *file = fopen("m.safetensors", "r+b");
  CHECK(file && fseek(file, -(long)sizeof data, SEEK_END) == 0 && fwrite(data, sizeof data, 1, file) == 1);
  if (file) fclose(file);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y || y != y ? -(x == x) : x > y || x != x;
}

static bool note(void *context, uint64_t done, uint64_t total, unsigned pass) {
  (void)total, (void)pass;
  *(uint64_t *)context = done;
  return true;
}

/* Elements [from, to) of the file, which are tensors `part` to `last`. */
static void compare(mw_family *family, const mw_family_member *member, int part, int last, size_t from, size_t to, uint64_t rank,
                    int kind) {
  mw_graph *graph;
  mw_schedule schedule;
  mw_layout nothing = {0};
  mw_node operands[TENSORS + 1], scalars[2];
  uint32_t count = 0;
  CHECK(mw_graph_new(&graph, &err));
  for (int i = part; i <= last; i++) {
    const mw_tensor *tensor = &member->tensors[i];
    uint32_t shape;
    CHECK(mw_graph_shape(graph, tensor->shape, tensor->rank, &shape, &err) &&
          mw_graph_input(graph, 0, (uint32_t)i, MW_DTYPE_F32, shape, &operands[count++], &err));
  }
  CHECK(mw_graph_apply(graph, MW_OP_KTH, operands, count, (uint64_t[]){rank, 0}, &scalars[0], &err));
  operands[count] = scalars[0];
  CHECK(mw_graph_apply(graph, MW_OP_TIE, operands, count + 1, NULL, &scalars[1], &err));
  CHECK(mw_schedule_make(graph, NULL, scalars, 2, &schedule, &err));
  for (int round = 0; round < 3; round++) {
    uint64_t read = 0;
    double found[2] = {0, 0};
    mw_job job = {.graph = graph, .schedule = &schedule, .family = family, .layout = &nothing,
                  .threads = 1 + round, .nonfinite_keep = true, .progress = note, .context = &read};
    if (round == 2) setenv("MOONWELD_SAMPLE", "0", 1);
    CHECK(mw_run_values(&job, scalars, 2, found, &err));
    unsetenv("MOONWELD_SAMPLE");
    size_t kept = 0, ties = 0, more = 0, bad = 0, n = to - from;
    for (size_t i = 0; i < n; i++) {
      double x = fabs((double)data[from + i]);
      more += x > found[0], ties += x == found[0], bad += x != x;
      kept += x > found[0] || (x == found[0] && (double)i <= found[1]);
    }
    CHECK(found[0] == sorted[rank] || (found[0] != found[0] && sorted[rank] != sorted[rank]));
    if (found[0] == found[0]) CHECK(kept + bad == n - rank);
    bool cut = found[0] == found[0] && more + bad + ties > n - rank, again = cut && n > 65536;
    /* Of zeros every prediction is right: then the pass that verifies the threshold also finds among which elements the cut is. */
    if (round == 2) CHECK(kind != ZEROS || (read >= n * 4 && read <= n * 4 + (again ? 2048 * 4 : 0)));
    /* Of values close to each other, few of which are equal, it finds the cut as well: they are listed, as many as there is room for. */
    if (round == 2 && n > 1000 && n <= MW_KERNEL_LISTED) CHECK(kind != CLOSE || read == n * 4);
    /* Where all differ the range is wide: a sample of some 2000 is enough. */
    if (round == 2 && n > 1000 && rank == n / 2) CHECK(kind != MANY || read == n * 4);
    if (round == 2) continue;
    /* Two passes of the threshold; one more where ties are cut; of many elements then again those among which the cut is. */
    CHECK(read >= (2 + cut) * n * 4 && read <= (2 + cut) * n * 4 + (again ? 2048 * 4 : 0));
  }
  mw_schedule_free(&schedule);
  mw_graph_free(graph);
}

int main(void) {
  toys_begin();
  put_tensors("m.safetensors", toys, TENSORS);
  for (int kind = 0; kind < KINDS; kind++) {
    CASE("values of kind %d", kind);
    fill(kind);
    mw_model *model;
    mw_family family;
    mw_family_rules rules = {0};
    CHECK(mw_model_open("m.safetensors", NULL, &model, &err));
    mw_family_member member = {.model = model, .label = "model"};
    CHECK(mw_family_join(&member, 1, 0, &rules, NULL, &family, &err));
    size_t at = 0;
    for (int t = 0; t <= TENSORS; t++) { /* each tensor, and at last all of them */
      size_t from = t < TENSORS ? at : 0, to = t < TENSORS ? at + toys[t].rows * toys[t].columns : MOST, n = to - from;
      for (size_t i = 0; i < n; i++) sorted[i] = fabs((double)data[from + i]);
      qsort(sorted, n, sizeof *sorted, ascending);
      const uint64_t ranks[] = {0, n - 1, next() % n, next() % n, n / 2};
      for (size_t i = 0; i < 5; i++)
        compare(&family, &member, t < TENSORS ? t : 0, t < TENSORS ? t : TENSORS - 1, from, to, ranks[i], kind);
      at = to;
    }
    mw_family_free(&family);
    mw_model_close(model);
  }
  toys_end();
  UNIT_END();
}
