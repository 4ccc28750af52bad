/* tokenizer.c: the two forms of tokenizers. A text goes through the parts of tokenizer.json in this order: added tokens are cut out;
 * what is between them is normalised; added tokens that are searched in normalised text are cut out; the rest is cut into pieces
 * by the pre-tokenizer, and each piece is merged to tokens. */
#include "text/tokenizer.h"
#include "base/utf8.h"
#include "format/file.h"
#include "text/added.h"
#include "text/bpe.h"
#include "text/pretokenizer.h"
#include "text/processor.h"
#include "text/sentencepiece.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


struct mw_tokenizer {
  bool is_model; /* tokenizer.model */
  mw_sentencepiece model;
  mw_bpe bpe;
  mw_added added;
  mw_normalizer normalizer;
  mw_pretokenizer pretokenizer;
  mw_processor processor;
  char *bytes; /* what the model borrows */
  mw_arena arena;
};

/* ---- opening ---- */

/* "WHAT: MEMBER" and the member. */
static mw_json part(mw_json root, const char *what, const char *member, char where[300]) {
  snprintf(where, 300, "%.240s: %s", what, member);
  return mw_json_member(root, member);
}

/* The scheme "first" depends on whether a piece begins the text before normalization, which we do not know of every piece. */
static bool check_first(const mw_tokenizer *t, const char *what, mw_error *err) {
  bool first = false, bytes = false, normalized = t->normalizer.count > 0, unclear = normalized && t->added.normalized.count;
  for (size_t i = 0; i < t->pretokenizer.count; i++) {
    bytes = bytes || t->pretokenizer.steps[i].kind == MW_PRETOKENIZER_BYTES;
    if (!t->pretokenizer.steps[i].first_only) continue;
    first = true;
    unclear = unclear || bytes || (normalized && i > 1);
  }
  for (size_t i = 0; i < t->normalizer.count; i++)
    unclear = unclear || (t->normalizer.steps[i].kind == MW_NORMALIZER_REPLACE && t->normalizer.steps[i].length == 0);
  if (!first || !unclear) return true;
  return mw_error_set(err, MW_UNAVAILABLE, "%s: Metaspace with prepend_scheme \"first\" is not implemented behind ByteLevel, or "
                      "behind a normalizer and what cuts or removes text", what);
}

static bool read_json(mw_tokenizer *t, const char *what, mw_json root, mw_error *err) {
  char where[300];
  mw_option model;
  mw_text_escaped shown;
  if (root.kind != MW_JSON_OBJECT) return mw_error_set(err, MW_DATA, "%s: expected an object", what);
  mw_json value = part(root, what, "version", where);
  if (value.kind != MW_JSON_END && !mw_json_equals(value, "1.0"))
    return mw_error_set(err, MW_UNAVAILABLE, "%s: found %s, expected \"1.0\"", where, mw_text_escape(&shown, value.bytes, value.length));
  value = part(root, what, "model", where);
  if (value.kind == MW_JSON_END) return mw_error_set(err, MW_DATA, "%s: found nothing, expected an object", where);
  MW_TRY(mw_option_open(&model, where, value, "BPE", &t->arena, err));
  if (strcmp(model.type, "BPE") != 0) return mw_option_unknown(&model);
  MW_TRY(mw_bpe_read(&t->bpe, &model));
  value = part(root, what, "normalizer", where);
  MW_TRY(mw_normalizer_read(&t->normalizer, where, value, &t->arena, err));
  value = part(root, what, "pre_tokenizer", where);
  MW_TRY(mw_pretokenizer_read(&t->pretokenizer, where, value, &t->arena, err));
  value = part(root, what, "post_processor", where);
  MW_TRY(mw_processor_read(&t->processor, where, value, &t->arena, err));
  value = part(root, what, "added_tokens", where);
  MW_TRY(mw_added_read(&t->added, where, value, &t->bpe.vocab, &t->normalizer, &t->arena, err));
  return check_first(t, what, err);
}

bool mw_tokenizer_from_json(const char *what, const char *bytes, size_t length, mw_tokenizer **out, mw_error *err) {
  mw_json root;
  MW_TRY(mw_json_check(what, bytes, length, MW_TOKENIZER_DEEPEST, &root, err));
  mw_tokenizer *t = mw_mem_new(1, sizeof *t, err);
  if (!t) return false;
  if (!read_json(t, what, root, err)) return mw_tokenizer_free(t), false;
  *out = t;
  return true;
}

bool mw_tokenizer_from_model(const char *what, const char *bytes, size_t length, mw_tokenizer **out, mw_error *err) {
  mw_tokenizer *t = mw_mem_new(1, sizeof *t, err);
  if (!t) return false;
  t->is_model = true;
  bool ok = (t->bytes = mw_mem_new(length, 1, err)) != NULL;
  if (ok && length) memcpy(t->bytes, bytes, length);
  ok = ok && mw_sentencepiece_read(&t->model, what, t->bytes, length, err);
  if (ok) *out = t;
  else mw_tokenizer_free(t);
  return ok;
}

static bool open_file(const char *path, mw_tokenizer **out, mw_error *err) {
  mw_text_escaped shown;
  char *bytes;
  size_t length = strlen(path);
  bool json = length > 5 && strcmp(path + length - 5, ".json") == 0;
  MW_TRY(mw_file_slurp(path, MW_TOKENIZER_LARGEST, &bytes, &length, err));
  bool ok = (json ? mw_tokenizer_from_json : mw_tokenizer_from_model)(mw_text_escape_z(&shown, path), bytes, length, out, err);
  free(bytes);
  return ok;
}

