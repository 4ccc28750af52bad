/* The ground floor: text and numbers whatever the locale, foreign text made safe, memory and errors at their limits,
 * SHA-256 by the examples of FIPS 180-4. */
#include "base/dtype.h"
#include "base/mem.h"
#include "base/warning.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/utf8.h"
#include "unit.h"
#include <locale.h>
#include <stdlib.h>

static void numbers(void) {
  static const double values[] = {0, -0.0, 1, 0.1, 1.0 / 3, 1e23, 5e-324, 1.7976931348623157e308, 123456789.125};
  char room[32];
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    double back = 1;
    CHECK(mw_text_parse_number(mw_text_number(room, values[i]), &back) && memcmp(&back, &values[i], sizeof back) == 0);
  }
  CHECK_TEXT(mw_text_number(room, 0.1), "0.1");
  CHECK_TEXT(mw_text_number(room, 1.5), "1.5");
  static const struct { double bytes; const char *text; } sizes[] = {
      {0, "0 B"}, {1, "1 B"}, {999, "999 B"}, {1000, "1.00 KB"}, {9994, "9.99 KB"}, {9995, "10.0 KB"}, {99949, "99.9 KB"}, {99950, "100 KB"},
      {999499, "999 KB"}, {999500, "1.00 MB"}, {1070000000, "1.07 GB"}, {5e12, "5.00 TB"}, {1e15, "1.00 PB"}, {1.8e19, "18.0 EB"}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) CHECK_TEXT(mw_text_size(room, sizes[i].bytes), sizes[i].text);
  static const char *const refused[] = {"", " 1", "\v1", "\r1", "1 ", "1,5", "1x", "nan", "inf", "1e999", "-"};
  double number;
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) CHECK(!mw_text_parse_number(refused[i], &number));
  CHECK(mw_text_parse_number("-1.5e3", &number) && number == -1500);
  mw_text text = {0};
  mw_text_format(&text, "%.2f", 1.25);
  CHECK_TEXT(text.bytes, "1.25");
  mw_text_free(&text);
}

static void whole_numbers(void) {
  uint64_t n = 0;
  CHECK(mw_text_parse_u64("18446744073709551615", 20, &n) && n == UINT64_MAX);
  CHECK(!mw_text_parse_u64("18446744073709551616", 20, &n));
  CHECK(!mw_text_parse_u64("99999999999999999999", 20, &n));
  CHECK(!mw_text_parse_u64("", 0, &n) && !mw_text_parse_u64("-1", 2, &n) && !mw_text_parse_u64("1.0", 3, &n));
}

static void sizes(void) {
  static const struct { const char *typed; uint64_t bytes; } good[] = {
      {"1", 1}, {"1000", 1000}, {"1000B", 1000}, {"7 b", 7}, {"1K", 1000}, {"1k", 1000}, {"1KB", 1000}, {"1kB", 1000}, {"1KiB", 1024},
      {"1 Ki", 1024}, {"500 mb", 500000000}, {"500 MB", 500000000}, {"512MiB", 512 << 20}, {"5GB", 5000000000}, {"5gb", 5000000000},
      {"4GiB", 4ull << 30}, {"2TB", 2000000000000}, {"2TiB", 2ull << 40}, {"1.5GB", 1500000000}, {".5K", 500}, {"4.35GB", 4350000000},
      {"0.5KiB", 512}, {"1e9", 1000000000}, {"1e3 MB", 1000000000}, {"9007199254740993", 9007199254740992}};
  static const char *const refused[] = {"", " ", "0", "0GB", "0.4", "GB", "B", "-1", "-1GB", "+1GB", "5XB", "5GBs", "5 GB ", "5  GB", " 5GB", "5iB", "5Gb i", "5GIB",
                                        "0x10", "1e", "1e999", "inf", "nan", "1,5GB", "99999999999999TB", "9e18", "5G\nB", "5\x0bGB",
                                        "0000000000000000000000000000000000001"};
  uint64_t bytes = 0;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    bool whole = mw_text_parse_size(good[i].typed, &bytes) && bytes == good[i].bytes;
    if (!whole) printf("size '%s'\n", good[i].typed);
    CHECK(whole);
  }
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    if (mw_text_parse_size(refused[i], &bytes)) printf("size '%s'\n", refused[i]);
    CHECK(!mw_text_parse_size(refused[i], &bytes));
  }
}

