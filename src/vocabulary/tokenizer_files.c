/* tokenizer_files.c: lists of added tokens are composed anew from the texts of their old entries, without those that are gone, and new
 * ones behind them. */
#include "vocabulary/tokenizer_files.h"
#include "vocabulary/contained.h"
#include "vocabulary/small_file.h"
#include <stdlib.h>
#include <string.h>

typedef struct rewriting {
  mw_tokenizer_files *files;
  const char *folder;
  const mw_output_vocabulary *vocabulary;
  const uint32_t *contained; /* [contained_count] ordinary tokens that become added ones, too */
  size_t contained_count;
  mw_arena *arena;
  mw_warning *warnings;
  mw_error *err;
} rewriting;

/* ---- which files ---- */

static bool ends_like(const char *name, const char *end) {
  size_t length = strlen(name), tail = strlen(end);
  return length >= tail && mw_text_is_same_word(name + length - tail, end);
}

bool mw_tokenizer_files_is(const char *name) {
  static const char *const starts[] = {"tokenizer", "vocab", "merges", "spiece", "sentencepiece", "tekken", "added_tokens",
                                       "special_tokens"};
  const char *slash = strrchr(name, '/'); /* of a part's folder */
  if (slash) name = slash + 1;
  for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
    if (strncmp(name, starts[i], strlen(starts[i])) == 0) return true;
  return ends_like(name, ".model") || ends_like(name, ".tiktoken");
}

bool mw_tokenizer_files_add(mw_tokenizer_files *files, const mw_tokenizer_files_splice *edit, mw_error *err) {
  MW_TRY(mw_mem_grow(&files->edits, &files->capacity, files->count + 1, sizeof *files->edits, err));
  files->edits[files->count++] = *edit;
  return true;
}

void mw_tokenizer_files_free(mw_tokenizer_files *files) {
  free(files->edits);
  *files = (mw_tokenizer_files){0};
}

bool mw_tokenizer_files_edit(const mw_tokenizer_files *files, const char *name, char **bytes, size_t *length, mw_error *err) {
  const mw_tokenizer_files_splice *edit = NULL;
  mw_text_escaped shown;
  for (size_t i = 0; i < files->count && !edit; i++)
    if (strcmp(files->edits[i].name, name) == 0) edit = &files->edits[i];
  if (!edit) return true;
  if (*length != edit->size) return mw_error_set(err, MW_CHANGED, "%s changed since the merge was planned", mw_text_escape_z(&shown, name));
  size_t all = *length - edit->length + edit->text_length;
  char *made = mw_mem_new(all + 1, 1, err);
  if (!made) return false;
  memcpy(made, *bytes, edit->at);
  memcpy(made + edit->at, edit->text, edit->text_length);
  memcpy(made + edit->at + edit->text_length, *bytes + edit->at + edit->length, *length - edit->at - edit->length);
  free(*bytes);
  *bytes = made;
  *length = all;
  return true;
}

/* ---- entries ---- */

/* The text of a key or value of JSON. */
static void put_json(mw_text *out, mw_json value) { mw_text_add(out, value.bytes, value.length); }

/* "single_word": true, ...: those of the model that a token is from, else of a text that is found where it is no part of a longer word.
 * Where the tokenizer has another normalizer than the one that it is from, it is looked for in the text as it is: one that puts
 * something before the first word would do so with the token, too, which was then found nowhere else. In a tokenizer without normalizer
 * a token whose "normalized" is false is looked for before all others, so it would cut longer ones apart. */
static void put_settings(const mw_output_vocabulary_token *token, bool id_within, mw_text *out) {
  mw_json key, value;
  if (token->settings) {
    for (mw_json_walk walk = mw_json_enter(*token->settings); mw_json_next(&walk, &key, &value);) {
      if (mw_json_equals(key, "id") || (!id_within && mw_json_equals(key, "content"))) continue;
      mw_text_format(out, ",");
      put_json(out, key);
      mw_text_format(out, ":");
      if (token->literal && mw_json_equals(key, "normalized")) mw_text_format(out, "false");
      else put_json(out, value);
    }
    return;
  }
  if (id_within) {
    mw_text_format(out, ",\"content\":");
    mw_text_json(out, token->text, token->length);
  }
  mw_text_format(out, ",\"single_word\":%s,\"lstrip\":false,\"rstrip\":false,\"normalized\":%s,\"special\":false",
                 token->single ? "true" : "false", token->literal ? "false" : "true");
}

