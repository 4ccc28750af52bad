/* JSON from strangers: what is refused and with which word, duplicate keys however they are spelt, the walk over what is
 * good, the cost of many keys, and an object that is read member by member. */
#include "format/json_members.h"
#include "unit.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH = 32 };

/* Checks a copy that ends where the text ends, so that a sanitizer sees a byte read too many. */
static bool check(const char *text, size_t length, mw_error *err) {
  mw_json root;
  char *copy = malloc(length ? length : 1);
  if (!copy) return false;
  memcpy(copy, text, length);
  bool ok = mw_json_check("text", copy, length, DEPTH, &root, err);
  free(copy);
  return ok;
}

static void accepted(void) {
  static const char *const texts[] = {
      "{}", "[]", "0", "-0", "\"\"", "true", "false", "null", " \t\r\n[ 1 , 2 ] \n", "{\"a\":{\"a\":[{\"a\":1}]}}",
      "[1.5,-2e10,3E-7,0.0,1e+1,123456789012345678901234567890]", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"",
      "[[[]],{},[{}]]", "{\"a\":1,\"A\":2,\"\":3,\"\\u0000\":4}", "\"\\ud800\"", "{\"\\ud800\":1,\"\\ud801\":2,\"\\udc00\":3}",
      "{\"a\\u0000\":1,\"a\":2}", "{\"\\ud800\\u0041\":1,\"\\ud800\\ue000\":2,\"\\ud800x\":3,\"\\ud800\\\\\":4}"};
  mw_error err = {0};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    bool ok = check(texts[i], strlen(texts[i]), &err);
    if (!ok) printf("%s: %s\n", texts[i], err.text);
    CHECK(ok);
  }
}

