/* config_edit.c: all edits of a file are first listed: splices (at this place so many bytes become this text) and members that go. Places
 * and lengths are those of config->plain, which has the length of the file. Once all are known it is known, too, which commas go and which
 * new members need one. Then the file is copied once, with the splices in the order of their places. */
#include "model/config_edit.h"
#include <stdlib.h>
#include <string.h>

typedef struct splice {
  const char *at;
  size_t length;
  const char *text; /* in the arena */
  mw_json object;   /* of a new member: what gets it */
} splice;

/* A member that is left out, from its key to its value's end. */
typedef struct gap { const char *from, *to; } gap;

typedef struct edit {
  const mw_config *config;
  const mw_config_edit_list *edits;
  splice *list; /* several at one place stand in the order in which they were added */
  size_t count, capacity;
  gap *gaps;
  size_t gap_count, gap_capacity;
  bool dtype_found, tie_found;
  mw_arena arena;
  mw_error *err;
} edit;

bool mw_config_edit_same(const mw_config_edit_set *a, const mw_config_edit_set *b) {
  for (size_t k = 0; k < a->depth && k < b->depth; k++)
    if (strcmp(a->path[k], b->path[k]) != 0) return false;
  return true;
}

static bool put(edit *e, const char *at, size_t length, const char *text, mw_json object) {
  MW_TRY(mw_mem_grow(&e->list, &e->capacity, e->count + 1, sizeof *e->list, e->err));
  size_t i = e->count++;
  for (; i && e->list[i - 1].at > at; i--) e->list[i] = e->list[i - 1];
  e->list[i] = (splice){at, length, text, object};
  return true;
}

static bool cut(edit *e, const char *from, const char *to) { return put(e, from, (size_t)(to - from), "", (mw_json){0}); }
static bool replace(edit *e, mw_json value, const char *text) { return put(e, value.bytes, value.length, text, (mw_json){0}); }

static bool leave_out(edit *e, mw_json key, mw_json value) {
  MW_TRY(mw_mem_grow(&e->gaps, &e->gap_capacity, e->gap_count + 1, sizeof *e->gaps, e->err));
  e->gaps[e->gap_count++] = (gap){key.bytes, value.bytes + value.length};
  return true;
}

static bool is_gone(const edit *e, mw_json part) {
  for (size_t i = 0; i < e->gap_count; i++)
    if (e->gaps[i].from <= part.bytes && part.bytes < e->gaps[i].to) return true;
  return false;
}

/* The text of a mw_text, kept; frees it. */
static const char *keep(edit *e, mw_text *text) {
  const char *kept = mw_text_check(text, e->err) ? mw_mem_copy(&e->arena, text->bytes, text->length, e->err) : NULL;
  mw_text_free(text);
  return kept;
}

/* Whether a value is replaced or left out already. */
static bool is_changed(const edit *e, mw_json value) {
  for (size_t i = 0; i < e->count; i++)
    if (e->list[i].length && e->list[i].at <= value.bytes && value.bytes < e->list[i].at + e->list[i].length) return true;
  return is_gone(e, value);
}

/* ---- new members ---- */

static const char spaces[] = " \t\r\n";

/* Where the members of an object end, and what stands before its first one. */
static const char *end_of(mw_json object, mw_text *before) {
  const char *close = object.bytes + object.length - 1, *end = close;
  while (end > object.bytes + 1 && strchr(spaces, end[-1])) end--;
  size_t blank = strspn(object.bytes + 1, spaces);
  if (object.bytes + 1 + blank == close) mw_text_format(before, "\n  ");
  else mw_text_add(before, object.bytes + 1, blank);
  return end;
}

/* Whether a comma must stand before a new member: one of the object stays, or is added before it. */
static bool needs_comma(const edit *e, size_t added) {
  mw_json key, value;
  if (added && e->list[added - 1].at == e->list[added].at && !e->list[added - 1].length) return true;
  for (mw_json_walk walk = mw_json_enter(e->list[added].object); mw_json_next(&walk, &key, &value);)
    if (!is_gone(e, key)) return true;
  return false;
}

