/* token_ids.c: see token_ids.h. */
#include "vocabulary/token_ids.h"
#include "vocabulary/small_file.h"
#include <stdlib.h>
#include <string.h>

typedef struct following {
  const mw_token_ids *ids;
  const char *name; /* of the file */
  mw_json start;    /* the same file of the tokenizer's model, or MW_JSON_END */
  mw_config_edit_set *list;
  size_t count, capacity;
  mw_arena *arena;
  mw_warning *warnings;
  mw_error *err;
} following;

static bool is_id(mw_json key) {
  return (key.length > 11 && memcmp(key.bytes + key.length - 10, "_token_id\"", 10) == 0) ||
         (key.length > 12 && memcmp(key.bytes + key.length - 11, "_token_ids\"", 11) == 0);
}

/* The id of the same token; false: the output has no such token. */
static bool same_token(const following *f, mw_json number, uint32_t *id) {
  const mw_vocabulary *old = &f->ids->old->vocabulary;
  uint64_t before;
  if (number.kind != MW_JSON_NUMBER || !mw_json_u64(number, &before) || before >= old->count || !old->tokens[before].text) return false;
  return mw_vocab_find(&f->ids->vocabulary->ids, old->tokens[before].text, old->tokens[before].length, id);
}

/* An id, or a list of ids, by the texts of the tokens. */
static void put_same(const following *f, mw_json value, mw_text *out) {
  mw_json none, number;
  uint32_t id;
  size_t count = 0;
  if (value.kind != MW_JSON_ARRAY) {
    if (same_token(f, value, &id)) mw_text_format(out, "%u", id);
    else mw_text_format(out, "null");
    return;
  }
  mw_text_format(out, "[");
  for (mw_json_walk walk = mw_json_enter(value); mw_json_next(&walk, &none, &number);)
    if (same_token(f, number, &id)) mw_text_format(out, "%s%u", count++ ? ", " : "", id);
  mw_text_format(out, "]");
  if (!count) out->length = 0, mw_text_format(out, "null");
}

static bool set(following *f, const char *part, mw_json key, const mw_text *text) {
  const char **path = mw_mem_take(f->arena, 2 * sizeof *path, f->err), *json = mw_mem_copy(f->arena, text->bytes, text->length, f->err);
  size_t depth = 0, length;
  if (!path || !json) return false;
  if (part) path[depth++] = part;
  MW_TRY(mw_json_string(key, f->arena, &path[depth++], &length, f->err));
  MW_TRY(mw_mem_grow(&f->list, &f->capacity, f->count + 1, sizeof *f->list, f->err));
  f->list[f->count++] = (mw_config_edit_set){path, depth, json};
  return true;
}

static bool follow_member(following *f, const char *part, mw_json key, mw_json value) {
  const char *name;
  size_t length;
  mw_text text = {0};
  MW_TRY(mw_json_string(key, f->arena, &name, &length, f->err));
  mw_json own = f->start.kind == MW_JSON_OBJECT ? mw_json_member(f->start, name) : (mw_json){.kind = MW_JSON_END};
  if (own.kind == MW_JSON_NUMBER || own.kind == MW_JSON_ARRAY) mw_text_add(&text, own.bytes, own.length);
  else put_same(f, value, &text);
  bool ok = mw_text_check(&text, f->err);
  if (ok && text.bytes[0] == 'n')
    mw_warning_add(f->warnings, "%s: %s: %.*s is no token of the output's tokenizer: null", f->name, name,
                   (int)(value.length < 40 ? value.length : 40), value.bytes);
  ok = ok && ((text.length == value.length && memcmp(text.bytes, value.bytes, text.length) == 0) || set(f, part, key, &text));
  mw_text_free(&text);
  return ok;
}

static bool follow(following *f, mw_json object, const char *part) {
  mw_json key, value;
  for (mw_json_walk walk = mw_json_enter(object); mw_json_next(&walk, &key, &value);) {
    const char *inner;
    size_t length;
    if (is_id(key) && (value.kind == MW_JSON_NUMBER || value.kind == MW_JSON_ARRAY)) MW_TRY(follow_member(f, part, key, value));
    if (part || !mw_config_is_part(key, value)) continue;
    MW_TRY(mw_json_string(key, f->arena, &inner, &length, f->err) && follow(f, value, inner));
  }
  return true;
}

bool mw_token_ids_config(const mw_token_ids *ids, mw_json config, mw_arena *arena, mw_warning *warnings, const mw_config_edit_set **sets,
                         size_t *count, mw_error *err) {
  mw_small_file start;
  MW_TRY(mw_small_file_open(&start, ids->start, "config.json", err));
  following f = {.ids = ids, .name = "config.json", .start = start.root, .arena = arena, .warnings = warnings, .err = err};
  bool ok = follow(&f, config, NULL);
  mw_config_edit_set *kept = ok ? mw_mem_take(arena, (f.count + 1) * sizeof *kept, err) : NULL;
  if (kept && f.count) memcpy(kept, f.list, f.count * sizeof *kept);
  *sets = kept;
  *count = kept ? f.count : 0;
  free(f.list);
  mw_small_file_close(&start);
  return kept != NULL;
}

bool mw_token_ids_generation(const mw_token_ids *ids, mw_arena *arena, mw_warning *warnings, mw_tokenizer_files *files, mw_error *err) {
  static const char name[] = "generation_config.json";
  mw_small_file own, start = {0};
  MW_TRY(mw_small_file_open(&own, ids->folder, name, err));
  bool ok = mw_small_file_open(&start, ids->start, name, err);
  if (ok && !start.bytes) ok = mw_small_file_open(&start, ids->start, "config.json", err);
  following f = {.ids = ids, .name = name, .start = start.root, .arena = arena, .warnings = warnings, .err = err};
  ok = ok && (!own.bytes || (follow(&f, own.root, NULL) && mw_small_file_edit(&own, name, f.list, f.count, arena, files, err)));
  free(f.list);
  mw_small_file_close(&own);
  mw_small_file_close(&start);
  return ok;
}
