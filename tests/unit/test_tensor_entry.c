/* What the reader of usual entries takes is what the strict reader of JSON finds there, byte for byte: for entries as writers spell them,
 * for others that it must leave alone, and for a hundred thousand that were changed at random places. */
#include "format/tensor_entry.h"
#include "unit.h"
#include <stdlib.h>

/* The strict reader's numbers of an array; false if it is none or has others. */
static bool numbers(mw_json array, uint64_t *out, unsigned most, unsigned *count) {
  mw_json number;
  *count = 0;
  if (array.kind != MW_JSON_ARRAY) return false;
  for (mw_json_walk walk = mw_json_enter(array); mw_json_next(&walk, NULL, &number); ++*count)
    if (*count == most || !mw_json_u64(number, &out[*count])) return false;
  return true;
}

/* Whether the strict reader finds the same in the first `length` bytes. */
static bool agrees(const char *text, size_t length, const mw_tensor_entry *entry) {
  char object[600];
  mw_error err;
  mw_json root, name, value, found[3];
  uint64_t dims[64], offsets[2];
  unsigned rank, two;
  mw_dtype dtype;
  mw_arena arena = {0};
  const char *unescaped;
  size_t name_length;
  snprintf(object, sizeof object, "{%.*s}", (int)length, text);
  if (!mw_json_check("entry", object, length + 2, 32, &root, &err)) return false;
  mw_json_walk walk = mw_json_enter(root);
  if (!mw_json_next(&walk, &name, &value) || value.kind != MW_JSON_OBJECT) return false;
  static const char *const fields[] = {"dtype", "shape", "data_offsets"};
  size_t members = 0;
  for (mw_json_walk in = mw_json_enter(value); mw_json_next(&in, NULL, &found[0]);) members++;
  for (int i = 0; i < 3; i++) found[i] = mw_json_member(value, fields[i]);
  bool same = mw_json_string(name, &arena, &unescaped, &name_length, &err) && name_length == entry->name_length &&
              memcmp(unescaped, entry->name, name_length) == 0 && members == 3 && found[0].kind == MW_JSON_STRING &&
              mw_dtype_parse(found[0].bytes + 1, found[0].length - 2, &dtype) && dtype == entry->dtype &&
              numbers(found[1], dims, 64, &rank) && rank == entry->rank && memcmp(dims, entry->dims, rank * sizeof *dims) == 0 &&
              numbers(found[2], offsets, 2, &two) && two == 2 && memcmp(offsets, entry->offsets, sizeof offsets) == 0 &&
              found[1].length == entry->shape.length && memcmp(found[1].bytes, entry->shape.bytes, found[1].length) == 0 &&
              found[2].length == entry->data_offsets.length;
  mw_mem_release(&arena);
  return same;
}

static const char *const usual[] = {
    "\"model.norm.weight\":{\"dtype\":\"BF16\",\"shape\":[4096],\"data_offsets\":[0,8192]}",
    "\"a b/c\": {\"dtype\": \"F32\", \"shape\": [2, 30], \"data_offsets\": [16, 256]}",
    "\"scalar\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[8,16]}",
    "\"x\":{\"dtype\":\"F8_E4M3\",\"shape\":[0,18446744073709551615],\"data_offsets\":[18446744073709551615,0]}",
};

static void takes_usual(void) {
  mw_tensor_entry entry;
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
    char longer[300];
    size_t length = strlen(usual[i]);
    snprintf(longer, sizeof longer, "%s,\"next\":{", usual[i]);
    CHECK(mw_tensor_entry_read(longer, strlen(longer), &entry) == length && agrees(longer, length, &entry));
    for (size_t cut = 0; cut < length; cut++) CHECK(mw_tensor_entry_read(longer, cut, &entry) == 0);
  }
}

static void leaves_others(void) {
  static const char *const others[] = {
      "\"\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}",
      "\"a\\u0062\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}",
      "\"\xc3\xa9\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}",
      "\"a\tb\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}",
      "\"a\":{\"shape\":[4],\"dtype\":\"F32\",\"data_offsets\":[0,16]}",
      "\"a\":{\"dtype\":\"F33\",\"shape\":[4],\"data_offsets\":[0,16]}",
      "\"a\":{\"dtype\":\"F32\",\"shape\":[04],\"data_offsets\":[0,16]}",
      "\"a\":{\"dtype\":\"F32\",\"shape\":[4,],\"data_offsets\":[0,16]}",
      "\"a\":{\"dtype\":\"F32\",\"shape\":[-4],\"data_offsets\":[0,16]}",
      "\"a\":{\"dtype\":\"F32\",\"shape\":[4.0],\"data_offsets\":[0,16]}",
      "\"a\":{\"dtype\":\"F32\",\"shape\":[18446744073709551616],\"data_offsets\":[0,16]}",
      "\"a\":{\"dtype\":\"F32\",\"shape\":4,\"data_offsets\":[0,16]}",
      "\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[16]}",
      "\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16,32]}",
      "\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16],\"more\":1}",
      "\"a\":{\"dtype\":\"F32\",\"shape\":[4]}",
      "\"a\":[\"dtype\"]",
  };
  mw_tensor_entry entry;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) CHECK(mw_tensor_entry_read(others[i], strlen(others[i]), &entry) == 0);
}

static void agrees_on_changed(void) {
  static const char marks[] = "\"\"\\{}[],,::  0123456789-.eE \t\n\x80\xc3\x7f\x01" "abFB";
  uint32_t seed = 1;
  unsigned taken = 0;
  for (int i = 0; i < 100000; i++) {
    char text[300];
    size_t length = strlen(usual[i % 4]), changes = 1 + (seed >> 20) % 3;
    memcpy(text, usual[i % 4], length);
    for (size_t change = 0; change < changes; change++) {
      seed = seed * 1664525u + 1013904223u;
      size_t at = (seed >> 8) % length;
      char mark = marks[(seed >> 16) % (sizeof marks - 1)];
      if (seed & 1 << 30) memmove(text + at + 1, text + at, length++ - at);
      text[at] = mark;
    }
    mw_tensor_entry entry;
    size_t end = mw_tensor_entry_read(text, length, &entry);
    if (end) taken++, CHECK(agrees(text, end, &entry));
  }
  CHECK(taken > 5000);
}

int main(void) {
  RUN(takes_usual());
  RUN(leaves_others());
  RUN(agrees_on_changed());
  UNIT_END();
}