/* Whether an id that an entry names is that of a token of the output. */
static bool stays(const mw_output_vocabulary *v, uint64_t id) { return id < v->count && v->tokens[id].text && !v->tokens[id].added; }

/* What stands between the first two elements of a list, or members of an object: ",\n    ". */
static void separator_of(mw_json list, const char **text, size_t *length) {
  mw_json key, first, second, next;
  mw_json_walk walk = mw_json_enter(list);
  *text = ",", *length = 1;
  if (!mw_json_next(&walk, &key, &first) || !mw_json_next(&walk, &next, &second)) return;
  const char *end = first.bytes + first.length, *begin = list.kind == MW_JSON_OBJECT ? next.bytes : second.bytes;
  if (*end == ',') *text = end, *length = (size_t)(begin - end);
}

/* What stands before the first element, and behind the last. */
static void edges_of(mw_json list, mw_json *before, mw_json *behind) {
  mw_json key, value;
  const char *first = list.bytes + list.length - 1, *end = first;
  bool any = false;
  for (mw_json_walk walk = mw_json_enter(list); mw_json_next(&walk, &key, &value); any = true) {
    if (!any) first = list.kind == MW_JSON_OBJECT ? key.bytes : value.bytes;
    end = value.bytes + value.length;
  }
  *before = (mw_json){MW_JSON_END, list.bytes, (size_t)(first - list.bytes)};
  *behind = (mw_json){MW_JSON_END, end, (size_t)(list.bytes + list.length - end)};
  if (!any) *before = (mw_json){MW_JSON_END, list.bytes, 1}, *behind = (mw_json){MW_JSON_END, list.bytes + list.length - 1, 1};
}

typedef enum list_form { LIST, BY_ID, BY_TEXT } list_form; /* added_tokens; added_tokens_decoder; added_tokens.json */

/* The id that an entry is about; false: none, the entry stays. */
static bool id_of(list_form form, mw_json key, mw_json value, uint64_t *id) {
  if (form == LIST) return value.kind == MW_JSON_OBJECT && mw_json_u64(mw_json_member(value, "id"), id);
  if (form == BY_TEXT) return value.kind == MW_JSON_NUMBER && mw_json_u64(value, id);
  return mw_text_parse_u64(key.bytes + 1, key.length - 2, id);
}

static void put_new(const rewriting *r, list_form form, size_t id, mw_text *out) {
  const mw_output_vocabulary_token *token = &r->vocabulary->tokens[id];
  if (form == BY_TEXT) {
    mw_text_json(out, token->text, token->length);
    mw_text_format(out, ": %zu", id);
  } else if (form == BY_ID) {
    mw_text_format(out, "\"%zu\": {\"content\":", id);
    mw_text_json(out, token->text, token->length);
    put_settings(token, false, out);
    mw_text_format(out, "}");
  } else {
    mw_text_format(out, "{\"id\":%zu", id);
    put_settings(token, true, out);
    mw_text_format(out, "}");
  }
}

