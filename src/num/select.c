/* select.c: windows and what they mean. A key is the bits of an element as a signed integer, mapped so that integer order
 * is the order sought; NaN keys sort above infinity, in no promised way (callers refuse NaN first). The counting itself
 * is a kernel. Invariant: counts commute, so neither threads nor the cut into tiles nor a guess changes the answer. */
#include "num/select.h"

#include <assert.h>
#include <string.h>

/* NEAR: windows away. */
enum { DIGIT = 16, RUN = 11, NEAR = 8 };

mw_select mw_select_begin(mw_select_key key, bool f64, double threshold, uint64_t rank, uint64_t total) {
  mw_select select = {.key = key, .f64 = f64, .threshold = threshold, .rank = rank, .end = f64 ? INT64_MAX : INT32_MAX};
  if (key == MW_SELECT_TIE) {
    while (total >> (DIGIT + select.widest)) select.widest++;
    if (select.widest && select.widest < RUN) select.widest = RUN; /* many at once are counted faster than one by one */
    select.end = (int64_t)total - 1;
  } else select.widest = (f64 ? 48u : 16u) - (key == MW_SELECT_MAGNITUDE);
  if (key == MW_SELECT_VALUE) select.first = f64 ? INT64_MIN : INT32_MIN;
  select.low = select.first;
  select.last = select.end;
  select.shift = select.widest;
  return select;
}

unsigned mw_select_passes(const mw_select *select) {
  return select->key == MW_SELECT_TIE ? 1 : 1 + (select->widest + DIGIT - 1) / DIGIT;
}

/* So many keys from `low` on, or what there is of them. */
static void look_at(mw_select *select, int64_t low, uint64_t keys) {
  uint64_t left = (uint64_t)select->end - (uint64_t)low;
  select->low = low;
  select->last = (int64_t)((uint64_t)low + (keys - 1 < left ? keys - 1 : left));
}

static void aim_at(mw_select *select, int64_t key) {
  const int64_t half = MW_SELECT_BINS / 2;
  look_at(select, key < select->first + half ? select->first : key - half, MW_SELECT_BINS);
  select->shift = 0;
}

void mw_select_aim(mw_select *select, double value) {
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
  aim_at(select, key);
  select->aimed = true;
}

/* Counts runs of elements that share a bin. */
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

uint64_t mw_select_count(const mw_select *select, const mw_kernel_set *kernels, const void *x, uint64_t start, size_t n,
                         uint32_t *bins) {
  assert(!select->found);
  if (select->key != MW_SELECT_TIE)
    return kernels->window(bins, x, n, select->key == MW_SELECT_MAGNITUDE, select->low, select->last, select->shift);
  count_ties(select, kernels, x, start, n, bins);
  return 0;
}

/* Aims once more where the aim missed: as far from the window as its own density tells, if that is not far. */
static bool aim_again(mw_select *select, const uint64_t *bins, uint64_t below) {
  uint64_t inside = 0;
  for (size_t i = 0; i < MW_SELECT_BINS; i++) inside += bins[i];
  bool lower = select->rank < below;
  uint64_t away = lower ? below - select->rank : select->rank - below - inside;
  if (!select->aimed || away / NEAR >= inside) return false;
  uint64_t keys = away * MW_SELECT_BINS / inside;
  uint64_t room = lower ? (uint64_t)select->low - (uint64_t)select->first : (uint64_t)select->end - (uint64_t)select->last;
  if (keys > room) keys = room;
  aim_at(select, lower ? select->low - (int64_t)keys : select->last + (int64_t)keys);
  select->aimed = false;
  return true;
}

bool mw_select_narrow(mw_select *select, const uint64_t *bins, uint64_t below) {
  assert(!select->found);
  if (select->key == MW_SELECT_TIE) below = select->less;
  const uint64_t outside = below;
  for (uint64_t digit = 0; digit < MW_SELECT_BINS && select->rank >= below; digit++) {
    if (select->rank - below < bins[digit]) {
      look_at(select, (int64_t)((uint64_t)select->low + (digit << select->shift)), UINT64_C(1) << select->shift);
      select->less = below;
      select->equal = bins[digit];
      select->found = select->shift == 0;
      select->shift = select->shift > DIGIT ? select->shift - DIGIT : 0;
      return true;
    }
    below += bins[digit];
  }
  if (select->shift == select->widest) return false;
  if (aim_again(select, bins, outside)) return true;
  select->low = select->first;
  select->last = select->end;
  select->shift = select->widest;
  return true;
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
