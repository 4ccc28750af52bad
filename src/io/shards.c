/* shards.c: an index is followed to the letter and never out of its folder; without one, names must be complete. */
#include "io/shards.h"
#include "io/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_INDEX = 64 << 20, DEEPEST = 32, MAX_SHARDS = 16384 };

static bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

static bool add_name(mw_shards *shards, const char *name, uint32_t *index, mw_error *err) {
  for (size_t i = shards->count; i-- > 0;)
    if (strcmp(shards->names[i], name) == 0) {
      *index = (uint32_t)i;
      return true;
    }
  if (shards->count >= MAX_SHARDS) return mw_error_set(err, MW_DATA, "more than %d shards", MAX_SHARDS);
  MW_TRY(mw_mem_grow(&shards->names, &shards->capacity, shards->count + 1, sizeof *shards->names, err));
  *index = (uint32_t)shards->count;
  shards->names[shards->count++] = name;
  return true;
}

/* A shard's name may not lead anywhere else. */
static bool is_plain(const char *name, size_t length) {
  return length > 0 && length < 256 && !memchr(name, '/', length) && !memchr(name, '\\', length) &&
         !memchr(name, 0, length) && strcmp(name, "..") != 0 && strcmp(name, ".") != 0;
}

static int by_tensor(const void *a, const void *b) {
  return strcmp(((const mw_shards_entry *)a)->tensor, ((const mw_shards_entry *)b)->tensor);
}

static bool read_map(const char *path, mw_json map, mw_arena *arena, mw_shards *out, mw_error *err) {
  mw_json key, value;
  mw_shown shown, shown_value;
  for (mw_json_walk walk = mw_json_enter(map); mw_json_next(&walk, &key, &value);) {
    size_t length, file_length;
    const char *tensor, *file;
    mw_text_shown(&shown, key.bytes, key.length);
    mw_text_shown(&shown_value, value.bytes, value.length);
    if (value.kind != MW_JSON_STRING || !mw_json_string(value, arena, &file, &file_length, err) ||
        !is_plain(file, file_length))
      return mw_error_set(err, MW_DATA, "%s: weight_map: tensor %s: found %s, expected the name of a file in this folder",
                          path, shown.bytes, shown_value.bytes);
    if (!mw_json_string(key, arena, &tensor, &length, err) || strlen(tensor) != length)
      return mw_error_set(err, MW_DATA, "%s: weight_map: tensor name %s", path, shown.bytes);
    MW_TRY(mw_mem_grow(&out->entries, &out->entry_capacity, out->entry_count + 1, sizeof *out->entries, err));
    mw_shards_entry *entry = &out->entries[out->entry_count++];
    entry->tensor = tensor;
    MW_TRY(add_name(out, file, &entry->file, err));
  }
  if (!out->count) return mw_error_set(err, MW_DATA, "%s: weight_map: empty", path);
  qsort(out->entries, out->entry_count, sizeof *out->entries, by_tensor);
  return true;
}

static bool read_index(const char *folder, const char *name, mw_arena *arena, mw_shards *out, mw_error *err) {
  char *text;
  size_t length;
  mw_json root;
  mw_shown shown;
  const char *path = mw_file_join(arena, folder, name, err);
  if (!path || !mw_file_slurp(path, LARGEST_INDEX, &text, &length, err)) return false;
  const char *what = mw_text_shown_z(&shown, path);
  bool ok = mw_json_check(what, text, length, DEEPEST, &root, err);
  if (ok) {
    mw_json map = mw_json_member(root, "weight_map");
    ok = map.kind == MW_JSON_OBJECT ? read_map(what, map, arena, out, err)
                                    : mw_error_set(err, MW_DATA, "%s: weight_map: missing or not an object", what);
  }
  free(text);
  return ok;
}

/* "model-00002-of-00005.safetensors" -> 2 of 5. */
static bool counts(const char *name, unsigned *index, unsigned *of) {
  int end = 0;
  return sscanf(name, "model-%5u-of-%5u.safetensors%n", index, of, &end) == 2 && end && !name[end];
}

