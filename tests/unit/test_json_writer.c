/* JSON out: what reads back as it was said, in three layouts; memory that runs out at every place; long documents in little. */
#include "base/json_writer.h"
#include "format/json.h"
#include "memory.h"
#include "unit.h"
#include <locale.h>
#include <math.h>

static mw_text text;
static mw_json_writer json;

static void begin(mw_json_writer how) {
  mw_text_free(&text);
  json = how;
  json.out = &text;
}

static void expect(const char *expected) {
  mw_error err;
  CHECK(mw_json_writer_finish(&json, &err));
  CHECK_TEXT(text.bytes, expected);
}

static void values(void) {
  begin((mw_json_writer){0});
  mw_json_writer_object(&json, NULL);
  mw_json_writer_string(&json, "string", "a");
  mw_json_writer_string(&json, "none", NULL);
  mw_json_writer_bytes(&json, "bytes", "abc", 2);
  mw_json_writer_bool(&json, "yes", true);
  mw_json_writer_bool(&json, "no", false);
  mw_json_writer_raw(&json, "raw", "{\"a\": [1, 2]}\n");
  mw_json_writer_list(&json, "list");
  mw_json_writer_u64(&json, NULL, 0);
  mw_json_writer_string(&json, NULL, "");
  mw_json_writer_object(&json, NULL);
  mw_json_writer_end(&json);
  mw_json_writer_list(&json, NULL);
  mw_json_writer_end(&json);
  mw_json_writer_end(&json);
  mw_json_writer_end(&json);
  expect("{\"string\":\"a\",\"none\":null,\"bytes\":\"ab\",\"yes\":true,\"no\":false,\"raw\":{\"a\":[1,2]},\"list\":[0,\"\",{},[]]}\n");
}

static void numbers(void) {
  static const double doubles[] = {0.1, -0.0, 1e300, 5e-324, 1.7976931348623157e308, 1.0 / 3, 0, -12345.678};
  enum { COUNT = sizeof doubles / sizeof *doubles };
  mw_json root, number;
  mw_error err;
  uint64_t whole;
  begin((mw_json_writer){0});
  mw_json_writer_list(&json, NULL);
  mw_json_writer_u64(&json, NULL, UINT64_MAX);
  for (size_t i = 0; i < COUNT; i++) mw_json_writer_number(&json, NULL, doubles[i]);
  mw_json_writer_end(&json);
  CHECK(mw_json_writer_finish(&json, &err) && mw_json_check("numbers", text.bytes, text.length, 2, &root, &err));
  mw_json_walk walk = mw_json_enter(root);
  CHECK(mw_json_next(&walk, NULL, &number) && mw_json_u64(number, &whole) && whole == UINT64_MAX);
  for (size_t i = 0; i < COUNT; i++) {
    double back = NAN;
    CHECK(mw_json_next(&walk, NULL, &number) && mw_json_double(number, &back) && memcmp(&back, &doubles[i], sizeof back) == 0);
  }
  for (unsigned streamed = 0; streamed < 2; streamed++) {
    begin((mw_json_writer){.streamed = streamed});
    mw_json_writer_list(&json, NULL);
    mw_json_writer_u64(&json, NULL, (1ull << 53) + 1);
    mw_json_writer_number(&json, NULL, 0.1);
    mw_json_writer_number(&json, NULL, (double)INFINITY);
    mw_json_writer_number(&json, NULL, -(double)INFINITY);
    mw_json_writer_number(&json, NULL, (double)NAN);
    mw_json_writer_end(&json);
    expect("[9007199254740993,0.1,null,null,null]\n");
  }
}

