/* vocabulary.c: texts are borrowed from the file's bytes where they are spelt plainly, else unescaped. */
#include "model/vocabulary.h"
#include "format/file.h"
#include "format/json.h"
#include "text/protobuf.h"
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 256 << 20, DEEPEST = 64, MOST = 1 << 24 };

static bool put(mw_vocabulary *v, uint64_t id, const char *text, size_t length, bool added, mw_error *err) {
  if (id >= MOST) return mw_error_set(err, MW_DATA, "%s: a token has the id %llu", v->file, (unsigned long long)id);
  size_t before = v->capacity;
  MW_TRY(mw_mem_grow(&v->tokens, &v->capacity, (size_t)id + 1, sizeof *v->tokens, err));
  if (v->capacity > before) memset(v->tokens + before, 0, (v->capacity - before) * sizeof *v->tokens);
  if (id >= v->count) v->count = (size_t)id + 1;
  v->tokens[id] = (mw_vocabulary_token){text, length, added};
  return true;
}

/* The text of a JSON string: most are spelt as they are. */
static bool text_of(mw_vocabulary *v, mw_json string, const char **text, size_t *length, mw_error *err) {
  if (string.kind == MW_JSON_STRING && !memchr(string.bytes, '\\', string.length)) {
    *text = string.bytes + 1;
    *length = string.length - 2;
    return true;
  }
  *text = NULL;
  if (string.kind != MW_JSON_STRING || !mw_json_is_text(string)) return true;
  return mw_json_string(string, &v->arena, text, length, err);
}

/* {"token": id, ...} */
static bool take_map(mw_vocabulary *v, mw_json map, bool added, mw_error *err) {
  mw_json key, value;
  uint64_t id;
  const char *text;
  size_t length;
  if (map.kind != MW_JSON_OBJECT) return true;
  for (mw_json_walk walk = mw_json_enter(map); mw_json_next(&walk, &key, &value);) {
    if (value.kind != MW_JSON_NUMBER || !mw_json_u64(value, &id)) continue;
    MW_TRY(text_of(v, key, &text, &length, err));
    if (text) MW_TRY(put(v, id, text, length, added, err));
  }
  return true;
}

/* [["token", score], ...]: Unigram. */
static bool take_list(mw_vocabulary *v, mw_json list, mw_error *err) {
  mw_json key, entry, token;
  uint64_t id = 0;
  const char *text;
  size_t length;
  for (mw_json_walk walk = mw_json_enter(list); mw_json_next(&walk, &key, &entry); id++) {
    if (entry.kind != MW_JSON_ARRAY) continue;
    mw_json_walk inside = mw_json_enter(entry);
    if (!mw_json_next(&inside, &key, &token)) continue;
    MW_TRY(text_of(v, token, &text, &length, err));
    if (text) MW_TRY(put(v, id, text, length, false, err));
  }
  return true;
}

/* [{"id": 5, "content": "<s>"}, ...] */
static bool take_added(mw_vocabulary *v, mw_json list, mw_error *err) {
  mw_json key, entry;
  uint64_t id;
  const char *text;
  size_t length;
  if (list.kind != MW_JSON_ARRAY) return true;
  for (mw_json_walk walk = mw_json_enter(list); mw_json_next(&walk, &key, &entry);) {
    if (entry.kind != MW_JSON_OBJECT || !mw_json_u64(mw_json_member(entry, "id"), &id)) continue;
    MW_TRY(text_of(v, mw_json_member(entry, "content"), &text, &length, err));
    if (text) MW_TRY(put(v, id, text, length, true, err));
  }
  return true;
}

static bool read_tokenizer(mw_vocabulary *v, const char *path, size_t length, mw_error *err) {
  mw_json root;
  MW_TRY(mw_json_check(path, v->bytes, length, DEEPEST, &root, err));
  if (root.kind != MW_JSON_OBJECT) return true;
  mw_json model = mw_json_member(root, "model"), vocab = model.kind == MW_JSON_OBJECT ? mw_json_member(model, "vocab") : model;
  MW_TRY(vocab.kind == MW_JSON_ARRAY ? take_list(v, vocab, err) : take_map(v, vocab, false, err));
  return take_added(v, mw_json_member(root, "added_tokens"), err);
}