bool mw_tokenizer_open(const char *where, mw_tokenizer **out, mw_error *err) {
  static const char *const names[] = {"tokenizer.json", "tokenizer.model"};
  mw_arena arena = {0};
  mw_text_escaped shown;
  const char *path = NULL;
  bool ok = true, found = false;
  if (!mw_file_is_folder(where)) return open_file(where, out, err);
  for (size_t i = 0; ok && !found && i < sizeof names / sizeof *names; i++) {
    ok = (path = mw_file_join(&arena, where, names[i], err)) != NULL;
    found = ok && mw_file_exists(path);
  }
  if (ok && !found)
    ok = mw_error_set(err, MW_MISSING, "%s: found neither tokenizer.json nor tokenizer.model", mw_text_escape_z(&shown, where));
  ok = ok && open_file(path, out, err);
  mw_mem_release(&arena);
  return ok;
}

void mw_tokenizer_free(mw_tokenizer *t) {
  if (!t) return;
  mw_sentencepiece_free(&t->model);
  mw_bpe_free(&t->bpe);
  mw_added_free(&t->added);
  mw_normalizer_free(&t->normalizer);
  mw_pretokenizer_free(&t->pretokenizer);
  mw_processor_free(&t->processor);
  mw_mem_release(&t->arena);
  free(t->bytes);
  free(t);
}

static uint32_t above(uint32_t count, mw_ids ids) {
  for (size_t i = 0; i < ids.count; i++)
    if (ids.ids[i] >= count) count = ids.ids[i] + 1;
  return count;
}

uint32_t mw_tokenizer_count(const mw_tokenizer *t) {
  if (t->is_model) return (uint32_t)t->model.count;
  uint32_t count = t->bpe.count > t->added.count ? t->bpe.count : t->added.count;
  return above(above(count, t->processor.before), t->processor.after); /* a template may name others */
}

/* ---- encoding ---- */

typedef struct sink {
  mw_bpe *bpe;
  mw_ids *out;
} sink;

static bool put_piece(void *context, const char *piece, size_t length, mw_error *err) {
  sink *to = context;
  return mw_bpe_encode(to->bpe, piece, length, to->out, err);
}

/* Encodes a part between added tokens of the raw text; `first`: the text begins with it. */
static bool section(mw_tokenizer *t, const char *text, size_t length, bool first, mw_ids *out, mw_error *err) {
  sink to = {&t->bpe, out};
  MW_TRY(mw_normalizer_run(&t->normalizer, &text, &length, err));
  mw_added_walk walk = mw_added_enter(text, length);
  while (mw_added_next(&t->added.normalized, &walk)) {
    if (walk.end > walk.begin)
      MW_TRY(mw_pretokenizer_run(&t->pretokenizer, text + walk.begin, walk.end - walk.begin, first && walk.begin == 0,
                                 put_piece, &to, err));
    if (walk.has_token) MW_TRY(mw_ids_add(out, walk.id, err));
  }
  return true;
}

static bool encode_json(mw_tokenizer *t, const char *text, size_t length, bool special, mw_ids *out, mw_error *err) {
  for (size_t i = t->processor.before.count; special && i-- > 0;) MW_TRY(mw_ids_add(out, t->processor.before.ids[i], err));
  mw_added_walk walk = mw_added_enter(text, length);
  while (mw_added_next(&t->added.raw, &walk)) {
    if (walk.end > walk.begin) MW_TRY(section(t, text + walk.begin, walk.end - walk.begin, walk.begin == 0, out, err));
    if (walk.has_token) MW_TRY(mw_ids_add(out, walk.id, err));
  }
  for (size_t i = 0; special && i < t->processor.after.count; i++) MW_TRY(mw_ids_add(out, t->processor.after.ids[i], err));
  return true;
}

bool mw_tokenizer_encode(mw_tokenizer *t, const char *text, size_t length, bool special, mw_ids *out, mw_error *err) {
  if (length > INT32_MAX) return mw_error_set(err, MW_DATA, "a text of %zu bytes, expected at most %d", length, INT32_MAX);
  if (!mw_utf8_valid(text, length)) return mw_error_set(err, MW_DATA, "the text is not UTF-8");
  return t->is_model ? mw_sentencepiece_encode(&t->model, text, length, special, out, err)
                     : encode_json(t, text, length, special, out, err);
}

bool mw_tokenizer_encode_behind(mw_tokenizer *t, const char *token, const char *text, size_t length, mw_ids *out, mw_error *err) {
  if (!token) return mw_tokenizer_encode(t, text, length, false, out, err);
  bool ok, prefix = t->model.prefix;
  if (t->is_model) { /* its texts hold no special tokens; the one that stands before them is the one that begins a text */
    t->model.prefix = false;
    ok = mw_tokenizer_encode(t, text, length, true, out, err);
    t->model.prefix = prefix;
    return ok;
  }
  mw_text both = {0};
  mw_text_add(&both, token, strlen(token));
  mw_text_add(&both, text, length);
  ok = mw_text_check(&both, err) && mw_tokenizer_encode(t, both.bytes, both.length, false, out, err);
  mw_text_free(&both);
  return ok;
}
