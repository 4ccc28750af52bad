/* layer_lists.c: see layer_lists.h. */
#include "merge/layer_lists.h"
#include <stdio.h>
#include <string.h>

const char *const mw_layer_lists_marks[4][3] = {{"[", ", ", "]"}, {"[", ", ", "]"}, {"\"", "", "\""}, {"[[[", ", ", "], 1]]"}};

static const mw_json none = {.kind = MW_JSON_END};

static uint64_t length_of(mw_json list) {
  mw_json key, value;
  uint64_t count = 0;
  for (mw_json_walk walk = mw_json_enter(list); list.kind == MW_JSON_ARRAY && mw_json_next(&walk, &key, &value);) count++;
  return count;
}

static mw_json element(mw_json list, uint64_t index) {
  mw_json key, value;
  for (mw_json_walk walk = mw_json_enter(list); list.kind == MW_JSON_ARRAY && mw_json_next(&walk, &key, &value);)
    if (!index--) return value;
  return none;
}

/* One entry of MW_LAYER_LISTS_TYPES: a list, and how many times it comes. */
static bool read_types(mw_json pair, mw_json *list, uint64_t *layers) {
  const mw_json times = element(pair, 1);
  uint64_t count;
  *list = element(pair, 0);
  const uint64_t length = length_of(*list);
  if (!length || length > INT32_MAX || times.kind != MW_JSON_NUMBER || !mw_json_u64(times, &count) || count > INT32_MAX) return false;
  *layers = length * count;
  return true;
}

uint64_t mw_layer_lists_length(mw_json value, mw_layer_lists_kind kind) {
  if (kind == MW_LAYER_LISTS_TEXT)
    return value.kind == MW_JSON_STRING && !memchr(value.bytes, '\\', value.length) ? value.length - 2 : 0;
  if (kind != MW_LAYER_LISTS_TYPES) return length_of(value);
  mw_json index, pair, list;
  uint64_t all = 0, layers;
  if (value.kind != MW_JSON_ARRAY) return 0;
  for (mw_json_walk walk = mw_json_enter(value); mw_json_next(&walk, &index, &pair);) {
    if (!read_types(pair, &list, &layers)) return 0;
    all += layers;
  }
  return all;
}

mw_json mw_layer_lists_element(mw_json value, mw_layer_lists_kind kind, uint64_t layer) {
  const uint64_t length = mw_layer_lists_length(value, kind);
  if (!length || (kind != MW_LAYER_LISTS_ROUND && layer >= length)) return none;
  if (kind == MW_LAYER_LISTS_TEXT) return (mw_json){.kind = MW_JSON_STRING, .bytes = value.bytes + 1 + layer, .length = 1};
  if (kind != MW_LAYER_LISTS_TYPES) return element(value, layer % length);
  mw_json index, pair, list;
  uint64_t layers;
  for (mw_json_walk walk = mw_json_enter(value); mw_json_next(&walk, &index, &pair); layer -= layers) {
    if (!read_types(pair, &list, &layers)) break;
    if (layer < layers) return element(list, layer % length_of(list));
  }
  return none;
}

bool mw_layer_lists_holds(mw_json list, uint64_t number) {
  mw_json key, value;
  uint64_t own;
  for (mw_json_walk walk = mw_json_enter(list); mw_json_next(&walk, &key, &value);)
    if (value.kind == MW_JSON_NUMBER && mw_json_u64(value, &own) && own == number) return true;
  return false;
}

const char *mw_layer_lists_of_stages(mw_json object, uint64_t stages) {
  static const char *const lists[] = {"depths", "block_sizes", "hidden_sizes", "embed_dims"};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    if (stages && length_of(mw_json_member(object, lists[i])) == stages) return lists[i];
  return NULL;
}

bool mw_layer_lists_unknown(mw_json key, mw_json value, uint64_t layers) {
  static const char ids[] = "_token_id\"";
  mw_json index, one;
  bool numbers = true, texts = true, truths = true;
  if (layers < 4 || length_of(value) != layers || mw_json_equals(key, "architectures")) return false;
  if (key.length > sizeof ids && memcmp(key.bytes + key.length - (sizeof ids - 1), ids, sizeof ids - 1) == 0) return false;
  for (mw_json_walk walk = mw_json_enter(value); mw_json_next(&walk, &index, &one);) {
    const bool nothing = one.kind == MW_JSON_NULL;
    numbers &= nothing || one.kind == MW_JSON_NUMBER;
    texts &= nothing || one.kind == MW_JSON_STRING;
    truths &= nothing || one.kind == MW_JSON_TRUE || one.kind == MW_JSON_FALSE;
  }
  return numbers || texts || truths;
}

static bool is_stage(mw_json value, uint64_t number) {
  char name[32];
  snprintf(name, sizeof name, "stage%llu", (unsigned long long)number);
  return value.kind == MW_JSON_STRING && mw_json_equals(value, name);
}

bool mw_layer_lists_stages(mw_json key, mw_json value, uint64_t before, uint64_t after, mw_text *out) {
  const uint64_t length = length_of(value);
  uint64_t index;
  if (mw_json_equals(key, "stage_names") && length == before + 1 && is_stage(element(value, before), before)) {
    const mw_json stem = element(value, 0);
    mw_text_format(out, "[");
    mw_text_add(out, stem.bytes, stem.length);
    for (uint64_t l = 1; l <= after; l++) mw_text_format(out, ", \"stage%llu\"", (unsigned long long)l);
    mw_text_format(out, "]");
    return true;
  }
  if (length != 1) return false;
  const mw_json only = element(value, 0);
  if (mw_json_equals(key, "out_features") && is_stage(only, before)) mw_text_format(out, "[\"stage%llu\"]", (unsigned long long)after);
  else if (mw_json_equals(key, "out_indices") && only.kind == MW_JSON_NUMBER && mw_json_u64(only, &index) && index == before)
    mw_text_format(out, "[%llu]", (unsigned long long)after);
  return out->length > 0;
}