/* The list with what stays of it and what is new. */
static bool compose(const rewriting *r, list_form form, mw_json list, mw_text *out) {
  mw_json key, value, before, behind;
  const char *between;
  size_t length, count = 0;
  uint64_t id;
  separator_of(list, &between, &length);
  edges_of(list, &before, &behind);
  put_json(out, before);
  for (mw_json_walk walk = mw_json_enter(list); mw_json_next(&walk, &key, &value);) {
    if (id_of(form, key, value, &id) && !stays(r->vocabulary, id)) continue;
    if (count++) mw_text_add(out, between, length);
    const char *begin = form == LIST ? value.bytes : key.bytes;
    mw_text_add(out, begin, (size_t)(value.bytes + value.length - begin));
  }
  for (size_t i = 0; i < r->vocabulary->count; i++) {
    if (!r->vocabulary->tokens[i].added) continue;
    if (count++) mw_text_add(out, between, length);
    put_new(r, form, i, out);
  }
  for (size_t i = 0; form == LIST && i < r->contained_count; i++) {
    if (count++) mw_text_add(out, between, length);
    put_new(r, form, r->contained[i], out);
  }
  put_json(out, behind);
  return mw_text_check(out, r->err);
}

/* ---- the files ---- */

static bool keep(const rewriting *r, const char *name, size_t size, size_t at, size_t length, mw_text *text) {
  mw_tokenizer_files_splice edit = {.name = name, .size = size, .at = at, .length = length, .text_length = text->length};
  return (edit.text = mw_mem_copy(r->arena, text->bytes, text->length, r->err)) != NULL && mw_tokenizer_files_add(r->files, &edit, r->err);
}

/* tokenizer.json: its "added_tokens", which become its first member where it has none. */
static bool rewrite_tokenizer(const rewriting *r) {
  static const mw_json none = {.kind = MW_JSON_ARRAY, .bytes = "[]", .length = 2};
  const mw_vocabulary *v = &r->vocabulary->start->vocabulary;
  const bool has = v->added.kind == MW_JSON_ARRAY;
  mw_text text = {0};
  if (!has) mw_text_format(&text, "\"added_tokens\":");
  bool ok = compose(r, LIST, has ? v->added : none, &text);
  if (ok && !has) mw_text_format(&text, ",");
  size_t open = 1 + strcspn(v->bytes, "{");
  ok = ok && mw_text_check(&text, r->err) &&
       keep(r, "tokenizer.json", v->length, has ? (size_t)(v->added.bytes - v->bytes) : open, has ? v->added.length : 0, &text);
  mw_text_free(&text);
  return ok;
}

typedef struct set_list {
  mw_config_edit_set *list;
  size_t count, capacity;
} set_list;

static bool set(const rewriting *r, set_list *sets, mw_json key, const mw_text *json) {
  const char **path = mw_mem_take(r->arena, sizeof *path, r->err), *text = NULL;
  size_t length;
  MW_TRY(path && mw_json_string(key, r->arena, path, &length, r->err));
  MW_TRY(!json || (text = mw_mem_copy(r->arena, json->bytes, json->length, r->err)) != NULL);
  MW_TRY(mw_mem_grow(&sets->list, &sets->capacity, sets->count + 1, sizeof *sets->list, r->err));
  sets->list[sets->count++] = (mw_config_edit_set){path, 1, text};
  return true;
}

/* The text of a special token: a text, or an object with its content. *in: the output has it, or it is no token at all. */
static bool is_in(const rewriting *r, mw_json value, bool *in) {
  mw_json content = value.kind == MW_JSON_OBJECT ? mw_json_member(value, "content") : value;
  mw_arena arena = {0};
  const char *text;
  size_t length;
  uint32_t id;
  *in = true;
  if (!mw_json_is_text(content)) return true;
  bool ok = mw_json_string(content, &arena, &text, &length, r->err);
  if (ok && length) *in = mw_vocab_find(&r->vocabulary->ids, text, length, &id);
  mw_mem_release(&arena);
  return ok;
}

static bool is_special(mw_json key) { return key.length > 8 && memcmp(key.bytes + key.length - 7, "_token\"", 7) == 0; }

