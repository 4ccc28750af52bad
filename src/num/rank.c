/* rank.c: keys are integers in the order of the values (num/select.c tells how). Short runs are sorted by insertion; longer ones are
 * counted by the digits of their keys: a rank from the highest digit on, among the keys that share the digits found so far; all
 * places from the lowest digit on, which keeps the order of equal keys.
 *
 * The values of a row mostly lie evenly enough in their range for less: floats are put into as many equal parts of the range as there
 * are values, in the order of these parts, and sorted by insertion, which moves hardly any far. For example 0, 9, 4, 5, 8 of the range
 * 0 to 9 are in the parts 0, 7, 3, 3, 6 of 8: in their order 0, 4, 5, 8, 9. Where much has to be moved, as behind one outlier, digits
 * are counted. */
#include "num/rank.h"
#include <string.h>

enum { SHORT = 24, DIGIT = 8, BINS = 1 << DIGIT };

typedef struct entry {
  uint64_t key;
  uint32_t index;
} entry;

size_t mw_rank_scratch(size_t n) { return 2 * n * sizeof(entry); }

static uint64_t key_of(const void *values, bool f64, size_t i) {
  if (f64) {
    double x;
    uint64_t bits;
    memcpy(&x, (const double *)values + i, sizeof x);
    x = x + 0;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
  }
  float x;
  uint32_t bits;
  memcpy(&x, (const float *)values + i, sizeof x);
  x = x + 0;
  memcpy(&bits, &x, sizeof bits);
  return bits >> 31 ? ~bits : bits | UINT32_C(1) << 31;
}

static double value_of(uint64_t key, bool f64) {
  if (f64) {
    uint64_t bits = key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
  }
  uint32_t bits = key >> 31 ? (uint32_t)key & ~(UINT32_C(1) << 31) : ~(uint32_t)key;
  float x;
  memcpy(&x, &bits, sizeof x);
  return (double)x;
}

static void sort_short(entry *entries, size_t n) {
  for (size_t i = 1; i < n; i++) {
    entry e = entries[i];
    size_t at = i;
    for (; at > 0 && entries[at - 1].key > e.key; at--) entries[at] = entries[at - 1];
    entries[at] = e;
  }
}

/* Sorts by one digit from `from` to `to`; equal digits keep their order. False if all keys have the same digit: nothing is moved. */
static bool sort_digit(entry *to, const entry *from, size_t n, unsigned shift) {
  size_t starts[BINS] = {0};
  for (size_t i = 0; i < n; i++) starts[from[i].key >> shift & (BINS - 1)]++;
  if (starts[from[0].key >> shift & (BINS - 1)] == n) return false;
  for (size_t b = 0, before = 0; b < BINS; b++) {
    size_t count = starts[b];
    starts[b] = before;
    before += count;
  }
  for (size_t i = 0; i < n; i++) to[starts[from[i].key >> shift & (BINS - 1)]++] = from[i];
  return true;
}

static const entry *sorted(entry *entries, size_t n, bool f64) {
  entry *from = entries, *to = entries + n;
  if (n <= SHORT) sort_short(entries, n);
  else
    for (unsigned shift = 0; shift < (f64 ? 64u : 32u); shift += DIGIT)
      if (sort_digit(to, from, n, shift)) {
        entry *other = from;
        from = to;
        to = other;
      }
  return from;
}

enum { MOST_MOVES = 8 }; /* of each value, on average */

/* The lowest and the highest value. */
static void range_of(const float *values, size_t n, float *low, float *high) {
  float least[4], most[4];
  for (size_t k = 0; k < 4; k++) least[k] = most[k] = values[0];
  for (size_t i = 0; i < n; i++) {
    float x = values[i], *l = &least[i % 4], *h = &most[i % 4];
    *l = x < *l ? x : *l;
    *h = x > *h ? x : *h;
  }
  *low = *high = values[0];
  for (size_t k = 0; k < 4; k++) {
    *low = least[k] < *low ? least[k] : *low;
    *high = most[k] > *high ? most[k] : *high;
  }
}

