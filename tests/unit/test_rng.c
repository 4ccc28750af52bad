/* test_rng.c: Philox against the known answers of Random123, the distributions by moments and quantiles, and the bulk
 * generators against the one-block function, for every table and any cut into tiles. */
#include "base/mathx.h"
#include "num/cpu.h"
#include "num/rng.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 200000, BULK = 600, LONG = 1 << 24, TILE = 4096 };

static void known(uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3, uint32_t k0, uint32_t k1, const char *wanted) {
  uint32_t out[4];
  char text[40];
  const mw_rng_keys keys = mw_rng_keys_of((uint64_t)k1 << 32 | k0);
  mw_rng_block(&keys, (uint64_t)c1 << 32 | c0, (uint64_t)c3 << 32 | c2, out);
  snprintf(text, sizeof text, "%08x %08x %08x %08x", out[0], out[1], out[2], out[3]);
  CHECK_TEXT(text, wanted);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Sample mean, variance, and the quantiles at 10 %, 50 %, 90 %, within six standard errors or so. */
static void shaped(const char *name, double *x, double mean, double variance, const double quantiles[3]) {
  double sum = 0, squares = 0;
  for (int i = 0; i < DRAWS; i++) sum += x[i];
  sum /= DRAWS;
  for (int i = 0; i < DRAWS; i++) squares += (x[i] - sum) * (x[i] - sum);
  squares /= DRAWS;
  qsort(x, DRAWS, sizeof *x, ascending);
  double spread = sqrt(variance), got[3] = {x[DRAWS / 10], x[DRAWS / 2], x[DRAWS / 10 * 9]};
  bool fine = fabs(sum - mean) < 0.014 * spread && fabs(squares / variance - 1) < 0.04;
  for (int i = 0; i < 3; i++)
    fine = fine && fabs(got[i] - quantiles[i]) < 0.03 * spread;
  if (!fine)
    printf("%s: mean %g variance %g quantiles %g %g %g\n", name, sum, squares, got[0], got[1], got[2]);
  CHECK(fine);
}

static void distributions(void) {
  static double x[DRAWS];
  uint64_t key = mw_rng_label(0, "test", 4);
#define SHAPED(name, draw, mean, variance, ...) do { \
    for (uint64_t i = 0; i < DRAWS; i++) x[i] = (draw); \
    shaped(name, x, mean, variance, (const double[]){__VA_ARGS__}); \
  } while (0)
  SHAPED("uniform", mw_rng_uniform(key, i), 0.5, 1.0 / 12, 0.1, 0.5, 0.9);
  SHAPED("beta arcsine", mw_rng_beta(key + i, 0.5, 0.5), 0.5, 0.125, 0.0244717, 0.5, 0.9755283);
  SHAPED("beta 0.4", mw_rng_beta(key + i, 0.4, 0.4), 0.5, 0.1388889, 0.0116905, 0.5, 0.9883095);
  SHAPED("beta 2", mw_rng_beta(key + i, 2, 2), 0.5, 0.05, 0.1958001, 0.5, 0.8041999);
  SHAPED("beta 2 3", mw_rng_beta(key + i, 2, 3), 0.4, 0.04, 0.1425593, 0.3857276, 0.6795391);
  for (uint64_t i = 0; i < 1000; i++) {
    double tiny = mw_rng_beta(key + i, 1e-300, 1e-300), share[5], total = 0;
    CHECK(tiny == 0 || tiny == 1);
    mw_rng_dirichlet(key + i, 0.7, 2, share); /* of two parts it is the beta variate of that key */
    CHECK(fabs(share[0] - mw_rng_beta(key + i, 0.7, 0.7)) < 1e-15 && fabs(share[0] + share[1] - 1) < 1e-15);
    mw_rng_dirichlet(key + i, 0.3, 5, share);
    for (int j = 0; j < 5; j++) total += share[j];
    CHECK(fabs(total - 1) < 1e-15);
  }
}

/* Every part of Dirichlet(a, ..., a) of n is Beta(a, (n - 1) a): the mean 1 / n, and parts that exclude each other. */
static void dirichlet(void) {
  static double x[3][DRAWS];
  double product = 0, share[3];
  uint64_t key = mw_rng_label(0, "dirichlet", 9);
  for (int i = 0; i < DRAWS; i++) {
    mw_rng_dirichlet(key + (uint64_t)i, 1, 3, share);
    for (int k = 0; k < 3; k++) x[k][i] = share[k];
    product += share[0] * share[1];
  }
  CHECK(fabs(product / DRAWS - 1.0 / 12) < 0.002);
  for (int k = 0; k < 3; k++)
    shaped("dirichlet 1 of 3", x[k], 1.0 / 3, 1.0 / 18, (const double[]){0.0513167, 0.2928932, 0.6837722});
}

static double read_as(int type, const void *values, size_t i) {
  return type ? ((const double *)values)[i] : (double)((const float *)values)[i];
}

/* The word of one element, by the definition in kernels.h. */
static uint32_t word_of(mw_kernel_stream stream, uint64_t element, uint32_t out[4]) {
  const mw_rng_keys keys = mw_rng_keys_of(stream.key);
  mw_rng_block(&keys, 16 * (element / 64) + element % 16, stream.name, out);
  return out[element / 16 % 4];
}