/* "additional_special_tokens" without what the output has not. */
static bool filter(const rewriting *r, set_list *sets, mw_json key, mw_json list) {
  mw_json none, value;
  mw_text text = {0};
  bool ok = true, in, left = false;
  size_t count = 0;
  mw_text_format(&text, "[");
  for (mw_json_walk walk = mw_json_enter(list); ok && mw_json_next(&walk, &none, &value);) {
    ok = is_in(r, value, &in);
    left |= !in;
    if (!in) continue;
    mw_text_format(&text, count++ ? ", " : "");
    put_json(&text, value);
  }
  mw_text_format(&text, "]");
  ok = ok && mw_text_check(&text, r->err) && (!left || set(r, sets, key, &text));
  mw_text_free(&text);
  return ok;
}

/* A member that names a token which the output has not would be given a new id by whoever loads it: it goes. */
static bool follow_member(const rewriting *r, set_list *sets, const char *name, mw_json key, mw_json value) {
  mw_text text = {0};
  bool in = true, ok = true;
  if (value.kind == MW_JSON_ARRAY && (mw_json_equals(key, "additional_special_tokens") || mw_json_equals(key, "extra_special_tokens")))
    return filter(r, sets, key, value);
  if (value.kind == MW_JSON_OBJECT && mw_json_equals(key, "added_tokens_decoder")) {
    ok = compose(r, BY_ID, value, &text) && set(r, sets, key, &text);
    mw_text_free(&text);
    return ok;
  }
  if (!is_special(key)) return true;
  MW_TRY(is_in(r, value, &in));
  if (in) return true;
  mw_text_escaped shown, token;
  mw_warning_add(r->warnings, "%s: %s is %s, which is no token of the output: left out", name,
                 mw_text_escape(&shown, key.bytes, key.length),
                 mw_text_escape(&token, value.bytes, value.length < 100 ? value.length : 100));
  return set(r, sets, key, NULL);
}

static bool follow_file(const rewriting *r, const char *name) {
  mw_small_file file;
  mw_json key, value;
  set_list sets = {0};
  MW_TRY(mw_small_file_open(&file, r->folder, name, r->err));
  bool ok = true;
  if (file.bytes)
    for (mw_json_walk walk = mw_json_enter(file.root); ok && mw_json_next(&walk, &key, &value);)
      ok = follow_member(r, &sets, name, key, value);
  ok = ok && (!file.bytes || mw_small_file_edit(&file, name, sets.list, sets.count, r->arena, r->files, r->err));
  free(sets.list);
  mw_small_file_close(&file);
  return ok;
}

static bool rewrite_added(const rewriting *r) {
  static const char name[] = "added_tokens.json";
  mw_small_file file;
  mw_text text = {0};
  MW_TRY(mw_small_file_open(&file, r->folder, name, r->err));
  bool ok = !file.bytes || (compose(r, BY_TEXT, file.root, &text) &&
                            keep(r, name, file.length, (size_t)(file.root.bytes - file.bytes), file.root.length, &text));
  mw_text_free(&text);
  mw_small_file_close(&file);
  return ok;
}

/* Whether an added token of the tokenizer is not in the output. */
static bool is_cut(const mw_output_vocabulary *v) {
  mw_json key, entry;
  uint64_t id;
  if (v->start->vocabulary.added.kind != MW_JSON_ARRAY) return false;
  for (mw_json_walk walk = mw_json_enter(v->start->vocabulary.added); mw_json_next(&walk, &key, &entry);)
    if (id_of(LIST, key, entry, &id) && !stays(v, id)) return true;
  return false;
}

bool mw_tokenizer_files_rewrite(mw_tokenizer_files *files, const char *folder, const mw_output_vocabulary *vocabulary, mw_arena *arena,
                                mw_warning *warnings, mw_error *err) {
  rewriting r = {.files = files, .folder = folder, .vocabulary = vocabulary, .arena = arena, .warnings = warnings, .err = err};
  if (!vocabulary->start->fast || (!vocabulary->added && !is_cut(vocabulary))) return true;
  MW_TRY(mw_contained_find(vocabulary, arena, &r.contained, &r.contained_count, err));
  return rewrite_tokenizer(&r) && rewrite_added(&r) && follow_file(&r, "tokenizer_config.json") &&
         follow_file(&r, "special_tokens_map.json");
}