/* Sorts words of a key and an index by their keys; equal ones keep their order. False once that takes too long. */
static bool sort_near(uint64_t *words, size_t n) {
  size_t moves = 0;
  for (size_t i = 1; i < n; i++) {
    uint64_t word = words[i];
    size_t at = i;
    for (; at > 0 && words[at - 1] >> 32 > word >> 32; at--) words[at] = words[at - 1];
    words[at] = word;
    if ((moves += i - at) > MOST_MOVES * n) return false;
  }
  return true;
}

/* The places of floats by parts of their range, as said above; false where this is not the way, and nothing is written. */
static bool place_spread(float *places, const float *values, size_t n, bool first_last, void *scratch) {
  uint64_t *words = scratch;
  uint32_t *starts = (uint32_t *)(void *)(words + n), parts = 1, before = 0;
  float low, high;
  range_of(values, n, &low, &high);
  if (!(high - low > 0x1p-100f && high - low < 0x1p100f)) return false;
  while (parts < n) parts *= 2;
  const float scale = (float)(parts - 1) / (high - low) * (1 - 0x1p-20f); /* of no value the part is `parts` */
  memset(starts, 0, parts * sizeof *starts);
  for (size_t i = 0; i < n; i++) {
    float part = (values[i] - low) * scale;
    if (!(part >= 0)) return false; /* NaN */
    starts[(uint32_t)part]++;
  }
  for (uint32_t p = 0; p < parts; p++) {
    uint32_t count = starts[p];
    starts[p] = before;
    before += count;
  }
  for (size_t i = 0; i < n; i++) {
    size_t at = first_last ? n - 1 - i : i;
    words[starts[(uint32_t)((values[at] - low) * scale)]++] = key_of(values, false, at) << 32 | at;
  }
  if (!sort_near(words, n)) return false;
  for (size_t i = 0; i < n; i++) places[(uint32_t)words[i]] = (float)i;
  return true;
}

void mw_rank_places(void *places, const void *values, bool f64, size_t n, bool first_last, void *scratch) {
  entry *entries = scratch;
  if (!f64 && n > SHORT && place_spread(places, values, n, first_last, scratch)) return;
  for (size_t i = 0; i < n; i++) {
    size_t at = first_last ? n - 1 - i : i;
    entries[i] = (entry){key_of(values, f64, at), (uint32_t)at};
  }
  const entry *order = sorted(entries, n, f64);
  for (size_t i = 0; i < n; i++)
    if (f64) ((double *)places)[order[i].index] = (double)i;
    else ((float *)places)[order[i].index] = (float)i;
}

double mw_rank_value(const void *values, bool f64, size_t n, size_t rank, void *scratch) {
  if (n <= SHORT) {
    entry *entries = scratch;
    for (size_t i = 0; i < n; i++) entries[i] = (entry){key_of(values, f64, i), 0};
    sort_short(entries, n);
    return value_of(entries[rank].key, f64);
  }
  uint64_t *keys = scratch, found = 0;
  for (size_t i = 0; i < n; i++) keys[i] = key_of(values, f64, i);
  for (unsigned shift = f64 ? 64 - DIGIT : 32 - DIGIT;; shift -= DIGIT) {
    size_t counts[BINS] = {0}, left = 0;
    for (size_t i = 0; i < n; i++) counts[keys[i] >> shift & (BINS - 1)]++;
    size_t bin = 0;
    while (rank >= counts[bin]) rank -= counts[bin++];
    found |= (uint64_t)bin << shift;
    for (size_t i = 0; i < n; i++)
      if ((keys[i] >> shift & (BINS - 1)) == bin) keys[left++] = keys[i];
    n = left;
    if (!shift) return value_of(found, f64);
  }
}
