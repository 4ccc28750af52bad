/* Patterns as the reference's dialect has them: classes for every code point against the measured tables, what means the
 * same in PCRE2 and what is refused, and bounds on what a stranger's pattern may take. */
#include "base/utf8.h"
#include "format/file.h"
#include "format/json.h"
#include "text/pattern.h"
#include "unit.h"
#include <stdlib.h>
#include <time.h>

enum { CODES = 0x110000 };

/* ---- classes ---- */

/* Sets bit `bit` of every code point that the table's class has. */
static void mark(unsigned char *codes, mw_json classes, const char *name, unsigned bit) {
  mw_json range, number, table = mw_json_member(classes, name);
  size_t count = 0;
  for (mw_json_walk walk = mw_json_enter(table); mw_json_next(&walk, NULL, &range); count++) {
    uint64_t ends[2] = {0};
    mw_json_walk inner = mw_json_enter(range);
    for (int i = 0; i < 2 && mw_json_next(&inner, NULL, &number); i++) mw_json_u64(number, &ends[i]);
    for (uint64_t c = ends[0]; c <= ends[1] && c < CODES; c++) codes[c] |= (unsigned char)(1u << bit);
  }
  CHECK(count > 0);
}

/* The pattern, which matches single characters, over all code points in texts of 128: found where `wanted` says so. */
static bool finds(const char *regex, const unsigned char *codes, bool (*wanted)(unsigned char)) {
  mw_pattern *pattern;
  mw_error err = {0};
  size_t wrong = 0;
  if (!mw_pattern_regex(regex, strlen(regex), &pattern, &err)) return printf("%s: %s\n", regex, err.text), false;
  for (uint32_t first = 0; first < CODES; first += 128) {
    char text[512];
    uint32_t at[513];
    size_t length = 0;
    bool hit[128] = {0}, found;
    for (uint32_t c = first; c < first + 128; c++) {
      if (c >= 0xd800 && c < 0xe000) continue;
      at[length] = c;
      length += mw_utf8_encode(c, text + length);
    }
    for (mw_pattern_walk walk = mw_pattern_enter(pattern, text, length); mw_pattern_next(pattern, &walk, &found, &err) && found;)
      hit[at[walk.begin] - first] = true;
    for (uint32_t c = first; c < first + 128; c++)
      if (!(c >= 0xd800 && c < 0xe000) && hit[c - first] != wanted(codes[c]) && wrong++ < 5) printf("%s: U+%04X differs\n", regex, (unsigned)c);
  }
  mw_pattern_free(pattern);
  return wrong == 0;
}

static bool bit0(unsigned char c) { return c & 1; }
static bool not_bit0(unsigned char c) { return !(c & 1); }
static bool none_of_three(unsigned char c) { return !(c & 7); }
static bool mark_or_letter(unsigned char c) { return (c & 3) != 0; }

static void classes(void) {
  static const char *const names[] = {"L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "N", "P", "S"};
  char *bytes;
  size_t length;
  mw_error err = {0};
  mw_json root = {0};
  unsigned char *codes = calloc(CODES, 1);
  CHECK(mw_file_slurp("tests/data/tokenizers/unicode-tables.json", 1 << 20, &bytes, &length, &err));
  CHECK(mw_json_check("tables", bytes, length, 8, &root, &err));
  mw_json table = mw_json_member(root, "classes");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char regex[16];
    memset(codes, 0, CODES);
    mark(codes, table, names[i], 0);
    snprintf(regex, sizeof regex, "\\p{%s}", names[i]);
    CHECK(finds(regex, codes, bit0));
    regex[1] = 'P';
    CHECK(finds(regex, codes, not_bit0));
  }
  memset(codes, 0, CODES);
  mark(codes, table, "s", 0);
  CHECK(finds("\\s", codes, bit0));
  CHECK(finds("\\S", codes, not_bit0));
  CHECK(finds("[\\S]", codes, not_bit0));
  CHECK(finds("[^\\S]", codes, bit0));
  mark(codes, table, "L", 1);
  mark(codes, table, "N", 2);
  CHECK(finds("[^\\s\\p{L}\\p{N}]", codes, none_of_three));
  memset(codes, 0, CODES);
  mark(codes, table, "M", 0);
  mark(codes, table, "L", 1);
  CHECK(finds("[\\p{M}\\p{L}]", codes, mark_or_letter));
  free(codes);
  free(bytes);
}

