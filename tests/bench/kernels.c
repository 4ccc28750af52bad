/* kernels.c: what each kernel costs, in nanoseconds an element on one thread and data in cache, for every instruction set that this machine
 * has: a recipe's operations one by one. The best of several rounds. A kernel that is not vectorised stands out: it costs as much with
 * AVX2 as in the base set. */
#include "base/clock.h"
#include "num/cpu.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = MW_UNIT, CALLS = 200, ROUNDS = 15, SETS = 3 };

typedef struct bench {
  const mw_kernels *sets[SETS];
  size_t count;
  int type; /* 0: float, 1: double */
  _Alignas(64) double tile[5][N + MW_GROUP]; /* operands and a result; room for either type */
  _Alignas(64) unsigned char stored[8 * N]; /* a number below 2 in every dtype, as the weights of models are */
  uint32_t bins[65536];
  int64_t half, most; /* the keys of 1/2 and of the largest number */
  double kept; /* so that no result is left out */
} bench;

typedef struct job { /* one kernel of one table */
  int kind, index;
} job;

enum {
  MAP, LOAD, STORE, SUM, DOT, PEAK, TOP, KEEP_TOP, KEYS, ALL_KEYS, ZEROS, TIES, BERNOULLI, BERNOULLI_EACH, DROP, NORMAL, COLUMNS, MEAN, AGREEING
};

/* Calls the kernel once; false where the table has none. */
static bool call(bench *b, const mw_kernel_set *set, job j) {
  const mw_kernel_stream stream = {1, 2};
  double *x = b->tile[0], *y = b->tile[1], *out = b->tile[4];
  switch (j.kind) {
    case MAP: set->map[j.index][0](out, x, y, b->tile[2], b->tile[3], N); break;
    case LOAD: if (!set->load[j.index]) return false; set->load[j.index](out, b->stored, N); break;
    case STORE: if (!set->store[j.index]) return false; set->store[j.index](out, x, N); break;
    case SUM: set->sum(out, x, N); break;
    case DOT: set->dot(out, x, y, N); break;
    case PEAK: b->kept += set->peak(0, x, N); break;
    case TOP: set->top(out, x, 0.5, N, N); break;
    case KEEP_TOP: set->keep_top(out, x, 0.5, N, N); break;
    case KEYS: b->kept += (double)set->key_range(b->bins, x, N, true, b->half, b->half + 0xffff, -1, 0, NULL); break;
    case ALL_KEYS: b->kept += (double)set->key_range(b->bins, x, N, true, 0, b->most, 0, b->type ? 47 : 15, NULL); break;
    case ZEROS: b->kept += (double)set->key_range(b->bins, b->tile[4], N, true, 0, 0xffff, 0, 0, NULL); break;
    case TIES: b->kept += (double)set->ties(x, N, 0.5); break;
    case BERNOULLI: set->bernoulli(out, stream, 0, N, 0.3); break;
    case BERNOULLI_EACH: set->bernoulli_each(out, y, stream, 0, N); break;
    case DROP: set->drop(out, x, NULL, stream, 0, N, 0.3, 1); break;
    case NORMAL: set->normal(out, stream, 0, N); break;
    case COLUMNS: set->columns(out, x, y, 0, N, N); break;
    case MEAN: set->disjoint_mean(out, x, y, (const void *[]){y, b->tile[2], b->tile[3]}, 3, N); break;
    case AGREEING: set->disjoint_sum(out, x, (const void *[]){y, b->tile[2], b->tile[3]}, 3, N); break;
  }
  return true;
}

/* Values between 1/4 and 5/4, as many above 1/2 as a selection would meet. */
static void fill(bench *b) {
  memset(b->tile, 0, sizeof b->tile);
  memset(b->stored, 0x3c, sizeof b->stored);
  b->half = b->type ? INT64_C(0x3fe0000000000000) : 0x3f000000;
  b->most = b->type ? INT64_MAX : INT32_MAX;
  for (int t = 0; t < 4; t++)
    for (size_t i = 0; i < N + MW_GROUP; i++) {
      double v = 0.25 + (double)((i * 2654435761u + (unsigned)t * 40503u) % 4096) / 4096;
      if (b->type) b->tile[t][i] = v;
      else ((float *)b->tile[t])[i] = (float)v;
    }
}

static double cost(bench *b, const mw_kernel_set *set, job j) {
  double best = -1;
  for (int round = 0; round < ROUNDS; round++) {
    double begun = mw_clock_now();
    for (int c = 0; c < CALLS; c++)
      if (!call(b, set, j)) return -1;
    double took = (mw_clock_now() - begun) * 1e9 / (CALLS * (double)N);
    if (best < 0 || took < best) best = took;
  }
  return best;
}

static void row(bench *b, const char *name, job j) {
  double costs[2][SETS];
  for (b->type = 0; b->type < 2; b->type++) {
    fill(b);
    for (size_t s = 0; s < b->count; s++) costs[b->type][s] = cost(b, &b->sets[s]->type[b->type], j);
  }
  if (costs[0][0] < 0) return;
  printf("%-20s", name);
  for (int t = 0; t < 2; t++)
    for (size_t s = 0; s < b->count; s++) printf(" %9.3f", costs[t][s]);
  puts("");
}

int main(void) {
  static const char *const isas[SETS] = {"base", "avx2", "avx512"};
  static const char *const maps[] = {
#define MW_KERNEL(name, arity, expression) #name,
#include "num/kernels.def"
#undef MW_KERNEL
  };
  static const char *const dtypes[] = {
#define MW_DTYPE(name, bits, role, word, torch) #name,
#include "base/dtypes.def"
#undef MW_DTYPE
  };
  static const char *const others[] = {"sum", "dot", "peak", "top", "keep top", "keys near 1/2", "all keys", "keys of zeros", "ties",
                                       "bernoulli", "bernoulli of each", "drop", "normal", "columns", "disjoint mean of 3", "disjoint sum of 3"};
  bench *b = aligned_alloc(64, (sizeof *b + 63) / 64 * 64);
  if (!b) return 71;
  memset(b, 0, sizeof *b);
  mw_error err;
  for (size_t s = 0; s < SETS; s++) {
    setenv("MOONWELD_ISA", isas[s], 1);
    if (mw_cpu_kernels(&b->sets[b->count], &err)) b->count++;
  }
  printf("%-20s", "ns an element");
  for (int t = 0; t < 2; t++)
    for (size_t s = 0; s < b->count; s++) printf(" %s:%s", t ? "f64" : "f32", b->sets[s]->isa);
  puts("");
  char name[64];
  for (int k = 0; k < MW_KERNEL_COUNT; k++) row(b, maps[k], (job){MAP, k});
  for (int d = 0; d < MW_DTYPE_COUNT; d++) snprintf(name, sizeof name, "load %s", dtypes[d]), row(b, name, (job){LOAD, d});
  for (int d = 0; d < MW_DTYPE_COUNT; d++) snprintf(name, sizeof name, "store %s", dtypes[d]), row(b, name, (job){STORE, d});
  for (int o = SUM; o <= AGREEING; o++) row(b, others[o - SUM], (job){o, 0});
  free(b);
  return 0;
}
