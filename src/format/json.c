/* json.c: first a strict scan over the whole text, with a stack of the open containers; then walks over text that is known to be
 * valid, which need few checks. Duplicate keys are found by a hash table for each open object, with at most 32 bytes for each of
 * its keys; if two hashes are equal, the keys are compared. Keys are compared unescaped: "a" and "\u0061" are the same key. */
#include "format/json.h"
#include "format/recognise.h"
#include "base/hash.h"
#include "base/utf8.h"
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 128 };

typedef struct slot {
  uint32_t quote; /* 1 + offset of the key's opening quote; 0 is an empty slot */
  uint32_t hash;
} slot;

/* The keys of an open object, in an open-addressed table at most half full. */
typedef struct keys {
  slot *slots;
  size_t size, count;
} keys;

typedef struct scan {
  const char *what, *start, *at, *end;
  unsigned depth, limit;
  char close[DEEPEST]; /* '}' or ']' */
  keys open[DEEPEST];
  uint64_t secret;
  mw_error *err;
} scan;

static bool bad(scan *s, const char *found) {
  return mw_error_set(s->err, MW_DATA, "%s: not JSON: %s at byte %zu", s->what, found, (size_t)(s->at - s->start));
}

static const char *skip_space(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
  return at;
}

static void space(scan *s) { s->at = skip_space(s->at, s->end); }

static int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Where a run of characters that stand for themselves ends, in a string. */
static const char *past_plain(const char *at, const char *end) {
  while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20) at++;
  return at;
}

static bool scan_string(scan *s) {
  if (s->at >= s->end || *s->at != '"') return bad(s, "expected a string");
  for (s->at++; (s->at = past_plain(s->at, s->end)) < s->end; s->at++) {
    if (*s->at == '"') return s->at++, true;
    if (*s->at != '\\') return bad(s, "a control character in a string");
    if (++s->at >= s->end) break;
    if (*s->at != 'u') {
      if (!strchr("\"\\/bfnrt", *s->at) || !*s->at) return bad(s, "an unknown escape");
      continue;
    }
    if (s->end - s->at < 5) break;
    for (int i = 1; i <= 4; i++)
      if (hex_digit(s->at[i]) < 0) return bad(s, "an unknown escape");
    s->at += 4;
  }
  return bad(s, "a string without an end");
}

static bool is_digit(const char *at, const char *end) { return at < end && *at >= '0' && *at <= '9'; }

static bool scan_number(scan *s) {
  if (*s->at == '-') s->at++;
  if (!is_digit(s->at, s->end)) return bad(s, "an unknown word");
  if (*s->at == '0' && is_digit(s->at + 1, s->end)) return bad(s, "a number with a leading zero");
  while (is_digit(s->at, s->end)) s->at++;
  if (s->at < s->end && *s->at == '.') {
    s->at++;
    if (!is_digit(s->at, s->end)) return bad(s, "a number without digits");
    while (is_digit(s->at, s->end)) s->at++;
  }
  if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
    s->at++;
    if (s->at < s->end && (*s->at == '+' || *s->at == '-')) s->at++;
    if (!is_digit(s->at, s->end)) return bad(s, "a number without digits");
    while (is_digit(s->at, s->end)) s->at++;
  }
  return true;
}

static bool scan_word(scan *s, const char *word) {
  size_t n = strlen(word);
  if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0) return bad(s, "an unknown word");
  s->at += n;
  return true;
}

/* ---- unescaping ---- */

static uint32_t hex4(const char *p) {
  uint32_t code = 0;
  for (int i = 0; i < 4; i++) code = code << 4 | (uint32_t)hex_digit(p[i]);
  return code;
}

static bool is_surrogate(uint32_t code) { return code >= 0xd800 && code < 0xe000; }

