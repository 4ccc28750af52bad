/* select.c: exact selection by digits of 16 bits, the highest first. A key is the bits of an element, mapped so that
 * integer order is the order sought; NaN keys sort above infinity, in no promised way (callers refuse NaN first).
 * Invariant: counts commute, so neither threads nor the cut into tiles changes the answer. */
#include "num/select.h"

#include <assert.h>
#include <string.h>

enum { DIGIT = 16, BLOCK = 512 };

mw_select mw_select_begin(mw_select_key key, bool wide, double threshold, uint64_t rank, uint64_t total) {
  mw_select select = {.key = key, .wide = wide, .threshold = threshold, .rank = rank, .passes = wide ? 4 : 2};
  if (key == MW_SELECT_TIE) {
    select.passes = 1;
    while (select.passes < 4 && total > UINT64_C(1) << (DIGIT * select.passes))
      select.passes++;
  }
  return select;
}

static unsigned shift(const mw_select *select) { return DIGIT * (select->passes - 1 - select->pass); }

/* Digits above the present one, all of them zero in the first pass. */
static uint64_t above(uint64_t digits) { return digits >> DIGIT; }

static void count_float(const mw_select *select, const float *x, size_t n, uint32_t *bins) {
  uint32_t keys[BLOCK], down = shift(select), prefix = (uint32_t)select->prefix;
  for (size_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    /* Negative numbers are turned upside down and put below the positive ones; + 0 makes -0 a +0. */
    if (select->key == MW_SELECT_VALUE) {
      float value = x[i] + 0.0f;
      memcpy(&bits, &value, sizeof bits);
      keys[i] = bits ^ (-(bits >> 31) | 0x80000000);
    } else {
      keys[i] = bits & INT32_MAX;
    }
  }
  if (select->pass == 0)
    for (size_t i = 0; i < n; i++)
      bins[keys[i] >> down]++;
  else
    for (size_t i = 0; i < n; i++)
      if (keys[i] >> DIGIT == prefix)
        bins[keys[i] & (MW_SELECT_BINS - 1)]++;
}

static void count_double(const mw_select *select, const double *x, size_t n, uint32_t *bins) {
  unsigned down = shift(select);
  for (size_t i = 0; i < n; i++) {
    uint64_t key;
    double value = x[i] + 0.0;
    memcpy(&key, &value, sizeof key);
    key = select->key == MW_SELECT_VALUE ? key ^ (-(key >> 63) | UINT64_C(1) << 63) : key & INT64_MAX;
    uint64_t digits = key >> down;
    if (select->pass == 0 || above(digits) == select->prefix)
      bins[digits & (MW_SELECT_BINS - 1)]++;
  }
}

static void count_ties(const mw_select *select, const void *x, uint64_t start, size_t n, uint32_t *bins) {
  unsigned down = shift(select);
  for (size_t i = 0; i < n; i++) {
    double value = select->wide ? ((const double *)x)[i] : (double)((const float *)x)[i];
    uint64_t digits = (start + i) >> down;
    if ((value == select->threshold || -value == select->threshold)
        && (select->pass == 0 || above(digits) == select->prefix))
      bins[digits & (MW_SELECT_BINS - 1)]++;
  }
}

void mw_select_count(const mw_select *select, const void *x, uint64_t start, size_t n, uint32_t *bins) {
  assert(select->pass < select->passes);
  if (select->key == MW_SELECT_TIE)
    count_ties(select, x, start, n, bins);
  else if (select->wide)
    count_double(select, x, n, bins);
  else
    for (size_t i = 0; i < n; i += BLOCK)
      count_float(select, (const float *)x + i, n - i < BLOCK ? n - i : BLOCK, bins);
}

bool mw_select_narrow(mw_select *select, const uint64_t *bins) {
  assert(select->pass < select->passes);
  uint64_t below = 0;
  for (uint64_t digit = 0; digit < MW_SELECT_BINS; digit++) {
    if (select->rank - below < bins[digit]) {
      select->rank -= below;
      select->prefix = select->prefix << DIGIT | digit;
      select->pass++;
      return true;
    }
    below += bins[digit];
  }
  return false;
}

double mw_select_value(const mw_select *select) {
  assert(select->pass == select->passes);
  uint64_t key = select->prefix;
  if (select->key == MW_SELECT_TIE)
    return (double)key;
  if (select->wide) {
    double value;
    if (select->key == MW_SELECT_VALUE)
      key ^= key >> 63 ? UINT64_C(1) << 63 : UINT64_MAX;
    memcpy(&value, &key, sizeof value);
    return value;
  }
  uint32_t bits = (uint32_t)key;
  float value;
  if (select->key == MW_SELECT_VALUE)
    bits ^= bits >> 31 ? 0x80000000 : UINT32_MAX;
  memcpy(&value, &bits, sizeof value);
  return (double)value;
}