/* Parts of texts that nobody checked: found, or not, and never beyond the end. */
static void skimmed(void) {
  static const struct { const char *text, *name, *found; } cases[] = {
      {"{\"a\":1,\"b\":[1,{\"b\":2}],\"c\":3}", "b", "[1,{\"b\":2}]"}, {" {\"a\" : \"}\\\"{\" , \"b\" : true }", "b", "true"},
      {"{\"a\":{\"b\":1}}", "b", NULL}, {"{\"a\":[}]}", "a", "[}"}, {"{\"a\":{\"b\":[1", "a", "{\"b\":[1"}, {"{\"a\":\"x", "a", "\"x"},
      {"{\"a\":\"x\\", "a", "\"x\\"}, {"{\"a\":", "a", NULL}, {"{\"a\":\"", "a", "\""}, {"{\"a\":12", "a", "12"}, {"{\"a\"", "a", NULL}, {"{\"a", "a", NULL}, {"{", "a", NULL}, {"", "a", NULL},
      {"[1]", "a", NULL}, {"{x}", "a", NULL}, {"{\"a\" 1}", "a", NULL}, {"{\"\\u0061\":1}", "a", NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t length = strlen(cases[i].text);
    char *copy = malloc(length ? length : 1);
    if (!copy) return;
    memcpy(copy, cases[i].text, length);
    mw_json part = mw_json_skim((mw_json){MW_JSON_OBJECT, copy, length}, cases[i].name);
    bool good = cases[i].found ? part.length == strlen(cases[i].found) && memcmp(part.bytes, cases[i].found, part.length) == 0
                               : part.kind == MW_JSON_END;
    if (!good) printf("%s: %.*s\n", cases[i].text, (int)part.length, part.bytes ? part.bytes : "");
    CHECK(good);
    free(copy);
  }
  CHECK(mw_json_skim((mw_json){0}, "a").kind == MW_JSON_END);
  mw_json key, value;
  mw_json_walk nothing = mw_json_enter((mw_json){MW_JSON_NUMBER, "1", 1});
  CHECK(!mw_json_next(&nothing, &key, &value));
  CHECK(mw_json_is_text((mw_json){MW_JSON_STRING, "\"\\ue000\"", 8}) && !mw_json_is_text((mw_json){MW_JSON_STRING, "\"\\udfff\"", 8}));
}

/* Members of an unchecked object as long as they are plain: how many, the sum of their numbers, and whether the object ended there. */
static void skimmed_numbers(void) {
  static const struct { const char *text; int count, sum; bool ended; } cases[] = {
      {"\"a\":1,\"b\" : 22 , \"}\\\"\":3}", 3, 26, true}, {"}", 0, 0, true}, {"", 0, 0, false}, {"\"a\":1", 1, 1, false},
      {"\"a\":1.5}", 1, 1, false}, {"\"a\":-1}", 0, 0, false}, {"\"a\":null}", 0, 0, false}, {"\"a\":[1]}", 0, 0, false},
      {"\"a\":1234567890123456}", 0, 0, false}, {"\"a\":12345678901234567}", 0, 0, false}, {"\"a\" 1}", 0, 0, false}, {"\"a", 0, 0, false}, {"a:1}", 0, 0, false},
      {"\"a\":1,,\"b\":2}", 1, 1, false}, {"\"a\\\\\":1,\"b\\", 1, 1, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t length = strlen(cases[i].text);
    char *copy = malloc(length ? length : 1);
    if (!copy) return;
    memcpy(copy, cases[i].text, length);
    mw_json_walk walk = {copy, copy + length};
    mw_json key;
    uint64_t number;
    int count = 0, sum = 0;
    for (; mw_json_skim_number(&walk, &key, &number); count++) sum += (int)number;
    bool good = count == cases[i].count && sum == cases[i].sum && (walk.at < walk.end && *walk.at == '}') == cases[i].ended;
    if (!good) printf("%s: %d members, sum %d\n", cases[i].text, count, sum);
    CHECK(good);
    free(copy);
  }
}

static void refused(void) {
  static const struct { const char *text, *word; } cases[] = {
      {"", "JSON"}, {" ", "JSON"}, {"{", "JSON"}, {"[", "JSON"}, {"]", "JSON"}, {"[}", "JSON"}, {"{]", "JSON"},
      {"[1,]", "JSON"}, {"[,1]", "JSON"}, {"[1 2]", "JSON"}, {"{\"a\"}", "JSON"}, {"{\"a\":}", "JSON"}, {"{\"a\":1,}", "JSON"},
      {"{a:1}", "JSON"}, {"{1:1}", "JSON"}, {"{\"a\" 1}", "JSON"}, {"01", "JSON"}, {"-", "JSON"}, {"-01", "JSON"}, {"+1", "JSON"},
      {".5", "JSON"}, {"1.", "JSON"}, {"1e", "JSON"}, {"1e+", "JSON"}, {"0x10", "JSON"}, {"NaN", "JSON"}, {"Infinity", "JSON"},
      {"tru", "JSON"}, {"truex", "JSON"}, {"nul", "JSON"}, {"True", "JSON"}, {"'a'", "JSON"}, {"\"", "JSON"}, {"\"\\", "JSON"},
      {"\"\\u", "JSON"}, {"\"\\u12", "JSON"}, {"\"\\u12\"", "JSON"}, {"\"\\u12g4\"", "JSON"}, {"\"\\x41\"", "JSON"},
      {"\"\\u+123\"", "JSON"}, {"\"a\nb\"", "JSON"}, {"1 2", "JSON"}, {"{}{}", "JSON"}, {"[] /* c */", "JSON"}, {"// c\n1", "JSON"},
      {"[tru", "JSON"}, {"trxe", "JSON"}, {":colon and more", "JSON"}, {"404: Not Found", "JSON"}, {"zebra and lion", "JSON"}, {"Zebra and lion", "JSON"}, {"~tilde and more", "JSON"},
      {"@at and so on", "JSON"}, {"{\"a\":\"\\ue000\",\"b\":1,\"\\ue000\":1,\"\\uE000\":2}", "duplicate"},
      {"\xef\xbb\xbf{}", "JSON"}, {"\xc2\xa0{}", "JSON"}, {"\"\xc0\x80\"", "UTF-8"}, {"\"\xff\"", "UTF-8"},
      {"\"\xed\xa0\x80\"", "UTF-8"}, {"\"\xc3", "UTF-8"},
      {"{\"a\":1,\"a\":1}", "duplicate"}, {"{\"a\":1,\"\\u0061\":2}", "duplicate"}, {"[{\"a\":1,\"b\":2,\"a\":3}]", "duplicate"},
      {"{\"\xc3\xa9\":1,\"\\u00e9\":2}", "duplicate"}, {"{\"\\u20AC\":1,\"\xe2\x82\xac\":2}", "duplicate"},
      {"{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", "duplicate"}, {"{\"/\":1,\"\\/\":2}", "duplicate"},
      {"{\"\\n\":1,\"\\u000A\":2}", "duplicate"}, {"{\"\":1,\"\":2}", "duplicate"}, {"{\"\\ud800\":1,\"\\uD800\":2}", "duplicate"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mw_error err = {0};
    bool ok = check(cases[i].text, strlen(cases[i].text), &err);
    bool good = !ok && err.status == MW_DATA && strstr(err.text, cases[i].word) && strncmp(err.text, "text: ", 6) == 0;
    if (!good) printf("%s: %s\n", cases[i].text, ok ? "accepted" : err.text);
    CHECK(good);
  }
  mw_error err = {0};
  CHECK(!check("[]\0", 3, &err) && strstr(err.text, "JSON"));
  CHECK(!check("\"a\0b\"", 5, &err) && strstr(err.text, "JSON"));
  CHECK(!check("\"\\\0\"", 4, &err) && strstr(err.text, "an unknown escape"));
  mw_json root;
  CHECK(!mw_json_check("text", "[]", UINT32_MAX, DEPTH, &root, &err) && strstr(err.text, "4294967295 bytes of JSON are too many"));
  CHECK(!check("{\"\x1b[31m\":1}", 10, &err) && !strchr(err.text, '\x1b'));
}

/* Every beginning of a good text is refused, and read within its bounds. */
static void beginnings(void) {
  static const char text[] = "{\"a\\u00e9\\ud83d\\ude00\":[1,-2.5e+3,true,null,{\"b\":\"\\n\xc3\xa9\"}],\"c\":false}";
  mw_error err = {0};
  int accepted = 0;
  for (size_t i = 0; i < sizeof text - 1; i++) accepted += check(text, i, &err);
  CHECK(accepted == 0 && check(text, sizeof text - 1, &err));
}

static void nesting(void) {
  mw_error err = {0};
  char text[2 * DEPTH + 2];
  memset(text, '[', DEPTH + 1), memset(text + DEPTH + 1, ']', DEPTH + 1);
  CHECK(check(text + 1, 2 * DEPTH, &err));
  CHECK(!check(text, 2 * DEPTH + 2, &err) && err.status == MW_DATA && strstr(err.text, "nesting"));
}

static void walking(void) {
  static const char text[] = " {\"shape\" : [1, 22 ,333], \"d\\u0074ype\":\"F32\", \"s\":\"a\\u0000b\\u20ac\\\"]}\", \"n\":-1.5e1,"
                             " \"deep\":{\"x\":[[{}],\"}\"]}, \"lone\":\"\\udc00\", \"last\":null} ";
  mw_error err = {0};
  mw_arena arena = {0};
  mw_json root, key, value;
  const char *string;
  size_t length;
  uint64_t n, sum = 0;
  double number;
  CHECK(mw_json_check("text", text, sizeof text - 1, DEPTH, &root, &err) && root.kind == MW_JSON_OBJECT);
  CHECK(root.bytes[0] == '{' && root.bytes[root.length - 1] == '}');
  int members = 0;
  for (mw_json_walk walk = mw_json_enter(root); mw_json_next(&walk, &key, &value); members++) CHECK(key.kind == MW_JSON_STRING);
  CHECK(members == 7);
  for (mw_json_walk walk = mw_json_enter(mw_json_member(root, "shape")); mw_json_next(&walk, NULL, &value);)
    if (mw_json_u64(value, &n)) sum += n;
  CHECK(sum == 356);
  CHECK(mw_json_equals(mw_json_member(root, "dtype"), "F32") && !mw_json_equals(mw_json_member(root, "dtype"), "F3"));
  CHECK(mw_json_string(mw_json_member(root, "s"), &arena, &string, &length, &err));
  CHECK(length == 9 && memcmp(string, "a\0b\xe2\x82\xac\"]}", 10) == 0);
  CHECK(mw_json_double(mw_json_member(root, "n"), &number) && number == -15 && !mw_json_u64(mw_json_member(root, "n"), &n));
  CHECK(mw_json_member(root, "deep").length == strlen("{\"x\":[[{}],\"}\"]}"));
  CHECK(mw_json_is_text(mw_json_member(root, "s")) && !mw_json_is_text(mw_json_member(root, "lone")));
  CHECK(!mw_json_is_text(mw_json_member(root, "last")));
  CHECK(!mw_json_string(mw_json_member(root, "lone"), &arena, &string, &length, &err) && err.status == MW_DATA);
  CHECK(strstr(err.text, "lone surrogate") != NULL);
  CHECK(mw_json_member(root, "last").kind == MW_JSON_NULL && mw_json_member(root, "none").kind == MW_JSON_END);
  CHECK(mw_json_member(value, "shape").kind == MW_JSON_END);
  CHECK(mw_json_check("text", "18446744073709551616", 20, DEPTH, &root, &err) && !mw_json_u64(root, &n));
  int values = 0; /* an object, without a look at its keys */
  CHECK(mw_json_check("text", "{\"a\":1,\"b\":2}\t\r\n ", 17, DEPTH, &root, &err) && root.length == 13);
  for (mw_json_walk walk = mw_json_enter(root); mw_json_next(&walk, NULL, &value); values++) CHECK(value.kind == MW_JSON_NUMBER);
  CHECK(values == 2 && !mw_json_u64(root, &n) && !mw_json_double(root, &number));
  char digits[80]; /* no number that we take has so many */
  memset(digits, '1', sizeof digits);
  CHECK(mw_json_check("text", digits, sizeof digits, DEPTH, &root, &err) && !mw_json_double(root, &number) && !mw_json_u64(root, &n));
  CHECK(mw_json_check("text", digits, 63, DEPTH, &root, &err) && mw_json_double(root, &number) && number > 1.1e62 && number < 1.2e62);
  mw_mem_release(&arena);
}

/* A key with an escaped NUL ends no comparison early and leads none past the end of the other text. */
static void hidden_nul(void) {
  static const char text[] = "{\"dtype\\u0000x\":1,\"dtype\\u0000\":2}";
  mw_error err = {0};
  mw_json root = {0}, key, value;
  char *name = strdup("dtype");
  CHECK(name && mw_json_check("text", text, sizeof text - 1, DEPTH, &root, &err));
  for (mw_json_walk walk = mw_json_enter(root); mw_json_next(&walk, &key, &value);) CHECK(!mw_json_equals(key, name));
  CHECK(mw_json_member(root, name).kind == MW_JSON_END);
  free(name);
}

/* A million keys, once all different and once with the last one twice. The bound is generous: sanitizers are slow. */
static void many_keys(void) {
  mw_text text = {0};
  mw_error err = {0};
  mw_json root;
  for (int i = 0; i < 1000000; i++) {
    char entry[32];
    mw_text_add(&text, entry, (size_t)snprintf(entry, sizeof entry, "%c\"k%d\":0", i ? ',' : '{', i));
  }
  mw_text_add(&text, "}", 1);
  clock_t start = clock();
  CHECK(mw_json_check("text", text.bytes, text.length, DEPTH, &root, &err));
  text.bytes[text.length - 1] = ',';
  mw_text_format(&text, "\"\\u006b999999\":0}");
  CHECK(!mw_json_check("text", text.bytes, text.length, DEPTH, &root, &err) && strstr(err.text, "duplicate"));
  CHECK((double)(clock() - start) / CLOCKS_PER_SEC < 20);
  mw_text_free(&text);
}

/* What is not there is no text, and is not looked into. */
static void nothing(void) {
  mw_json none = {0};
  CHECK(!mw_json_equals(none, "") && !mw_json_equals(none, "a") && !mw_json_is_text(none));
}

/* ---- member by member ---- */

enum { PIECE = 64 << 10 }; /* as json_members.c reads */

/* How many members are read of a text with so many spaces before it, or -1. */
static int members_of(int fd, const char *text, size_t spaces) {
  static char path[] = "text", whole[3 * PIECE];
  size_t length = spaces + strlen(text);
  memset(whole, ' ', spaces);
  memcpy(whole + spaces, text, strlen(text));
  CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, whole, length, 0) == (ssize_t)length);
  mw_file file = {.path = path, .fd = fd, .size = length};
  mw_json_members members = {.file = &file, .end = length, .depth = DEPTH};
  mw_json member, key, value;
  mw_error err = {0};
  int count = 0;
  bool ok;
  while ((ok = mw_json_members_next(&members, &member, &err)) && member.kind == MW_JSON_OBJECT) {
    mw_json_walk walk = mw_json_enter(member);
    CHECK(mw_json_next(&walk, &key, &value) && key.kind == MW_JSON_STRING && !mw_json_next(&walk, &key, &value));
    count++;
  }
  CHECK(ok || err.status == MW_DATA);
  mw_json_members_free(&members);
  return ok ? count : -1;
}

/* The same is good as in one piece, wherever a piece ends. */
static void members(void) {
  static const struct { const char *text; int count; } cases[] = {
      {"{}", 0}, {" { } ", 0}, {"{\"a\":1}", 1}, {"{\"a\":1,\"b\":[1,{\"c\":\"]}\"},{}],\"\\\\\":\"\\\"\" , \"d\" : { } }\n", 4},
      {"{\"\xc3\xa9,\":\"\\u00e9}\"}", 1}, {"", -1}, {"{", -1}, {"[1]", -1}, {"1", -1}, {"{,}", -1}, {"{\"a\":1,}", -1}, {"{,\"a\":1}", -1},
      {"{\"a\":1,,\"b\":2}", -1}, {"{\"a\":1]", -1}, {"{\"a\":[1}", -1}, {"{\"a\":[1}]}", -1}, {"{\"a\"}", -1}, {"{\"a\":1}}", -1},
      {"{\"a\":1} x", -1}, {"{\"a\":1}{\"b\":1}", -1}, {"{\"a\":\"\xff\"}", -1}, {"{\"a\":{\"b\":1,\"b\":1}}", -1}, {"{\"a\":01}", -1},
      {"{\"a\":1 \"b\":2}", -1}, {"{\"a\":\"\\", -1}, {"{\"a\":1,\"b", -1}};
  int fd = memfd_create("text", 0);
  mw_error err;
  CHECK(fd >= 0);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t length = strlen(cases[i].text);
    const char *open = strchr(cases[i].text, '{');
    CHECK((cases[i].count >= 0) == (check(cases[i].text, length, &err) && open && open < cases[i].text + 2));
    CHECK(members_of(fd, cases[i].text, 0) == cases[i].count);
    for (size_t end = 0; end <= length; end++) CHECK(members_of(fd, cases[i].text, PIECE - end) == cases[i].count);
  }
  char *text = malloc(2 * PIECE + 1);
  CHECK(text != NULL);
  memset(text, 'x', 2 * PIECE);
  memcpy(text, "{\"a\":\"", 6);
  memcpy(text + 2 * PIECE - 8, "\",\"b\":1}", 9);
  CHECK(members_of(fd, text, 0) == 2 && members_of(fd, text, PIECE - 3) == 2); /* a member longer than a piece */
  free(text);
  close(fd);
}