static bool collect_counted(const char *folder, const char **names, size_t count, mw_shards *out, mw_error *err) {
  unsigned of = 0, index, total, have = 0;
  mw_text missing = {0};
  for (size_t i = 0; i < count; i++)
    if (counts(names[i], &index, &total) && total > of) of = total;
  for (unsigned want = 1; want <= of && of <= MAX_SHARDS; want++) {
    char name[64];
    uint32_t ignored;
    snprintf(name, sizeof name, "model-%05u-of-%05u.safetensors", want, of);
    size_t i = 0;
    while (i < count && strcmp(names[i], name) != 0) i++;
    if (i < count) {
      MW_TRY(add_name(out, names[i], &ignored, err));
      have++;
    } else if (want - have <= 20) mw_text_format(&missing, " %s", name);
  }
  bool ok = have == of;
  mw_shown shown;
  if (!ok) mw_error_set(err, MW_MISSING, "%s: shards are missing:%s", mw_text_shown_z(&shown, folder), missing.bytes ? missing.bytes : "");
  mw_text_free(&missing);
  return ok;
}

static bool nothing(const char *folder, const char **names, size_t count, mw_error *err) {
  mw_shown shown, other;
  mw_text_shown_z(&shown, folder);
  for (size_t i = 0; i < count; i++)
    if (ends_with(names[i], ".bin") || ends_with(names[i], ".pt") || ends_with(names[i], ".pth")) {
      mw_error_set(err, MW_DATA, "%s: holds no safetensors file, only %s", shown.bytes, mw_text_shown_z(&other, names[i]));
      return mw_error_hint(err, "convert the model to safetensors once (save_pretrained does)");
    }
  for (size_t i = 0; i < count; i++)
    if (ends_with(names[i], ".safetensors")) {
      mw_error_set(err, MW_MISSING, "%s: holds no model.safetensors, only %s", shown.bytes, mw_text_shown_z(&other, names[i]));
      return mw_error_hint(err, "give that file itself as the model");
    }
  return mw_error_set(err, MW_MISSING, "%s: holds no model.safetensors and no index", shown.bytes);
}

bool mw_shards_find(const char *folder, mw_arena *arena, mw_note *notes, mw_shards *out, mw_error *err) {
  static const char index[] = "model.safetensors.index.json";
  const char **names;
  size_t count;
  uint32_t ignored;
  mw_shown shown;
  bool single = false, indexed = false, counted = false;
  unsigned i_of, of;
  MW_TRY(mw_file_list(folder, arena, &names, &count, err));
  for (size_t i = 0; i < count; i++) {
    single |= strcmp(names[i], "model.safetensors") == 0;
    indexed |= strcmp(names[i], index) == 0;
    counted |= counts(names[i], &i_of, &of);
  }
  if (single && indexed) {
    mw_error_set(err, MW_DATA, "%s: holds both model.safetensors and %s", mw_text_shown_z(&shown, folder), index);
    return mw_error_hint(err, "remove the one that does not belong there, or give the file itself");
  }
  if (indexed) MW_TRY(read_index(folder, index, arena, out, err));
  else if (single) MW_TRY(add_name(out, "model.safetensors", &ignored, err));
  else if (counted) MW_TRY(collect_counted(folder, names, count, out, err));
  else return nothing(folder, names, count, err);
  for (size_t i = 0; i < count; i++) {
    size_t s = 0;
    while (s < out->count && strcmp(out->names[s], names[i]) != 0) s++;
    if (s == out->count && ends_with(names[i], ".safetensors"))
      mw_note_add(notes, "%s: %s is not part of the model and is left alone", folder, mw_text_shown_z(&shown, names[i]));
  }
  return true;
}

void mw_shards_free(mw_shards *shards) {
  free(shards->names);
  free(shards->entries);
  *shards = (mw_shards){0};
}