/* The next character of a checked string, unescaped. A lone surrogate is returned as it is. */
static uint32_t next_character(const char **at) {
  const char *p = *at;
  uint32_t code, low;
  if (*p != '\\' && (unsigned char)*p < 0x80) return *at = p + 1, (uint32_t)*p;
  if (*p != '\\') return *at = p + mw_utf8_decode(p, 4, &code), code;
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  if (p[1] != 'u') return *at = p + 2, (uint32_t)to[strchr(from, p[1]) - from];
  code = hex4(p + 2);
  *at = p + 6;
  if (code < 0xd800 || code >= 0xdc00 || p[6] != '\\' || p[7] != 'u') return code;
  low = hex4(p + 8);
  if (low < 0xdc00 || low >= 0xe000) return code;
  *at = p + 12;
  return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

/* ---- duplicate keys ---- */

/* Whether two keys are equal; their quotes are at a and b. */
static bool same_key(const char *a, const char *b) {
  for (a++, b++; *a != '"' && *b != '"';)
    if (next_character(&a) != next_character(&b)) return false;
  return *a == *b;
}

/* Of its bytes, unescaped, in parts of seven. */
static uint32_t hash_key(const scan *s, const char *quote) {
  uint64_t hash = 1, part = 0;
  unsigned held = 0;
  for (quote++; *quote != '"';) {
    char piece[4];
    unsigned n = mw_utf8_encode(next_character(&quote), piece);
    for (unsigned i = 0; i < n; i++) {
      part = part << 8 | (unsigned char)piece[i];
      if (++held < 7) continue;
      hash = mw_hash_add(hash, s->secret, part);
      part = held = 0;
    }
  }
  return (uint32_t)(mw_hash_finish(mw_hash_add(hash, s->secret, part << 3 | held)) >> 32);
}

static void put_key(keys *k, slot added) {
  size_t at = added.hash & (k->size - 1);
  while (k->slots[at].quote) at = (at + 1) & (k->size - 1);
  k->slots[at] = added;
}

static bool add_key(scan *s, const char *quote) {
  keys *k = &s->open[s->depth - 1];
  if (k->count * 2 >= k->size) {
    keys wider = {.size = k->size ? k->size * 2 : 16, .count = k->count};
    if (!(wider.slots = mw_mem_new(wider.size, sizeof *wider.slots, s->err))) return false;
    for (size_t i = 0; i < k->size; i++)
      if (k->slots[i].quote) put_key(&wider, k->slots[i]);
    free(k->slots);
    *k = wider;
  }
  slot added = {(uint32_t)(quote - s->start) + 1, hash_key(s, quote)};
  for (size_t at = added.hash & (k->size - 1); k->slots[at].quote; at = (at + 1) & (k->size - 1))
    if (k->slots[at].hash == added.hash && same_key(s->start + k->slots[at].quote - 1, quote)) {
      mw_text_escaped shown;
      return mw_error_set(s->err, MW_DATA, "%s: duplicate key %s", s->what,
                          mw_text_escape(&shown, quote, (size_t)(s->at - quote)));
    }
  put_key(k, added);
  k->count++;
  return true;
}

/* ---- the scan ---- */

static bool enter(scan *s, char close) {
  if (s->depth >= s->limit) return mw_error_set(s->err, MW_DATA, "%s: nesting deeper than %u", s->what, s->limit);
  s->close[s->depth] = close;
  s->open[s->depth++] = (keys){0};
  s->at++;
  return true;
}

static void leave(scan *s) {
  free(s->open[--s->depth].slots);
  s->at++;
}

static bool scan_key(scan *s) {
  const char *quote = s->at;
  MW_TRY(scan_string(s));
  MW_TRY(add_key(s, quote));
  space(s);
  if (s->at >= s->end || *s->at != ':') return bad(s, "expected ':'");
  s->at++;
  space(s);
  return true;
}

/* Scans one value, but of a container only its opening bracket. */
static bool scan_value(scan *s, bool *opened) {
  *opened = false;
  if (s->at >= s->end) return bad(s, "unexpected end");
  switch (*s->at) {
  case '{': return *opened = true, enter(s, '}');
  case '[': return *opened = true, enter(s, ']');
  case '"': return scan_string(s);
  case 't': return scan_word(s, "true");
  case 'f': return scan_word(s, "false");
  case 'n': return scan_word(s, "null");
  default: return scan_number(s);
  }
}

static bool scan_all(scan *s) {
  bool opened;
  space(s);
  MW_TRY(scan_value(s, &opened));
  while (s->depth) {
    space(s);
    if (s->at >= s->end) return bad(s, "unexpected end");
    char close = s->close[s->depth - 1];
    if (*s->at == close) {
      leave(s);
      opened = false;
      continue;
    }
    if (!opened) {
      if (*s->at != ',') return bad(s, "expected ',' or an end");
      s->at++;
      space(s);
    }
    if (close == '}') MW_TRY(scan_key(s));
    MW_TRY(scan_value(s, &opened));
  }
  space(s);
  return s->at == s->end || bad(s, "bytes after the value");
}

static mw_json_kind kind_of(char c) {
  switch (c) {
  case '{': return MW_JSON_OBJECT;
  case '[': return MW_JSON_ARRAY;
  case '"': return MW_JSON_STRING;
  case 't': return MW_JSON_TRUE;
  case 'f': return MW_JSON_FALSE;
  case 'n': return MW_JSON_NULL;
  default: return MW_JSON_NUMBER;
  }
}

/* In any locale. */
static bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }

