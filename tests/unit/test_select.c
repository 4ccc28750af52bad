/* test_select.c: selection against qsort: random sizes and ranks, many ties, both widths, any cut into
 * tiles, any guess, every table of kernels. */
#include "num/cpu.h"
#include "num/select.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252u;
static uint64_t next(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state; }

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static const mw_kernels *kernels;

static uint64_t cut;    /* of the last that was chosen */
static unsigned passes; /* that it took */

/* The elements are cut at random places; element i of the vector has index `first` + i. A guess predicts the range.
 * Of indices, only those in the range are looked at. */
static bool chosen_near(mw_select_key key, bool f64, double threshold, uint64_t rank, const void *x, size_t n,
                        uint64_t first, const double *guess, double *out) {
  static uint32_t bins[MW_SELECT_BINS];
  static uint64_t merged[MW_SELECT_BINS];
  mw_select select = mw_select_begin(key, f64, threshold, rank, first + n);
  if (guess) mw_select_predict(&select, *guess);
  for (passes = 0; !select.found; passes++) {
    uint64_t below = 0;
    CHECK(passes < mw_select_passes(&select) + 2u * (guess != NULL) + (key == MW_SELECT_TIE ? first ? 2 : 1 : 0));
    memset(bins, 0, sizeof bins);
    for (size_t at = 0, step; at < n; at += step) {
      step = 1 + next() % n;
      step = step > n - at ? n - at : step;
      bool outside = (int64_t)(first + at + step) <= select.low || (int64_t)(first + at) > select.last;
      if (key == MW_SELECT_TIE && outside) continue;
      below += mw_select_count(&select, &kernels->type[f64], (const char *)x + at * (f64 ? 8 : 4), first + at, step, bins, NULL);
    }
    for (size_t i = 0; i < MW_SELECT_BINS; i++) merged[i] = bins[i];
    if (!mw_select_narrow(&select, merged, below))
      return false;
  }
  *out = mw_select_value(&select);
  cut = mw_select_cut(&select);
  return true;
}

static bool chosen(mw_select_key key, bool f64, double threshold, uint64_t rank, const void *x, size_t n,
                   uint64_t first, double *out) {
  return chosen_near(key, f64, threshold, rank, x, n, first, NULL, out);
}

static void compare(bool f64, size_t n, int kind) {
  double *values = malloc(n * sizeof *values), *sorted = malloc(n * sizeof *sorted);
  float *f32 = malloc(n * sizeof *f32);
  for (size_t i = 0; i < n; i++) {
    double x = ((double)(int64_t)next()) * 0x1p-63;
    x = kind == 0 ? x : kind == 1 ? trunc(x * 4) : kind == 2 ? x * pow(10, (double)(next() % 60) - 40)
        : kind == 3 ? 0 : kind == 4 ? 1 + x * 0x1p-20 : i % 2 ? 0.125 : -0.125; /* all zeros, a cluster, all ties */
    f32[i] = (float)x;
    values[i] = f64 ? x : (double)f32[i];
  }
  const void *data = f64 ? (void *)values : (void *)f32;
  for (int key = 0; key < 2; key++) {
    for (size_t i = 0; i < n; i++)
      sorted[i] = key == MW_SELECT_MAGNITUDE ? fabs(values[i]) : values[i];
    qsort(sorted, n, sizeof *sorted, ascending);
    size_t ranks[] = {0, n - 1, next() % n};
    for (size_t i = 0; i < 3; i++) {
      double got;
      size_t from = ranks[i], to = ranks[i];
      while (from > 0 && sorted[from - 1] == sorted[ranks[i]]) from--;
      while (to < n && sorted[to] == sorted[ranks[i]]) to++;
      const uint64_t kept = from < ranks[i] ? to - ranks[i] : 0; /* of the equal ones, where they are not all kept */
      CHECK(chosen((mw_select_key)key, f64, 0, ranks[i], data, n, 0, &got) && got == sorted[ranks[i]] && cut == kept);
      /* A guess changes nothing, however bad it is. */
      const double guesses[] = {sorted[ranks[i]], sorted[next() % n], 0, -INFINITY, INFINITY, 1e-45, -3};
      for (size_t g = 0; g < sizeof guesses / sizeof *guesses; g++) {
        double guess = key == MW_SELECT_MAGNITUDE ? fabs(guesses[g]) : guesses[g];
        CHECK(chosen_near((mw_select_key)key, f64, 0, ranks[i], data, n, 0, &guess, &got) && got == sorted[ranks[i]] && cut == kept);
      }
    }
    double none;
    CHECK(!chosen((mw_select_key)key, f64, 0, n, data, n, 0, &none));
    CHECK(!chosen_near((mw_select_key)key, f64, 0, n, data, n, 0, &sorted[0], &none));
  }
  /* The last of the elements with the first one's magnitude, and one more. */
  uint64_t first = kind == 2 ? (UINT64_C(1) << 40) + 77 : 0, ties = 0, last = 0;
  double threshold = fabs(values[0]), got;
  for (size_t i = 0; i < n; i++)
    if (fabs(values[i]) == threshold)
      ties++, last = first + i;
  CHECK(chosen(MW_SELECT_TIE, f64, threshold, ties - 1, data, n, first, &got) && got == (double)last);
  CHECK(chosen(MW_SELECT_TIE, f64, threshold, 0, data, n, first, &got) && got == (double)first);
  CHECK(!chosen(MW_SELECT_TIE, f64, threshold, ties, data, n, first, &got));
  free(values);
  free(sorted);
  free(f32);
}

