/* modules.c: parts in folders. Their weights are read as tensors of the model, each with its folder before its name, so that
 * every recipe merges them as it merges the rest. */
#include "model/modules.h"
#include "format/json.h"
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 1 << 20, DEEPEST = 32, MAX_PARTS = 64 };

bool mw_modules_is_name(const char *name, size_t length) {
  return length && strlen(name) == length && length < 200 && *name != '.' && !strpbrk(name, "/\\");
}

/* Normalising has no settings: its folder is empty, and git and hubs keep no empty folders. */
static bool needs_no_folder(mw_json module) {
  static const char *const types[] = {"sentence_transformers.models.Normalize", "sentence_transformers.models.normalize.Normalize"};
  mw_json type = mw_json_member(module, "type");
  for (size_t i = 0; type.kind == MW_JSON_STRING && i < sizeof types / sizeof *types; i++)
    if (mw_json_equals(type, types[i])) return true;
  return false;
}

static bool add_part(const char *folder, const char *what, mw_json module, mw_arena *arena, const char **parts, size_t *count,
                     mw_error *err) {
  const char *name, *place;
  size_t length;
  mw_text_escaped shown;
  mw_json path = module.kind == MW_JSON_OBJECT ? mw_json_member(module, "path") : (mw_json){0};
  if (path.kind != MW_JSON_STRING) return mw_error_set(err, MW_DATA, "%s: a module without a path", what);
  MW_TRY(mw_json_string(path, arena, &name, &length, err));
  if (!length) return true; /* the root */
  if (!mw_modules_is_name(name, length))
    return mw_error_set(err, MW_DATA, "%s: path: found %s, expected the name of a folder beside it", what,
                        mw_text_escape(&shown, path.bytes, path.length));
  if (!(place = mw_file_join(arena, folder, name, err))) return false;
  if (needs_no_folder(module) && !mw_file_exists(place)) return true;
  for (size_t i = 0; i < *count; i++)
    if (strcmp(parts[i], name) == 0) return true;
  if (*count == MAX_PARTS) return mw_error_set(err, MW_DATA, "%s: more than %d modules", what, MAX_PARTS);
  parts[(*count)++] = name;
  return true;
}

bool mw_modules_read(const char *folder, mw_arena *arena, const char ***parts, size_t *count, mw_error *err) {
  char *text;
  size_t length;
  mw_json root, key, module;
  mw_text_escaped shown;
  const char *path = mw_file_join(arena, folder, "modules.json", err);
  *count = 0;
  *parts = mw_mem_take(arena, MAX_PARTS * sizeof **parts, err);
  if (!path || !*parts) return false;
  if (!mw_file_exists(path)) return true;
  MW_TRY(mw_file_slurp(path, LARGEST, &text, &length, err));
  const char *what = mw_text_escape_z(&shown, path);
  bool ok = mw_json_check(what, text, length, DEEPEST, &root, err);
  if (ok && root.kind != MW_JSON_ARRAY) ok = mw_error_set(err, MW_DATA, "%s: expected a list of modules", what);
  if (ok)
    for (mw_json_walk walk = mw_json_enter(root); ok && mw_json_next(&walk, &key, &module);)
      ok = add_part(folder, what, module, arena, *parts, count, err);
  free(text);
  return ok;
}

bool mw_modules_weights(const char *folder, const char *part, mw_arena *arena, const char **path, mw_error *err) {
  const char **names, *place = mw_file_join(arena, folder, part, err), *other = NULL;
  size_t count;
  mw_text_escaped escaped[2];
  *path = NULL;
  if (!place) return false;
  if (!mw_file_is_folder(place)) {
    mw_error_set(err, MW_MISSING, "%s: no such folder, and modules.json names it", mw_text_escape_z(&escaped[0], place));
    return mw_error_hint(err, "download it too: the model is not whole without it");
  }
  MW_TRY(mw_file_list(place, arena, &names, &count, err));
  for (size_t i = 0; i < count; i++) {
    const char *file = mw_file_join(arena, place, names[i], err);
    if (!file) return false;
    if (strcmp(names[i], "model.safetensors") == 0) *path = file;
    else if (mw_tensor_ending(names[i]) || mw_text_ends_with(names[i], ".bin") || mw_text_ends_with(names[i], ".pt") ||
             mw_file_is_folder(file)) other = names[i];
  }
  if (*path || !other) return true;
  mw_error_set(err, MW_DATA, "%s: holds no model.safetensors, only %s", mw_text_escape_z(&escaped[0], place),
               mw_text_escape_z(&escaped[1], other));
  return mw_error_hint(err, "save the model with safe_serialization, so that this part can be merged too");
}

bool mw_modules_compare(const mw_model *donor, const mw_model *model, const char *label, mw_warning *warnings, mw_error *err) {
  mw_arena arena = {0};
  mw_error ignored = {0};
  mw_text_escaped shown;
  bool done = true;
  for (size_t i = 0; done && donor->folder && model->folder && i < donor->part_count; i++) {
    const char *name = mw_file_join(&arena, donor->parts[i], "config.json", err);
    const char *ours = name ? mw_file_join(&arena, donor->folder, name, err) : NULL;
    const char *theirs = ours ? mw_file_join(&arena, model->folder, name, err) : NULL;
    char *a = NULL, *b = NULL;
    size_t a_length, b_length;
    done = theirs != NULL;
    if (done && mw_file_exists(ours) && mw_file_slurp(ours, LARGEST, &a, &a_length, &ignored) &&
        (!mw_file_slurp(theirs, LARGEST, &b, &b_length, &ignored) || a_length != b_length || memcmp(a, b, a_length) != 0))
      mw_warning_add(warnings, "%s: %s is not that of the donor, which is carried", label, mw_text_escape_z(&shown, name));
    if (ignored.status == MW_MEMORY) done = mw_error_memory(err, LARGEST);
    free(a);
    free(b);
  }
  mw_mem_release(&arena);
  return done;
}
