/* fuzz_text.c: words as people type them: numbers agree with the C library's, printed numbers read back, sizes and globs
 * never run away, what is shown holds no control character and is UTF-8, what is written as JSON reads back. The input is two words, divided by a NUL. */
#include "base/json_writer.h"
#include "base/utf8.h"
#include "format/json.h"
#include "fuzz.h"
#include <math.h>

static void check_number(const char *word) {
  double value;
  char room[32], *end;
  if (!mw_text_parse_number(word, &value)) return;
  REQUIRE(isfinite(value));
  REQUIRE(strtod(word, &end) == value && *end == 0);
  double again;
  REQUIRE(mw_text_parse_number(mw_text_number(room, value), &again) && again == value);
}

static void check_shown(const char *bytes, size_t length) {
  mw_text_escaped room;
  const char *shown = mw_text_escape(&room, bytes, length);
  size_t n = strlen(shown);
  REQUIRE(n < sizeof room && mw_utf8_valid(shown, n));
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)shown[i], next = (unsigned char)shown[i + 1];
    REQUIRE(c >= 0x20 && c != 0x7f && !(c == 0xc2 && next < 0xa0));
    REQUIRE(!(c == 0xe2 && next == 0x80 && (unsigned char)shown[i + 2] >= 0xaa && (unsigned char)shown[i + 2] <= 0xae));
  }
}

/* Whatever is written reads back as JSON, in every layout, and shows no control character. */
static void check_written(const char *key, const char *bytes, size_t length) {
  mw_text text = {0};
  mw_error err;
  mw_json root;
  mw_json_writer json = {.out = &text, .layout = (mw_json_writer_layout)(length % 3), .ascii = length / 3 % 2, .streamed = (unsigned)(length % 4)};
  mw_json_writer_object(&json, NULL);
  mw_json_writer_list(&json, key);
  mw_json_writer_bytes(&json, NULL, bytes, length);
  mw_json_writer_string(&json, NULL, key);
  mw_json_writer_end(&json);
  mw_json_writer_end(&json);
  REQUIRE(mw_json_writer_finish(&json, &err) && mw_json_check("written", text.bytes, text.length, 3, &root, &err));
  for (size_t i = 0; i < text.length; i++) REQUIRE((unsigned char)text.bytes[i] >= ' ' || text.bytes[i] == '\n');
  for (size_t i = 0; i < text.length && json.ascii; i++) REQUIRE((unsigned char)text.bytes[i] < 0x7f);
  mw_text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  char *first = malloc(length + 1);
  REQUIRE(first != NULL);
  if (length) memcpy(first, bytes, length);
  first[length] = 0;
  size_t n = strlen(first);
  char *second = malloc(length - n + 1);
  REQUIRE(second != NULL);
  if (n < length) memcpy(second, first + n + 1, length - n - 1);
  second[n < length ? length - n - 1 : 0] = 0;
  uint64_t size;
  mw_text quoted = {0};
  check_number(first);
  check_shown((const char *)bytes, length);
  if (mw_text_parse_u64(first, n, &size)) REQUIRE(n > 0 && strspn(first, "0123456789") == n);
  if (mw_text_parse_size(first, &size)) REQUIRE(size >= 1);
  if (n < 200 && strlen(second) < 400) {
    bool matches = mw_text_glob(first, second);
    if (!strpbrk(first, "*?[")) REQUIRE(matches == (strcmp(first, second) == 0));
    unsigned distance = mw_text_distance(first, second, 8);
    REQUIRE(distance == mw_text_distance(second, first, 8) && distance <= 9 && (distance == 0) == !strcmp(first, second));
  }
  check_written(first, (const char *)bytes, length);
  mw_text_json(&quoted, (const char *)bytes, length);
  REQUIRE(!quoted.failed && quoted.length >= length + 2 && quoted.bytes[quoted.length - 1] == '"');
  mw_text_free(&quoted);
  free(second);
  free(first);
  return 0;
}
