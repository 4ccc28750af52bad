/* select.c: keys, their ranges, and what the counts of a pass say. The counting itself is a kernel (`key_range` and `ties` in
 * kernels.h). The key of a float x is its bits as a signed integer:
 *
 *   magnitude   the bits without the sign                   1.0 -> 0x3f800000,  -1.0 -> 0x3f800000
 *   value       the bits of a positive number, and those    1.0 -> 0x3f800000,  -1.0 -> 0xc07fffff
 *               of a negative one with all but the sign
 *               inverted, since more is less there
 *
 * The keys of NaN lie beyond those of infinity, in no promised order: callers refuse NaN first. */
#include "num/select.h"

#include <assert.h>
#include <string.h>

/* RUN: bits of the shortest run of elements that share a bin of TIE. CLOSE: a missed rank is predicted again if it is at most so
 * many range widths away. */
enum { DIGIT = MW_SELECT_DIGIT, RUN = 11, CLOSE = 8, LISTED_BINS = MW_SELECT_BINS < 4096 ? MW_SELECT_BINS : 4096 };

/* The range of all keys. */
static void look_everywhere(mw_select *select) {
  select->low = select->lowest;
  select->last = select->highest;
  select->shift = select->full_shift;
}

/* The range of so many keys from `low` on, or of as many as there are. */
static void look_at(mw_select *select, int64_t low, uint64_t keys) {
  uint64_t left = (uint64_t)select->highest - (uint64_t)low;
  select->low = low;
  select->last = (int64_t)((uint64_t)low + (keys - 1 < left ? keys - 1 : left));
}

/* The range of about so many keys around a key, in so many bins at most. */
static void look_around(mw_select *select, int64_t key, uint64_t keys, uint64_t bins) {
  for (select->shift = 0; (keys - 1) >> select->shift >= bins;) select->shift++;
  keys = (((keys - 1) >> select->shift) + 1) << select->shift; /* whole bins */
  const int64_t half = (int64_t)(keys / 2);
  look_at(select, key < select->lowest + half ? select->lowest : key - half, keys);
}

mw_select mw_select_begin(mw_select_key key, bool f64, double threshold, uint64_t rank, uint64_t total) {
  mw_select select = {.key = key, .f64 = f64, .threshold = threshold, .rank = rank, .highest = f64 ? INT64_MAX : INT32_MAX};
  if (key == MW_SELECT_TIE) {
    while (total >> (DIGIT + select.full_shift)) select.full_shift++;
    if (select.full_shift && select.full_shift < RUN) select.full_shift = RUN; /* longer runs are counted faster */
    select.highest = (int64_t)total - 1;
  } else select.full_shift = (f64 ? 64u : 32u) - DIGIT - (key == MW_SELECT_MAGNITUDE);
  if (key == MW_SELECT_VALUE) select.lowest = f64 ? INT64_MIN : INT32_MIN;
  look_everywhere(&select);
  return select;
}

unsigned mw_select_passes(const mw_select *select) {
  return select->key == MW_SELECT_TIE ? 1 : 1 + (select->full_shift + DIGIT - 1) / DIGIT;
}

void mw_select_predict(mw_select *select, double value) {
  assert(select->key != MW_SELECT_TIE);
  int64_t key;
  if (select->f64) {
    memcpy(&key, &value, sizeof key);
    if (key < 0) key ^= INT64_MAX;
  } else {
    float f32 = (float)value;
    int32_t bits;
    memcpy(&bits, &f32, sizeof bits);
    key = bits < 0 ? bits ^ INT32_MAX : bits;
  }
  look_around(select, key, MW_SELECT_BINS, MW_SELECT_BINS);
  select->common = key;
  select->predicted = true;
}

/* The key of a TIE is an index, so elements that follow each other share a bin: they are counted run by run. */
static void count_ties(const mw_select *select, const mw_kernel_set *kernels, const void *x, uint64_t start, size_t n,
                       uint32_t *bins) {
  const uint64_t low = (uint64_t)select->low, last = (uint64_t)select->last;
  uint64_t at = start < low ? low : start, end = start + n > last + 1 ? last + 1 : start + n;
  for (uint64_t next; at < end; at = next) {
    uint64_t bin = (at - low) >> select->shift;
    next = low + ((bin + 1) << select->shift);
    if (next > end) next = end;
    const char *run = (const char *)x + (at - start) * (select->f64 ? sizeof(double) : sizeof(float));
    bins[bin] += (uint32_t)kernels->ties(run, (size_t)(next - at), select->threshold);
  }
}

