/* vocabulary.c: texts are borrowed from the file's bytes where they are spelt plainly, else unescaped. Most tokenizers that differ
 * do so in what is said of truncation, padding or templates: then their tokens need not be read. */
#include "model/vocabulary.h"
#include "format/recognise.h"
#include "text/protobuf.h"
#include "text/tokenizer.h"
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 24 };

static bool put(mw_vocabulary *v, uint64_t id, const char *text, size_t length, bool added, mw_error *err) {
  if (id >= MOST) return mw_error_set(err, MW_DATA, "%s: a token has the id %llu", v->path, (unsigned long long)id);
  size_t before = v->capacity;
  MW_TRY(mw_mem_grow(&v->tokens, &v->capacity, (size_t)id + 1, sizeof *v->tokens, err));
  if (v->capacity > before) memset(v->tokens + before, 0, (v->capacity - before) * sizeof *v->tokens);
  if (id >= v->count) v->count = (size_t)id + 1;
  v->tokens[id] = (mw_vocabulary_token){text, (uint32_t)length, added};
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

/* The merges are most of the file, stand behind the vocabulary, and tell nothing about ids. So the beginning of the file is read, and
 * its last bytes, which tell whether it is cut off; the rest only if the two parts that are wanted do not lie in that beginning. */
enum { BEGINNING = 256 << 10, LAST = 64 };

/* Looks for the parts in what is there of the file. False: one of them ends behind it. */
static bool find_parts(mw_vocabulary *v, size_t there) {
  mw_json root = {MW_JSON_OBJECT, v->bytes, there}, vocab = mw_json_skim(mw_json_skim_open(root, "model"), "vocab");
  mw_json added = mw_json_skim(root, "added_tokens");
  size_t length = v->length;
  while (length && strchr(" \t\r\n", v->bytes[length - 1])) length--;
  bool whole = there == v->length, within = vocab.kind != MW_JSON_END && vocab.bytes + vocab.length < v->bytes + there;
  if (!whole && !(within && added.kind != MW_JSON_END)) return false;
  if (vocab.kind == MW_JSON_END || v->bytes[length - 1] != '}') return true; /* all of it is checked, which says what is wrong */
  v->ordinary = vocab;
  v->added = added;
  return true;
}

/* The rest of the file, for whoever looks at more than its tokens. */
static bool fill(mw_vocabulary *v, mw_error *err) {
  if (!v->file.path) return true;
  bool ok = mw_file_read(&v->file, 0, v->bytes, v->length, err);
  mw_file_close(&v->file);
  v->file.path = NULL;
  return ok;
}

static bool open_tokenizer(mw_vocabulary *v, const char *path, mw_error *err) {
  MW_TRY(mw_file_open(&v->file, path, err));
  v->length = v->file.size <= MW_TOKENIZER_LARGEST ? (size_t)v->file.size : 0;
  bool large = v->length > 2 * BEGINNING;
  if (!large) {
    bool ok = mw_file_slurp_open(&v->file, MW_TOKENIZER_LARGEST, &v->bytes, &v->length, err);
    mw_file_close(&v->file);
    v->file.path = NULL;
    return ok && find_parts(v, v->length);
  }
  size_t there = v->length / 8 * 5; /* a vocabulary of 32000 tokens takes less than half */
  if (!(v->bytes = mw_mem_new(v->length + 1, 1, err))) return false;
  MW_TRY(mw_file_read(&v->file, 0, v->bytes, there, err) &&
         mw_file_read(&v->file, v->length - LAST, v->bytes + v->length - LAST, LAST, err));
  return find_parts(v, there) || (fill(v, err) && find_parts(v, v->length));
}

static bool check_added(mw_vocabulary *v, mw_error *err) {
  return v->added.kind == MW_JSON_END || mw_json_check(v->path, v->added.bytes, v->added.length, MW_TOKENIZER_DEEPEST, &v->added, err);
}

/* A key with a backslash is checked by itself. */
static bool skim_text(mw_vocabulary *v, mw_json key, const char **text, size_t *length, mw_error *err) {
  mw_json checked;
  if (!memchr(key.bytes, '\\', key.length)) return text_of(v, key, text, length, err);
  return mw_json_check(v->path, key.bytes, key.length, 1, &checked, err) && text_of(v, checked, text, length, err);
}

/* Takes the tokens as long as they are plain. *plain: all were. */
static bool skim_tokenizer(mw_vocabulary *v, bool *plain, mw_error *err) {
  mw_json_walk walk = {v->ordinary.bytes + 1, v->ordinary.bytes + v->ordinary.length};
  mw_json key;
  uint64_t id;
  const char *text;
  size_t length;
  *plain = false;
  if (v->ordinary.kind != MW_JSON_OBJECT) return true;
  v->capacity = v->ordinary.length / sizeof "\"a\":0"; /* at most; pages of it that no token needs are never touched */
  if (!(v->tokens = mw_mem_new(v->capacity + 1, sizeof *v->tokens, err))) return false;
  while (mw_json_skim_number(&walk, &key, &id)) {
    MW_TRY(skim_text(v, key, &text, &length, err));
    if (text) MW_TRY(put(v, id, text, length, false, err));
  }
  *plain = walk.at + 1 == walk.end;
  return !*plain || (check_added(v, err) && take_added(v, v->added, err));
}

static bool read_tokenizer(mw_vocabulary *v, mw_error *err) {
  mw_json root, vocab, added = v->added;
  bool good = v->ordinary.kind != MW_JSON_END &&
              mw_json_check(v->path, v->ordinary.bytes, v->ordinary.length, MW_TOKENIZER_DEEPEST, &vocab, err) &&
              (added.kind == MW_JSON_END || mw_json_check(v->path, added.bytes, added.length, MW_TOKENIZER_DEEPEST, &added, err));
  if (!good) {
    MW_TRY(mw_json_check(v->path, v->bytes, v->length, MW_TOKENIZER_DEEPEST, &root, err));
    mw_json model = root.kind == MW_JSON_OBJECT ? mw_json_member(root, "model") : root;
    vocab = model.kind == MW_JSON_OBJECT ? mw_json_member(model, "vocab") : model;
    added = root.kind == MW_JSON_OBJECT ? mw_json_member(root, "added_tokens") : root;
  }
  v->ordinary = vocab;
  v->added = added;
  return (vocab.kind == MW_JSON_ARRAY ? take_list(v, vocab, err) : take_map(v, vocab, false, err)) && take_added(v, added, err);
}

static const char tiktoken[] = "tiktoken";

/* tiktoken's file: a line a token, "IQ== 0", its bytes in base64 and its id. */
static bool is_tiktoken(const mw_vocabulary *v) {
  static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  size_t n = 0;
  while (n < v->length && n < 64 && v->bytes[n] && strchr(base64, v->bytes[n])) n++;
  return n >= 4 && n % 4 == 0 && n + 2 < v->length && v->bytes[n] == ' ' && v->bytes[n + 1] >= '0' && v->bytes[n + 1] <= '9';
}

static bool read_tiktoken(mw_vocabulary *v, mw_error *err) {
  unsigned line = 1;
  for (const char *at = v->bytes, *end = v->bytes + v->length; at < end; line++) {
    const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
    const char *space = memchr(at, ' ', (size_t)(stop - at));
    uint64_t id = 0;
    if (!space && stop - at > 1) return mw_error_set(err, MW_DATA, "%s:%u: found no id behind a token", v->path, line);
    for (const char *c = space ? space + 1 : stop; c < stop && *c >= '0' && *c <= '9' && id < MOST; c++)
      id = id * 10 + (uint64_t)(*c - '0');
    if (space) MW_TRY(put(v, id, at, (size_t)(space - at), false, err));
    at = stop + 1;
  }
  return true;
}

/* Mistral's tekken.json: {"config": {"default_num_special_tokens": 1000}, "vocab": [{"rank": 0, "token_bytes": "AA=="}, ...],
 * "special_tokens": [{"rank": 0, "token_str": "<unk>"}, ...]}; ordinary tokens come behind the special ones. */
static bool read_tekken(mw_vocabulary *v, mw_error *err) {
  static const struct { const char *list, *text; bool added; } parts[] = {{"vocab", "token_bytes", false},
                                                                          {"special_tokens", "token_str", true}};
  mw_json root, key, entry;
  uint64_t special = 0, rank;
  MW_TRY(mw_json_check(v->path, v->bytes, v->length, MW_TOKENIZER_DEEPEST, &root, err));
  if (root.kind != MW_JSON_OBJECT) return mw_error_set(err, MW_DATA, "%s: expected an object", v->path);
  mw_json config = mw_json_member(root, "config");
  if (config.kind == MW_JSON_OBJECT) mw_json_u64(mw_json_member(config, "default_num_special_tokens"), &special);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    for (mw_json_walk walk = mw_json_enter(mw_json_member(root, parts[i].list)); mw_json_next(&walk, &key, &entry);) {
      const char *text;
      size_t length;
      if (entry.kind != MW_JSON_OBJECT || !mw_json_u64(mw_json_member(entry, "rank"), &rank) || rank >= MOST) continue;
      MW_TRY(text_of(v, mw_json_member(entry, parts[i].text), &text, &length, err));
      if (text) MW_TRY(put(v, rank + (parts[i].added ? 0 : special), text, length, parts[i].added, err));
    }
  return true;
}

/* SentencePiece's message: field 1 holds a piece, whose field 1 is its text and field 3 its kind (2: unknown, 3: control, 4: of the
 * user, 5: unused). */
static bool read_pieces(mw_vocabulary *v, mw_error *err) {
  if (is_tiktoken(v)) return v->own = tiktoken, read_tiktoken(v, err);
  mw_protobuf walk = mw_protobuf_enter(v->path, v->bytes, v->length);
  uint64_t id = 0;
  bool found;
  for (;;) {
    MW_TRY(mw_protobuf_next(&walk, &found, err));
    if (!found) return true;
    if (walk.field != 1 || walk.kind != MW_PROTOBUF_BYTES) continue;
    mw_protobuf piece = mw_protobuf_enter(v->path, walk.bytes, walk.length);
    mw_vocabulary_token token = {0};
    for (;;) {
      MW_TRY(mw_protobuf_next(&piece, &found, err));
      if (!found) break;
      if (piece.field == 1 && piece.kind == MW_PROTOBUF_BYTES)
        token.text = (const char *)piece.bytes, token.length = (uint32_t)piece.length;
      if (piece.field == 3 && piece.kind == MW_PROTOBUF_VARINT) token.added = piece.number >= 2 && piece.number <= 5;
    }
    if (token.text) MW_TRY(put(v, id, token.text, token.length, token.added, err));
    id++;
  }
}

static bool read_map(mw_vocabulary *v, mw_error *err) {
  mw_json root;
  return mw_json_check(v->path, v->bytes, v->length, MW_TOKENIZER_DEEPEST, &root, err) && take_map(v, root, false, err);
}

static bool read_lines(mw_vocabulary *v, mw_error *err) {
  uint64_t id = 0;
  for (const char *at = v->bytes, *end = v->bytes + v->length; at < end; id++) {
    const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
    size_t size = (size_t)(stop - at);
    if (size && at[size - 1] == '\r') size--;
    MW_TRY(put(v, id, at, size, size > 2 && at[0] == '[' && at[size - 1] == ']', err));
    at = stop + 1;
  }
  return true;
}

static const char added_name[] = "added_tokens.json";

/* `own`: its ids or texts are not those of tokenizer.json, so it is compared with files of its kind only. */
static const struct {
  const char *name;
  bool (*read)(mw_vocabulary *v, mw_error *err);
  const char *own;
} files[] = {{"tokenizer.json", read_tokenizer, NULL},        {"tekken.json", read_tekken, "tekken"},
             {"tokenizer.model", read_pieces, NULL},          {"spiece.model", read_pieces, NULL},
             {"sentencepiece.bpe.model", read_pieces, "bpe"}, {"spm.model", read_pieces, NULL},
             {"vocab.json", read_map, NULL},                  {"vocab.txt", read_lines, NULL},
             {"qwen.tiktoken", read_tiktoken, tiktoken},    {"tiktoken.model", read_tiktoken, tiktoken}};

/* A file of tokens that older tokenizers keep beside their own. */
static bool open_added(mw_vocabulary *v, const char *folder, mw_error *err) {
  const char *path = mw_file_join(&v->arena, folder, added_name, err);
  return path && (!mw_file_exists(path) || mw_file_slurp(path, MW_TOKENIZER_LARGEST, &v->beside, &v->beside_length, err));
}

static bool read_added(mw_vocabulary *v, mw_error *err) {
  mw_json root;
  return !v->beside || (mw_json_check(added_name, v->beside, v->beside_length, MW_TOKENIZER_DEEPEST, &root, err) &&
                        take_map(v, root, true, err));
}

static bool open_first(mw_vocabulary *v, const char *folder, mw_error *err) {
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    mw_text_escaped shown;
    const char *path = mw_file_join(&v->arena, folder, files[i].name, err);
    if (!path) return false;
    if (!mw_file_exists(path)) continue;
    mw_text_escape_z(&shown, path);
    v->read = files[i].read;
    v->own = files[i].own;
    v->path = mw_mem_copy(&v->arena, shown.bytes, strlen(shown.bytes), err);
    if (!v->path) return false;
    MW_TRY(v->read == read_tokenizer ? open_tokenizer(v, path, err)
                                     : mw_file_slurp(path, MW_TOKENIZER_LARGEST, &v->bytes, &v->length, err));
    if (!v->length) return mw_recognise_refuse(v->path, mw_recognise("", "", 0), "", 0, "a tokenizer", err);
    return v->read == read_tokenizer || open_added(v, folder, err);
  }
  return true;
}

