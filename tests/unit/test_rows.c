/* test_rows.c: the row kernels of networks against their meaning in double, and the same bits from every instruction set
 * that this machine has. */
#include "num/kernels.h"
#include "unit.h"
#include <math.h>
#include <stdlib.h>

enum { N = 4500 };
static float x[N], y[N], z[N];

static void make(void) {
  for (int i = 0; i < N; i++) {
    x[i] = (float)(3 * sin(i * 0.37) + 2 * cos(i * 1.3));
    y[i] = (float)(2 * cos(i * 0.71) - sin(i * 2.9));
    z[i] = (float)sin(i * 0.11);
  }
}

static int near(double found, double expected, double tolerance) { return fabs(found - expected) <= tolerance * (fabs(expected) + 1); }

static void sums(const mw_kernel_rows *k) {
  double sum = 0, dot = 0, distance = 0, total = 0, gap = 0, weighted = 0, most = -1e9;
  for (int i = 0; i < N; i++) {
    double e = exp(x[i] * 0.5 - 1.25);
    sum += x[i], dot += (double)x[i] * y[i], distance += pow((double)x[i] - y[i], 2), total += e;
    gap += e * ((double)x[i] - y[i]), weighted += e * y[i], most = x[i] > most ? x[i] : most;
  }
  float kept[N];
  CHECK(k->max(x, N) == (float)most && near(k->sum(x, N), sum, 1e-4) && near(k->dot(x, y, N), dot, 1e-5));
  CHECK(near(k->distance(x, y, N), distance, 1e-6) && near(k->exp_total(x, 0.5f, 1.25f, N), total, 1e-6));
  CHECK(near(k->exp_sum(kept, x, 0.5f, 1.25f, N), total, 1e-6) && near(kept[N - 1], exp(x[N - 1] * 0.5 - 1.25), 1e-6));
  CHECK(near(k->exp_gap(x, y, 0.5f, 1.25f, N), gap, 1e-5) && near(k->exp_dot(x, y, 0.5f, 1.25f, N), weighted, 1e-5));
}

/* The exponential where it matters: 1 at 0, 0 far below, no NaN, and accurate between. */
static void exponential(const mw_kernel_rows *k) {
  float in[] = {0, -1e30f, -88, -87, -50.5f, 1, 10, 88, -1e-8f}, out[9];
  k->exp_sum(out, in, 1, 0, 9);
  CHECK(out[0] == 1 && out[1] == 0 && out[2] == 0 && out[3] > 0);
  for (int i = 3; i < 9; i++) CHECK(fabs(out[i] / exp(in[i]) - 1) < 3e-7);
}

static double sigmoid(double v) { return 1 / (1 + exp(-v)); }
static double gelu_tanh(double v) { return 0.5 * v * (1 + tanh(sqrt(2 / M_PI) * (v + 0.044715 * v * v * v))); }
static double gelu_erf(double v) { return 0.5 * v * (1 + erf(v / sqrt(2))); }
static double silu(double v) { return v * sigmoid(v); }

static int activation(void (*forward)(float *, const float *, size_t), void (*back)(float *, const float *, const float *, size_t),
                      double (*meaning)(double)) {
  float out[N], gradient[N];
  int good = 1;
  for (int i = 0; i < N; i++) gradient[i] = 1;
  forward(out, x, N);
  back(gradient, x, y, N);
  for (int i = 0; i < N; i++) {
    double slope = (meaning((double)x[i] + 1e-5) - meaning((double)x[i] - 1e-5)) / 2e-5;
    good = good && near(out[i], meaning(x[i]), 1e-6) && near(gradient[i], 1 + slope * y[i], 2e-6);
  }
  return good;
}

static void maps(const mw_kernel_rows *k) {
  CHECK(activation(k->silu, k->silu_back, silu));
  CHECK(activation(k->gelu_tanh, k->gelu_tanh_back, gelu_tanh));
  CHECK(activation(k->gelu_erf, k->gelu_erf_back, gelu_erf));
  float p[N], q[N];
  memcpy(p, x, sizeof p), memcpy(q, y, sizeof q);
  k->rotate(p, q, p, q, z, z, -1, N);
  CHECK(near(p[7], x[7] * z[7] + y[7] * z[7], 1e-6) && near(q[7], y[7] * z[7] - x[7] * z[7], 1e-6));
}

/* Rows of stored bf16 times floats, added over rows: exactly, in every width that registers do not divide; and what is not
 * finite is seen wherever it lies. */
