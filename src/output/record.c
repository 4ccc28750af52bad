/* record.c: a walk through the lock's members, in any order. What later versions add is passed over. */
#include "output/record.h"
#include "format/file.h"
#include "format/file_checksum.h"
#include "format/lone.h"
#include "format/safetensors.h"
#include "output/lock.h"
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 64 << 20, DEPTH = 128, MOST = 1 << 20 };

/* ---- values ---- */

static bool refuse(const mw_record *r, const char *field, const char *expected, mw_error *err) {
  mw_text_escaped path, shown;
  mw_error_set(err, MW_DATA, "%s: %s: expected %s", mw_text_escape_z(&path, r->path), mw_text_escape_z(&shown, field), expected);
  return mw_error_hint(err, "the lock is not as moonweld wrote it; a lock that was edited proves nothing");
}

/* A text without NUL. `optional`: null or nothing gives NULL. */
static bool take_text(mw_record *r, const char *field, mw_json value, bool optional, const char **out, mw_error *err) {
  size_t length;
  *out = NULL;
  if (optional && (value.kind == MW_JSON_NULL || value.kind == MW_JSON_END)) return true;
  if (!mw_json_is_text(value)) return refuse(r, field, "a text", err);
  MW_TRY(mw_json_string(value, &r->arena, out, &length, err));
  return strlen(*out) == length || refuse(r, field, "a text without NUL", err);
}

static bool take_u64(const mw_record *r, const char *field, mw_json value, uint64_t *out, mw_error *err) {
  return (value.kind == MW_JSON_NUMBER && mw_json_u64(value, out)) || refuse(r, field, "a whole number", err);
}

/* Room for the elements of a list or object, each of `size` bytes; NULL: it is none. */
static void *take_room(mw_record *r, const char *field, mw_json value, mw_json_kind kind, size_t size, mw_error *err) {
  mw_json key, element;
  size_t count = 0;
  if (value.kind != kind) return refuse(r, field, kind == MW_JSON_ARRAY ? "a list" : "an object", err), NULL;
  for (mw_json_walk walk = mw_json_enter(value); mw_json_next(&walk, &key, &element);)
    if (++count > MOST) return refuse(r, field, "at most 1048576 elements", err), NULL;
  return mw_mem_take(&r->arena, (count + 1) * size, err);
}

/* ---- files ---- */

/* A name inside the folder: no "..", not from the root. */
static bool is_inside(const char *name) {
  for (const char *part = name;; part++) {
    size_t n = strcspn(part, "/");
    if (n == 0 || (n == 1 && *part == '.') || (n == 2 && part[0] == '.' && part[1] == '.')) return false;
    part += n;
    if (!*part) return true;
  }
}

static bool take_marks(mw_record *r, const char *field, mw_json value, mw_record_file *file, mw_error *err) {
  MW_TRY(take_text(r, field, value, true, &file->marks, err));
  if (!file->marks) return true;
  size_t length = strlen(file->marks);
  bool good = length == mw_file_checksum_chunks_of(file->size) * MW_RECORD_MARK && strspn(file->marks, "0123456789abcdef") == length;
  return good || refuse(r, field, "8 hex digits for each chunk", err);
}

static unsigned digit(char c) { return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10); }

/* The bytes of a name that is no UTF-8. */
static bool take_bytes(mw_record *r, mw_json value, mw_record_file *file, mw_error *err) {
  const char *hex;
  MW_TRY(take_text(r, file->name, value, true, &hex, err));
  if (!hex) return true;
  size_t length = strlen(hex);
  if (length % 2 || strspn(hex, "0123456789abcdef") != length) return refuse(r, file->name, "hex digits of its bytes", err);
  char *name = mw_mem_text(&r->arena, length / 2 + 1, err);
  if (!name) return false;
  for (size_t i = 0; i < length / 2; i++) name[i] = (char)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
  if (strlen(name) != length / 2) return refuse(r, file->name, "a name without NUL", err);
  file->name = name;
  return true;
}