/* ---- matches ---- */

/* All matches, "a|b", or the error. */
static const char *matches(const char *regex, const char *text) {
  static mw_text shown;
  mw_pattern *pattern;
  mw_error err = {0};
  bool found, first = true, ok;
  mw_text_free(&shown);
  mw_text_add(&shown, "", 0);
  if (!mw_pattern_regex(regex, strlen(regex), &pattern, &err)) {
    mw_text_format(&shown, "%d: %s", (int)err.status, err.text);
    return shown.bytes;
  }
  mw_pattern_walk walk = mw_pattern_enter(pattern, text, strlen(text));
  for (; (ok = mw_pattern_next(pattern, &walk, &found, &err)) && found; first = false) {
    mw_text_format(&shown, "%s", first ? "" : "|");
    mw_text_add(&shown, text + walk.begin, walk.end - walk.begin);
  }
  if (!ok) mw_text_format(&shown, " %d: %s", (int)err.status, err.text);
  mw_pattern_free(pattern);
  return shown.bytes;
}

static void dialect(void) {
  static const struct { const char *regex, *text, *expected; } cases[] = {
      {"a|ab", "ab", "a"}, {"\\s+(?!\\S)|\\s+", "a   b", "  | "}, {"(?i:'s)", "'s'S'\xc5\xbf", "'s|'S|'\xc5\xbf"},
      {"\\p{N}{1,3}", "12345", "123|45"}, {"[^\\r\\n\\p{L}\\p{N}]?\\p{L}+", "a.b", "a|.b"}, {"x*", "axb", "|x|"},
      {"(?=b)", "abab", "|"}, {"a++a", "aaa", ""}, {"a{2,3}?", "aaaa", "aa|aa"}, {"a{2}", "aaaaa", "aa|aa"},
      {"[a\\-c]", "a-bc", "a|-|c"}, {"[a-c-e]", "b-de", "b|-|e"}, {"[\\s-a]", "- b a", "-| | |a"}, {"[-a]", "-a", "-|a"},
      {"[a-]", "-a", "-|a"}, {"[.*+?(){}|$^]", "a.^b", ".|^"}, {"\\x{e9}\\u00e9\\x41", "\xc3\xa9\xc3\xa9" "A", "\xc3\xa9\xc3\xa9" "A"},
      {".", "a\nb", "a|b"}, {"\\.\\*", "a.*", ".*"}, {"(?>a|ab)c?", "abc", "a"}, {"(?<=a)b", "abb", "b"}, {"(?<!a)b", "abb", "b"},
      {"[\xe4\xb8\x80-\xe9\xbe\xa5]+", "a\xe6\xbc\xa2\xe5\xad\x97", "\xe6\xbc\xa2\xe5\xad\x97"}, {"(a)(b)", "ab", "ab"},
      {"\\s", "\xe1\xa0\x8e\xe2\x80\x8b\x1c", ""}, {"\\n|\\r|\\t|\\f", "\n\r\t\f", "\n|\r|\t|\f"}, {"a$", "a\na", "a|a"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) CHECK_TEXT(matches(cases[i].regex, cases[i].text), cases[i].expected);
}

static void refused(void) {
  static const struct { const char *regex, *shown; } cases[] = {
      {"\\w+", "\\w"}, {"\\d", "\\d"}, {"\\b", "\\b"}, {"\\h", "\\h"}, {"\\v", "\\v"}, {"\\1", "\\1"}, {"\\k<a>", "\\k"}, {"\\Qa", "\\Q"},
      {"\\p{Han}", "\\p{Han}"}, {"\\pL", "\\pL"}, {"\\p{^L}", "\\p{^L}"}, {"[\\P{L}]", "\\P"}, {"[\\w]", "\\w"}, {"[a[b]]", "[b"},
      {"[a&&b]", "&&"}, {"[[:alpha:]]", "[:"}, {"[]a]", "[]"}, {"(?m:a)", "(?m:"}, {"(?i)a", "(?i)"}, {"(?<n>a)", "(?<n"}, {"(?R)", "(?R)"},
      {"(*COMMIT)a", "(*CO"}, {"(?#a)", "(?#a"}, {"a{,3}", "{,3}"}, {"a{2}?", "{2}?"}, {"a{2,3}+", "{2,3}+"}, {"{", "{"}, {"^a", "^"},
      {"a}", "}"}, {"a]", "]"}, {"\\xe9", "\\xe9"}, {"\\x4", "\\x4"}, {"\\u12", "\\u12"}, {"[a-\\s]", "\\s"}, {"\\\xc3\xa9", "\\\\xc3"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char expected[80];
    snprintf(expected, sizeof expected, "69: '%s' in a pattern is not implemented", cases[i].shown);
    CHECK_TEXT(matches(cases[i].regex, "a"), expected);
  }
  CHECK_TEXT(matches("[a", "a"), "65: a pattern that ends too early");
  CHECK_TEXT(matches("\\", "a"), "65: a pattern that ends too early");
  CHECK(strstr(matches("(a", "a"), "65: no pattern: ") != NULL);
  CHECK(strstr(matches("a)", "a"), "65: no pattern: ") != NULL);
  CHECK(strstr(matches("[z-a]", "a"), "65: no pattern: ") != NULL);
  CHECK(strstr(matches("*", "a"), "65: no pattern: ") != NULL);
}

/* ---- strangers ---- */

static double seconds(void) { return (double)clock() / CLOCKS_PER_SEC; } /* of CPU time: a busy machine changes nothing */

static void bounds(void) {
  static const char *const slow[] = {"(?:a+)+[bc]", "(?:a|a)*[bc]", "(?:a*)*[bc]", "a*a*a*a*a*a*[bc]", "(?=(?:a+)+[bc])", "(?:a?){40}a{40}[bc]"};
  char text[4001], wide[9001];
  memset(text, 'a', 4000), text[4000] = 0;
  double begun = seconds();
  for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) CHECK(strstr(matches(slow[i], text), " 65: a pattern needs more than ") != NULL);
  CHECK(seconds() - begun < 60);
  memset(wide, 'a', 9000), wide[9000] = 0;
  CHECK_TEXT(matches(wide, "a"), "65: a pattern of 9000 bytes, expected at most 8192");
  CHECK(strstr(matches("(?:(?:(?:a{1,60000}){1,60000}){1,60000})", "a"), "65: no pattern: ") != NULL);
  memset(wide, '(', 8000), wide[8000] = 0;
  CHECK(strstr(matches(wide, "a"), "65: no pattern: ") != NULL);
  /* A long run that real patterns go through is no such thing. */
  char *spaces = malloc(1000002);
  memset(spaces, ' ', 1000000), strcpy(spaces + 1000000, "x");
  begun = seconds();
  CHECK(strlen(matches("\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", spaces)) == 1000001);
  CHECK(seconds() - begun < 20);
  free(spaces);
}

static void literals(void) {
  mw_pattern *pattern;
  mw_error err = {0};
  bool found;
  CHECK(!mw_pattern_literal("", 0, &pattern, &err) && err.status == MW_DATA);
  CHECK(mw_pattern_literal("aa.", 3, &pattern, &err));
  mw_pattern_walk walk = mw_pattern_enter(pattern, "aaa.aaxaa.", 10);
  CHECK(mw_pattern_next(pattern, &walk, &found, &err) && found && walk.begin == 1 && walk.end == 4);
  CHECK(mw_pattern_next(pattern, &walk, &found, &err) && found && walk.begin == 7 && walk.end == 10);
  CHECK(mw_pattern_next(pattern, &walk, &found, &err) && !found);
  mw_pattern_free(pattern);
}

int main(void) {
  RUN(classes());
  RUN(dialect());
  RUN(refused());
  RUN(literals());
  RUN(bounds());
  UNIT_END();
}
