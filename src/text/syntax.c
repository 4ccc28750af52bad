/* syntax.c: one walk over the pattern. Only what must be translated or refused is parsed: escapes, classes, groups and repetitions.
 * PCRE2 checks the rest. */
#include "text/syntax.h"
#include "base/utf8.h"
#include "text/ranges.h"
#include <string.h>

/* Characters that PCRE2's classes do not have, and the class of each. */
static const mw_ranges_range later[] = {
#define MW_CLASS(class, first, last) {0x##first, 0x##last},
#include "text/classes.def"
#undef MW_CLASS
};
static const char *const later_class[] = {
#define MW_CLASS(class, first, last) #class,
#include "text/classes.def"
#undef MW_CLASS
};

static const char *const classes[] = {"L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "N", "P", "S"};

/* The 25 characters of White_Space, and all others. PCRE2's own \s holds U+180E. */
static const char space[] = "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}";
static const char no_space[] = "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{84}\\x{86}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}"
                               "\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{10ffff}";

typedef struct reader {
  const char *at, *end;
  bool later;
  mw_text *out;
  mw_error *err;
} reader;

static bool refuse(const reader *r, const char *from, size_t length) {
  mw_text_escaped shown;
  if ((size_t)(r->end - from) < length) length = (size_t)(r->end - from);
  return mw_error_set(r->err, MW_UNAVAILABLE, "'%s' in a pattern is not implemented", mw_text_escape(&shown, from, length));
}

static bool ends(const reader *r) { return mw_error_set(r->err, MW_DATA, "a pattern that ends too early"); }

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void put(reader *r, const char *text) { mw_text_add(r->out, text, strlen(text)); }

/* The members of the class "{NAME}" after \p, to be put in brackets. */
static bool put_class(reader *r, const char *from) {
  const char *open = r->at, *close = r->at < r->end ? memchr(r->at, '}', (size_t)(r->end - r->at)) : NULL;
  if (!close || *open != '{') return refuse(r, from, 3);
  size_t length = (size_t)(close - open - 1);
  r->at = close + 1;
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
    if (strlen(classes[i]) != length || memcmp(classes[i], open + 1, length) != 0) continue;
    mw_text_format(r->out, "\\p{%s}", classes[i]);
    for (size_t k = 0; r->later && k < sizeof later / sizeof *later; k++)
      if (strncmp(later_class[k], classes[i], length) == 0)
        mw_text_format(r->out, "\\x{%x}-\\x{%x}", (unsigned)later[k].first, (unsigned)later[k].last);
    return true;
  }
  return refuse(r, from, (size_t)(close + 1 - from));
}

/* A code point: `digits` hexadecimal digits, or any number of them in braces. */
static bool put_code(reader *r, const char *from, unsigned digits) {
  bool braces = r->at < r->end && *r->at == '{';
  const char *start = r->at + braces, *at = start;
  while (at < r->end && at - start < (braces ? 6 : (long)digits) && strchr("0123456789abcdefABCDEF", *at) && *at) at++;
  if (at == start || (braces ? at == r->end || *at != '}' : at - start != (long)digits)) return refuse(r, from, 6);
  /* In Oniguruma two digits are a byte, which is a character only in ASCII. */
  if (!braces && digits == 2 && *start > '7') return refuse(r, from, 4);
  mw_text_format(r->out, "\\x{%.*s}", (int)(at - start), start);
  r->at = at + braces;
  return true;
}

typedef enum meaning { CHARACTER, CLASS } meaning;

/* An escape. A class becomes members if it is in brackets, else a bracket. */
static bool read_escape(reader *r, bool bracket, meaning *item) {
  const char *from = r->at++;
  if (r->at == r->end) return ends(r);
  char c = *r->at++;
  *item = CHARACTER;
  if (c == 'x') return put_code(r, from, 2);
  if (c == 'u') return put_code(r, from, 4);
  if (strchr("rntfae", c) || (!is_letter(c) && !is_digit(c) && (unsigned char)c > ' ' && (unsigned char)c < 0x7f)) {
    mw_text_add(r->out, from, 2);
    return true;
  }
  *item = CLASS;
  bool negated = c == 'P' || c == 'S';
  if (c == 'p' || c == 'P') {
    if (bracket && negated) return refuse(r, from, 2);
    if (!bracket) put(r, negated ? "[^" : "[");
    MW_TRY(put_class(r, from));
  } else if (c == 's' || c == 'S') {
    if (!bracket) put(r, "[");
    put(r, negated ? no_space : space);
  } else return refuse(r, from, 2);
  if (!bracket) put(r, "]");
  return true;
}

