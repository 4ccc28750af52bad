/* select.c: windows and what they mean. A key is the bits of an element as a signed integer, mapped so that integer order
 * is the order sought; NaN keys sort above infinity, in no promised way (callers refuse NaN first). The counting itself
 * is a kernel. Invariant: counts commute, so neither threads nor the cut into tiles nor a guess changes the answer. */
#include "num/select.h"

#include <assert.h>
#include <string.h>

enum { DIGIT = 16 };

mw_select mw_select_begin(mw_select_key key, bool wide, double threshold, uint64_t rank, uint64_t total) {
  mw_select select = {.key = key, .wide = wide, .threshold = threshold, .rank = rank};
  if (key == MW_SELECT_TIE)
    while (select.widest < 47 && total > UINT64_C(1) << (DIGIT + select.widest))
      select.widest++;
  else
    select.widest = (wide ? 48u : 16u) - (key == MW_SELECT_MAGNITUDE);
  if (key == MW_SELECT_VALUE)
    select.first = wide ? INT64_MIN : INT32_MIN;
  select.low = select.first;
  select.shift = select.widest;
  return select;
}

unsigned mw_select_passes(const mw_select *select) { return 1 + (select->widest + DIGIT - 1) / DIGIT; }

/* The last key of a window, which may be the last there is. */
static int64_t last_key(const mw_select *select) {
  int64_t last = select->wide || select->key == MW_SELECT_TIE ? INT64_MAX : INT32_MAX;
  uint64_t span = ((uint64_t)MW_SELECT_BINS << select->shift) - 1;
  return (uint64_t)last - (uint64_t)select->low < span ? last : (int64_t)((uint64_t)select->low + span);
}

void mw_select_aim(mw_select *select, double value) {
  assert(select->key != MW_SELECT_TIE);
  int64_t key, half = MW_SELECT_BINS / 2;
  if (select->wide) {
    memcpy(&key, &value, sizeof key);
    if (key < 0) key ^= INT64_MAX;
  } else {
    float narrow = (float)value;
    int32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    key = bits < 0 ? bits ^ INT32_MAX : bits;
  }
  select->low = key < select->first + half ? select->first : key - half;
  select->shift = 0;
}

static uint64_t count_ties(const mw_select *select, const void *x, uint64_t start, size_t n, uint32_t *bins) {
  uint64_t below = 0;
  for (size_t i = 0; i < n; i++) {
    double value = select->wide ? ((const double *)x)[i] : (double)((const float *)x)[i];
    if (value != select->threshold && -value != select->threshold)
      continue;
    int64_t key = (int64_t)(start + i);
    if (key < select->low) below++;
    else if (key <= last_key(select)) bins[(key - select->low) >> select->shift]++;
  }
  return below;
}

uint64_t mw_select_count(const mw_select *select, const mw_kernel_set *kernels, const void *x, uint64_t start, size_t n,
                         uint32_t *bins) {
  assert(!select->found);
  if (select->key == MW_SELECT_TIE)
    return count_ties(select, x, start, n, bins);
  return kernels->window(bins, x, n, select->key == MW_SELECT_MAGNITUDE, select->low, last_key(select), select->shift);
}

bool mw_select_narrow(mw_select *select, const uint64_t *bins, uint64_t below) {
  assert(!select->found);
  for (uint64_t digit = 0; digit < MW_SELECT_BINS && select->rank >= below; digit++) {
    if (select->rank - below < bins[digit]) {
      select->low = (int64_t)((uint64_t)select->low + (digit << select->shift));
      select->found = select->shift == 0;
      select->shift = select->shift > DIGIT ? select->shift - DIGIT : 0;
      return true;
    }
    below += bins[digit];
  }
  if (select->shift == select->widest) return false;
  select->low = select->first;
  select->shift = select->widest;
  return true;
}

double mw_select_value(const mw_select *select) {
  assert(select->found);
  int64_t key = select->low;
  if (select->key == MW_SELECT_TIE) return (double)key;
  if (select->wide) {
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