bool mw_vocabulary_open(mw_vocabulary *v, const char *folder, mw_error *err) {
  *v = (mw_vocabulary){0};
  bool ok = open_first(v, folder, err);
  if (!ok || !v->path) mw_vocabulary_close(v);
  return ok;
}

bool mw_vocabulary_read(mw_vocabulary *v, mw_error *err) {
  if (!v->read || v->count || (fill(v, err) && v->read(v, err) && read_added(v, err))) return true;
  v->count = 0;
  return false;
}

bool mw_vocabulary_skim(mw_vocabulary *v, mw_error *err) {
  bool plain = false;
  if (v->count || v->read != read_tokenizer) return mw_vocabulary_read(v, err);
  bool ok = skim_tokenizer(v, &plain, err);
  if (ok && plain) return true;
  v->count = 0;
  v->capacity = 0;
  free(v->tokens);
  v->tokens = NULL;
  return ok || err->status == MW_DATA ? mw_vocabulary_read(v, err) : false;
}

static bool same_text(mw_json a, mw_json b) {
  return a.kind == b.kind && a.length == b.length && (a.kind == MW_JSON_END || memcmp(a.bytes, b.bytes, a.length) == 0);
}

bool mw_vocabulary_same(const mw_vocabulary *a, const mw_vocabulary *b) {
  return a->ordinary.kind != MW_JSON_END && same_text(a->ordinary, b->ordinary) && same_text(a->added, b->added);
}