/* {"file": "model.safetensors", "bytes": 40, "xxh3": "..."}; an input's keys are name and size. */
static bool take_file(mw_record *r, const char *list, bool input, mw_json value, mw_record_file *out, mw_error *err) {
  const char *sum;
  if (value.kind != MW_JSON_OBJECT) return refuse(r, list, "a list of objects", err);
  MW_TRY(take_text(r, list, mw_json_member(value, input ? "name" : "file"), false, &out->name, err));
  MW_TRY(take_bytes(r, mw_json_member(value, input ? "name_hex" : "file_hex"), out, err));
  if (!is_inside(out->name)) return refuse(r, out->name, "a name inside the folder", err);
  MW_TRY(take_u64(r, out->name, mw_json_member(value, input ? "size" : "bytes"), &out->size, err));
  MW_TRY(take_text(r, out->name, mw_json_member(value, "xxh3"), true, &sum, err));
  out->counted = sum != NULL;
  if (sum && !mw_checksum_parse(sum, strlen(sum), &out->checksum)) return refuse(r, out->name, "xxh3 of 32 hex digits", err);
  return take_marks(r, out->name, mw_json_member(value, "chunks"), out, err);
}

static bool take_files(mw_record *r, const char *field, bool input, mw_json value, mw_record_file **files, size_t *count, mw_error *err) {
  mw_json key, element;
  *files = take_room(r, field, value, MW_JSON_ARRAY, sizeof **files, err);
  MW_TRY(*files != NULL);
  for (mw_json_walk walk = mw_json_enter(value); mw_json_next(&walk, &key, &element);)
    MW_TRY(take_file(r, field, input, element, &(*files)[(*count)++], err));
  return true;
}

/* An input, or one of its adapters. */
static bool take_origin(mw_record *r, mw_json value, mw_record_input *input, mw_error *err) {
  if (value.kind != MW_JSON_OBJECT) return refuse(r, "inputs", "a list of objects", err);
  return take_text(r, "inputs: where", mw_json_member(value, "where"), false, &input->where, err) &&
         take_text(r, "inputs: hub", mw_json_member(value, "hub"), true, &input->hub, err) &&
         take_text(r, "inputs: commit", mw_json_member(value, "commit"), true, &input->commit, err) &&
         take_files(r, "inputs: files", true, mw_json_member(value, "files"), &input->files, &input->file_count, err);
}

static bool take_adapters(mw_record *r, mw_json value, mw_record_input *input, mw_error *err) {
  mw_json key, element;
  if (value.kind == MW_JSON_END) return true;
  input->adapters = take_room(r, "inputs: adapters", value, MW_JSON_ARRAY, sizeof *input->adapters, err);
  MW_TRY(input->adapters != NULL);
  for (mw_json_walk walk = mw_json_enter(value); mw_json_next(&walk, &key, &element);)
    MW_TRY(take_origin(r, element, &input->adapters[input->adapter_count++], err));
  return true;
}

static bool take_inputs(mw_record *r, mw_json value, mw_error *err) {
  mw_json key, element;
  r->inputs = take_room(r, "inputs", value, MW_JSON_ARRAY, sizeof *r->inputs, err);
  MW_TRY(r->inputs != NULL);
  for (mw_json_walk walk = mw_json_enter(value); mw_json_next(&walk, &key, &element);) {
    mw_record_input *input = &r->inputs[r->input_count++];
    MW_TRY(take_origin(r, element, input, err));
    MW_TRY(take_text(r, "inputs: label", mw_json_member(element, "label"), false, &input->label, err));
    MW_TRY(take_text(r, "inputs: base", mw_json_member(element, "base"), true, &input->base, err));
    MW_TRY(take_adapters(r, mw_json_member(element, "adapters"), input, err));
  }
  return true;
}

/* ---- recipe and words ---- */

