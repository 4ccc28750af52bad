/* rank.c: keys are integers in the order of the values (num/select.c tells how). Short runs are sorted by insertion; longer ones are
 * counted by the digits of their keys: a rank from the highest digit on, among the keys that share the digits found so far; all
 * places from the lowest digit on, which keeps the order of equal keys.
 *
 * Floats mostly need less: they are put into parts, two or more for each value, in the order of these parts, and sorted by insertion,
 * which moves hardly any far. Parts are of equal length in x / (x + m), x being how far a value is above the lowest and m their mean:
 * so they are short where values are many, as near 0 among magnitudes, and a few far away take few of them. For example 0, 1, 9, 2 and
 * 18 have the mean 6, and are at 0, 0.14, 0.6, 0.25 and 0.75 of a scale that ends at 0.75: in the parts 0, 2, 12, 5 and 15 of 16.
 * Where much has to be moved all the same, digits are counted. */
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

typedef float quad __attribute__((vector_size(16)));
typedef int32_t quad_mask __attribute__((vector_size(16)));

/* The lowest value, the highest and the mean, which is NaN if a value is. */
static void range_of(const float *values, size_t n, float *low, float *high, float *mean) {
  const quad first = {values[0], values[0], values[0], values[0]};
  quad least = first, most = first, sum = {0};
  float total = 0;
  size_t i = 0;
  for (quad x; i + 4 <= n; i += 4) {
    memcpy(&x, values + i, sizeof x);
    const quad_mask below = x < least, above = x > most;
    least = (quad)(((quad_mask)x & below) | ((quad_mask)least & ~below));
    most = (quad)(((quad_mask)x & above) | ((quad_mask)most & ~above));
    sum += x;
  }
  *low = *high = values[0];
  for (size_t k = 0; k < 4; k++) {
    *low = least[k] < *low ? least[k] : *low;
    *high = most[k] > *high ? most[k] : *high;
    total += sum[k];
  }
  for (; i < n; i++) {
    *low = values[i] < *low ? values[i] : *low;
    *high = values[i] > *high ? values[i] : *high;
    total += values[i];
  }
  *mean = total / (float)n;
}

/* Counts become how many are in the parts before. */
static void add_up(uint32_t *counts, uint32_t parts) {
  uint32_t before = 0;
  for (uint32_t p = 0; p < parts; p += 4) {
    const uint32_t a = counts[p], b = a + counts[p + 1], c = b + counts[p + 2], d = c + counts[p + 3];
    counts[p] = before, counts[p + 1] = before + a, counts[p + 2] = before + b, counts[p + 3] = before + c;
    before += d;
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

/* The places of floats by parts, as said above; false where this is not the way, and nothing is written. */
static bool place_spread(float *places, const float *values, size_t n, bool first_last, void *scratch) {
  uint64_t *words = scratch;
  uint32_t *part = (uint32_t *)(void *)(words + n), *counts = part + n, parts = 1;
  float low, high, m;
  range_of(values, n, &low, &high, &m);
  const float range = high - low;
  if (!(range > 0x1p-100f && range < 0x1p100f && m - m == 0)) return false;
  m = m - low > range ? range : m - low < range / 256 ? range / 256 : m - low;
  while (parts < 2 * n) parts *= 2;
  const float scale = (float)(parts - 1) * ((range + m) / range) * (1 - 0x1p-18f); /* of no value the part is `parts` */
  memset(counts, 0, parts * sizeof *counts);
  size_t i = 0;
  for (quad x; i + 4 <= n; i += 4) {
    memcpy(&x, values + i, sizeof x);
    x = x - low;
    const quad_mask of = __builtin_convertvector(x / (x + m) * scale, quad_mask);
    memcpy(part + i, &of, sizeof of);
    for (size_t k = 0; k < 4; k++) counts[(uint32_t)of[k]]++;
  }
  for (; i < n; i++) counts[part[i] = (uint32_t)((values[i] - low) / (values[i] - low + m) * scale)]++;
  add_up(counts, parts);
  for (i = 0; i < n; i++) {
    size_t at = first_last ? n - 1 - i : i;
    words[counts[part[at]]++] = key_of(values, false, at) << 32 | at;
  }
  if (!sort_near(words, n)) return false;
  for (i = 0; i < n; i++) places[(uint32_t)words[i]] = (float)i;
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