static void numbers_abroad(void) {
  static const char *const abroad[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
  for (size_t i = 0; i < sizeof abroad / sizeof *abroad; i++)
    if (setlocale(LC_ALL, abroad[i])) {
      numbers();
      break;
    }
  setlocale(LC_ALL, "C");
}

static void strings(void) {
  static const char *const layouts[][2] = {
    {"\"\\/\b\f\n\r\t\x01\x1f", "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\"\n"},
    {"\x7f\xc2\x85\xe2\x80\xae\xef\xbb\xbf", "\"\\u007f\\u0085\\u202e\\ufeff\"\n"},          /* DEL, NEL, RLO, BOM */
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"\n"},
    {"\xff" "a\xc3", "\"\xef\xbf\xbd" "a\xef\xbf\xbd\"\n"},
    {"\xed\xa0\x80\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n"}, /* a surrogate, an overlong '/' */
    {"{[:, ]}\\", "\"{[:, ]}\\\\\"\n"},
  };
  for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
    begin((mw_json_writer){.layout = MW_JSON_WRITER_INDENTED});
    mw_json_writer_string(&json, NULL, layouts[i][0]);
    expect(layouts[i][1]);
  }
  begin((mw_json_writer){0});
  mw_json_writer_bytes(&json, NULL, "a\0b", 3);
  expect("\"a\xef\xbf\xbd" "b\"\n");
  begin((mw_json_writer){.ascii = true});
  mw_json_writer_object(&json, NULL);
  mw_json_writer_string(&json, "\xc3\xa9", "\xe2\x82\xac\xf0\x9f\x98\x80~");
  mw_json_writer_end(&json);
  expect("{\"\\u00e9\":\"\\u20ac\\ud83d\\ude00~\"}\n");
  begin((mw_json_writer){0}); /* a key is as unsafe as a string */
  mw_json_writer_object(&json, NULL);
  mw_json_writer_string(&json, "\"\xff\n", "");
  mw_json_writer_end(&json);
  expect("{\"\\\"\xef\xbf\xbd\\n\":\"\"}\n");
}

/* What every layout has to show: something empty, something nested, a document after another. */
static void say(void) {
  for (int i = 0; i < 2; i++) {
    mw_json_writer_object(&json, NULL);
    mw_json_writer_list(&json, "empty");
    mw_json_writer_end(&json);
    mw_json_writer_list(&json, "list");
    mw_json_writer_u64(&json, NULL, 1);
    mw_json_writer_object(&json, NULL);
    mw_json_writer_string(&json, "a", "b, c");
    mw_json_writer_raw(&json, "raw", "{\"x\":[],\"y\":[2]}");
    mw_json_writer_end(&json);
    mw_json_writer_end(&json);
    mw_json_writer_end(&json);
  }
}

static const char compact[] = "{\"empty\":[],\"list\":[1,{\"a\":\"b, c\",\"raw\":{\"x\":[],\"y\":[2]}}]}\n";
static const char lines[] = "{\n\"empty\":[],\n\"list\":[1,{\"a\":\"b, c\",\"raw\":{\"x\":[],\"y\":[2]}}]\n}\n";
static const char indented[] = "{\n  \"empty\": [],\n  \"list\": [\n    1,\n    {\n      \"a\": \"b, c\",\n      \"raw\": {\n"
                               "        \"x\": [],\n        \"y\": [\n          2\n        ]\n      }\n    }\n  ]\n}\n";

/* However many levels are streamed, the text is the same. */
static void layouts(void) {
  static const struct { mw_json_writer_layout layout; const char *text; } all[] = {
    {MW_JSON_WRITER_COMPACT, compact}, {MW_JSON_WRITER_LINES, lines}, {MW_JSON_WRITER_INDENTED, indented}};
  for (size_t i = 0; i < 3; i++)
    for (unsigned streamed = 0; streamed < 5; streamed++) {
      char twice[1000];
      snprintf(twice, sizeof twice, "%s%s", all[i].text, all[i].text);
      begin((mw_json_writer){.layout = all[i].layout, .streamed = streamed});
      say();
      expect(twice);
    }
}

