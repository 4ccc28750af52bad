/* output_vocabulary.c: see output_vocabulary.h. */
#include "vocabulary/output_vocabulary.h"
#include "base/text.h"
#include "text/added.h"
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 24 };

static bool put(mw_output_vocabulary *v, size_t id, const mw_output_vocabulary_token *token, mw_error *err) {
  bool known;
  if (id >= v->count) {
    MW_TRY(mw_mem_grow(&v->tokens, &v->capacity, id + 1, sizeof *v->tokens, err));
    memset(v->tokens + v->count, 0, (id + 1 - v->count) * sizeof *v->tokens);
    v->count = id + 1;
  }
  v->tokens[id] = *token;
  return mw_vocab_add(&v->ids, token->text, token->length, (uint32_t)id, &known, err) || known;
}

/* Where the library goes on to count: behind the greatest id of an added token, if that lies behind the vocabulary. */
static size_t next_of(const mw_model_tokens *start) {
  mw_json key, value;
  size_t entries = 0, greatest = 0;
  for (mw_json_walk walk = mw_json_enter(start->vocabulary.ordinary); mw_json_next(&walk, &key, &value);) entries++;
  for (size_t id = 0; id < start->vocabulary.count; id++)
    if (id >= entries && mw_model_tokens_settings(start, id)) greatest = id + 1;
  return greatest ? greatest : entries;
}

/* The normalizer of a tokenizer.json; MW_JSON_END where there is none. */
static mw_json normalizer_of(const mw_model_tokens *tokens) {
  const mw_vocabulary *v = &tokens->vocabulary;
  const mw_json none = {.kind = MW_JSON_END}, root = {MW_JSON_OBJECT, v->bytes, v->length};
  const mw_json found = tokens->fast ? mw_json_skim(root, "normalizer") : none;
  return found.kind == MW_JSON_NULL ? none : found;
}

bool mw_output_vocabulary_start(mw_output_vocabulary *v, const mw_model_tokens *start, mw_error *err) {
  *v = (mw_output_vocabulary){.start = start, .next = start->fast ? next_of(start) : 0, .normalizer = normalizer_of(start)};
  MW_TRY(mw_vocab_make(&v->ids, start->vocabulary.count, err));
  for (size_t id = 0; id < start->vocabulary.count; id++) {
    const mw_vocabulary_token *token = &start->vocabulary.tokens[id];
    const mw_output_vocabulary_token own = {
      .text = token->text, .length = token->length, .single = true, .literal = v->normalizer.kind != MW_JSON_END};
    if (token->text) MW_TRY(put(v, id, &own, err));
  }
  return true;
}

static bool add(mw_output_vocabulary *v, const mw_output_vocabulary_token *token, mw_error *err) {
  const char *text = token->text;
  const size_t length = token->length;
  uint32_t id;
  mw_text_escaped shown, there;
  if (mw_vocab_find(&v->ids, text, length, &id)) return true;
  if (!v->start->fast) {
    mw_error_set(err, MW_DATA, "%s: %s cannot be given the token '%s': only a tokenizer.json can", v->start->label,
                 v->start->vocabulary.path, mw_text_escape(&shown, text, length));
    return mw_error_hint(err, "write it first (transformers: save_pretrained of the fast tokenizer), or --tokenizer base");
  }
  if (v->next < v->count && v->tokens[v->next].text) {
    const mw_output_vocabulary_token *taken = &v->tokens[v->next];
    mw_error_set(err, MW_DATA, "%s: its ids have gaps, so that the token '%s' would get id %zu when it is loaded, which '%s' has",
                 v->start->label, mw_text_escape(&shown, text, length), v->next, mw_text_escape(&there, taken->text, taken->length));
    return mw_error_hint(err, "--tokenizer base, or the tokenizer of another model, adds no token");
  }
  if (v->next >= MOST) return mw_error_set(err, MW_DATA, "more than %d tokens", MOST);
  v->added++;
  return put(v, v->next++, token, err);
}

bool mw_output_vocabulary_add(mw_output_vocabulary *v, const char *text, size_t length, mw_error *err) {
  const mw_output_vocabulary_token token = {
    .text = text, .length = (uint32_t)length, .added = true, .literal = v->normalizer.kind != MW_JSON_END,
    .single = mw_added_begins_word(text, length) || mw_added_ends_word(text, length)};
  return add(v, &token, err);
}

bool mw_output_vocabulary_unite(mw_output_vocabulary *v, const mw_model_tokens *other, mw_error *err) {
  const mw_json own = normalizer_of(other);
  const bool same = own.length == v->normalizer.length && (!own.length || memcmp(own.bytes, v->normalizer.bytes, own.length) == 0);
  for (size_t id = 0; id < other->vocabulary.count; id++) {
    const mw_vocabulary_token *token = &other->vocabulary.tokens[id];
    const mw_json *settings = mw_model_tokens_settings(other, id);
    if (!token->text || !token->length) continue;
    const mw_output_vocabulary_token new = {
      .text = token->text, .settings = settings, .length = token->length, .added = true,
      .literal = v->normalizer.kind != MW_JSON_END && (!settings || !same),
      .single = !settings || mw_json_member(*settings, "single_word").kind == MW_JSON_TRUE};
    MW_TRY(add(v, &new, err));
  }
  return true;
}

void mw_output_vocabulary_free(mw_output_vocabulary *v) {
  free(v->tokens);
  mw_vocab_free(&v->ids);
}