/* "key": */
static void put_key(mw_text *text, const char *key) {
  mw_text_add(text, "\"", 1);
  for (; *key; key++)
    if (*key == '"' || *key == '\\' || (unsigned char)*key < ' ') mw_text_format(text, "\\u%04x", (unsigned char)*key);
    else mw_text_add(text, key, 1);
  mw_text_add(text, "\": ", 3);
}

/* Adds "key": json at the end of an object. */
static bool add(edit *e, mw_json object, const char *key, const char *json) {
  mw_text text = {0}, before = {0};
  const char *end = end_of(object, &before);
  mw_text_add(&text, before.bytes ? before.bytes : "", before.length);
  put_key(&text, key);
  mw_text_add(&text, json, strlen(json));
  if (*end == '}' && object.length == 2) mw_text_format(&text, "\n");
  text.failed |= before.failed;
  mw_text_free(&before);
  const char *kept = keep(e, &text);
  return kept && put(e, end, 0, kept, object);
}

/* ---- what is set ---- */

/* Leaves the member of that name out. */
static bool drop(edit *e, mw_json object, const char *name) {
  mw_json key, value;
  for (mw_json_walk walk = mw_json_enter(object); mw_json_next(&walk, &key, &value);)
    if (mw_json_equals(key, name)) return leave_out(e, key, value);
  return true;
}

/* The value of a key whose objects are not all there: {"last": json} within as many objects as are missing. */
static const char *wrapped(edit *e, const mw_config_edit_set *set, size_t from) {
  mw_text text = {0};
  for (size_t k = from; k < set->depth; k++) {
    mw_text_add(&text, "{", 1);
    put_key(&text, set->path[k]);
  }
  mw_text_add(&text, set->json, strlen(set->json));
  for (size_t k = from; k < set->depth; k++) mw_text_format(&text, "}");
  return keep(e, &text);
}

static bool apply(edit *e, const mw_config_edit_set *set) {
  mw_json object = e->config->root;
  for (size_t k = 0;; k++) {
    mw_json value = mw_json_member(object, set->path[k]);
    bool last = k + 1 == set->depth;
    if (!last && value.kind == MW_JSON_OBJECT) {
      object = value;
      continue;
    }
    if (!set->json) return !last || drop(e, object, set->path[k]);
    const char *json = last ? set->json : wrapped(e, set, k + 1);
    if (!json) return false;
    return value.kind != MW_JSON_END ? replace(e, value, json) : add(e, object, set->path[k], json);
  }
}

/* ---- what follows from the tensors ---- */

/* One object's own values; those of its parts are visited too, one level deep. */
static bool edit_object(edit *e, mw_json object, bool nested) {
  const mw_config_edit_list *edits = e->edits;
  mw_json key, value;
  mw_text quoted = {0};
  mw_text_format(&quoted, "\"%s\"", edits->dtype ? edits->dtype : "");
  const char *dtype = keep(e, &quoted);
  if (!dtype) return false;
  for (mw_json_walk walk = mw_json_enter(object); mw_json_next(&walk, &key, &value);) {
    bool word = value.kind == MW_JSON_STRING || value.kind == MW_JSON_NULL; /* at the root it may be one a part */
    bool set = is_changed(e, value), is_dtype = mw_config_is_dtype(key), is_tie = mw_json_equals(key, "tie_word_embeddings");
    e->dtype_found |= is_dtype && !nested && (set || edits->dtype);
    e->tie_found |= is_tie && !nested;
    if (edits->plain && !set && value.kind != MW_JSON_NULL && mw_config_quantised(key)) {
      MW_TRY(leave_out(e, key, value));
      continue;
    }
    if (set) continue;
    if (edits->dtype && is_dtype && (word || !nested)) MW_TRY(replace(e, value, dtype));
    else if (edits->untie && is_tie) MW_TRY(replace(e, value, "false"));
    else if (!nested && mw_config_is_part(key, value)) MW_TRY(edit_object(e, value, true));
  }
  return true;
}

