/* normalizer.c: the normalizer is read into one list of steps (a Sequence adds several). Each step makes a new text from that of the
 * step before. */
#include "text/normalizer.h"
#include "text/nfc.h"
#include <stdio.h>
#include <string.h>

static bool add(mw_normalizer *n, const mw_option *option, int kind, const char *text, const char *keys) {
  if (n->count == MW_NORMALIZER_MOST)
    return mw_error_set(option->err, MW_UNAVAILABLE, "%s: more than %d steps", option->where, MW_NORMALIZER_MOST);
  mw_normalizer_step *step = &n->steps[n->count++];
  step->kind = kind;
  MW_TRY(mw_option_only(option, keys));
  return !text || mw_option_text(option, text, &step->text, &step->length);
}

bool mw_normalizer_read(mw_normalizer *n, const char *what, mw_json json, mw_arena *arena, mw_error *err) {
  mw_option option;
  mw_json list, part;
  if (json.kind == MW_JSON_END || json.kind == MW_JSON_NULL) return true;
  MW_TRY(mw_option_open(&option, what, json, NULL, arena, err));
  if (strcmp(option.type, "NFC") == 0) return add(n, &option, MW_NORMALIZER_NFC, NULL, "");
  if (strcmp(option.type, "Prepend") == 0) return add(n, &option, MW_NORMALIZER_PREPEND, "prepend", "prepend");
  if (strcmp(option.type, "Replace") == 0) {
    MW_TRY(add(n, &option, MW_NORMALIZER_REPLACE, "content", "pattern content"));
    return mw_pattern_read(&option, &n->steps[n->count - 1].pattern);
  }
  if (strcmp(option.type, "Sequence") != 0) return mw_option_unknown(&option);
  MW_TRY(mw_option_only(&option, "normalizers") && mw_option_member(&option, "normalizers", MW_JSON_ARRAY, &list));
  for (mw_json_walk walk = mw_json_enter(list); mw_json_next(&walk, NULL, &part);)
    MW_TRY(mw_normalizer_read(n, what, part, arena, err));
  return true;
}

enum { GROWTH = 64, ROOM = 4096 };

/* The largest normalised text of a text of so many bytes. */
static size_t limit_of(size_t length) {
  size_t limit = length * GROWTH + ROOM;
  return limit < INT32_MAX ? limit : INT32_MAX;
}

static bool too_long(size_t limit, mw_error *err) {
  return mw_error_set(err, MW_DATA, "a text of more than %zu bytes after normalization", limit);
}

static bool replace(const mw_normalizer_step *step, const char *text, size_t length, size_t limit, mw_text *out, mw_error *err) {
  mw_pattern_walk walk = mw_pattern_enter(step->pattern, text, length);
  size_t from = 0;
  for (bool found;; from = walk.end) {
    MW_TRY(mw_pattern_next(step->pattern, &walk, &found, err));
    if (!found) break;
    if (walk.end == walk.begin)
      return mw_error_set(err, MW_UNAVAILABLE, "a normalizer's Replace by a pattern that matches an empty text is not implemented");
    mw_text_add(out, text + from, walk.begin - from);
    mw_text_add(out, step->text, step->length);
    if (out->length > limit) return too_long(limit, err);
  }
  mw_text_add(out, text + from, length - from);
  return true;
}

bool mw_normalizer_run(mw_normalizer *n, const char **text, size_t *length, mw_error *err) {
  size_t limit = limit_of(*length);
  for (size_t i = 0; i < n->count && *length; i++) {
    const mw_normalizer_step *step = &n->steps[i];
    mw_text *out = &n->scratch[i % 2];
    out->length = 0;
    if (step->kind == MW_NORMALIZER_NFC) MW_TRY(mw_nfc_add(*text, *length, out, err));
    if (step->kind == MW_NORMALIZER_PREPEND) {
      mw_text_add(out, step->text, step->length);
      mw_text_add(out, *text, *length);
    }
    if (step->kind == MW_NORMALIZER_REPLACE) MW_TRY(replace(step, *text, *length, limit, out, err));
    MW_TRY(mw_text_check(out, err));
    if (out->length > limit) return too_long(limit, err);
    *text = out->bytes;
    *length = out->length;
  }
  return true;
}

void mw_normalizer_free(mw_normalizer *n) {
  for (size_t i = 0; i < n->count; i++) mw_pattern_free(n->steps[i].pattern);
  mw_text_free(&n->scratch[0]);
  mw_text_free(&n->scratch[1]);
}