/* The same once more where a decimal point is a comma, if this machine has such a locale. */
static void numbers_abroad(void) {
  static const char *const abroad[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
  for (size_t i = 0; i < sizeof abroad / sizeof *abroad; i++)
    if (setlocale(LC_ALL, abroad[i])) {
      numbers();
      sizes();
      break;
    }
  setlocale(LC_ALL, "C");
}

/* What the bytes begin with: a code point of that length, or none. */
static void utf8(void) {
  enum { NONE = -1 };
  static const struct { const char *bytes; int64_t code; } cases[] = {
      {"a", 'a'}, {"\x7f", 0x7f}, {"\xc2\x80", 0x80}, {"\xc3\xa9", 0xe9}, {"\xdf\xbf", 0x7ff}, {"\xe0\xa0\x80", 0x800},
      {"\xe2\x82\xac", 0x20ac}, {"\xed\x9f\xbf", 0xd7ff}, {"\xee\x80\x80", 0xe000}, {"\xef\xbf\xbf", 0xffff},
      {"\xf0\x90\x80\x80", 0x10000}, {"\xf0\x9f\x98\x80", 0x1f600}, {"\xf4\x8f\xbf\xbf", 0x10ffff},
      {"\xc0\x80", NONE}, {"\xc0\xaf", NONE}, {"\xc1\xbf", NONE}, {"\xe0\x80\xaf", NONE}, {"\xe0\x9f\xbf", NONE}, /* overlong */
      {"\xf0\x80\x80\xaf", NONE}, {"\xf0\x8f\xbf\xbf", NONE},
      {"\xed\xa0\x80", NONE}, {"\xed\xbf\xbf", NONE}, /* surrogates */
      {"\xf4\x90\x80\x80", NONE}, {"\xf5\x80\x80\x80", NONE}, {"\xf8\x88\x80\x80\x80", NONE}, {"\xff", NONE}, /* above U+10FFFF */
      {"\x80", NONE}, {"\xbf", NONE}, {"\xc3\x28", NONE}, {"\xe2\x82\x28", NONE}, {"\xe2\x28\xac", NONE}, {"\xf0\x9f\x98\xc0", NONE},
      {"\xc3", NONE}, {"\xe2\x82", NONE}, {"\xe2", NONE}, {"\xf0\x9f\x98", NONE}}; /* cut off */
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *bytes = cases[i].bytes;
    uint32_t code = 0;
    char back[5] = "", text[8];
    size_t length = strlen(bytes);
    bool good = cases[i].code != NONE;
    CHECK(mw_utf8_decode(bytes, length, &code) == (good ? length : 1) && code == (good ? (uint32_t)cases[i].code : MW_UTF8_BAD));
    CHECK(mw_utf8_decode(bytes, 4, &code) == (good ? length : 1)); /* a NUL ends it, too */
    if (good) CHECK(mw_utf8_encode(code, back) == length && strcmp(back, bytes) == 0 && mw_utf8_length(*bytes) == length);
    if (length > 1) CHECK(mw_utf8_decode(bytes, length - 1, &code) == 1 && code == MW_UTF8_BAD);
    CHECK(mw_utf8_valid(bytes, length) == good);
    snprintf(text, sizeof text, "a%sz", bytes);
    CHECK(mw_utf8_valid(text, strlen(text)) == good);
  }
  CHECK(mw_utf8_valid("", 0) && mw_utf8_valid("a\0b", 3));
  CHECK(mw_utf8_continues('\x80') && mw_utf8_continues('\xbf') && !mw_utf8_continues('\x7f') && !mw_utf8_continues('\xc2'));
}

