/* text.c: growing text and numbers. Where libc depends on the global locale (decimal points), the C locale is set for this thread
 * meanwhile. */
#include "base/text.h"
#include "base/mem.h"
#include "base/utf8.h"
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Sets the C locale for this thread, until `leave`. Does nothing if numbers are already written as in C. */
typedef struct plain { locale_t own, before; } plain;

static plain enter_plain(void) {
  plain p = {0};
  if (strcmp(nl_langinfo(RADIXCHAR), ".") == 0) return p;
  p.own = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (p.own) p.before = uselocale(p.own);
  return p;
}

static void leave_plain(plain p) {
  if (!p.own) return;
  uselocale(p.before);
  freelocale(p.own);
}

/* ---- growing ---- */

void mw_text_add(mw_text *text, const char *bytes, size_t length) {
  mw_error ignored;
  if (text->failed) return;
  if (length > SIZE_MAX - text->length - 1 ||
      !mw_mem_grow(&text->bytes, &text->capacity, text->length + length + 1, 1, &ignored)) {
    text->failed = true;
    return;
  }
  if (length) memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
  text->bytes[text->length] = 0;
}

void mw_text_format(mw_text *text, const char *format, ...) {
  char line[512], *longer = NULL;
  plain locale = enter_plain();
  va_list list;
  va_start(list, format);
  int need = vsnprintf(line, sizeof line, format, list);
  va_end(list);
  if (need >= (int)sizeof line && (longer = malloc((size_t)need + 1))) {
    va_start(list, format);
    vsnprintf(longer, (size_t)need + 1, format, list);
    va_end(list);
  }
  leave_plain(locale);
  if (need < 0 || (need >= (int)sizeof line && !longer)) text->failed = true;
  else mw_text_add(text, longer ? longer : line, (size_t)need);
  free(longer);
}

/* ---- words of JSON and of shells ---- */

void mw_text_json(mw_text *text, const char *bytes, size_t length) {
  static const char named[] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
  mw_text_add(text, "\"", 1);
  size_t from = 0;
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)bytes[i];
    uint32_t code;
    i += mw_utf8_decode(bytes + i, length - i, &code) - 1;
    if (code != MW_UTF8_BAD && c >= 0x20 && c != '"' && c != '\\') continue;
    mw_text_add(text, bytes + from, i - from);
    from = i + 1;
    if (code == MW_UTF8_BAD) mw_text_add(text, "\xef\xbf\xbd", 3);
    else if (c >= 0x20) mw_text_add(text, (const char[]){'\\', (char)c}, 2);
    else if (c < sizeof named && named[c]) mw_text_add(text, (const char[]){'\\', named[c]}, 2);
    else mw_text_format(text, "\\u%04x", c);
  }
  mw_text_add(text, bytes + from, length - from);
  mw_text_add(text, "\"", 1);
}

void mw_text_shell(mw_text *text, const char *word) {
  static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:=@%+";
  if (*word && strspn(word, safe) == strlen(word)) {
    mw_text_add(text, word, strlen(word));
    return;
  }
  if (!mw_utf8_valid(word, strlen(word))) { /* the result must be valid UTF-8 */
    mw_text_format(text, "\"$(printf '");
    for (; *word; word++) mw_text_format(text, *word > 0 && *word != '%' && strchr(safe, *word) ? "%c" : "\\%03o", (unsigned char)*word);
    mw_text_format(text, "')\"");
    return;
  }
  mw_text_format(text, "'");
  for (; *word; word++) {
    if (*word == '\'') mw_text_format(text, "'\\''");
    else mw_text_add(text, word, 1);
  }
  mw_text_format(text, "'");
}

/* Without mw_text_format, since a model may have a million tensors. */
static void add_number(mw_text *text, uint64_t number) {
  char digits[20];
  size_t at = sizeof digits;
  do digits[--at] = (char)('0' + number % 10);
  while (number /= 10);
  mw_text_add(text, digits + at, sizeof digits - at);
}

void mw_text_shape(mw_text *text, const uint64_t *dims, size_t rank) {
  mw_text_add(text, "[", 1);
  for (size_t i = 0; i < rank; i++) {
    if (i) mw_text_add(text, ",", 1);
    add_number(text, dims[i]);
  }
  mw_text_add(text, "]", 1);
}

bool mw_text_check(const mw_text *text, mw_error *err) { return !text->failed || mw_error_memory(err, text->length); }

void mw_text_free(mw_text *text) {
  free(text->bytes);
  *text = (mw_text){0};
}

