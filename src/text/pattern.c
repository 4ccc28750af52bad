/* pattern.c: the door of PCRE2. Patterns are run by its interpreter, not compiled to machine code, since only the interpreter counts
 * all steps. A match is tried with few steps first, then with more and more, until the budget of the text is spent: so the common
 * case is fast, and a hostile pattern ends with an error. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/pattern.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/syntax.h"
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

enum {
  LONGEST = 8192,         /* bytes of a pattern */
  HEAP = 64 << 10,        /* KiB that one match may take */
  FIRST = 1000,           /* steps of the first try */
  GROWTH = 8,             /* the next try has so many times more */
  BUDGET = 2000000,       /* steps of all later tries together, and ... */
  BUDGET_BYTE = 64,       /* ... so many more for a byte of the text */
};

struct mw_pattern {
  pcre2_code *code, *later; /* the second one for texts with characters that PCRE2's classes may not know */
  pcre2_match_data *data;
  pcre2_match_context *limits;
  char *literal; /* else NULL */
  size_t literal_length;
};

static bool compile(const char *regex, size_t regex_length, bool later, pcre2_code **out, mw_error *err) {
  int code;
  mw_text text = {0};
  PCRE2_SIZE at;
  char message[128];
  if (!mw_syntax_translate(regex, regex_length, later, &text, err)) return mw_text_free(&text), false;
  pcre2_compile_context *context = pcre2_compile_context_create(NULL);
  if (!context) return mw_text_free(&text), mw_error_memory(err, regex_length);
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  pcre2_set_bsr(context, PCRE2_BSR_UNICODE);
  *out = pcre2_compile((PCRE2_SPTR)(text.bytes ? text.bytes : ""), text.length,
                       PCRE2_UTF | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &code, &at, context);
  pcre2_compile_context_free(context);
  mw_text_free(&text);
  if (*out) return true;
  if (code == PCRE2_ERROR_HEAP_FAILED) return mw_error_memory(err, regex_length);
  pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof message);
  return mw_error_set(err, MW_DATA, "no pattern: %s", message);
}

bool mw_pattern_regex(const char *text, size_t length, mw_pattern **out, mw_error *err) {
  if (length > LONGEST) return mw_error_set(err, MW_DATA, "a pattern of %zu bytes, expected at most %d", length, LONGEST);
  mw_pattern *p = mw_mem_new(1, sizeof *p, err);
  bool ok = p && compile(text, length, false, &p->code, err) && compile(text, length, true, &p->later, err);
  if (ok) {
    p->data = pcre2_match_data_create(1, NULL);
    p->limits = pcre2_match_context_create(NULL);
    ok = (p->data && p->limits) || mw_error_memory(err, length);
  }
  if (ok) pcre2_set_heap_limit(p->limits, HEAP);
  if (ok) *out = p;
  else mw_pattern_free(p);
  return ok;
}

bool mw_pattern_literal(const char *text, size_t length, mw_pattern **out, mw_error *err) {
  if (length == 0) return mw_error_set(err, MW_DATA, "an empty text to look for");
  mw_pattern *p = mw_mem_new(1, sizeof *p, err);
  if (!p || !(p->literal = mw_mem_new(length, 1, err))) return mw_pattern_free(p), false;
  memcpy(p->literal, text, length);
  p->literal_length = length;
  *out = p;
  return true;
}

bool mw_pattern_read(const mw_option *option, mw_pattern **out) {
  mw_json pattern, key, value;
  const char *text;
  size_t length;
  unsigned count = 0;
  bool regex = false;
  MW_TRY(mw_option_member(option, "pattern", MW_JSON_OBJECT, &pattern));
  for (mw_json_walk walk = mw_json_enter(pattern); mw_json_next(&walk, &key, &value); count++) {
    regex = mw_json_equals(key, "Regex");
    if (count || value.kind != MW_JSON_STRING || (!regex && !mw_json_equals(key, "String"))) break;
  }
  if (count != 1) return mw_option_refuse(option, "pattern", pattern, "{\"String\": a text} or {\"Regex\": a text}");
  bool ok = mw_json_string(value, option->arena, &text, &length, option->err) &&
            (regex ? mw_pattern_regex : mw_pattern_literal)(text, length, out, option->err);
  return ok || mw_error_wrap(option->err, "%s: pattern", option->where);
}

void mw_pattern_free(mw_pattern *p) {
  if (!p) return;
  pcre2_match_context_free(p->limits);
  pcre2_match_data_free(p->data);
  pcre2_code_free(p->code);
  pcre2_code_free(p->later);
  free(p->literal);
  free(p);
}

mw_pattern_walk mw_pattern_enter(const mw_pattern *p, const char *text, size_t length) {
  return (mw_pattern_walk){.text = text, .length = length, .later = p->code && mw_syntax_has_later(text, length)};
}

/* The leftmost match from walk->at on. */
static bool match(mw_pattern *p, mw_pattern_walk *walk, bool *found, mw_error *err) {
  uint64_t budget = BUDGET + (uint64_t)walk->length * BUDGET_BYTE;
  int result;
  for (uint32_t steps = FIRST;; steps *= GROWTH) {
    if (steps > FIRST) walk->steps += steps;
    if (walk->steps > budget || steps > UINT32_MAX / GROWTH)
      return mw_error_set(err, MW_DATA, "a pattern needs more than %llu steps for a text of %zu bytes", (unsigned long long)budget,
                          walk->length);
    pcre2_set_match_limit(p->limits, steps);
    result = pcre2_match(walk->later ? p->later : p->code, (PCRE2_SPTR)walk->text, walk->length, walk->at,
                         PCRE2_NO_UTF_CHECK, p->data, p->limits);
    if (result != PCRE2_ERROR_MATCHLIMIT) break;
  }
  if (result == PCRE2_ERROR_NOMATCH) return *found = false, true;
  if (result == PCRE2_ERROR_HEAPLIMIT) return mw_error_set(err, MW_DATA, "a pattern needs more than %d MiB for a match", HEAP >> 10);
  if (result == PCRE2_ERROR_NOMEMORY) return mw_error_memory(err, walk->length);
  if (result < 0) return mw_error_set(err, MW_DATA, "a pattern fails: PCRE2's error %d", result);
  const PCRE2_SIZE *span = pcre2_get_ovector_pointer(p->data);
  walk->begin = span[0];
  walk->end = span[1];
  return *found = true;
}

static bool find(mw_pattern *p, mw_pattern_walk *walk, bool *found, mw_error *err) {
  if (p->code) return match(p, walk, found, err);
  const char *at = memmem(walk->text + walk->at, walk->length - walk->at, p->literal, p->literal_length);
  if ((*found = at != NULL)) walk->end = (walk->begin = (size_t)(at - walk->text)) + p->literal_length;
  return true;
}

bool mw_pattern_next(mw_pattern *p, mw_pattern_walk *walk, bool *found, mw_error *err) {
  size_t before = walk->end;
  while (walk->at <= walk->length) {
    MW_TRY(find(p, walk, found, err));
    if (!*found) return true;
    walk->at = walk->end;
    if (walk->end > walk->begin || !walk->matched || walk->end != before) return walk->matched = true;
    do walk->at++; while (walk->at < walk->length && mw_utf8_continues(walk->text[walk->at]));
  }
  return *found = false, true;
}
