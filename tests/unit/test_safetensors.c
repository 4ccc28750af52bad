/* Every file of the corpus of malformed and valid safetensors behaves as its expect.tsv says; some cases that the corpus
 * lacks are built here; and the writer's header is that of the reference, byte for byte. */
#include "format/safetensors.h"
#include "unit.h"
#include <stdlib.h>
#include <unistd.h>

static bool reads(const char *path, mw_error *err) {
  mw_file file;
  mw_arena arena = {0};
  mw_tensor_list list = {0};
  if (!mw_file_open(&file, path, err)) return false;
  bool ok = mw_tensor_find(&file, 0, &arena, &list, err);
  free(list.tensors);
  mw_mem_release(&arena);
  mw_file_close(&file);
  return ok;
}

static void try_file(const char *path, bool accept, const char *word) {
  mw_error err = {0};
  bool ok = reads(path, &err);
  if (ok == accept && (ok || (err.status == MW_DATA && strstr(err.text, word) && strstr(err.text, path)))) {
    return;
  }
  CHECK(!"as expected");
  printf("%s: %s, expected %s naming '%s': %s\n", path, ok ? "read" : "refused", accept ? "to be read" : "a refusal", word,
         ok ? "" : err.text);
}

/* The two largest files of the corpus are made here: a header of 100 000 brackets, a shape of a million dimensions. */
static void try_built(const char *before, const char *piece, int times, const char *after, bool accept, const char *word) {
  char path[] = "/tmp/moonweld-unit-XXXXXX";
  int fd = mkstemp(path);
  mw_text text = {0};
  mw_text_add(&text, "\0\0\0\0\0\0\0\0", 8);
  mw_text_format(&text, "%s", before);
  for (int i = 0; i < times; i++) mw_text_format(&text, "%s", piece);
  mw_text_format(&text, "%s", after);
  for (int i = 0; i < 8; i++) text.bytes[i] = (char)((text.length - 8) >> (8 * i));
  mw_text_add(&text, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
  CHECK(write(fd, text.bytes, text.length) == (ssize_t)text.length);
  close(fd);
  try_file(path, accept, word);
  unlink(path);
  mw_text_free(&text);
}

#define T "{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}"
#define EMPTY "{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}"

static void beyond_corpus(void) {
  try_built("{\"t\":" T "}", "", 0, "", true, "");
  try_built("{\"__metadata__\":{\"a\":\"\\ud83d\\ude00\"},\"t\":" T "}", "", 0, "", true, "");
  try_built("{\"__metadata__\":{\"a\":\"\\ud800\"},\"t\":" T "}", "", 0, "", false, "__metadata__");
  try_built("{\"__metadata__\":{\"\\udc00\":\"a\"},\"t\":" T "}", "", 0, "", false, "__metadata__");
  try_built("{\"t\":" T ",\"\xc3\xa9\":" EMPTY ",\"\\u00e9\":" EMPTY "}", "", 0, "", false, "duplicate");
  try_built("{\"t\":{\"dtype\\u0000\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", "", 0, "", false, "unknown field");
  try_built("{\"t\":{\"shape\":[", "1,", 63, "4],\"dtype\":\"F32\",\"data_offsets\":[0,16]}}", true, "");
  try_built("{\"t\":{\"shape\":[", "1,", 64, "4],\"dtype\":\"F32\",\"data_offsets\":[0,16]}}", false, "shape");
  try_built("{\"a\":" EMPTY ",\"a\":" EMPTY ",\"t\":" T "}", "", 0, "", false, "duplicate");
  try_built("{\"t\":" T ",\"e\":" EMPTY "}", "", 0, "", true, "");
  try_built("{\"e\":" EMPTY ",\"t\":" T "}", "", 0, "", true, "");
  /* Entries behind the first, which are read as nearly all are spelt. */
  try_built("{\"e\":" EMPTY ",\"t\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,4],\"data_offsets\":[0,16]}}", "", 0, "", false, "below 2^64");
  try_built("{\"e\":" EMPTY ",\"abcdefghijkl\":" T "}", "", 0, "", true, "");
  try_built("{\"e\":" EMPTY ",\"__metadata__\":" T "}", "", 0, "", false, "__metadata__");
  try_built("{\"e\":" EMPTY " ,\"t\":" T " }", "", 0, "", true, "");
  CHECK(!mw_tensor_named(NULL, 0, "t"));
  try_built("{\"", "n", 4096, "\":" T "}", true, "");
  try_built("{\"", "n", 4097, "\":" T "}", false, "name");
}

/* One tensor more than there may be. */
static void too_many(void) {
  enum { LIMIT = 1 << 20 };
  static const char entry[] = "\"00000\":" EMPTY ",";
  char *entries = malloc(LIMIT * (sizeof entry - 1) + 1), *at = entries;
  for (uint32_t i = 0; i < LIMIT; i++, at += sizeof entry - 1) {
    memcpy(at, entry, sizeof entry);
    for (uint32_t k = 0; k < 5; k++) at[5 - k] = (char)('a' + (i >> (4 * k)) % 16);
  }
  try_built("{", entries, 1, "\"t\":" T "}", false, "more than 1048576 tensors");
  free(entries);
}

/* What describes the tensors is at most the whole file, whatever its first bytes say of it. */
static void heads(void) {
  static const struct { uint64_t length, size, head; } cases[] = {
    {2, 10, 10}, {2, 9, 8}, {0, 8, 8}, {0, 5, 5}, {UINT64_MAX, 100, 8}, {200000000, 300000000, 8},
  };
  mw_error err = {0};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char path[] = "/tmp/moonweld-unit-XXXXXX";
    int fd = mkstemp(path);
    mw_file file = {.path = path, .fd = fd, .size = cases[i].size};
    uint64_t bytes;
    CHECK(pwrite(fd, &cases[i].length, 8, 0) == 8 && pwrite(fd, "{}", 2, 8) == 2 && ftruncate(fd, (off_t)cases[i].size) == 0);
    CHECK(mw_safetensors_format.head(&file, &bytes, &err) && bytes == cases[i].head);
    if (i != 0) try_file(path, false, "");
    close(fd);
    unlink(path);
  }
}