static bool take_recipe(mw_record *r, mw_json value, mw_record_text *out, mw_error *err) {
  mw_json text = mw_json_member(value, "text");
  if (value.kind != MW_JSON_OBJECT) return refuse(r, "recipe", "an object", err);
  MW_TRY(take_text(r, "recipe: name", mw_json_member(value, "name"), false, &out->name, err));
  if (text.kind == MW_JSON_END) return true;
  if (!mw_json_is_text(text)) return refuse(r, "recipe: text", "a text", err);
  return mw_json_string(text, &r->arena, &out->text, &out->length, err);
}

static bool take_required(mw_record *r, mw_json value, mw_error *err) {
  mw_json key, element;
  r->required = take_room(r, "requires", value, MW_JSON_ARRAY, sizeof *r->required, err);
  MW_TRY(r->required != NULL);
  for (mw_json_walk walk = mw_json_enter(value); mw_json_next(&walk, &key, &element);)
    MW_TRY(take_recipe(r, element, &r->required[r->required_count++], err));
  return true;
}

/* {"t": ["0.5"], "models": ["a", "b"]} */
static bool take_words(mw_record *r, const char *field, mw_json value, mw_record_list *out, mw_error *err) {
  mw_json key, list, none, word;
  out->items = take_room(r, field, value, MW_JSON_OBJECT, sizeof *out->items, err);
  MW_TRY(out->items != NULL);
  for (mw_json_walk walk = mw_json_enter(value); mw_json_next(&walk, &key, &list);) {
    mw_record_words *item = &out->items[out->count++];
    MW_TRY(take_text(r, field, key, false, &item->name, err));
    item->words = take_room(r, item->name, list, MW_JSON_ARRAY, sizeof *item->words, err);
    MW_TRY(item->words != NULL);
    for (mw_json_walk words = mw_json_enter(list); mw_json_next(&words, &none, &word);)
      MW_TRY(take_text(r, item->name, word, false, &item->words[item->count++], err));
  }
  return true;
}

/* ---- the whole ---- */

/* Whether the text before its last member has the checksum that this tells. */
static bool is_edited(const char *text, size_t length) {
  static const char last[] = MW_LOCK_LAST, end[] = "\"\n}\n";
  enum { HEX = 32, TAIL = sizeof last - 1 + HEX + sizeof end - 1 };
  char hex[33];
  if (length < TAIL) return true;
  const char *tail = text + length - TAIL;
  mw_checksum_hex(mw_checksum_of(text, length - TAIL), hex);
  return memcmp(tail, last, sizeof last - 1) != 0 || memcmp(tail + sizeof last - 1, hex, HEX) != 0 ||
         memcmp(tail + sizeof last - 1 + HEX, end, sizeof end - 1) != 0;
}

bool mw_record_read(mw_record *r, char *text, size_t length, mw_error *err) {
  mw_json root, member;
  r->text = text, r->length = length;
  MW_TRY(mw_json_check(r->path, text, length, DEPTH, &root, err));
  if (root.kind != MW_JSON_OBJECT) return refuse(r, "the text", "an object", err);
  MW_TRY(take_text(r, "moonweld", mw_json_member(root, "moonweld"), false, &r->version, err));
  mw_json sums = mw_json_member(root, "checksums");
  r->silent = sums.kind == MW_JSON_END;
  r->sums = sums.kind == MW_JSON_STRING;
  r->edited = !r->silent && is_edited(text, length);
  if ((member = mw_json_member(root, "numeric_profile")).kind != MW_JSON_END)
    MW_TRY(take_u64(r, "numeric_profile", member, &r->profile, err));
  if ((member = mw_json_member(root, "seed")).kind != MW_JSON_END) MW_TRY(take_u64(r, "seed", member, &r->seed, err));
  MW_TRY(take_recipe(r, mw_json_member(root, "recipe"), &r->recipe, err));
  MW_TRY(take_required(r, mw_json_member(root, "requires"), err));
  mw_json typed = mw_json_member(root, "typed");
  r->typed = typed.kind == MW_JSON_OBJECT;
  if (r->typed) MW_TRY(take_words(r, "typed: arguments", mw_json_member(typed, "arguments"), &r->arguments, err) &&
                       take_words(r, "typed: options", mw_json_member(typed, "options"), &r->options, err));
  MW_TRY(take_inputs(r, mw_json_member(root, "inputs"), err));
  return take_files(r, "outputs", false, mw_json_member(root, "outputs"), &r->outputs, &r->output_count, err);
}