/* The number of one draw, by the definition in kernels.h. */
static uint32_t number_of(mw_kernel_stream stream, uint64_t element) {
  uint32_t block[4], byte = word_of(stream, 64 * (element / 256) + element % 64, block) >> (8 * (element / 64 % 4)) & 0xff;
  return byte << 24 | word_of(stream, (UINT64_C(1) << 63) + element, block) >> 8;
}

/* drop is bernoulli applied to values of any bits, or to differences, also where it writes over an operand. */
static void dropped(const mw_kernel_set *k, int type, mw_kernel_stream stream, uint64_t start, size_t n, double p, const void *mask) {
  const size_t size = type ? sizeof(double) : sizeof(float);
  unsigned char x[BULK * sizeof(double)], wanted[BULK * sizeof(double)], got[BULK * sizeof(double)];
  for (size_t i = 0; i < n * size; i++) x[i] = (unsigned char)(i * 37 ^ 0xff);
  memcpy(wanted, x, n * size);
  for (size_t i = 0; i < n; i++)
    if (read_as(type, mask, i) == 1) memset(wanted + i * size, 0, size);
  k->drop(got, x, NULL, stream, start, n, p, 1);
  CHECK(memcmp(got, wanted, n * size) == 0);
  k->drop(x, x, NULL, stream, start, n, p, 1);
  CHECK(memcmp(x, wanted, n * size) == 0);
  double a[BULK], b[BULK], delta[BULK];
  for (size_t i = 0; i < n; i++)
    if (type) a[i] = (double)i, b[i] = 0.5;
    else ((float *)a)[i] = (float)i, ((float *)b)[i] = 0.5f;
  bool fine = true;
  k->drop(delta, a, b, stream, start, n, p, 1);
  for (size_t i = 0; i < n; i++)
    fine = fine && read_as(type, delta, i) == (read_as(type, mask, i) == 1 ? 0 : (double)i - 0.5);
  CHECK(fine);
  k->drop(got, a, b, stream, start, n, p, 0.5);
  for (size_t i = 0; i < n; i++) fine = fine && read_as(type, got, i) == read_as(type, delta, i) * 0.5;
  CHECK(fine);
  k->drop(b, a, b, stream, start, n, p, 1);
  CHECK(memcmp(b, delta, n * size) == 0);
}

/* A probability for each element, here written over by the draws: the same numbers decide, one by one. Some of the bounds share the
 * first byte of the element's number, and lie beside it, at it, or at its very end. */
static void each(const mw_kernel_set *k, int type, mw_kernel_stream stream, uint64_t start, size_t n) {
  const double others[] = {0.3, 0, 1, -1, NAN, 2, 0x1p-40};
  double p[BULK], asked[BULK];
  bool fine = true;
  for (size_t i = 0; i < n; i++) {
    const uint32_t number = number_of(stream, start + i), first = number & 0xff000000;
    const double near[] = {first, number, number + 1.0, first + 0x1p24, first + 0xffffff, first + (number & 0xffffff) / 2.0};
    asked[i] = i % 3 ? near[i / 3 % 6] * 0x1p-32 : others[i % 7];
    if (!type) asked[i] = (double)(float)asked[i], ((float *)p)[i] = (float)asked[i];
    else p[i] = asked[i];
  }
  k->bernoulli_each(p, p, stream, start, n);
  for (size_t i = 0; i < n; i++)
    fine = fine && read_as(type, p, i) == (asked[i] >= 1 || number_of(stream, start + i) < asked[i] * 0x1p32);
  CHECK(fine);
}

static void bulk(const mw_kernels *kernels) {
  const mw_kernel_stream stream = {0x0123456789abcdef, 0xfedcba9876543210};
  const uint64_t starts[] = {0, 1, 63, 64, 100, (UINT64_C(1) << 34) - 130, UINT64_C(1) << 40};
  const double chances[] = {0.3, 0, 1, 0x1p-32, 0.99999999999, -1, NAN, 2, 0.5};
  double buffer[BULK];
  for (int type = 0; type < 2; type++)
    for (size_t s = 0; s < sizeof starts / sizeof *starts; s++)
      for (size_t n = 0; n < BULK; n += n < 70 ? 1 : 37) {
        uint32_t block[4];
        double p = chances[(n + s) % 9];
        bool fine = true;
        kernels->type[type].bernoulli(buffer, stream, starts[s], n, p);
        for (size_t i = 0; i < n; i++)
          fine = fine && read_as(type, buffer, i) == (p >= 1 || number_of(stream, starts[s] + i) < p * 0x1p32);
        CHECK(fine);
        dropped(&kernels->type[type], type, stream, starts[s], n, p, buffer);
        each(&kernels->type[type], type, stream, starts[s], n);
        kernels->type[type].normal(buffer, stream, starts[s], n);
        for (size_t i = 0; i < n; i++) {
          uint64_t element = starts[s] + i, lane = element / 16 % 4;
          word_of(stream, element, block);
          double radius = sqrt(-2 * mw_mathx_log((block[lane & 2] + 0.5) * 0x1p-32));
          double angle = (block[lane | 1] + 0.5) * (0x1p-32 * 6.28318530717958647693);
          double wanted = radius * (lane & 1 ? mw_mathx_sin(angle) : mw_mathx_cos(angle));
          fine = fine && read_as(type, buffer, i) == (type ? wanted : (double)(float)wanted);
        }
        CHECK(fine);
      }
}