static bool add_absent(edit *e) {
  mw_json root = e->config->root;
  mw_text quoted = {0};
  for (size_t i = 0; i < e->edits->set_count; i++) { /* what was added by a set */
    const char *key = e->edits->sets[i].path[0];
    e->dtype_found |= strcmp(key, "torch_dtype") == 0 || strcmp(key, "dtype") == 0;
    e->tie_found |= strcmp(key, "tie_word_embeddings") == 0;
  }
  bool diffusers = mw_json_member(root, "_class_name").kind == MW_JSON_STRING; /* whose models know no such key */
  if (e->edits->dtype && !e->dtype_found && !diffusers) {
    mw_text_format(&quoted, "\"%s\"", e->edits->dtype);
    const char *dtype = keep(e, &quoted);
    MW_TRY(dtype && add(e, root, "torch_dtype", dtype) && add(e, root, "dtype", dtype));
  }
  return !e->edits->untie || e->tie_found || add(e, root, "tie_word_embeddings", "false");
}

/* ---- the copy ---- */

/* Cuts what is left out of an object and of those in it, each with the comma before it, or behind it where none stays before it. */
static bool cut_gaps(edit *e, mw_json object) {
  const char *before = NULL; /* where the last value ended */
  mw_json key, value;
  for (mw_json_walk walk = mw_json_enter(object); mw_json_next(&walk, &key, &value);) {
    const char *end = value.bytes + value.length, *comma = end + strspn(end, spaces);
    if (!is_gone(e, key)) {
      MW_TRY(value.kind != MW_JSON_OBJECT || cut_gaps(e, value));
      before = end;
    } else if (before) {
      MW_TRY(cut(e, before, end));
      before = end;
    } else MW_TRY(cut(e, key.bytes, *comma == ',' ? comma + 1 + strspn(comma + 1, spaces) : end));
  }
  return true;
}

bool mw_config_edit(const mw_config *config, const mw_config_edit_list *edits, mw_text *out, mw_error *err) {
  edit e = {.config = config, .edits = edits, .err = err};
  bool ok = true;
  for (size_t i = 0; i < edits->set_count && ok; i++) ok = apply(&e, &edits->sets[i]);
  ok = ok && edit_object(&e, config->root, false) && add_absent(&e) && cut_gaps(&e, config->root);
  const char *at = config->plain;
  for (size_t i = 0; i < e.count && ok; i++) {
    if (e.list[i].at < at) continue; /* of a member that is left out */
    mw_text_add(out, config->text + (at - config->plain), (size_t)(e.list[i].at - at));
    if (e.list[i].object.bytes && needs_comma(&e, i)) mw_text_add(out, ",", 1);
    mw_text_add(out, e.list[i].text, strlen(e.list[i].text));
    at = e.list[i].at + e.list[i].length;
  }
  if (ok) mw_text_add(out, config->text + (at - config->plain), config->length - (size_t)(at - config->plain));
  free(e.list);
  free(e.gaps);
  mw_mem_release(&e.arena);
  return ok && mw_text_check(out, err);
}

void mw_config_edit_tell(const mw_config_edit_set *sets, size_t count, const char *key, mw_json_writer *json) {
  mw_text name = {0};
  mw_json_writer_object(json, key);
  for (size_t i = 0; i < count; i++) {
    name.length = 0;
    for (size_t k = 0; k < sets[i].depth; k++) mw_text_format(&name, "%s%s", k ? "." : "", sets[i].path[k]);
    json->failed |= name.failed;
    mw_json_writer_raw(json, name.bytes, sets[i].json);
  }
  mw_json_writer_end(json);
  mw_text_free(&name);
}