/* SentencePiece's message: field 1 holds a piece, whose field 1 is its text and field 3 its kind (3: control). */
static bool read_pieces(mw_vocabulary *v, const char *path, size_t length, mw_error *err) {
  mw_protobuf walk = mw_protobuf_enter(path, v->bytes, length);
  uint64_t id = 0;
  bool found;
  for (;;) {
    MW_TRY(mw_protobuf_next(&walk, &found, err));
    if (!found) return true;
    if (walk.field != 1 || walk.kind != MW_PROTOBUF_BYTES) continue;
    mw_protobuf piece = mw_protobuf_enter(path, walk.bytes, walk.length);
    mw_vocabulary_token token = {0};
    for (;;) {
      MW_TRY(mw_protobuf_next(&piece, &found, err));
      if (!found) break;
      if (piece.field == 1 && piece.kind == MW_PROTOBUF_BYTES) token.text = (const char *)piece.bytes, token.length = piece.length;
      if (piece.field == 3 && piece.kind == MW_PROTOBUF_VARINT) token.added = piece.number == 3;
    }
    if (token.text) MW_TRY(put(v, id, token.text, token.length, token.added, err));
    id++;
  }
}

static bool read_map(mw_vocabulary *v, const char *path, size_t length, mw_error *err) {
  mw_json root;
  return mw_json_check(path, v->bytes, length, DEEPEST, &root, err) && take_map(v, root, false, err);
}

static bool read_lines(mw_vocabulary *v, const char *path, size_t length, mw_error *err) {
  uint64_t id = 0;
  (void)path;
  for (const char *at = v->bytes, *end = v->bytes + length; at < end; id++) {
    const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
    size_t size = (size_t)(stop - at);
    if (size && at[size - 1] == '\r') size--;
    MW_TRY(put(v, id, at, size, size > 2 && at[0] == '[' && at[size - 1] == ']', err));
    at = stop + 1;
  }
  return true;
}

static const struct {
  const char *name;
  bool (*read)(mw_vocabulary *v, const char *path, size_t length, mw_error *err);
} files[] = {{"tokenizer.json", read_tokenizer}, {"tokenizer.model", read_pieces}, {"vocab.json", read_map}, {"vocab.txt", read_lines}};

bool mw_vocabulary_open(mw_vocabulary *vocabulary, const char *folder, mw_error *err) {
  *vocabulary = (mw_vocabulary){0};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    size_t length;
    mw_text_escaped shown;
    const char *path = mw_file_join(&vocabulary->arena, folder, files[i].name, err);
    if (!path) return false;
    if (!mw_file_exists(path)) continue;
    vocabulary->file = files[i].name;
    return mw_file_slurp(path, LARGEST, &vocabulary->bytes, &length, err) &&
           files[i].read(vocabulary, mw_text_escape_z(&shown, path), length, err);
  }
  return true;
}

void mw_vocabulary_close(mw_vocabulary *vocabulary) {
  free(vocabulary->tokens);
  free(vocabulary->bytes);
  mw_mem_release(&vocabulary->arena);
  *vocabulary = (mw_vocabulary){0};
}

static bool same_bytes(const char *a, const char *b, bool *equal, mw_error *err) {
  char *one = NULL, *two = NULL;
  size_t length, other;
  bool ok = mw_file_slurp(a, LARGEST, &one, &length, err) && mw_file_slurp(b, LARGEST, &two, &other, err);
  *equal = ok && length == other && memcmp(one, two, length) == 0;
  free(one);
  free(two);
  return ok;
}

bool mw_vocabulary_equal(const char *a, const char *b, bool *equal, mw_error *err) {
  mw_arena arena = {0};
  bool ok = true, found = false;
  *equal = false;
  for (size_t i = 0; i < sizeof files / sizeof *files && ok && !found; i++) {
    const char *one = mw_file_join(&arena, a, files[i].name, err), *two = one ? mw_file_join(&arena, b, files[i].name, err) : NULL;
    ok = two != NULL;
    bool first = ok && mw_file_exists(one), second = ok && mw_file_exists(two);
    found = first || second;
    if (first && second) ok = same_bytes(one, two, equal, err);
  }
  mw_mem_release(&arena);
  return ok;
}