static void stored(const mw_kernel_rows *k) {
  enum { ROWS = 3, WIDE = 150 };
  static uint16_t bf16[ROWS * WIDE];
  for (size_t n = 1; n <= WIDE; n += n < 60 ? 59 : 30) {
    float found[WIDE], expected[WIDE];
    memcpy(found, z, sizeof found), memcpy(expected, z, sizeof expected);
    for (size_t i = 0; i < ROWS * n; i++) {
      uint32_t word;
      memcpy(&word, &x[i], sizeof word);
      bf16[i] = (uint16_t)(word >> 16), word &= 0xffff0000;
      float value;
      memcpy(&value, &word, sizeof value);
      expected[i % n] += value * y[i];
    }
    CHECK(!k->times_add_bf16(found, bf16, y, ROWS, n) && memcmp(found, expected, sizeof found) == 0);
    for (size_t i = 0; i < ROWS * n; i++) {
      uint16_t kept = bf16[i];
      bf16[i] = i % 2 ? 0x7f80 : 0xffc1; /* infinity, NaN */
      CHECK(k->times_add_bf16(found, bf16, y, ROWS, n));
      bf16[i] = kept;
    }
  }
}

/* A product of two thin matrices, added: each element in the one order that is promised, in every width that blocks do not divide;
 * and a product of 0 leaves even the sign of a zero. */
static void product(const mw_kernel_rows *k) {
  enum { MOST = 13, WIDE = 150, STRIDE = 160, RANK = 5 };
  for (size_t rank = 0; rank <= RANK; rank += RANK)
    for (size_t rows = 1; rows <= MOST; rows++)
      for (size_t columns = 1; columns <= WIDE; columns += columns < 60 ? 59 : 30) {
        const size_t from = rows % 4 * 5; /* 0, and within the first strip of 16 columns */
        static float found[MOST * STRIDE], expected[MOST * STRIDE], of_bf16[MOST * STRIDE];
        static uint16_t bf16[MOST * STRIDE];
        for (size_t i = 0; i < MOST * STRIDE; i++) {
          uint32_t bits;
          found[i] = i % 3 ? z[i] : -0.0f;
          memcpy(&bits, &found[i], sizeof bits);
          bf16[i] = (uint16_t)(bits >> 16);
          bits &= 0xffff0000;
          memcpy(&found[i], &bits, sizeof bits);
          expected[i] = of_bf16[i] = found[i];
        }
        for (size_t i = 0; i < rows; i++)
          for (size_t j = 0; j < columns; j++) {
            float sum = 0, *e = &expected[i * STRIDE + j];
            const float *column = y + (from + j) / MW_STRIP * MW_STRIP * rank + (from + j) % MW_STRIP;
            for (size_t r = 0; r < rank; r++) sum += x[r * STRIDE + i] * column[r * MW_STRIP];
            if (0.7f * sum != 0) *e += 0.7f * sum;
          }
        k->add_product(found, STRIDE, NULL, x, STRIDE, y, from, 0.7f, rows, rank, columns);
        k->add_product(of_bf16, STRIDE, bf16, x, STRIDE, y, from, 0.7f, rows, rank, columns);
        CHECK(memcmp(found, expected, sizeof found) == 0 && memcmp(of_bf16, expected, sizeof found) == 0);
      }
}

/* Every map of a table into one buffer. */
static void everything(const mw_kernel_rows *k, float out[][N]) {
  int at = 0;
  for (int r = 0; r < 18; r++) memcpy(out[r], z, sizeof z);
  k->scale(out[at++], x, 0.3f, N), k->add(out[at++], x, 0.3f, N), k->plus(out[at++], x, y, N);
  k->shift(out[at++], x, 0.2f, 3, N), k->times(out[at++], x, y, 0.7f, N), k->times_add(out[at++], x, y, 0.7f, N);
  k->norm_back(out[at++], x, y, z, 0.4f, 0.6f, N), k->exp_add(out[at++], x, 0.5f, 1, 0.1f, N);
  k->exp_difference(out[at++], x, y, 0.5f, 1, 2, 0.3f, N), k->entropy_back(out[at++], x, 2, 0.1f, 0.3f, N);
  k->softmax_back(out[at++], z, x, 0.5f, 2, N), k->silu(out[at++], x, N), k->silu_back(out[at++], x, y, N);
  k->gelu_tanh_back(out[at++], x, y, N), k->gelu_erf_back(out[at++], x, y, N), k->gelu_erf(out[at++], x, N);
  k->rotate_add(out[at], out[at + 1], x, y, z, z, 1, N);
  out[0][0] = k->max(x, N), out[0][1] = (float)k->exp_gap(x, y, 1, 1, N), out[0][2] = (float)k->dot(x, y, N - 3);
}

static void alike(const mw_kernels *other) {
  static float here[18][N], there[18][N];
  everything(&mw_kernels_base.rows, here);
  everything(&other->rows, there);
  CHECK(memcmp(here, there, sizeof here) == 0);
  stored(&other->rows);
  product(&other->rows);
}

int main(void) {
  make();
  RUN(sums(&mw_kernels_base.rows));
  RUN(exponential(&mw_kernels_base.rows));
  RUN(maps(&mw_kernels_base.rows));
  RUN(stored(&mw_kernels_base.rows));
  RUN(product(&mw_kernels_base.rows));
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) RUN(alike(&mw_kernels_avx2));
  else puts("skipped: avx2 is not on this CPU");
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) RUN(alike(&mw_kernels_avx512));
  else puts("skipped: avx512 is not on this CPU");
#endif
  UNIT_END();
}