/* After a guess that is some ranges off, the second prediction finds it. */
static void miss_by_little(void) {
  enum { COUNT = 200000, APART = 4, WINDOW = MW_SELECT_BINS / APART };
  static float x[COUNT];
  for (int sign = -1; sign <= 1; sign += 2) {
    for (size_t k = 0; k < COUNT; k++) x[k] = (1 + (float)(APART * k) * 0x1p-23f) * (float)sign;
    for (size_t i = 0; i < 30; i++) {
      const int32_t away = (int32_t)(next() % (6 * WINDOW)) - 3 * WINDOW;
      const size_t rank = COUNT / 2 - WINDOW / 2 + next() % WINDOW;
      double guess = fabs((double)x[(size_t)((int64_t)rank + away)]), got;
      CHECK(chosen_near(MW_SELECT_MAGNITUDE, false, 0, rank, x, COUNT, 0, &guess, &got) && got == fabs((double)x[rank]));
      CHECK(passes <= 2 && (passes == 1) == (away > -WINDOW / 2 && away <= WINDOW / 2));
      guess *= sign;
      const size_t place = sign < 0 ? COUNT - 1 - rank : rank;
      CHECK(chosen_near(MW_SELECT_VALUE, false, 0, place, x, COUNT, 0, &guess, &got) && got == (double)x[rank] && passes <= 2);
    }
  }
}

/* Counts once with all keys, as a sample is counted, and says whether that is enough for a prediction. */
static bool settles(mw_select_key key, uint64_t rank, const float *x, size_t n, double *guess) {
  static uint32_t bins[MW_SELECT_BINS];
  static uint64_t merged[MW_SELECT_BINS];
  mw_select select = mw_select_begin(key, false, 0, rank, n);
  memset(bins, 0, sizeof bins);
  uint64_t below = mw_select_count(&select, &kernels->type[0], x, 0, n, bins, NULL);
  for (size_t i = 0; i < MW_SELECT_BINS; i++) merged[i] = bins[i];
  CHECK(mw_select_narrow(&select, merged, below) && !select.found);
  bool settled = mw_select_settle(&select, merged);
  CHECK(settled == select.found);
  if (settled) *guess = mw_select_value(&select);
  return settled;
}

/* Of even values one pass tells where a rank lies, as of zeros; values of a lattice are asked for their key. */
static void settle_evenly(void) {
  enum { COUNT = 200000 };
  static float x[COUNT];
  double guess = -1;
  for (size_t k = 0; k < COUNT; k++) x[k] = 1 + (float)k / COUNT;
  for (size_t rank = 2000; rank < COUNT - 2000; rank += 7919)
    for (int key = MW_SELECT_MAGNITUDE; key <= MW_SELECT_VALUE; key++) {
      CHECK(settles((mw_select_key)key, rank, x, COUNT, &guess));
      CHECK(fabs(guess - (double)x[rank]) < 1e-4); /* a bin is 0.004 or 0.008 wide */
    }
  for (size_t k = 0; k < COUNT; k++) x[k] = (float)(k / 1000);
  CHECK(!settles(MW_SELECT_MAGNITUDE, COUNT / 2, x, COUNT, &guess) && !settles(MW_SELECT_VALUE, COUNT / 2, x, COUNT, &guess));
  CHECK(settles(MW_SELECT_MAGNITUDE, 500, x, COUNT, &guess) && guess == 0 && settles(MW_SELECT_VALUE, 500, x, COUNT, &guess) && guess == 0);
}