static void shown(void) {
  mw_text_escaped room;
  char wide[1000];
  CHECK_TEXT(mw_text_escape_z(&room, "model.weight"), "model.weight");
  CHECK_TEXT(mw_text_escape_z(&room, "\xc2\x9b" "31m\xe2\x80\xae \x9b \xe2\x82\xac"), "\\u009b31m\\u202e \\x9b \xe2\x82\xac");
  CHECK(mw_text_is_same_word("MIN", "min") && mw_text_is_same_word("", "") && !mw_text_is_same_word("min", "mi") && !mw_text_is_same_word("[", "{"));
  CHECK(mw_text_is_plain("50 \xe2\x82\xac", 6) && mw_text_is_plain("", 0) && !mw_text_is_plain("a\n", 2) && !mw_text_is_plain("\xe2\x82", 2));
  CHECK_TEXT(mw_text_escape_z(&room, "a\nb\x1b[31m\x7f"), "a\\x0ab\\x1b[31m\\x7f");
  CHECK_TEXT(mw_text_escape_z(&room, "\xff" "\xc3\xa9" "\xc2\x85" "\xe2\x80\xae"), "\\xff\xc3\xa9\\u0085\\u202e");
  CHECK_TEXT(mw_text_escape(&room, "a\0b", 3), "a\\x00b");
  CHECK_TEXT(mw_text_escape(&room, "", 0), "");
  memset(wide, '\n', sizeof wide);
  CHECK(strlen(mw_text_escape(&room, wide, sizeof wide)) == 203);
  /* A cut never splits a character. */
  for (size_t i = 0; i + 3 <= sizeof wide; i += 3) memcpy(wide + i, "\xe2\x82\xac", 3);
  mw_text_escape(&room, wide, 999);
  CHECK(strlen(room.bytes) == 201 && mw_utf8_valid(room.bytes, strlen(room.bytes)));
}

static void json_strings(void) {
  mw_text text = {0};
  mw_error err;
  mw_text_json(&text, "\xc3\xa9 \xff\xc3", 5);
  CHECK_TEXT(text.bytes, "\"\xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd\"");
  mw_text_free(&text);
  mw_text_shell(&text, "a\xff'%b");
  CHECK_TEXT(text.bytes, "\"$(printf 'a\\377\\047\\045b')\"");
  mw_text_free(&text);
  mw_text_json(&text, "a\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9\0", 15);
  CHECK_TEXT(text.bytes, "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\\u0000\"");
  CHECK(mw_text_check(&text, &err));
  mw_text_free(&text);
  for (int i = 0; i < 1000; i++) mw_text_format(&text, "%s", "0123456789");
  CHECK(text.length == 10000 && strlen(text.bytes) == 10000);
  mw_text_format(&text, "%*d", 2000, 7);
  CHECK(text.length == 12000 && text.bytes[11999] == '7');
  mw_text_add(&text, "x", SIZE_MAX - 1);
  CHECK(text.failed && text.length == 12000 && !mw_text_check(&text, &err) && err.status == MW_MEMORY);
  mw_text_free(&text);
}