/* ---- finding it ---- */

/* "x/NAME" of "x/NAME.safetensors", with another ending. */
static const char *company(mw_record *r, const char *path, size_t stem, const char *ending, mw_error *err) {
  char *made = mw_mem_take(&r->arena, stem + strlen(ending) + 1, err);
  if (made) memcpy(made, path, stem), memcpy(made + stem, ending, strlen(ending) + 1);
  return made;
}

static bool find_lone(mw_record *r, const char *where, size_t stem, mw_error *err) {
  r->weights = company(r, where, stem, MW_SAFETENSORS_ENDING, err);
  r->card = company(r, where, stem, ".md", err);
  r->path = company(r, where, stem, ".lock.json", err);
  return r->weights && r->card && r->path;
}

static bool find(mw_record *r, const char *where, mw_error *err) {
  static const char name[] = "merge.lock.json", lone[] = ".lock.json";
  size_t length = strlen(where);
  const char *slash = strrchr(where, '/'), *last = slash ? slash + 1 : where;
  if (mw_file_is_folder(where)) {
    r->folder = mw_mem_copy(&r->arena, where, length, err);
    return r->folder && (r->path = mw_file_join(&r->arena, where, name, err));
  }
  size_t folder = slash ? (size_t)(slash - where) + (slash == where) : 0;
  r->folder = slash ? mw_mem_copy(&r->arena, where, folder, err) : ".";
  MW_TRY(r->folder != NULL);
  if (mw_text_ends_with(where, MW_SAFETENSORS_ENDING)) return find_lone(r, where, length - strlen(MW_SAFETENSORS_ENDING), err);
  if (strcmp(last, name) != 0 && mw_text_ends_with(last, lone)) return find_lone(r, where, length - strlen(lone), err);
  return (r->path = mw_mem_copy(&r->arena, where, length, err)) != NULL;
}

bool mw_record_open(const char *where, mw_record *r, mw_error *err) {
  char *text;
  size_t length;
  mw_text_escaped shown;
  *r = (mw_record){0};
  if (!find(r, where, err) || (r->weights && !mw_lone_mend(r->weights, err))) return false;
  bool there = mw_file_exists(r->path);
  if (!there && !mw_file_exists(where)) return mw_error_set(err, MW_MISSING, "%s: no such file or folder", mw_text_escape_z(&shown, where));
  if (!there) {
    mw_error_set(err, MW_MISSING, "%s: not there, so nobody can tell how this was made", mw_text_escape_z(&shown, r->path));
    return mw_error_hint(err, "every output of moonweld has a lock: give its folder, its NAME.safetensors, or the lock itself");
  }
  MW_TRY(mw_file_slurp(r->path, LARGEST, &text, &length, err));
  return mw_record_read(r, text, length, err);
}

void mw_record_close(mw_record *r) {
  free(r->text);
  mw_mem_release(&r->arena);
  *r = (mw_record){0};
}

const char *mw_record_place(mw_record *r, const mw_record_file *file, mw_error *err) {
  if (r->card && strcmp(file->name, "README.md") == 0) return r->card;
  if (r->weights && mw_text_ends_with(file->name, MW_SAFETENSORS_ENDING)) return r->weights;
  return mw_file_join(&r->arena, r->folder, file->name, err);
}
