/* batch.c: fills batches, in file order or shuffled. Every step makes the order of its epoch from the seed, not from the step
 * before it, so a run that is resumed at some step sees the same windows. */
#include "learn/batch.h"
#include "num/rng.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool mw_batch_new(mw_batch *batch, size_t windows, size_t length, mw_error *err) {
  *batch = (mw_batch){.windows = windows, .length = length};
  size_t ids;
  if (__builtin_mul_overflow(windows, length + 1, &ids)) return mw_error_memory(err, SIZE_MAX);
  batch->ids = mw_mem_new(ids, sizeof *batch->ids, err);
  batch->counts = batch->ids ? mw_mem_new(windows, sizeof *batch->counts, err) : NULL;
  if (batch->counts) return true;
  mw_batch_free(batch);
  return false;
}

void mw_batch_free(mw_batch *batch) {
  free(batch->ids);
  free(batch->counts);
  *batch = (mw_batch){0};
}

static size_t used(const mw_dataset_window *window, size_t length) {
  return window->length < length + 1 ? window->length : length + 1;
}

static void put(mw_batch *batch, size_t place, const mw_dataset *set, size_t index) {
  uint32_t *row = batch->ids + place * (batch->length + 1);
  size_t count = index < set->count ? used(&set->windows[index], batch->length) : 0;
  if (count) memcpy(row, set->windows[index].ids, count * sizeof *row);
  memset(row + count, 0, (batch->length + 1 - count) * sizeof *row);
  batch->counts[place] = (uint32_t)count;
  batch->tokens += count < batch->length ? count : batch->length;
  batch->predicted += count ? count - 1 : 0;
}

void mw_batch_fill(mw_batch *batch, const mw_dataset *set, size_t first) {
  batch->tokens = batch->predicted = 0;
  for (size_t w = 0; w < batch->windows; w++) put(batch, w, set, first + w);
}

static uint64_t number_label(uint64_t key, uint64_t number) {
  char text[24];
  int length = snprintf(text, sizeof text, "%llu", (unsigned long long)number);
  return mw_rng_label(key, text, (size_t)length);
}

static void shuffle(uint32_t *order, size_t count, uint64_t key) {
  for (size_t i = 0; i < count; i++) order[i] = (uint32_t)i;
  for (size_t i = count; i-- > 1;) {
    size_t j = (size_t)(mw_rng_uniform(key, i) * (double)(i + 1));
    uint32_t kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
}

bool mw_batch_draw(mw_batch *batch, const mw_dataset *set, uint64_t index, uint64_t seed, uint64_t step,
                   mw_error *err) {
  uint64_t key = number_label(mw_rng_label(seed, "windows", 7), index), drawn = UINT64_MAX;
  uint32_t *order = mw_mem_new(set->count, sizeof *order, err);
  if (!order) return false;
  batch->tokens = batch->predicted = 0;
  for (size_t w = 0; w < batch->windows; w++) {
    uint64_t place = step * batch->windows + w, epoch = place / set->count;
    if (epoch != drawn) shuffle(order, set->count, number_label(key, epoch));
    drawn = epoch;
    put(batch, w, set, order[place % set->count]);
  }
  free(order);
  return true;
}

void mw_batch_survey(const mw_dataset *set, size_t length, uint32_t *largest, uint64_t *predicted) {
  *largest = 0;
  *predicted = 0;
  for (size_t w = 0; w < set->count; w++) {
    size_t count = used(&set->windows[w], length);
    for (size_t i = 0; i < count; i++)
      if (set->windows[w].ids[i] > *largest) *largest = set->windows[w].ids[i];
    *predicted += count ? count - 1 : 0;
  }
}