static void words(void) {
  CHECK(mw_text_ends_with("a.txt", ".txt") && mw_text_ends_with(".txt", ".txt") && mw_text_ends_with("a", ""));
  CHECK(!mw_text_ends_with("txt", ".txt") && !mw_text_ends_with("a.txt.gz", ".txt") && !mw_text_ends_with("a.TXT", ".txt"));
  CHECK(mw_text_distance("weight", "weight", 3) == 0);
  CHECK(mw_text_distance("wieght", "weight", 3) == 1);
  const char *long_word = "a word that has more letters than are compared with another word's";
  CHECK(mw_text_distance(long_word, long_word, 3) == 0 && mw_text_distance(long_word, long_word + 1, 3) == 4);
  CHECK(mw_text_distance("ab", "ba", 3) == 1 && mw_text_distance("abc", "ca", 3) == 3 && mw_text_distance("jsno", "json", 1) == 1);
  CHECK(mw_text_distance("kitten", "sitting", 3) == 3);
  CHECK(mw_text_distance("kitten", "sitting", 2) == 3);
  CHECK(mw_text_distance("", "abc", 1) == 2);
  static const struct { const char *pattern, *string; bool matches; } cases[] = {
      {"", "", true}, {"*", "", true}, {"*", "abc", true}, {"?", "", false}, {"a?c", "abc", true}, {"a?c", "ac", false},
      {"*.weight", "a.b.weight", true}, {"*.weight", "a.weight.x", false}, {"**a**", "bab", true},
      {"layers.[0-9].*", "layers.7.mlp", true}, {"layers.[0-9].*", "layers.x.mlp", false}, {"[abc]", "b", true},
      {"[]]", "]", true}, {"[]a]", "a", true}, {"[a-]", "-", true}, {"[", "[", true}, {"a[", "a[", true}, {"[a", "[a", true},
      {"[]", "[]", true}, {"*[x]", "aax", true}, {"*a*b*c", "xxaxxbxxc", true}, {"*a*b*c", "xxaxxbxx", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bool matches = mw_text_glob(cases[i].pattern, cases[i].string);
    if (matches != cases[i].matches) printf("glob '%s' '%s'\n", cases[i].pattern, cases[i].string);
    CHECK(matches == cases[i].matches);
  }
  /* Neither stars nor brackets without an end may cost more than the product of the lengths. */
  enum { LONG = 4000 };
  char pattern[LONG + 1], string[LONG + 1];
  memset(pattern, '[', LONG), memset(string, '[', LONG);
  pattern[0] = '*', pattern[LONG] = string[LONG] = 0;
  pattern[LONG - 1] = 'x';
  CHECK(!mw_text_glob(pattern, string));
  for (int i = 0; i < LONG; i += 2) pattern[i] = '*';
  CHECK(!mw_text_glob(pattern, string));
}

static void memory(void) {
  mw_error err = {0};
  mw_arena arena = {0};
  void *none = mw_mem_new(0, 8, &err);
  CHECK(none != NULL);
  free(none);
  CHECK(!mw_mem_new(SIZE_MAX / 2, 4, &err) && err.status == MW_MEMORY);
  int *list = NULL;
  size_t capacity = 0;
  CHECK(mw_mem_grow(&list, &capacity, 3, sizeof *list, &err) && list && capacity >= 3);
  err.status = MW_OK;
  CHECK(!mw_mem_grow(&list, &capacity, SIZE_MAX / 2, sizeof *list, &err) && err.status == MW_MEMORY && list);
  free(list);
  bool aligned = true, zeroed = true;
  for (size_t i = 0; i < 3000; i++) {
    unsigned char *piece = mw_mem_take(&arena, i, &err);
    if (!piece) break;
    aligned &= (uintptr_t)piece % 16 == 0;
    for (size_t j = 0; j < i; j++) zeroed &= piece[j] == 0;
    memset(piece, 0xff, i);
  }
  CHECK(aligned && zeroed);
  CHECK_TEXT(mw_mem_copy(&arena, "abc", 2, &err), "ab");
  /* Sizes that overflow when rounded up or with a header before them. */
  bool impossible = true;
  for (size_t i = 0; i < 80; i++) {
    err.status = MW_OK;
    impossible &= !mw_mem_take(&arena, SIZE_MAX - i, &err) && err.status == MW_MEMORY;
  }
  CHECK(impossible);
  CHECK(!mw_mem_copy(&arena, "", SIZE_MAX, &err));
  mw_mem_release(&arena);
  CHECK(arena.block == NULL);
}

static void errors(void) {
  mw_error err = {0};
  mw_warning warnings = {0};
  char wide[1200];
  CHECK(!mw_error_set(&err, MW_DATA, "shape: found %d", 3) && err.status == MW_DATA);
  CHECK(!mw_error_wrap(&err, "file %s", "f") && err.status == MW_DATA);
  CHECK_TEXT(err.text, "file f: shape: found 3");
  CHECK(!mw_error_hint(&err, "try %s", "again"));
  CHECK_TEXT(err.hint, "try again");
  memset(wide, 'x', sizeof wide - 1), wide[sizeof wide - 1] = 0;
  mw_error_wrap(&err, "%s", wide);
  CHECK(strlen(err.text) == sizeof err.text - 1 || strlen(err.text) == sizeof err.text - 2);
  mw_error_set(&err, MW_USAGE, "%s", wide);
  CHECK(strlen(err.text) == sizeof err.text - 1 && err.hint[0] == 0);
  mw_warning_add(&warnings, "one %d", 1), mw_warning_add(&warnings, "one 1"), mw_warning_add(&warnings, "two"), mw_warning_add(NULL, "none");
  CHECK(warnings.count == 2);
  mw_warning_free(&warnings);
}

static void shapes(void) {
  mw_text text = {0};
  mw_text_shape(&text, NULL, 0);
  mw_text_shape(&text, (const uint64_t[]){2, 3}, 2);
  mw_text_shape(&text, (const uint64_t[]){UINT64_MAX}, 1);
  CHECK_TEXT(text.bytes, "[][2,3][18446744073709551615]");
  mw_text_free(&text);
}

static void dtypes(void) {
  mw_dtype dtype;
  for (int i = 0; i < MW_DTYPE_COUNT; i++) {
    const char *name = mw_dtype_name((mw_dtype)i);
    CHECK(mw_dtype_parse(name, strlen(name), &dtype) && dtype == (mw_dtype)i);
  }
  CHECK(MW_DTYPE_COUNT == 22 && mw_dtype_bits(MW_DTYPE_F4) == 4 && mw_dtype_size(MW_DTYPE_F64) == 8);
  static const struct { const char *word, *torch; mw_dtype dtype; } words[] = {
      {"f32", "float32", MW_DTYPE_F32}, {"f16", "float16", MW_DTYPE_F16}, {"bf16", "bfloat16", MW_DTYPE_BF16}, {"f64", "float64", MW_DTYPE_F64}};
  int spelt = 0;
  for (int i = 0; i < MW_DTYPE_COUNT; i++) spelt += mw_dtype_torch((mw_dtype)i) != NULL;
  CHECK(spelt == 4);
  for (size_t i = 0; i < 4; i++) {
    CHECK(mw_dtype_of_word(words[i].word, &dtype) && dtype == words[i].dtype);
    CHECK_TEXT(mw_dtype_torch(dtype), words[i].torch);
  }
  CHECK(!mw_dtype_of_word("F32", &dtype) && !mw_dtype_of_word("keep", &dtype) && !mw_dtype_of_word("", &dtype) && !mw_dtype_of_word("float32", &dtype));
  CHECK(!mw_dtype_parse("f32", 3, &dtype) && !mw_dtype_parse("F3", 2, &dtype) && !mw_dtype_parse("F321", 4, &dtype));
}

static void sha256(const char *piece, int times, const char *expected) {
  mw_sha256 hash;
  char hex[65];
  mw_sha256_init(&hash);
  for (int i = 0; i < times; i++) mw_sha256_add(&hash, piece, strlen(piece));
  mw_sha256_finish(&hash, hex);
  CHECK_TEXT(hex, expected);
  if (times == 1) mw_sha256_of(piece, strlen(piece), hex);
  CHECK_TEXT(hex, expected);
}

int main(void) {
  RUN(numbers());
  RUN(numbers_abroad());
  RUN(whole_numbers());
  RUN(sizes());
  RUN(utf8());
  RUN(shown());
  RUN(json_strings());
  RUN(words());
  RUN(memory());
  RUN(errors());
  RUN(shapes());
  RUN(dtypes());
  RUN(sha256("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  RUN(sha256("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  RUN(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"));
  RUN(sha256("aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"));
  UNIT_END();
}