/* A wide range has bins of several keys; its list tells the elements of the bin that is found. */
static void widen(void) {
  enum { COUNT = 100000 };
  static float x[COUNT];
  static uint32_t bins[MW_SELECT_BINS];
  static uint64_t merged[MW_SELECT_BINS], items[MW_KERNEL_LISTED];
  for (size_t k = 0; k < COUNT; k++) x[k] = (float)(1 + (double)(k * 7919 % COUNT) * 0x1p-19); /* 16 keys apart */
  for (uint64_t keys = MW_SELECT_BINS; keys <= UINT64_C(1) << MW_KERNEL_LISTED_KEYS; keys += keys / 2 + 1) {
    const size_t rank = COUNT / 2 + next() % 1000;
    mw_select select = mw_select_begin(MW_SELECT_MAGNITUDE, false, 0, rank, COUNT);
    mw_kernel_list list = {.items = items};
    mw_select_predict(&select, 1 + (COUNT / 2 + 500) * 0x1p-19);
    const bool listed = keys % 2;
    mw_select_widen(&select, keys, listed);
    const uint64_t range = (uint64_t)(select.last - select.low) + 1;
    const int64_t low = select.low;
    CHECK(range >= keys && range < keys + 256 && range <= UINT64_C(1) << MW_KERNEL_LISTED_KEYS && range >> select.shift <= MW_SELECT_BINS);
    memset(bins, 0, sizeof bins);
    uint64_t below = mw_select_count(&select, &kernels->type[0], x, 7, COUNT, bins, &list);
    CHECK(list.count < MW_KERNEL_LISTED && below == COUNT / 2 + 500 - list.count / 2);
    for (size_t i = 0; i < MW_SELECT_BINS; i++) merged[i] = bins[i];
    CHECK(mw_select_narrow(&select, merged, below) && select.found == (keys == MW_SELECT_BINS && !listed));
    CHECK(select.equal <= (listed ? 16 : 1) && select.less <= rank && select.less + select.equal > rank);
    size_t there = 0, sought = 0;
    for (size_t i = 0; i < list.count; i++) {
      const int64_t key = low + (int64_t)(items[i] & ((1 << MW_KERNEL_LISTED_KEYS) - 1));
      if (key < select.low || key > select.last) continue;
      there++;
      sought += (double)x[(items[i] >> MW_KERNEL_LISTED_KEYS) - 7] == 1 + (double)rank * 0x1p-19;
    }
    CHECK(there == select.equal && sought == 1);
  }
}

static void all(const char *isa) {
  CASE("widen, %s", isa);
  widen();
  CASE("settle_evenly, %s", isa);
  settle_evenly();
  CASE("miss_by_little, %s", isa);
  miss_by_little();
  for (int f64 = 0; f64 < 2; f64++)
    for (int kind = 0; kind < 6; kind++) {
      CASE("%s of kind %d, %s", f64 ? "doubles" : "floats", kind, isa);
      const size_t sizes[] = {1, 2, 3, 511, 513, 70000};
      for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        compare(f64, sizes[i], kind);
      for (int i = 0; i < 8; i++)
        compare(f64, 1 + next() % 5000, kind);
    }
  CASE("zeros, %s", isa);
  const float zeros[4] = {0.0f, -0.0f, 1.0f, -1.0f};
  double got;
  CHECK(chosen(MW_SELECT_VALUE, false, 0, 1, zeros, 4, 0, &got) && got == 0 && !signbit(got));
  CHECK(chosen(MW_SELECT_VALUE, false, 0, 2, zeros, 4, 0, &got) && got == 0 && !signbit(got));
  CHECK(chosen(MW_SELECT_VALUE, false, 0, 0, zeros, 4, 0, &got) && got == -1);
}

int main(void) {
  const char *isas[] = {"base", "avx2", "avx512"};
  for (int i = 0; i < 3; i++) {
    mw_error err;
    setenv("MOONWELD_ISA", isas[i], 1);
    if (mw_cpu_kernels(&kernels, &err)) all(isas[i]);
    else printf("skipped: %s is not on this CPU\n", isas[i]);
  }
  UNIT_END();
}