static void bulk_shape(const mw_kernels *kernels) {
  static double x[DRAWS];
  kernels->type[1].normal(x, (mw_kernel_stream){1, 2}, 0, DRAWS);
  shaped("bulk normal", x, 0, 1, (const double[]){-1.2815516, 0, 1.2815516});
}

/* How many of LONG draws are true, within five standard errors; how often two are that are `apart` elements apart, as
 * if they were independent: those 64 apart share a word, those 16 apart the block of their last bits. */
static void chances(const mw_kernels *kernels) {
  const double p[] = {0.5, 0.9, 0.1, 0.3, 0.001953125, 0x1p-20, 3.5 / 256};
  const size_t apart[] = {1, 16, 64, 128, 192, 256};
  static float hit[TILE + 256];
  for (size_t i = 0; i < sizeof p / sizeof *p; i++) {
    const mw_kernel_stream stream = {.key = 1 + i, .name = 2};
    double total = 0, both[6] = {0};
    for (uint64_t start = 0; start < LONG; start += TILE) {
      kernels->type[0].bernoulli(hit, stream, start, TILE + 256, p[i]);
      for (size_t j = 0; j < TILE; j++) total += (double)hit[j];
      for (size_t k = 0; k < 6 && start < LONG / 8; k++)
        for (size_t j = 0; j < TILE; j++) both[k] += (double)(hit[j] * hit[j + apart[k]]);
    }
    CHECK(fabs(total - LONG * p[i]) <= 5 * sqrt(LONG * p[i] * (1 - p[i])));
    for (size_t k = 0; k < 6; k++)
      CHECK(fabs(both[k] - LONG / 8 * p[i] * p[i]) <= 5 * sqrt(LONG / 8 * p[i] * p[i] * (1 + 2 * p[i])) + 1);
  }
}

/* Where the first byte of a number is that of the bound, the rest of it decides: of these elements some are true and
 * some not, as their numbers say. What is true with some probability is true with every greater one. */
static void decided_late(const mw_kernels *kernels) {
  const mw_kernel_stream stream = {3, 4};
  const double bound = 200.25 / 256;
  static float hit[TILE], more[TILE];
  size_t late = 0, drawn = 0, wrong = 0;
  kernels->type[0].bernoulli(hit, stream, 0, TILE, bound);
  kernels->type[0].bernoulli(more, stream, 0, TILE, bound + 0x1p-12);
  for (uint64_t e = 0; e < TILE; e++) {
    const uint32_t number = number_of(stream, e);
    late += number >> 24 == 200;
    drawn += number >> 24 == 200 && hit[e] == 1;
    wrong += (hit[e] == 1) != (number < bound * 0x1p32) || hit[e] > more[e];
  }
  CHECK(late > 5 && drawn > 0 && drawn < late && wrong == 0);
}

int main(void) {
  RUN(known(0, 0, 0, 0, 0, 0, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"));
  RUN(known(-1u, -1u, -1u, -1u, -1u, -1u, "408f276d 41c83b0e a20bc7c6 6d5451fd"));
  RUN(known(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, "d16cfe09 94fdcceb 5001e420 24126ea1"));
  CASE("labels");
  CHECK(mw_rng_label(1, "a", 1) != mw_rng_label(1, "b", 1) && mw_rng_label(1, "a", 1) != mw_rng_label(2, "a", 1));
  CHECK(mw_rng_label(mw_rng_label(1, "a", 1), "b", 1) != mw_rng_label(1, "ab", 2));
  CHECK(mw_rng_label(1, "a", 1) != mw_rng_label(1, "a\0", 2));
  RUN(distributions());
  RUN(dirichlet());
  CASE("shapes that are no numbers of any use");
  CHECK(mw_rng_beta(1, HUGE_VAL, HUGE_VAL) == 0.5 && mw_rng_beta(1, HUGE_VAL, 1) == 1);
  const char *isas[] = {"base", "avx2", "avx512"};
  for (int i = 0; i < 3; i++) {
    const mw_kernels *kernels;
    mw_error err;
    setenv("MOONWELD_ISA", isas[i], 1);
    if (mw_cpu_kernels(&kernels, &err)) {
      CASE("kernels, %s", isas[i]);
      CHECK_TEXT(kernels->isa, isas[i]);
      bulk(kernels);
      bulk_shape(kernels);
      chances(kernels);
      decided_late(kernels);
    } else printf("skipped: %s is not on this CPU\n", isas[i]);
  }
  CASE("an instruction set that is none");
  const mw_kernels *none;
  mw_error err;
  setenv("MOONWELD_ISA", "sse9", 1);
  CHECK(!mw_cpu_kernels(&none, &err));
  UNIT_END();
}