static void lfs_hint(void) {
  mw_error err = {0};
  CHECK(!reads("tests/data/corpus/lfs-pointer.safetensors", &err) && strstr(err.hint, "git lfs pull"));
  CHECK(!reads("tests/data/corpus", &err) && err.status == MW_DATA);
  CHECK(!reads("tests/data/corpus/none.safetensors", &err) && err.status == MW_MISSING);
}

static void writing(void) {
  static const uint64_t two[] = {2}, shape[] = {3, 1};
  static const char expected[] =
      "{\"__metadata__\":{\"format\":\"pt\"},\"z\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
      "\"a\\n\":{\"dtype\":\"BF16\",\"shape\":[3,1],\"data_offsets\":[8,14]},"
      "\"b\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[14,16]}}";
  mw_tensor b = {.name = "b", .dtype = MW_DTYPE_BF16};
  mw_tensor a = {.name = "a\n", .shape = shape, .rank = 2, .dtype = MW_DTYPE_BF16};
  mw_tensor z = {.name = "z", .shape = two, .rank = 1, .dtype = MW_DTYPE_F32};
  mw_tensor *list[] = {&b, &a, &z};
  mw_text text = {0};
  mw_error err = {0};
  qsort(list, 3, sizeof *list, mw_safetensors_order);
  CHECK(list[0] == &z && list[1] == &a && list[2] == &b);
  CHECK(mw_safetensors_header(list, 3, NULL, &text, &err));
  size_t length = text.length - 8, used = sizeof expected - 1;
  CHECK(length == (used + 7) / 8 * 8 && memcmp(text.bytes + 8, expected, used) == 0);
  CHECK(strspn(text.bytes + 8 + used, " ") == length - used);
  CHECK((unsigned char)text.bytes[0] == length % 256 && (unsigned char)text.bytes[1] == length / 256);
  CHECK(z.offset == text.length && a.offset == text.length + 8 && b.offset == text.length + 14);
  mw_text_free(&text);
}

int main(void) {
  FILE *expect = fopen("tests/data/corpus/expect.tsv", "r");
  char line[512], path[600];
  CHECK(expect != NULL);
  while (expect && fgets(line, sizeof line, expect)) {
    char *verdict = strchr(line, '\t'), *word = verdict ? strchr(verdict + 1, '\t') : NULL;
    if (!word) continue;
    *verdict++ = *word++ = 0;
    word[strcspn(word, "\n")] = 0;
    snprintf(path, sizeof path, "tests/data/corpus/%s.safetensors", line);
    CASE("%s", line);
    try_file(path, strcmp(verdict, "accept") == 0, word);
  }
  if (expect) fclose(expect);
  RUN(try_built("{\"t\":", "[", 100000, "", false, "nesting"));
  RUN(try_built("{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,16],\"shape\":[", "1,", 1000000, "4]}}", false, "shape"));
  RUN(beyond_corpus());
  RUN(heads());
  RUN(too_many());
  RUN(lfs_hint());
  RUN(writing());
  UNIT_END();
}
