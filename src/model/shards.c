/* shards.c: if there is an index, its files are the model, and none may be outside of the folder. Without an index, file names that
 * count themselves (model-00002-of-00005.safetensors) must be complete. Weights of a variant, as diffusers calls those with a word
 * in their names (model.fp16.safetensors), are taken where there are no others. */
#include "model/shards.h"
#include "format/file.h"
#include "model/adapter.h"
#include "model/near_path.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_INDEX = 64 << 20, DEEPEST = 32, MAX_SHARDS = 16384 };

static int by_bytes(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static bool holds(const char *const *sorted, size_t count, const char *name) {
  return count && bsearch(&name, sorted, count, sizeof *sorted, by_bytes);
}

/* Adds a name. Names come sorted by bytes; `what` is for the error if there are too many. */
static bool add_name(mw_shards *shards, const char *what, const char *name, mw_error *err) {
  if (shards->count && strcmp(shards->names[shards->count - 1], name) == 0) return true;
  if (shards->count >= MAX_SHARDS) return mw_error_set(err, MW_DATA, "%s: more than %d shards", what, MAX_SHARDS);
  MW_TRY(mw_mem_grow(&shards->names, &shards->capacity, shards->count + 1, sizeof *shards->names, err));
  shards->names[shards->count++] = name;
  return true;
}

/* A shard's name must be a plain file name of the folder. */
static bool is_plain(const char *name, size_t length) {
  return length > 0 && length < 256 && !memchr(name, '/', length) && !memchr(name, '\\', length) &&
         !memchr(name, 0, length) && strcmp(name, "..") != 0 && strcmp(name, ".") != 0;
}

static int by_tensor(const void *a, const void *b) {
  return strcmp(((const mw_shards_entry *)a)->tensor, ((const mw_shards_entry *)b)->tensor);
}

/* files[i] is the file name that the index gives for entries[i]. Sorted and without duplicates they become the names, and each entry
 * gets the number of its file. (Comparing each with all names so far could take hours for a hostile index.) */
static bool number_files(const char *path, const char **files, mw_shards *out, mw_error *err) {
  const char **sorted = mw_mem_new(out->entry_count, sizeof *sorted, err);
  if (!sorted) return false;
  memcpy(sorted, files, out->entry_count * sizeof *sorted);
  qsort(sorted, out->entry_count, sizeof *sorted, by_bytes);
  bool ok = true;
  for (size_t i = 0; i < out->entry_count && ok; i++) ok = add_name(out, path, sorted[i], err);
  free(sorted);
  for (size_t i = 0; i < out->entry_count && ok; i++) {
    const char **at = bsearch(&files[i], out->names, out->count, sizeof *out->names, by_bytes);
    out->entries[i].file = (uint32_t)(at - out->names);
  }
  return ok;
}

static bool read_entries(const char *path, mw_json map, mw_arena *arena, mw_shards *out, const char ***files, mw_error *err) {
  mw_json key, value;
  mw_text_escaped shown, shown_value;
  size_t capacity = 0;
  const char *file = NULL;
  for (mw_json_walk walk = mw_json_enter(map); mw_json_next(&walk, &key, &value);) {
    size_t length, file_length;
    const char *tensor;
    /* Neighbours are mostly in the same file: then they share the copy of its name. */
    bool again = file && value.kind == MW_JSON_STRING && mw_json_equals(value, file);
    if (!again && (value.kind != MW_JSON_STRING || !mw_json_string(value, arena, &file, &file_length, err) ||
                   !is_plain(file, file_length)))
      return mw_error_set(err, MW_DATA, "%s: weight_map: tensor %s: found %s, expected the name of a file in this folder",
                          path, mw_text_escape(&shown, key.bytes, key.length),
                          mw_text_escape(&shown_value, value.bytes, value.length));
    if (!mw_json_string(key, arena, &tensor, &length, err) || strlen(tensor) != length)
      return mw_error_set(err, MW_DATA, "%s: weight_map: tensor name %s", path,
                          mw_text_escape(&shown, key.bytes, key.length));
    if (out->entry_count >= MW_TENSOR_MOST)
      return mw_error_set(err, MW_DATA, "%s: weight_map: more than %d tensors", path, MW_TENSOR_MOST);
    MW_TRY(mw_mem_grow(&out->entries, &out->entry_capacity, out->entry_count + 1, sizeof *out->entries, err));
    MW_TRY(mw_mem_grow(files, &capacity, out->entry_count + 1, sizeof **files, err));
    (*files)[out->entry_count] = file;
    out->entries[out->entry_count++] = (mw_shards_entry){tensor, 0};
  }
  return out->entry_count || mw_error_set(err, MW_DATA, "%s: weight_map: empty", path);
}

static bool read_map(const char *path, mw_json map, mw_arena *arena, mw_shards *out, mw_error *err) {
  const char **files = NULL;
  bool ok = read_entries(path, map, arena, out, &files, err) && number_files(path, files, out, err);
  free(files);
  MW_TRY(ok);
  qsort(out->entries, out->entry_count, sizeof *out->entries, by_tensor);
  return true;
}

static bool read_index(const char *folder, const char *name, mw_arena *arena, mw_shards *out, mw_error *err) {
  char *text;
  size_t length;
  mw_json root;
  mw_text_escaped shown;
  const char *path = mw_file_join(arena, folder, name, err);
  if (!path || !mw_file_slurp(path, LARGEST_INDEX, &text, &length, err)) return false;
  const char *what = mw_text_escape_z(&shown, path);
  bool ok = mw_json_check(what, text, length, DEEPEST, &root, err);
  if (ok) {
    bool object = root.kind == MW_JSON_OBJECT;
    mw_json map = object ? mw_json_member(root, "weight_map") : root;
    ok = object && map.kind == MW_JSON_OBJECT
             ? read_map(what, map, arena, out, err)
             : mw_error_set(err, MW_DATA, "%s: weight_map: missing or not an object", what);
    mw_json metadata = ok ? mw_json_member(root, "metadata") : root;
    mw_json total = ok && metadata.kind == MW_JSON_OBJECT ? mw_json_member(metadata, "total_size") : (mw_json){0};
    if (total.kind != MW_JSON_NUMBER || !mw_json_u64(total, &out->total)) out->total = 0;
  }
  free(text);
  return ok;
}

/* What weights are called before their ending: by transformers and most others, and by diffusers. */
static const char *const stems[] = {"model", "diffusion_pytorch_model"};
enum { STEMS = sizeof stems / sizeof *stems };

enum { NAME_ROOM = 128, LONGEST_VARIANT = 32 };

/* "model", or of a variant "model.fp16". */
static const char *whole_stem(char buffer[NAME_ROOM], const char *stem, const char *variant) {
  snprintf(buffer, NAME_ROOM, "%s%s%s", stem, *variant ? "." : "", variant);
  return buffer;
}

/* "model.safetensors", or of a variant "model.fp16.safetensors". */
static const char *single_name(char buffer[NAME_ROOM], const char *stem, const char *ending, const char *variant) {
  snprintf(buffer, NAME_ROOM, "%s%s%s%s", stem, *variant ? "." : "", variant, ending);
  return buffer;
}

/* "model.safetensors.index.json", or of a variant "model.safetensors.index.fp16.json". */
static const char *index_name(char buffer[NAME_ROOM], const char *stem, const char *ending, const char *variant) {
  snprintf(buffer, NAME_ROOM, "%s%s.index%s%s.json", stem, ending, *variant ? "." : "", variant);
  return buffer;
}

/* "model-00002-of-00005.safetensors" -> 2 of 5, what stands before, as one of `stems` or NULL, and the ending. */
static bool counts(const char *name, const char *variant, const char **stem, unsigned *index, unsigned *of, const char **ending) {
  char again[80], whole[NAME_ROOM];
  *stem = NULL;
  *ending = mw_tensor_ending(name);
  size_t tail = strlen("-00002-of-00005"), length = *ending ? strlen(name) - strlen(*ending) : 0;
  if (length <= tail) return false;
  const char *number = name + length - tail;
  if (sscanf(number, "-%5u-of-%5u", index, of) != 2 || *index == 0 || *index > *of) return false;
  snprintf(again, sizeof again, "-%05u-of-%05u%s", *index, *of, *ending);
  for (size_t i = 0; i < STEMS; i++)
    if (strlen(whole_stem(whole, stems[i], variant)) == length - tail && memcmp(name, whole, length - tail) == 0) *stem = stems[i];
  return strcmp(number, again) == 0;
}

bool mw_shards_is_one(const char *name, unsigned *of) {
  const char *stem, *ending;
  unsigned index;
  return counts(name, "", &stem, &index, of, &ending);
}

/* All files 1 to `of` must exist, and there must be only one such set: of two, nobody can know which one is meant. */
static bool collect_counted(const char *folder, const char **names, size_t count, const char *variant, mw_shards *out, mw_error *err) {
  unsigned of = 0, index, total, absent = 0;
  const char *ending = NULL, *own, *stem;
  char whole[NAME_ROOM];
  mw_text missing = {0};
  mw_text_escaped shown;
  mw_text_escape_z(&shown, folder);
  for (size_t i = 0; i < count; i++) {
    if (!counts(names[i], variant, &stem, &index, &total, &own) || !stem) continue;
    if (of && (total != of || own != ending || stem != out->stem)) {
      mw_error_set(err, MW_DATA, "%s: holds shards of two models, of %u and of %u files, and no index", shown.bytes, of, total);
      return mw_error_hint(err, "remove those that do not belong there");
    }
    of = total, ending = own, out->stem = stem;
    MW_TRY(add_name(out, shown.bytes, names[i], err));
  }
  for (unsigned want = 1; want <= of && out->count < of; want++) {
    char name[NAME_ROOM + 40];
    snprintf(name, sizeof name, "%s-%05u-of-%05u%s", whole_stem(whole, out->stem, variant), want, of, ending);
    if (!holds(out->names, out->count, name) && absent++ < 20) mw_text_format(&missing, " %s", name);
  }
  if (absent > 20) mw_text_format(&missing, " ... and %u more", absent - 20);
  if (absent)
    mw_error_set(err, MW_MISSING, "%s: shards are missing:%s", shown.bytes, missing.bytes ? missing.bytes : "");
  mw_text_free(&missing);
  return !absent;
}

/* Files of tensors that are called otherwise than those of models. */
static bool only_others(const char *shown, const char **names, size_t count, mw_error *err) {
  enum { SHOWN = 3 };
  const char *ending = NULL, *last = NULL, *own;
  mw_text list = {0};
  mw_text_escaped other;
  unsigned of;
  size_t found = 0;
  for (size_t i = 0; i < count; i++) {
    if (!(own = mw_tensor_ending(names[i]))) continue;
    ending = own, last = names[i];
    if (found++ < SHOWN) mw_text_format(&list, "%s%s", list.length ? ", " : "", mw_text_escape_z(&other, names[i]));
  }
  if (found)
    mw_error_set(err, MW_MISSING, "%s: holds no model%s, only %s%s", shown, ending, list.bytes ? list.bytes : "",
                 found > SHOWN ? " ..." : "");
  mw_text_free(&list);
  if (!found) return true;
  if (mw_shards_is_one(last, &of))
    return mw_error_hint(err, "it is one of %u shards: name them model-00001-of-%05u%s and so on", of, of, ending);
  if (found == 1) return mw_error_hint(err, "give that file itself as the model; config and tokenizer are not read then");
  return mw_error_hint(err, "give the one that is the model; parts of one are called model-00001-of-%05zu%s and so on, or have an index",
                       found, ending);
}

static bool nothing(const char *folder, const char **names, size_t count, mw_arena *arena, mw_error *err) {
  mw_text_escaped shown;
  mw_text_escape_z(&shown, folder);
  if (holds(names, count, "adapter_config.json") || holds(names, count, "adapter_model.safetensors"))
    return mw_adapter_refuse(shown.bytes, err);
  MW_TRY(only_others(shown.bytes, names, count, err));
  mw_error_set(err, MW_MISSING, "%s: holds no model%s and no index", shown.bytes, mw_tensor_formats[0]->ending);
  mw_near_path_below(folder, names, count, arena, err);
  return *err->hint ? false : mw_near_path_other_form(shown.bytes, names, count, err);
}

/* Whether two files have the same size and the same head, byte for byte. */
static bool same_heads(const char *folder, const char *a, const char *b, mw_arena *arena, bool *same, mw_error *err) {
  mw_file files[2];
  char buffer[2][8192];
  uint64_t end, other;
  const char *path_a = mw_file_join(arena, folder, a, err), *path_b = mw_file_join(arena, folder, b, err);
  *same = false;
  if (!path_a || !path_b || !mw_file_open(&files[0], path_a, err)) return false;
  if (!mw_file_open(&files[1], path_b, err)) return mw_file_close(&files[0]), false;
  bool ok = mw_tensor_head(&files[0], &end, err) && mw_tensor_head(&files[1], &other, err);
  *same = ok && files[0].size == files[1].size && end == other;
  for (uint64_t at = 0; *same && at < end;) {
    size_t n = end - at < sizeof *buffer ? (size_t)(end - at) : sizeof *buffer;
    ok = mw_file_read(&files[0], at, buffer[0], n, err) && mw_file_read(&files[1], at, buffer[1], n, err);
    *same = ok && memcmp(buffer[0], buffer[1], n) == 0;
    at += n;
  }
  mw_file_close(&files[0]);
  mw_file_close(&files[1]);
  return ok;
}

static bool holds_both(const char *folder, const char *a, const char *b, mw_error *err) {
  mw_text_escaped shown;
  mw_error_set(err, MW_DATA, "%s: holds both %s and %s", mw_text_escape_z(&shown, folder), a, b);
  return mw_error_hint(err, "remove the one that does not belong there, or give the file itself");
}

/* A single model.safetensors in a folder with an index is an error, since it is a second model, unless the index lists it, or lists
 * one file only, which has the same size and header. */
static bool check_single(const char *folder, const mw_shards *found, const char *single, const char *index,
                         mw_arena *arena, mw_error *err) {
  bool same = holds(found->names, found->count, single);
  if (!same && found->count == 1) {
    const char *path = mw_file_join(arena, folder, found->names[0], err);
    MW_TRY(path);
    if (mw_file_exists(path)) MW_TRY(same_heads(folder, single, found->names[0], arena, &same, err));
  }
  return same || holds_both(folder, single, index, err);
}

bool mw_shards_is_index(const char *name) {
  char known[NAME_ROOM];
  for (size_t s = 0; s < STEMS; s++)
    for (size_t i = 0; mw_tensor_formats[i]; i++)
      if (strcmp(name, index_name(known, stems[s], mw_tensor_formats[i]->ending, "")) == 0) return true;
  return false;
}

typedef const char *naming(char buffer[NAME_ROOM], const char *stem, const char *ending, const char *variant);

/* The file that is called so, of any stem and format; of two nobody can tell which is meant. */
static bool find_named(const char *folder, const char *const *names, size_t count, const char *variant, naming *call, mw_arena *arena,
                       const char **out, const char **stem, mw_error *err) {
  *out = NULL;
  for (size_t s = 0; s < STEMS; s++)
    for (size_t i = 0; mw_tensor_formats[i]; i++) {
      char name[NAME_ROOM];
      if (!holds(names, count, call(name, stems[s], mw_tensor_formats[i]->ending, variant))) continue;
      if (*out) return holds_both(folder, *out, name, err);
      MW_TRY((*out = mw_mem_copy(arena, name, strlen(name), err)) != NULL);
      *stem = stems[s];
    }
  return true;
}

/* Whether the word that begins at `start` is the variant that the name is of. */
static bool is_variant(const char *name, const char *stem, const char *ending, const char *start, char word[LONGEST_VARIANT + 1]) {
  char buffer[NAME_ROOM];
  const char *own;
  unsigned number, of;
  size_t length = strspn(start, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
  if (!length || length > LONGEST_VARIANT) return false;
  memcpy(word, start, length);
  word[length] = 0;
  return strcmp(name, single_name(buffer, stem, ending, word)) == 0 || strcmp(name, index_name(buffer, stem, ending, word)) == 0 ||
         (counts(name, word, &own, &number, &of, &ending) && own);
}

/* "model.fp16.safetensors", "model.fp16-00001-of-00002.safetensors", "model.safetensors.index.fp16.json" -> "fp16". */
static bool variant_of(const char *name, char word[LONGEST_VARIANT + 1]) {
  char start[NAME_ROOM];
  for (size_t s = 0; s < STEMS; s++)
    for (size_t i = 0; mw_tensor_formats[i]; i++) {
      const char *ending = mw_tensor_formats[i]->ending;
      int stem = snprintf(start, sizeof start, "%s.", stems[s]);
      if (strncmp(name, start, (size_t)stem) != 0) continue;
      if (is_variant(name, stems[s], ending, name + stem, word)) return true;
      int index = snprintf(start, sizeof start, "%s%s.index.", stems[s], ending);
      if (strncmp(name, start, (size_t)index) == 0 && is_variant(name, stems[s], ending, name + index, word)) return true;
    }
  return false;
}

/* The only variant that the folder holds, or ""; of two nobody can tell which is meant. */
static bool find_variant(const char *folder, const char *const *names, size_t count, char variant[LONGEST_VARIANT + 1], mw_error *err) {
  char word[LONGEST_VARIANT + 1];
  mw_text_escaped shown;
  *variant = 0;
  for (size_t i = 0; i < count; i++) {
    if (!variant_of(names[i], word) || strcmp(word, variant) == 0) continue;
    if (!*variant) {
      strcpy(variant, word);
      continue;
    }
    mw_error_set(err, MW_DATA, "%s: holds the variants %s and %s of the weights, and none without a variant",
                 mw_text_escape_z(&shown, folder), variant, word);
    return mw_error_hint(err, "leave only one of them in the folder, or give its file itself");
  }
  return true;
}

/* Finds the files of one variant, or with "" those of none. None are found: out->count is 0. */
static bool find(const char *folder, const char **names, size_t count, const char *variant, mw_arena *arena, mw_shards *out,
                 mw_error *err) {
  const char *single, *index, *ending, *stem = NULL;
  unsigned number, of;
  bool counted = false;
  MW_TRY(find_named(folder, names, count, variant, single_name, arena, &single, &out->stem, err) &&
         find_named(folder, names, count, variant, index_name, arena, &index, &out->stem, err));
  for (size_t i = 0; i < count && !counted; i++) counted = counts(names[i], variant, &stem, &number, &of, &ending) && stem;
  if (index) return read_index(folder, index, arena, out, err) && (!single || check_single(folder, out, single, index, arena, err));
  if (single) return add_name(out, folder, single, err);
  return !counted || collect_counted(folder, names, count, variant, out, err);
}

/* Files of weights that are not read. */
static void tell_left(const char *folder, const char **names, size_t count, const mw_shards *found, mw_warning *warnings) {
  char word[LONGEST_VARIANT + 1];
  mw_text_escaped shown, place;
  for (size_t i = 0; i < count; i++) {
    if (!mw_tensor_ending(names[i]) || holds(found->names, found->count, names[i])) continue;
    mw_text_escape_z(&shown, names[i]);
    mw_text_escape_z(&place, folder);
    if (variant_of(names[i], word))
      mw_warning_add(warnings, "%s: %s is the variant %s and is left alone: weights without a variant are there, and are taken",
                     place.bytes, shown.bytes, word);
    else mw_warning_add(warnings, "%s: %s is not part of the model and is left alone", place.bytes, shown.bytes);
  }
}

bool mw_shards_find(const char *folder, mw_arena *arena, mw_warning *warnings, mw_shards *out, mw_error *err) {
  const char **names;
  size_t count;
  char variant[LONGEST_VARIANT + 1] = "";
  mw_text_escaped place;
  MW_TRY(mw_file_list(folder, arena, &names, &count, err) && find(folder, names, count, variant, arena, out, err));
  if (!out->count) {
    MW_TRY(find_variant(folder, names, count, variant, err));
    if (*variant) MW_TRY(find(folder, names, count, variant, arena, out, err));
    if (!out->count) return nothing(folder, names, count, arena, err);
    mw_warning_add(warnings, "%s: all weights are of the variant %s, which is read; files of an output have no variant in their names",
                   mw_text_escape_z(&place, folder), variant);
  }
  tell_left(folder, names, count, out, warnings);
  return true;
}

void mw_shards_free(mw_shards *shards) {
  free(shards->names);
  free(shards->entries);
  *shards = (mw_shards){0};
}