void mw_select_widen(mw_select *select, uint64_t keys, bool listed) {
  assert(select->predicted);
  look_around(select, select->common, keys, listed ? LISTED_BINS : MW_SELECT_BINS);
  select->common = INT64_MIN;
}

static bool can_list(const mw_select *select) { return ((uint64_t)select->last - (uint64_t)select->low) >> MW_KERNEL_LISTED_KEYS == 0; }

uint64_t mw_select_count(const mw_select *select, const mw_kernel_set *kernels, const void *x, uint64_t start, size_t n,
                         uint32_t *bins, mw_kernel_list *list) {
  assert(!select->found);
  if (list) list->start = start;
  if (select->key != MW_SELECT_TIE)
    return kernels->key_range(bins, x, n, select->key == MW_SELECT_MAGNITUDE, select->low, select->last, select->common, select->shift,
                              can_list(select) ? list : NULL);
  count_ties(select, kernels, x, start, n, bins);
  return 0;
}

/* After a wrong prediction: predicts again from the density of keys inside the range, if the rank is close enough. */
static bool predict_again(mw_select *select, const uint64_t *bins, uint64_t below) {
  uint64_t inside = 0;
  for (size_t i = 0; i < MW_SELECT_BINS; i++) inside += bins[i];
  bool lower = select->rank < below;
  uint64_t away = lower ? below - select->rank : select->rank - below - inside;
  if (!select->predicted || away / CLOSE >= inside) return false;
  uint64_t keys = away * ((uint64_t)(select->last - select->low) + 1) / inside;
  uint64_t left = lower ? (uint64_t)select->low - (uint64_t)select->lowest : (uint64_t)select->highest - (uint64_t)select->last;
  if (keys > left) keys = left;
  look_around(select, lower ? select->low - (int64_t)keys : select->last + (int64_t)keys, MW_SELECT_BINS, MW_SELECT_BINS);
  select->predicted = false;
  return true;
}

bool mw_select_narrow(mw_select *select, const uint64_t *bins, uint64_t below) {
  assert(!select->found);
  if (select->key == MW_SELECT_TIE) below = select->less; /* elements before the range were not read again */
  const uint64_t below_range = below;
  for (uint64_t bin = 0; bin < MW_SELECT_BINS && select->rank >= below; bin++) {
    if (select->rank - below < bins[bin]) {
      look_at(select, (int64_t)((uint64_t)select->low + (bin << select->shift)), UINT64_C(1) << select->shift);
      select->less = below;
      select->equal = bins[bin];
      select->found = select->shift == 0;
      select->shift = select->shift > DIGIT ? select->shift - DIGIT : 0;
      return true;
    }
    below += bins[bin];
  }
  if (select->shift == select->full_shift) return false;
  if (!predict_again(select, bins, below_range)) look_everywhere(select);
  return true;
}

bool mw_select_settle(mw_select *s, const uint64_t *bins) {
  const uint64_t keys = (uint64_t)(s->last - s->low) + 1, bin = (uint64_t)(s->low - s->lowest) / keys;
  if (s->found || keys > MW_SELECT_BINS) return s->found;
  bool even = bin && bin + 1 < MW_SELECT_BINS && bins[bin - 1] >= s->equal / 2 && bins[bin + 1] >= s->equal / 2;
  if (s->low != 0 && !even) return false;
  if (s->low != 0) {
    s->low += (int64_t)((double)(s->rank - s->less) / (double)s->equal * (double)keys);
    s->equal = s->equal / keys + 1;
  }
  return s->found = true;
}

uint64_t mw_select_cut(const mw_select *select) {
  assert(select->found);
  return select->rank > select->less ? select->less + select->equal - select->rank : 0;
}

double mw_select_value(const mw_select *select) {
  assert(select->found);
  int64_t key = select->low;
  if (select->key == MW_SELECT_TIE) return (double)key;
  if (select->f64) {
    double value;
    if (key < 0) key ^= INT64_MAX;
    memcpy(&value, &key, sizeof value);
    return value;
  }
  int32_t bits = (int32_t)(key < 0 ? key ^ INT32_MAX : key);
  float value;
  memcpy(&value, &bits, sizeof value);
  return (double)value;
}