/* A web page, a git-lfs pointer or a server's "404: Not Found" is named: that helps more than the byte where it is no JSON. Always
 * false; err says already what is wrong. */
static bool name_kind(const char *what, const char *bytes, size_t length, mw_error *err) {
  const mw_recognise_kind *kind = length && *bytes != '{' ? mw_recognise("", bytes, length) : NULL;
  bool known = kind && (kind != &mw_recognise_text || (length > 8 && is_alphanumeric(*bytes)));
  return known && mw_recognise_refuse(what, kind, bytes, length, "JSON", err);
}

bool mw_json_check(const char *what, const char *bytes, size_t length, unsigned depth, mw_json *root, mw_error *err) {
  if (length >= UINT32_MAX) return mw_error_set(err, MW_DATA, "%s: %zu bytes of JSON are too many", what, length);
  if (!mw_utf8_valid(bytes, length)) {
    mw_error_set(err, MW_DATA, "%s: not UTF-8", what);
    return name_kind(what, bytes, length, err);
  }
  scan s = {.what = what, .start = bytes, .at = bytes, .end = bytes + length, .err = err, .secret = mw_hash_secret(),
            .limit = depth < DEEPEST ? depth : DEEPEST};
  bool ok = scan_all(&s);
  while (s.depth) leave(&s);
  if (!ok && err->status == MW_DATA) return name_kind(what, bytes, length, err);
  if (!ok) return false;
  const char *first = skip_space(bytes, s.end), *last = s.end;
  while (last > first && (last[-1] == ' ' || last[-1] == '\t' || last[-1] == '\n' || last[-1] == '\r')) last--;
  *root = (mw_json){kind_of(*first), first, (size_t)(last - first)};
  return true;
}

/* ---- walking checked text ---- */

/* These two stop at `end` in a text that was not checked. A quote ends a string unless an odd number of backslashes stands before it. */
static const char *past_string(const char *at, const char *end) {
  for (const char *first = ++at, *quote; at < end && (quote = memchr(at, '"', (size_t)(end - at))); at = quote + 1) {
    const char *slash = quote;
    while (slash > first && slash[-1] == '\\') slash--;
    if ((quote - slash) % 2 == 0) return quote + 1;
  }
  return end;
}

static const char *past_value(const char *at, const char *end) {
  if (*at == '"') return past_string(at, end);
  if (*at != '{' && *at != '[') {
    while (at < end && !strchr(",]} \t\n\r", *at)) at++;
    return at;
  }
  static const signed char change[256] = {['"'] = 2, ['{'] = 1, ['['] = 1, ['}'] = -1, [']'] = -1}; /* of the depth; 2: a string */
  for (long depth = 0;;) {
    while (at < end && !change[(unsigned char)*at]) at++;
    if (at == end) return end;
    if (*at == '"') at = past_string(at, end);
    else if ((depth += change[(unsigned char)*at++]) == 0) return at;
  }
}

mw_json_walk mw_json_enter(mw_json container) {
  if (container.kind != MW_JSON_OBJECT && container.kind != MW_JSON_ARRAY) return (mw_json_walk){0};
  return (mw_json_walk){container.bytes + 1, container.bytes + container.length};
}

static mw_json take(mw_json_walk *walk) {
  const char *from = walk->at;
  walk->at = past_value(from, walk->end);
  return (mw_json){kind_of(*from), from, (size_t)(walk->at - from)};
}

bool mw_json_next(mw_json_walk *walk, mw_json *key, mw_json *value) {
  if (!walk->at) return false;
  walk->at = skip_space(walk->at, walk->end);
  if (*walk->at == ',') walk->at = skip_space(walk->at + 1, walk->end);
  if (*walk->at == '}' || *walk->at == ']') return false;
  mw_json first = take(walk);
  walk->at = skip_space(walk->at, walk->end);
  if (*walk->at != ':') {
    *value = first;
    return true;
  }
  if (key) *key = first;
  walk->at = skip_space(walk->at + 1, walk->end);
  *value = take(walk);
  return true;
}