/* One plain character, which may be several bytes. */
static void read_plain(reader *r) {
  size_t n = 1;
  while (r->at + n < r->end && mw_utf8_continues(r->at[n])) n++;
  mw_text_add(r->out, r->at, n);
  r->at += n;
}

static bool read_bracket(reader *r) {
  enum { OPEN, SINGLE, RANGE, DONE } state = OPEN; /* DONE: a '-' that follows is itself */
  meaning item;
  put(r, "[");
  if (++r->at < r->end && *r->at == '^') read_plain(r);
  if (r->at < r->end && *r->at == ']') return refuse(r, r->at - 1, 2);
  while (r->at < r->end && *r->at != ']') {
    char c = *r->at;
    if (c == '[' || (c == '&' && r->at + 1 < r->end && r->at[1] == '&')) return refuse(r, r->at, 2);
    if (c == '-' && state == SINGLE && r->at + 1 < r->end && r->at[1] != ']') {
      read_plain(r);
      state = RANGE;
      continue;
    }
    item = CHARACTER;
    const char *from = r->at;
    if (c == '-') put(r, "\\-"), r->at++;
    else if (c == '\\') MW_TRY(read_escape(r, true, &item));
    else read_plain(r);
    if (state == RANGE && (item == CLASS || c == '-')) return refuse(r, from, 2);
    state = state == RANGE || item == CLASS ? DONE : SINGLE;
  }
  if (r->at == r->end) return ends(r);
  read_plain(r);
  return true;
}

static bool read_group(reader *r) {
  static const char *const heads[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:"};
  size_t left = (size_t)(r->end - r->at);
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
    size_t n = strlen(heads[i]);
    if (left < n || memcmp(r->at, heads[i], n) != 0) continue;
    mw_text_add(r->out, r->at, n);
    r->at += n;
    return true;
  }
  if (left > 1 && (r->at[1] == '?' || r->at[1] == '*')) return refuse(r, r->at, 4);
  read_plain(r);
  return true;
}

/* "{n}", "{n,}" or "{n,m}". In Oniguruma a '+' after it does not mean possessive, and a '?' means lazy only if there is a comma. */
static bool read_repetition(reader *r) {
  const char *at = r->at + 1;
  while (at < r->end && is_digit(*at)) at++;
  bool comma = at < r->end && *at == ',', digits = at > r->at + 1;
  if (comma) at++;
  while (comma && at < r->end && is_digit(*at)) at++;
  if (!digits || at == r->end || *at != '}') return refuse(r, r->at, 4);
  at++;
  if (at < r->end && (*at == '+' || (*at == '?' && !comma))) return refuse(r, r->at, (size_t)(at + 1 - r->at));
  mw_text_add(r->out, r->at, (size_t)(at - r->at));
  r->at = at;
  return true;
}

bool mw_syntax_translate(const char *pattern, size_t length, bool with_later, mw_text *out, mw_error *err) {
  reader r = {pattern, pattern + length, with_later, out, err};
  meaning item;
  while (r.at < r.end) switch (*r.at) {
    case '\\': MW_TRY(read_escape(&r, false, &item)); break;
    case '[': MW_TRY(read_bracket(&r)); break;
    case '(': MW_TRY(read_group(&r)); break;
    case '{': MW_TRY(read_repetition(&r)); break;
    case '^': case '}': case ']': return refuse(&r, r.at, 1);
    default: read_plain(&r);
  }
  return mw_text_check(out, err);
}

bool mw_syntax_has_later(const char *text, size_t length) {
  uint32_t code;
  for (size_t i = 0, n; i < length; i += n) {
    n = mw_utf8_length(text[i]); /* all of them take three or four bytes */
    if (n > 2 && mw_utf8_decode(text + i, n, &code) && mw_ranges_hold(later, sizeof later / sizeof *later, code)) return true;
  }
  return false;
}