/* The next member may be looked at and passed over, where a reader knows where it ends. */
static void members_passed(void) {
  static const char text[] = "\t\r{\"a\":1,\"bc\":2}\t\r";
  mw_error err = {0};
  int fd = memfd_create("json", 0);
  CHECK(pwrite(fd, text, sizeof text - 1, 0) == (ssize_t)sizeof text - 1);
  mw_file file = {.path = (char *)"json", .fd = fd, .size = sizeof text - 1};
  mw_json_members members = {.file = &file, .end = file.size, .depth = DEPTH};
  mw_json member;
  size_t length;
  CHECK(!mw_json_members_peek(&members, &length) && length == 0);
  CHECK(mw_json_members_next(&members, &member, &err) && member.kind == MW_JSON_OBJECT);
  const char *next = mw_json_members_peek(&members, &length);
  CHECK(next && length >= 7 && memcmp(next, "\"bc\":2}", 7) == 0);
  CHECK(!mw_json_members_pass(&members, 1000) && !mw_json_members_pass(&members, 2) && mw_json_members_pass(&members, 6));
  CHECK(!mw_json_members_peek(&members, &length));
  CHECK(mw_json_members_next(&members, &member, &err) && member.kind == MW_JSON_END);
  mw_json_members_free(&members);
  /* A comma at the very end of a piece of 64 KB: nothing of the next member is there to look at. */
  char *large = malloc(PIECE + 7);
  memset(large, 'x', PIECE);
  memcpy(large, "{\"a\":\"", 6);
  memcpy(large + PIECE - 2, "\",\"b\":1}", 8);
  CHECK(pwrite(fd, large, PIECE + 6, 0) == PIECE + 6);
  file.size = PIECE + 6;
  members = (mw_json_members){.file = &file, .end = file.size, .depth = DEPTH};
  CHECK(mw_json_members_next(&members, &member, &err) && !mw_json_members_peek(&members, &length));
  CHECK(mw_json_members_next(&members, &member, &err) && member.kind == MW_JSON_OBJECT);
  mw_json_members_free(&members);
  free(large);
  close(fd);
}

int main(void) {
  RUN(members_passed());
  RUN(nothing());
  RUN(accepted());
  RUN(skimmed());
  RUN(skimmed_numbers());
  RUN(refused());
  RUN(beginnings());
  RUN(nesting());
  RUN(walking());
  RUN(hidden_nul());
  RUN(many_keys());
  RUN(members());
  UNIT_END();
}