void mw_vocabulary_close(mw_vocabulary *vocabulary) {
  if (vocabulary->file.path) mw_file_close(&vocabulary->file);
  free(vocabulary->tokens);
  free(vocabulary->bytes);
  free(vocabulary->beside);
  mw_mem_release(&vocabulary->arena);
  *vocabulary = (mw_vocabulary){0};
}

static bool same_bytes(const char *a, const char *b, bool *equal, mw_error *err) {
  enum { STEP = 64 << 10 };
  char one[STEP], two[STEP];
  mw_file x, y;
  MW_TRY(mw_file_open(&x, a, err));
  if (!mw_file_open(&y, b, err)) return mw_file_close(&x), false;
  bool ok = true, one_file = x.device == y.device && x.inode == y.inode; /* models of a hub's cache share their tokenizer */
  *equal = x.size == y.size;
  for (uint64_t at = 0; ok && *equal && !one_file && at < x.size; at += STEP) {
    size_t n = x.size - at < STEP ? (size_t)(x.size - at) : STEP;
    ok = mw_file_read(&x, at, one, n, err) && mw_file_read(&y, at, two, n, err);
    *equal = ok && memcmp(one, two, n) == 0;
  }
  mw_file_close(&x);
  mw_file_close(&y);
  return ok;
}

/* Whether either folder has the file, and whether both have the same. */
static bool compare(const char *a, const char *b, const char *name, bool *found, bool *equal, mw_error *err) {
  mw_arena arena = {0};
  const char *one = mw_file_join(&arena, a, name, err), *two = one ? mw_file_join(&arena, b, name, err) : NULL;
  bool ok = two != NULL, first = ok && mw_file_exists(one), second = ok && mw_file_exists(two);
  *found = first || second;
  *equal = false;
  if (first && second) ok = same_bytes(one, two, equal, err);
  mw_mem_release(&arena);
  return ok;
}

bool mw_vocabulary_equal(const char *a, const char *b, bool *equal, mw_error *err) {
  bool found = false, added, same;
  *equal = false;
  for (size_t i = 0; i < sizeof files / sizeof *files && !found; i++) {
    MW_TRY(compare(a, b, files[i].name, &found, equal, err));
    if (!*equal || files[i].read == read_tokenizer) continue;
    MW_TRY(compare(a, b, added_name, &added, &same, err));
    *equal = !added || same;
  }
  return true;
}