/* As deep as the reader goes, and deeper. */
static void nesting(void) {
  enum { DEPTH = 500 };
  char expected[2 * DEPTH + 2] = {0};
  memset(expected, '[', DEPTH);
  memset(expected + DEPTH, ']', DEPTH);
  expected[2 * DEPTH] = '\n';
  for (unsigned streamed = 0; streamed < 2 * DEPTH; streamed += DEPTH / 2) {
    begin((mw_json_writer){.streamed = streamed});
    for (int i = 0; i < DEPTH; i++) mw_json_writer_list(&json, NULL);
    for (int i = 0; i < DEPTH; i++) mw_json_writer_end(&json);
    expect(expected);
  }
}

/* ---- memory ---- */

/* Whichever of them is refused, and all after it: nothing crashes or leaks, and it is told. */
static void without_memory(void) {
  char twice[1000];
  snprintf(twice, sizeof twice, "%s%s", indented, indented);
  for (unsigned streamed = 0; streamed < 4; streamed++) {
    bool whole = false;
    long n;
    for (n = 0; !whole; n++) {
      mw_error err = {0};
      begin((mw_json_writer){.layout = MW_JSON_WRITER_INDENTED, .streamed = streamed});
      size_t before = memory_held;
      memory_left = n;
      say();
      whole = mw_json_writer_finish(&json, &err);
      memory_left = -1;
      CHECK(whole || err.status == MW_MEMORY);
      if (!whole) mw_text_free(&text);
      CHECK(whole || memory_held == before);
    }
    CHECK(n > 10 || !MEMORY_COUNTED);
    CHECK_TEXT(text.bytes, twice);
  }
}

typedef struct taken {
  size_t bytes, pieces, longest, refuse_from;
} taken;

static bool take(void *context, const char *bytes, size_t length) {
  taken *t = context;
  t->bytes += length;
  t->longest = length > t->longest ? length : t->longest;
  return bytes[length] == 0 && ++t->pieces != t->refuse_from;
}

/* A million objects in a list in an object take no more memory than one of them. */
static void long_document(void) {
  enum { COUNT = 1 << 20 };
  taken t = {0};
  mw_error err;
  begin((mw_json_writer){.streamed = 2, .sink = take, .context = &t});
  size_t before = memory_peak = memory_held;
  mw_json_writer_object(&json, NULL);
  mw_json_writer_list(&json, "tensors");
  for (unsigned i = 0; i < COUNT; i++) {
    mw_json_writer_object(&json, NULL);
    mw_json_writer_string(&json, "name", "layers.0.weight");
    mw_json_writer_u64(&json, "bytes", 1);
    mw_json_writer_end(&json);
  }
  mw_json_writer_end(&json);
  mw_json_writer_end(&json);
  CHECK(mw_json_writer_finish(&json, &err));
  CHECK(t.bytes == strlen("{\"tensors\":[]}\n") + (size_t)COUNT * (1 + strlen("{\"name\":\"layers.0.weight\",\"bytes\":1}")) - 1);
  CHECK(t.pieces > 100 && t.longest < 65 << 10 && text.capacity < 128 << 10);
  CHECK(memory_peak - before < 256 << 10);
}

/* A sink that is full is told of, and asked no more. */
static void full_sink(void) {
  taken t = {.refuse_from = 2};
  mw_error err;
  begin((mw_json_writer){.streamed = 1, .sink = take, .context = &t});
  mw_json_writer_list(&json, NULL);
  for (int i = 0; i < 100000; i++) mw_json_writer_string(&json, NULL, "some words that fill the room");
  mw_json_writer_end(&json);
  CHECK(!mw_json_writer_finish(&json, &err) && err.status == MW_IO && t.pieces == 2);
}

int main(void) {
  RUN(values());
  RUN(numbers());
  RUN(numbers_abroad());
  RUN(strings());
  RUN(layouts());
  RUN(nesting());
  RUN(without_memory());
  RUN(long_document());
  RUN(full_sink());
  mw_text_free(&text);
  UNIT_END();
}
