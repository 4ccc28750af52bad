/* matrix.c [SIDE [ROUNDS]]: functions of whole matrices against OpenBLAS's own sgemm with all threads, in one run, turn by turn: products,
 * the nearest orthogonal matrix, 64 singular values, all of them. A function's rate counts the operations that it is foretold to
 * do (mw_matrix_flops), so a rate of half of sgemm's is twice the time that its products alone would take. The table tells the best time
 * of each and the middle ratio of the rates. */
#include "base/clock.h"
#include "num/cpu.h"
#include "num/gemm.h"
#include "num/matrix.h"
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST = 32 };

static void share(void *owner, size_t count, mw_team_work *work, void *context) {
  (void)owner;
#pragma omp parallel for schedule(dynamic, 1)
  for (size_t i = 0; i < count; i++) work(context, i);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  static const struct { const char *name; mw_matrix_kind kind; size_t rank; } rows[] = {
      {"matmul", MW_MATRIX_PRODUCT, 0}, {"orthogonal", MW_MATRIX_ORTHOGONAL, 0}, {"svd, rank 64", MW_MATRIX_SVD, 64},
      {"svd, all", MW_MATRIX_SVD, SIZE_MAX}};
  enum { ROWS = sizeof rows / sizeof *rows };
  size_t n = argc > 1 ? (size_t)atoi(argv[1]) : 4096, rounds = argc > 2 ? (size_t)atoi(argv[2]) : 3;
  const mw_team team = {.share = share};
  const mw_kernels *kernels;
  mw_error err;
  double best[ROWS] = {0}, ratios[ROWS][MOST];
  if (rounds > MOST || !mw_cpu_kernels(&kernels, &err) || !mw_gemm_begin(&err)) return 2;
  int threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
  float *x = malloc(n * n * sizeof *x), *out = malloc((2 * n * n + n) * sizeof *out);
  if (!x || !out) return 1;
  kernels->type[0].normal(x, (mw_kernel_stream){1, 2}, 0, n * n);
  for (size_t round = 0; round <= rounds; round++)
    for (size_t r = 0; r < ROWS; r++) {
      if (rows[r].rank == SIZE_MAX && round > 1) continue; /* minutes: once */
      openblas_set_num_threads(threads);
      double begun = mw_clock_now();
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)n, (int)n, 1, x, (int)n, x, (int)n, 0, out, (int)n);
      double alone = mw_clock_now() - begun;
      openblas_set_num_threads(1);
      mw_matrix_call call = {.kind = rows[r].kind, .m = n, .n = n, .r = rows[r].rank ? rows[r].rank : n, .a = x, .b = x, .out = out};
      if (call.r > n) call.r = n;
      begun = mw_clock_now();
      if (!mw_matrix_compute(&team, &kernels->type[0], &call, &err)) return 1;
      double took = mw_clock_now() - begun;
      if (!round) continue; /* warms up */
      if (!best[r] || took < best[r]) best[r] = took;
      ratios[r][round - 1] = mw_matrix_flops(&call) / took / (2.0 * (double)n * (double)n * (double)n / alone);
    }
  printf("%zu x %zu, %d threads, OpenBLAS %s\n%-16s %10s %18s\n", n, n, threads, mw_gemm_core(), "", "seconds", "rate by sgemm's");
  for (size_t r = 0; r < ROWS; r++) {
    size_t count = rows[r].rank == SIZE_MAX ? 1 : rounds;
    qsort(ratios[r], count, sizeof(double), ascending);
    printf("%-16s %10.2f %18.2f\n", rows[r].name, best[r], ratios[r][count / 2]);
  }
  free(x);
  free(out);
  return 0;
}