bool mw_text_is_control(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

size_t mw_text_character(const char *bytes, size_t length, char escaped[16]) {
  uint32_t code;
  *escaped = 0;
  if (*bytes >= 0x20 && *bytes < 0x7f) return 1; /* nearly all are ASCII */
  size_t n = mw_utf8_decode(bytes, length, &code);
  if (code == MW_UTF8_BAD || mw_text_is_control(code))
    snprintf(escaped, 16, n == 1 ? "\\x%02x" : "\\u%04x", n == 1 ? (unsigned char)*bytes : code);
  return n;
}

bool mw_text_is_plain(const char *bytes, size_t length) {
  char escaped[16] = "";
  for (size_t i = 0; i < length && !*escaped;) i += mw_text_character(bytes + i, length - i, escaped);
  return !*escaped;
}

const char *mw_text_escape(mw_text_escaped *buffer, const char *bytes, size_t length) {
  enum { LIMIT = 200 };
  size_t used = 0;
  char escaped[16];
  size_t first = 0; /* the characters that stand for themselves at the beginning, mostly all of them, go in one piece */
  while (first < length && first < LIMIT && bytes[first] >= 0x20 && bytes[first] < 0x7f) first++;
  memcpy(buffer->bytes, bytes, used = first);
  for (size_t i = first, n; i < length; i += n) {
    n = mw_text_character(bytes + i, length - i, escaped);
    const char *piece = *escaped ? escaped : bytes + i;
    size_t piece_length = *escaped ? strlen(escaped) : n;
    if (used + piece_length > LIMIT) {
      memcpy(buffer->bytes + used, "...", 4);
      return buffer->bytes;
    }
    memcpy(buffer->bytes + used, piece, piece_length);
    used += piece_length;
  }
  buffer->bytes[used] = 0;
  return buffer->bytes;
}

const char *mw_text_escape_z(mw_text_escaped *buffer, const char *string) { return mw_text_escape(buffer, string, strlen(string)); }

/* ---- numbers ---- */

bool mw_text_parse_u64(const char *bytes, size_t length, uint64_t *out) {
  uint64_t value = 0;
  for (size_t i = 0; i < length; i++) {
    if (bytes[i] < '0' || bytes[i] > '9') return false;
    if (__builtin_mul_overflow(value, 10u, &value) || __builtin_add_overflow(value, (uint64_t)(bytes[i] - '0'), &value))
      return false;
  }
  *out = value;
  return length > 0;
}

bool mw_text_parse_number(const char *string, double *out) {
  if (!*string || strchr(" \t\n\v\f\r", *string)) return false; /* strtod would skip the space */
  plain locale = enter_plain();
  char *end;
  *out = strtod(string, &end);
  leave_plain(locale);
  return !*end && isfinite(*out);
}

bool mw_text_parse_size(const char *string, uint64_t *out) {
  static const char prefixes[] = "KMGT";
  char number[32];
  double value;
  size_t digits = strspn(string, "0123456789.eE+-");
  if (digits >= sizeof number || !*string || strchr("eE+-", *string)) return false;
  memcpy(number, string, digits);
  number[digits] = 0;
  if (!mw_text_parse_number(number, &value)) return false;
  const char *unit = string + digits + (string[digits] == ' ');
  const char *prefix = *unit > ' ' ? strchr(prefixes, *unit & ~0x20) : NULL;
  if (prefix) {
    bool binary = *++unit == 'i';
    unit += binary;
    for (const char *p = prefixes; p <= prefix; p++) value *= binary ? 1024 : 1000;
  }
  if (*unit == 'B' || *unit == 'b') unit++;
  if (*unit || !(value >= 1 && value < 9e18)) return false;
  return *out = (uint64_t)rint(value), true;
}

const char *mw_text_number(char buffer[32], double value) {
  plain locale = enter_plain();
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(buffer, 32, "%.*g", digits, value);
    if (strtod(buffer, NULL) == value) break;
  }
  leave_plain(locale);
  return buffer;
}

const char *mw_text_size(char buffer[32], double bytes) {
  static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
  int unit = 0;
  for (; bytes >= 999.5 && unit < 6; unit++) bytes /= 1000;
  plain locale = enter_plain();
  snprintf(buffer, 32, unit == 0 || bytes >= 99.95 ? "%.0f %s" : bytes >= 9.995 ? "%.1f %s" : "%.2f %s", bytes, units[unit]);
  leave_plain(locale);
  return buffer;
}

/* ---- words ---- */