mw_json mw_json_member(mw_json object, const char *name) {
  mw_json key, value;
  mw_json_walk walk = mw_json_enter(object);
  while (object.kind == MW_JSON_OBJECT && mw_json_next(&walk, &key, &value))
    if (mw_json_equals(key, name)) return value;
  return (mw_json){0};
}

mw_json mw_json_skim_open(mw_json object, const char *name) {
  if (object.kind != MW_JSON_OBJECT) return (mw_json){0};
  const char *end = object.bytes + object.length, *at = skip_space(object.bytes, end);
  const size_t n = strlen(name);
  if (at < end && *at == '{') at++;
  for (;;) {
    at = skip_space(at, end);
    if (at < end && *at == ',') at = skip_space(at + 1, end);
    if (at == end || *at != '"') break;
    const char *key = at;
    at = past_string(at, end);
    bool found = (size_t)(at - key) == n + 2 && memcmp(key + 1, name, n) == 0;
    at = skip_space(at, end);
    if (at == end || *at != ':') break;
    at = skip_space(at + 1, end);
    if (at == end) break;
    if (found) return (mw_json){kind_of(*at), at, (size_t)(end - at)};
    at = past_value(at, end);
  }
  return (mw_json){0};
}

mw_json mw_json_skim(mw_json object, const char *name) {
  mw_json value = mw_json_skim_open(object, name);
  if (value.kind != MW_JSON_END) value.length = (size_t)(past_value(value.bytes, value.bytes + value.length) - value.bytes);
  return value;
}

bool mw_json_skim_number(mw_json_walk *walk, mw_json *key, uint64_t *number) {
  const char *end = walk->end, *at = skip_space(walk->at, end);
  if (at < end && *at == ',') at = skip_space(at + 1, end);
  walk->at = at;
  if (at == end || *at != '"') return false;
  at = past_string(at, end);
  *key = (mw_json){MW_JSON_STRING, walk->at, (size_t)(at - walk->at)};
  at = skip_space(at, end);
  if (at == end || *at != ':') return false;
  const char *digits = at = skip_space(at + 1, end);
  *number = 0;
  while (is_digit(at, end) && at - digits <= 15) *number = *number * 10 + (uint64_t)(*at++ - '0');
  if (at == digits || at - digits > 15) return false;
  walk->at = at;
  return true;
}

bool mw_json_string(mw_json string, mw_arena *arena, const char **text, size_t *length, mw_error *err) {
  char *out = mw_mem_text(arena, string.length - 1, err); /* without its quotes, with a NUL */
  if (!out) return false;
  const char *at = string.bytes + 1, *end = string.bytes + string.length - 1;
  size_t used = 0;
  while (at < end) {
    uint32_t code = next_character(&at);
    if (is_surrogate(code)) return mw_error_set(err, MW_DATA, "lone surrogate in a string");
    used += mw_utf8_encode(code, out + used);
  }
  out[used] = 0;
  *text = out;
  *length = used;
  return true;
}

bool mw_json_equals(mw_json string, const char *text) {
  if (string.kind != MW_JSON_STRING) return false;
  const char *at = string.bytes + 1, *end = string.bytes + string.length - 1;
  if (!memchr(at, '\\', string.length - 2)) return strlen(text) == string.length - 2 && memcmp(at, text, string.length - 2) == 0;
  char piece[4];
  while (at < end) {
    unsigned n = mw_utf8_encode(next_character(&at), piece);
    /* An escaped NUL looks like the end of `text`, but must not go beyond it. */
    if (!*text || strncmp(text, piece, n) != 0) return false;
    text += n;
  }
  return !*text;
}

bool mw_json_is_text(mw_json string) {
  if (string.kind != MW_JSON_STRING) return false;
  const char *at = string.bytes + 1, *end = string.bytes + string.length - 1;
  while (at < end)
    if (is_surrogate(next_character(&at))) return false;
  return true;
}

bool mw_json_u64(mw_json number, uint64_t *out) {
  return number.kind == MW_JSON_NUMBER && mw_text_parse_u64(number.bytes, number.length, out);
}

bool mw_json_double(mw_json number, double *out) {
  char spelling[64];
  if (number.kind != MW_JSON_NUMBER || number.length >= sizeof spelling) return false;
  memcpy(spelling, number.bytes, number.length);
  spelling[number.length] = 0;
  return mw_text_parse_number(spelling, out);
}
