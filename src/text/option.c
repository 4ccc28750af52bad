/* option.c: every reader of an option checks kind and value and composes the same form of error. */
#include "text/option.h"
#include <stdio.h>
#include <string.h>

/* The place of a word in the list; false if it is not there. */
static bool listed(const char *list, const char *word, size_t length, unsigned *place) {
  for (unsigned i = 0; *list; i++) {
    size_t n = strcspn(list, " ");
    if (n == length && memcmp(list, word, n) == 0) return *place = i, true;
    list += n + (list[n] == ' ');
  }
  return false;
}

bool mw_option_open(mw_option *option, const char *what, mw_json json, const char *fallback, mw_arena *arena, mw_error *err) {
  mw_text_escaped shown;
  *option = (mw_option){.json = json, .arena = arena, .err = err};
  snprintf(option->where, sizeof option->where, "%s", what);
  if (json.kind != MW_JSON_OBJECT)
    return mw_error_set(err, MW_DATA, "%s: found %s, expected an object", what, mw_text_escape(&shown, json.bytes, json.length));
  mw_json type = mw_json_member(json, "type");
  if (type.kind == MW_JSON_END && fallback) snprintf(option->type, sizeof option->type, "%s", fallback);
  else if (type.kind != MW_JSON_STRING) return mw_option_refuse(option, "type", type, "its name");
  else mw_text_escape(&shown, type.bytes + 1, type.length - 2), snprintf(option->type, sizeof option->type, "%.47s", shown.bytes);
  size_t used = strlen(option->where);
  snprintf(option->where + used, sizeof option->where - used, ": %s", option->type);
  return true;
}

bool mw_option_only(const mw_option *option, const char *keys) {
  mw_json key, value;
  mw_text_escaped shown;
  unsigned place;
  for (mw_json_walk walk = mw_json_enter(option->json); mw_json_next(&walk, &key, &value);) {
    if (listed(keys, key.bytes + 1, key.length - 2, &place) || mw_json_equals(key, "type")) continue;
    return mw_error_set(option->err, MW_UNAVAILABLE, "%s: the option %s is not implemented", option->where,
                        mw_text_escape(&shown, key.bytes, key.length));
  }
  return true;
}

bool mw_option_refuse(const mw_option *option, const char *key, mw_json found, const char *expected) {
  mw_text_escaped shown;
  return mw_error_set(option->err, MW_DATA, "%s: %s: found %s, expected %s", option->where, key,
                      found.kind == MW_JSON_END ? "nothing" : mw_text_escape(&shown, found.bytes, found.length), expected);
}

bool mw_option_unknown(const mw_option *option) {
  return mw_error_set(option->err, MW_UNAVAILABLE, "%s is not implemented", option->where);
}

static bool is_absent(mw_json value) { return value.kind == MW_JSON_END || value.kind == MW_JSON_NULL; }

bool mw_option_flag(const mw_option *option, const char *key, bool fallback, bool *out) {
  mw_json value = mw_json_member(option->json, key);
  if (!is_absent(value) && value.kind != MW_JSON_TRUE && value.kind != MW_JSON_FALSE)
    return mw_option_refuse(option, key, value, "true or false");
  *out = is_absent(value) ? fallback : value.kind == MW_JSON_TRUE;
  return true;
}

bool mw_option_member(const mw_option *option, const char *key, mw_json_kind kind, mw_json *out) {
  static const char *const kinds[] = {[MW_JSON_OBJECT] = "an object", [MW_JSON_ARRAY] = "a list", [MW_JSON_STRING] = "a text",
                                      [MW_JSON_NUMBER] = "a number"};
  *out = mw_json_member(option->json, key);
  return out->kind == kind || mw_option_refuse(option, key, *out, kinds[kind]);
}

bool mw_option_text(const mw_option *option, const char *key, const char **text, size_t *length) {
  mw_json value;
  MW_TRY(mw_option_member(option, key, MW_JSON_STRING, &value));
  return mw_json_string(value, option->arena, text, length, option->err) ||
         mw_error_wrap(option->err, "%s: %s", option->where, key);
}

bool mw_option_word(const mw_option *option, const char *key, const char *words, unsigned fallback, unsigned *out) {
  mw_json value = mw_json_member(option->json, key);
  mw_text_escaped shown;
  *out = fallback;
  if (is_absent(value)) return true;
  if (value.kind != MW_JSON_STRING) return mw_option_refuse(option, key, value, "a word");
  if (listed(words, value.bytes + 1, value.length - 2, out)) return true;
  return mw_error_set(option->err, MW_UNAVAILABLE, "%s: %s %s is not implemented", option->where, key,
                      mw_text_escape(&shown, value.bytes, value.length));
}

bool mw_option_absent(const mw_option *option, const char *key) {
  mw_json value = mw_json_member(option->json, key);
  mw_text_escaped shown;
  double number = 1;
  if (is_absent(value) || value.kind == MW_JSON_FALSE || mw_json_equals(value, "") ||
      (mw_json_double(value, &number) && number == 0)) return true;
  return mw_error_set(option->err, MW_UNAVAILABLE, "%s: the option \"%s\": %s is not implemented", option->where, key,
                      mw_text_escape(&shown, value.bytes, value.length));
}