unsigned mw_text_distance(const char *a, const char *b, unsigned limit) {
  enum { LONGEST = 64 };
  size_t n = strlen(a), m = strlen(b);
  if (n == m && memcmp(a, b, n) == 0) return 0;
  if (n > LONGEST || m > LONGEST || (n > m ? n - m : m - n) > limit) return limit + 1;
  unsigned rows[3][LONGEST + 1], *row = rows[0], *above = rows[1], *second = rows[2];
  for (size_t j = 0; j <= m; j++) row[j] = (unsigned)j;
  for (size_t i = 1; i <= n; i++) {
    unsigned *oldest = second;
    second = above, above = row, row = oldest;
    row[0] = (unsigned)i;
    for (size_t j = 1; j <= m; j++) {
      unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);
      if (above[j] + 1 < best) best = above[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped && second[j - 2] + 1 < best) best = second[j - 2] + 1;
      row[j] = best;
    }
  }
  return row[m] > limit ? limit + 1 : row[m];
}

static char small(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c; }

bool mw_text_is_same_word(const char *a, const char *b) {
  while (*a && small(*a) == small(*b)) a++, b++;
  return small(*a) == small(*b);
}

bool mw_text_ends_with(const char *string, const char *end) {
  size_t n = strlen(string), m = strlen(end);
  return n >= m && strcmp(string + n - m, end) == 0;
}

const char *mw_text_nearest(const char *word, const char *const *words, size_t count) {
  const char *best = NULL, *begun = NULL;
  size_t length = strlen(word);
  unsigned least = (unsigned)length / 3 + 1;
  if (least < 2) least = 2;
  for (size_t i = 0; i < count; i++) {
    if (strcasecmp(word, words[i]) == 0) return words[i];
    if (!begun && length >= 3 && strncmp(word, words[i], length) == 0) begun = words[i];
    unsigned distance = mw_text_distance(word, words[i], least);
    if (distance < least) best = words[i], least = distance;
  }
  return begun ? begun : best;
}

/* Whether `c` is in the class that begins after '['. *end becomes the place after its ']', which must exist. */
static bool in_class(const char *class, char c, const char **end) {
  bool found = false;
  const char *p = class;
  do {
    if (p[1] == '-' && p[2] != ']') {
      found |= c >= p[0] && c <= p[2];
      p += 3;
    } else found |= *p++ == c;
  } while (*p != ']');
  *end = p + 1;
  return found;
}

bool mw_text_glob(const char *pattern, const char *string) {
  const char *star = NULL, *retry = NULL; /* only the last '*' needs to be tried again */
  const char *last = strrchr(pattern, ']'); /* a '[' without a ']' after it is an ordinary character */
  while (*string || *pattern == '*') {
    const char *end = NULL;
    if (*pattern == '*') {
      star = ++pattern, retry = string;
      continue;
    }
    if (*pattern == '[' && last && last >= pattern + 2) {
      if (in_class(pattern + 1, *string, &end)) {
        pattern = end, string++;
        continue;
      }
    } else if (*pattern && (*pattern == '?' || *pattern == *string)) {
      pattern++, string++;
      continue;
    }
    if (!star || !*retry) return false;
    pattern = star, string = ++retry;
  }
  return !*pattern;
}

enum { MOST_STARS = 16 };

/* What each '*' of `from` matched in `name`; how many there are, or -1. */
static int captures(const char *name, const char *from, const char *found[MOST_STARS], size_t lengths[MOST_STARS]) {
  size_t literal = strcspn(from, "*");
  int stars = 0;
  if (strncmp(name, from, literal) != 0) return -1;
  for (name += literal, from += literal; *from == '*' && stars < MOST_STARS; stars++) {
    size_t left = strlen(name), next = strcspn(++from, "*");
    const char *at = !from[next] ? left >= next ? name + left - next : NULL : memmem(name, left, from, next);
    if (!at || strncmp(at, from, next) != 0) return -1;
    found[stars] = name, lengths[stars] = (size_t)(at - name);
    name = at + next, from += next;
  }
  return *name || *from ? -1 : stars;
}

bool mw_text_rename(const char *name, const char *from, const char *to, mw_text *out) {
  const char *found[MOST_STARS];
  size_t lengths[MOST_STARS];
  int stars = captures(name, from, found, lengths), used = 0;
  for (const char *c = to; *c; c++) used += *c == '*';
  if (stars < used) return false;
  for (used = 0; *to; to++) {
    if (*to == '*') mw_text_add(out, found[used], lengths[used]), used++;
    else mw_text_add(out, to, 1);
  }
  return true;
}
