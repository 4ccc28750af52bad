/* token_rules.c: see token_rules.h. A member that no rule knows is an error: it would have no effect. */
#include "vocabulary/token_rules.h"
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 16 << 20, DEEPEST = 16 };

bool mw_token_rules_text(const char *word, mw_arena *arena, const char **text, mw_error *err) {
  char *bytes;
  size_t length;
  *text = word;
  if (word[strspn(word, " \t\r\n")] == '{') return true;
  if (!mw_file_slurp(word, LARGEST, &bytes, &length, err)) return mw_error_wrap(err, "--tokens");
  *text = mw_mem_copy(arena, bytes, length, err);
  bool cut = *text && strlen(*text) != length;
  free(bytes);
  return *text && (!cut || mw_error_set(err, MW_DATA, "--tokens %s: it holds a NUL", word));
}

typedef struct reading {
  const mw_family *family;
  mw_arena *arena;
  const mw_token_rule *rule; /* that is read */
  mw_error *err;
} reading;

static bool wrong(const reading *r, const char *what) {
  mw_text_escaped shown;
  mw_error_set(r->err, MW_USAGE, "--tokens: '%s': %s", mw_text_escape(&shown, r->rule->text, r->rule->length), what);
  return mw_error_hint(r->err, "{\"TOKEN\": {\"source\": MODEL, or {\"kind\": \"model_token\", \"model\": MODEL, \"token\": TEXT}, "
                       "or {\"kind\": \"zero\"}, \"force\": false}}");
}

/* Members other than these are errors. */
static bool check_members(const reading *r, mw_json object, const char *const *known) {
  mw_json key, value;
  mw_text_escaped shown;
  for (mw_json_walk walk = mw_json_enter(object); mw_json_next(&walk, &key, &value);) {
    size_t i = 0;
    while (known[i] && !mw_json_equals(key, known[i])) i++;
    if (known[i]) continue;
    mw_text what = {0};
    mw_text_format(&what, "%s is no member of it", mw_text_escape(&shown, key.bytes, key.length));
    wrong(r, what.bytes ? what.bytes : "a member that it does not have");
    mw_text_free(&what);
    return false;
  }
  return true;
}

static bool find_model(const reading *r, mw_json name, size_t *member) {
  const char *word;
  size_t length;
  mw_text_escaped shown, token;
  if (!mw_json_is_text(name)) return wrong(r, "its model is not a text");
  MW_TRY(mw_json_string(name, r->arena, &word, &length, r->err));
  const mw_family_member *found = strlen(word) == length ? mw_family_named(r->family, word) : NULL;
  if (found) return *member = (size_t)(found - r->family->members), true;
  mw_error_set(r->err, MW_USAGE, "--tokens: '%s': '%s' is none of the inputs", mw_text_escape(&token, r->rule->text, r->rule->length),
               mw_text_escape(&shown, word, length));
  return mw_error_hint(r->err, "it is named by its argument, such as '%s', or as it was typed",
                       r->family->members[r->family->count - 1].label);
}

static bool read_token(const reading *r, mw_json source, mw_token_rule *rule) {
  static const char *const members[] = {"kind", "model", "token", "token_id", NULL};
  mw_json token = mw_json_member(source, "token"), id = mw_json_member(source, "token_id");
  if (token.kind == MW_JSON_NULL) token.kind = MW_JSON_END;
  if (id.kind == MW_JSON_NULL) id.kind = MW_JSON_END;
  MW_TRY(check_members(r, source, members) && find_model(r, mw_json_member(source, "model"), &rule->member));
  if ((token.kind == MW_JSON_END) == (id.kind == MW_JSON_END)) return wrong(r, "a model_token has a token or a token_id, one of both");
  rule->kind = id.kind == MW_JSON_END ? MW_TOKEN_RULE_TOKEN : MW_TOKEN_RULE_ID;
  if (rule->kind == MW_TOKEN_RULE_ID) return mw_json_u64(id, &rule->id) || wrong(r, "its token_id is not a whole number");
  return mw_json_is_text(token) ? mw_json_string(token, r->arena, &rule->token, &rule->token_length, r->err)
                                : wrong(r, "its token is not a text");
}

static bool read_source(const reading *r, mw_json source, mw_token_rule *rule) {
  static const char *const none[] = {"kind", NULL};
  if (source.kind == MW_JSON_END || source.kind == MW_JSON_NULL)
    return !rule->force || wrong(r, "with \"force\" it needs a \"source\"");
  if (source.kind == MW_JSON_STRING) return rule->kind = MW_TOKEN_RULE_MODEL, find_model(r, source, &rule->member);
  if (source.kind != MW_JSON_OBJECT) return wrong(r, "its \"source\" is no model and no object");
  mw_json kind = mw_json_member(source, "kind");
  if (kind.kind != MW_JSON_STRING) return wrong(r, "its \"source\" has no \"kind\"");
  if (mw_json_equals(kind, "model_token")) return read_token(r, source, rule);
  if (!mw_json_equals(kind, "zero")) return wrong(r, "the \"kind\" of its \"source\" is none of model_token zero");
  return rule->kind = MW_TOKEN_RULE_ZERO, check_members(r, source, none);
}

static bool read_rule(const reading *r, mw_json value, mw_token_rule *rule) {
  static const char *const members[] = {"source", "force", NULL};
  if (value.kind != MW_JSON_OBJECT) return wrong(r, "a rule is an object");
  mw_json force = mw_json_member(value, "force");
  if (force.kind != MW_JSON_END && force.kind != MW_JSON_TRUE && force.kind != MW_JSON_FALSE)
    return wrong(r, "its \"force\" is neither true nor false");
  rule->force = force.kind == MW_JSON_TRUE;
  return check_members(r, value, members) && read_source(r, mw_json_member(value, "source"), rule);
}

bool mw_token_rules_read(const char *text, const mw_family *family, mw_arena *arena, mw_token_rules *out, mw_error *err) {
  mw_json root, key, value;
  size_t count = 0;
  if (!mw_json_check("--tokens", text, strlen(text), DEEPEST, &root, err)) return err->status = MW_USAGE, false;
  if (root.kind != MW_JSON_OBJECT) return mw_error_set(err, MW_USAGE, "--tokens: an object with a member for each token is expected");
  for (mw_json_walk walk = mw_json_enter(root); mw_json_next(&walk, &key, &value);) count++;
  mw_token_rule *rules = mw_mem_take(arena, (count + 1) * sizeof *rules, err);
  if (!rules) return false;
  *out = (mw_token_rules){rules, 0};
  for (mw_json_walk walk = mw_json_enter(root); mw_json_next(&walk, &key, &value);) {
    mw_token_rule *rule = &rules[out->count++];
    reading r = {family, arena, rule, err};
    MW_TRY(mw_json_string(key, arena, &rule->text, &rule->length, err));
    if (!rule->length) return mw_error_set(err, MW_USAGE, "--tokens: a token without text");
    MW_TRY(read_rule(&r, value, rule));
  }
  return true;
}
