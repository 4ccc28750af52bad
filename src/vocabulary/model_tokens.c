/* model_tokens.c: see model_tokens.h. */
#include "vocabulary/model_tokens.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 4 };

static bool refuse(const mw_model_tokens *t, const char *path, const char *what, mw_error *err) {
  mw_text_escaped shown;
  mw_error_set(err, MW_DATA, "%s: %s: %s", t->label, path ? mw_text_escape_z(&shown, path) : "it is a lone file", what);
  return mw_error_hint(err, "--tokenizer puts rows in order by the text of their tokens: give a folder with its tokenizer.json");
}

static bool find_file(mw_model_tokens *t, const char *folder, mw_error *err) {
  if (!folder) return refuse(t, NULL, "there is no tokenizer with it", err);
  if (!mw_vocabulary_open(&t->vocabulary, folder, err)) return mw_error_wrap(err, "%s", t->label);
  const char *path = t->vocabulary.path;
  if (!path) return refuse(t, folder, "there is no tokenizer", err);
  t->fast = mw_text_ends_with(path, "tokenizer.json");
  if (!t->vocabulary.own && !mw_vocabulary_read(&t->vocabulary, err)) return mw_error_wrap(err, "%s", t->label);
  if (t->vocabulary.own) return refuse(t, path, "its tokens are not spelt as those of a tokenizer.json are", err);
  return t->vocabulary.count || refuse(t, path, "there is no vocabulary in it", err);
}

/* Tokens without a row. */
static bool cut(mw_model_tokens *t, uint64_t rows, mw_warning *warnings, mw_error *err) {
  mw_text list = {0};
  mw_text_escaped shown;
  size_t added = 0, ordinary = 0;
  for (size_t id = (size_t)rows; id < t->vocabulary.count; id++) {
    mw_vocabulary_token *token = &t->vocabulary.tokens[id];
    if (!token->text) continue;
    if (!token->added) ordinary++;
    else if (added++ < SHOWN) mw_text_format(&list, "%s'%.60s'", added > 1 ? ", " : "", mw_text_escape(&shown, token->text, token->length));
    token->text = NULL;
  }
  bool ok = mw_text_check(&list, err);
  if (ok && ordinary) {
    ok = mw_error_set(err, MW_DATA, "%s: its tokenizer has ids up to %zu, but its embeddings have %llu rows", t->label,
                      t->vocabulary.count - 1, (unsigned long long)rows);
    mw_error_hint(err, "these weights belong to another tokenizer");
  } else if (ok && added)
    mw_warning_add(warnings, "%s: %zu added token%s no row in its embeddings: %s%s; taken as tokens that it lacks", t->label, added,
                   added == 1 ? " has" : "s have", list.bytes, added > SHOWN ? " ..." : "");
  mw_text_free(&list);
  while (t->vocabulary.count && !t->vocabulary.tokens[t->vocabulary.count - 1].text) t->vocabulary.count--;
  return ok;
}

typedef struct mw_model_tokens_entry {
  uint64_t id;
  mw_json json;
} entry;

/* Of several entries of one id the last one comes first. */
static int by_id(const void *a, const void *b) {
  const entry *x = a, *y = b;
  if (x->id != y->id) return x->id < y->id ? -1 : 1;
  return x->json.bytes > y->json.bytes ? -1 : x->json.bytes < y->json.bytes;
}

static bool list_settings(mw_model_tokens *t, mw_error *err) {
  mw_json key, value;
  size_t capacity = 0;
  if (!t->fast || t->vocabulary.added.kind != MW_JSON_ARRAY) return true;
  for (mw_json_walk walk = mw_json_enter(t->vocabulary.added); mw_json_next(&walk, &key, &value);) {
    entry found = {.json = value};
    if (value.kind != MW_JSON_OBJECT || !mw_json_u64(mw_json_member(value, "id"), &found.id) || found.id >= t->vocabulary.count) continue;
    MW_TRY(mw_mem_grow(&t->entries, &capacity, t->entry_count + 1, sizeof *t->entries, err));
    t->entries[t->entry_count++] = found;
  }
  if (t->entry_count) qsort(t->entries, t->entry_count, sizeof *t->entries, by_id);
  return true;
}

const mw_json *mw_model_tokens_settings(const mw_model_tokens *t, size_t id) {
  size_t low = 0, high = t->entry_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (t->entries[middle].id < id) low = middle + 1;
    else high = middle;
  }
  return low < t->entry_count && t->entries[low].id == id ? &t->entries[low].json : NULL;
}

/* A text that two ids have is found by the first. */
static bool index_texts(mw_model_tokens *t, mw_error *err) {
  MW_TRY(mw_vocab_make(&t->ids, t->vocabulary.count, err));
  for (size_t id = 0; id < t->vocabulary.count; id++) {
    const mw_vocabulary_token *token = &t->vocabulary.tokens[id];
    bool known = false;
    if (token->text && !mw_vocab_add(&t->ids, token->text, token->length, (uint32_t)id, &known, err) && !known) return false;
  }
  return true;
}

bool mw_model_tokens_open(mw_model_tokens *t, const char *label, const char *folder, uint64_t rows, mw_warning *warnings, mw_error *err) {
  *t = (mw_model_tokens){.label = label};
  if (find_file(t, folder, err) && cut(t, rows, warnings, err) && list_settings(t, err) && index_texts(t, err)) return true;
  mw_model_tokens_close(t);
  return false;
}

void mw_model_tokens_close(mw_model_tokens *t) {
  mw_vocab_free(&t->ids);
  free(t->entries);
  mw_vocabulary_close(&t->vocabulary);
}

bool mw_model_tokens_find(const mw_model_tokens *t, const char *text, size_t length, uint32_t *id) {
  return mw_vocab_find(&t->ids, text, length, id);
}
