/* test_rank.c: the order of a run in memory (num/rank.h) against sorting by pairs, with equal values, zeros of both signs and
 * infinities, as floats and doubles, of lengths on both sides of where the method changes. */
#include "num/rank.h"
#include "unit.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 700 };

static uint64_t state = 88172645463325252u;
static uint64_t next(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state; }

static double sample(void) {
  switch (next() % 12) {
  case 0: return 0;
  case 1: return -0.0;
  case 2: return INFINITY;
  case 3: return -INFINITY;
  case 4: return 1e-45;
  default: return (double)((int)(next() % 41) - 20) / 8;
  }
}

static void check_run(size_t n, bool f64) {
  double values[MOST], places[MOST];
  float f32[MOST], f32_places[MOST];
  void *scratch = malloc(mw_rank_scratch(n));
  for (size_t i = 0; i < n; i++) {
    f32[i] = (float)sample();
    values[i] = (double)f32[i];
  }
  const void *run = f64 ? (const void *)values : (const void *)f32;
  for (int last = 0; last < 2; last++) {
    mw_rank_places(f64 ? (void *)places : (void *)f32_places, run, f64, n, last, scratch);
    for (size_t i = 0; i < n; i++) {
      size_t expected = 0;
      for (size_t k = 0; k < n; k++)
        expected += values[k] < values[i] || (values[k] == values[i] && (last ? k > i : k < i));
      CHECK((f64 ? places[i] : (double)f32_places[i]) == (double)expected);
      if (!last) CHECK(mw_rank_value(run, f64, n, expected, scratch) == values[i]);
    }
  }
  free(scratch);
}

static void floats(void) {
  for (size_t n = 1; n < 60; n++) check_run(n, false);
  check_run(300, false);
  check_run(MOST, false);
}

static void doubles(void) {
  for (size_t n = 1; n < 60; n++) check_run(n, true);
  check_run(MOST, true);
}

/* A run of floats against sorting by pairs. */
static void check_floats(const float *values, size_t n) {
  float places[MOST];
  void *scratch = malloc(mw_rank_scratch(n));
  for (int last = 0; last < 2; last++) {
    mw_rank_places(places, values, false, n, last, scratch);
    for (size_t i = 0; i < n; i++) {
      size_t expected = 0;
      for (size_t k = 0; k < n; k++)
        expected += values[k] < values[i] || (values[k] == values[i] && (last ? k > i : k < i));
      CHECK(places[i] == (float)expected);
    }
  }
  free(scratch);
}

/* Ranges over which values are spread evenly, in one heap, in two, or hardly at all; and no range. */
static void ranges(void) {
  float values[MOST];
  for (int kind = 0; kind < 8; kind++) {
    for (size_t i = 0; i < MOST; i++) {
      float even = (float)(next() % 100000) / 100000;
      values[i] = kind == 0 ? even : kind == 1 ? even * even * even * 1e-30f : kind == 2 ? 1e6f + even : kind == 3 ? (i == 5 ? 1e30f : even)
                : kind == 4 ? (float)(next() % 3) : kind == 5 ? 7 : kind == 6 ? even * 3e38f * (i % 2 ? 1 : -1) : even * 1e-40f;
    }
    for (size_t n = 25; n <= MOST; n += 45) check_floats(values, n);
  }
}

/* Most values near the lowest and a few far away, magnitudes of differences in bf16, NaN among others, sums that are no number. */
static void lengths(void) {
  float values[MOST];
  for (int kind = 0; kind < 6; kind++) {
    for (size_t i = 0; i < MOST; i++) {
      float even = (float)(next() % 100000) / 100000;
      values[i] = kind == 0 ? powf(even, 9) : kind == 1 ? -powf(even, 5) * 1e20f : kind == 2 ? (float)(next() % 128 * (1 << next() % 8)) * 0x1p-20f
                : kind == 3 ? 3e38f * even : kind == 4 ? -1e30f + even * 1e23f : 1000 + 0x1p-13f * (float)(next() % 8);
    }
    for (size_t n = 25; n <= MOST; n += 75) check_floats(values, n);
  }
  float with_nan[64], places[64];
  char scratch[64 * 32];
  for (size_t i = 0; i < 64; i++) with_nan[i] = i == 20 ? NAN : (float)((i * 29) % 64);
  mw_rank_places(places, with_nan, false, 64, false, scratch);
  CHECK(places[20] == 63);
  for (size_t i = 0; i < 64; i++)
    if (i != 20) CHECK(places[i] == with_nan[i] - (with_nan[i] > (float)((20 * 29) % 64)));
}

/* The order of a value's own length: doubles that are one float, and keys that differ in the last bits alone. */
static void neighbours(void) {
  double values[200], scratch[2000];
  for (size_t i = 0; i < 200; i++) values[i] = 1 + (double)((i * 37) % 200) * 0x1p-52;
  for (size_t i = 0; i < 200; i++) CHECK(mw_rank_value(values, true, 200, i, scratch) == 1 + (double)i * 0x1p-52);
}

int main(void) {
  RUN(floats());
  RUN(doubles());
  RUN(ranges());
  RUN(lengths());
  RUN(neighbours());
  UNIT_END();
}
