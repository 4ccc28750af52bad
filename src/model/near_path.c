/* near_path.c: reads folders only, and only once something is wrong. */
#include "model/near_path.h"
#include "format/tensor.h"
#include <string.h>

/* "a,b" -> "a b"; whether each is there. Empty ones, as in "a, b", are passed over. */
static bool hint_list(const char *where, mw_arena *arena, mw_error *err) {
  static const struct { char mark; const char *advice; } marks[] = {
      {',', "models are separated by spaces, not by commas"}, {';', "models are separated by spaces, not by semicolons"},
      {' ', "each model is a word of its own, so without quotes around all of them"}};
  mw_text_escaped shown;
  mw_error ignored;
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
    char *words = mw_mem_copy(arena, where, strlen(where), &ignored);
    mw_text list = {0};
    bool found = words && strchr(words, marks[i].mark);
    for (char *at = words, *mark; found && at; at = mark ? mark + 1 : NULL) {
      at += strspn(at, " ");
      if ((mark = strchr(at, marks[i].mark))) *mark = '\0';
      if (*at) mw_text_format(&list, "%s%s", list.length ? " " : "", at);
      found = !*at || mw_file_exists(at);
    }
    if (found && list.length) mw_error_hint(err, "%s: %s", marks[i].advice, mw_text_escape_z(&shown, list.bytes));
    found = found && list.length;
    mw_text_free(&list);
    if (found) return true;
  }
  return false;
}

/* "modles/first" -> "models/first": what is there under a folder of nearly that name. */
static bool hint_folder(const char *folder, const char *name, mw_arena *arena, mw_error *err) {
  const char *slash = strrchr(folder, '/'), *own = slash ? slash + 1 : folder, **names;
  mw_text_escaped shown;
  mw_error ignored;
  size_t count;
  const char *above = slash ? mw_mem_copy(arena, folder, slash == folder ? 1 : (size_t)(slash - folder), &ignored) : ".";
  if (!above || !*own || !mw_file_is_folder(above) || !mw_file_list(above, arena, &names, &count, &ignored)) return false;
  const char *near = mw_text_nearest(own, names, count);
  const char *meant = near && slash ? mw_file_join(arena, above, near, &ignored) : near;
  const char *path = meant ? mw_file_join(arena, meant, name, &ignored) : NULL;
  return path && mw_file_exists(path) && mw_error_hint(err, "did you mean '%s'?", mw_text_escape_z(&shown, path));
}

bool mw_near_path_hint(const char *where, mw_arena *arena, mw_error *err) {
  const char *slash = strrchr(where, '/'), *name = slash ? slash + 1 : where, **names;
  mw_text_escaped shown, near_shown;
  mw_error ignored; /* what went wrong is told already */
  size_t count;
  if (err->status != MW_MISSING || hint_list(where, arena, err)) return false;
  if (strncmp(where, "~/", 2) == 0) return mw_error_hint(err, "a shell replaces '~' where no quotes are; in a file the whole path stands");
  const char *folder = slash ? mw_mem_copy(arena, where, slash == where ? 1 : (size_t)(slash - where), &ignored) : ".";
  if (folder && *name && !mw_file_is_folder(folder)) return hint_folder(folder, name, arena, err);
  if (!folder || !*name || !mw_file_list(folder, arena, &names, &count, &ignored)) return false;
  const char *near = mw_text_nearest(name, names, count);
  if (!near) return false;
  return mw_error_hint(err, "did you mean '%s%s'?", slash ? mw_text_escape(&shown, where, (size_t)(name - where)) : "",
                       mw_text_escape_z(&near_shown, near));
}

/* Whether a folder holds a file that is called as those of models and adapters are: "model.safetensors",
 * "model-00001-of-00002.safetensors", "adapter_model.safetensors". */
static bool holds_model(const char *folder, mw_arena *arena) {
  const char **names;
  size_t count;
  mw_error ignored;
  if (!mw_file_is_folder(folder) || !mw_file_list(folder, arena, &names, &count, &ignored)) return false;
  for (size_t i = 0; i < count; i++)
    if ((strncmp(names[i], "model", 5) == 0 || strncmp(names[i], "adapter_model", 13) == 0) && mw_tensor_ending(names[i])) return true;
  return false;
}

/* A model's folder in a hub's cache, "models--org--name": it may be given as it is. */
static bool is_of_cache(const char *folder, const char *name, mw_arena *arena) {
  mw_error ignored;
  const char *snapshots = strncmp(name, "models--", 8) == 0 ? mw_file_join(arena, folder, "snapshots", &ignored) : NULL;
  return snapshots && mw_file_is_folder(snapshots);
}

bool mw_near_path_below(const char *folder, const char *const *names, size_t count, mw_arena *arena, mw_error *err) {
  enum { SHOWN = 2, LOOKED_AT = 200 };
  const char *found[SHOWN];
  mw_text_escaped shown[SHOWN];
  mw_error ignored;
  size_t models = 0;
  for (size_t i = 0; i < count && i < LOOKED_AT; i++) {
    const char *path = mw_file_join(arena, folder, names[i], &ignored);
    if (!path || !(holds_model(path, arena) || is_of_cache(path, names[i], arena))) continue;
    if (models < SHOWN) found[models] = path;
    models++;
  }
  for (size_t i = 0; i < models && i < SHOWN; i++) mw_text_escape_z(&shown[i], found[i]);
  if (models == 1) return mw_error_hint(err, "did you mean %s?", shown[0].bytes);
  return models && mw_error_hint(err, "it holds %zu folders of models, such as %s and %s: give these", models, shown[0].bytes,
                                 shown[1].bytes);
}

static const char convert[] = "convert the model to safetensors once (save_pretrained does)";
static const char gather[] = "the weights are in pieces: `accelerate merge-weights` makes the whole model";

/* Weights in other forms, by the ends of their names or folders that hold them, and what to do. */
static const struct { const char *pattern, *advice; } elsewhere[] = {
    {"*.gguf", "merge the model that it was made from, and quantise the result"},
    {"global_step*", "the weights are in pieces: its zero_to_fp32.py makes the whole model"},
    {"*.distcp", gather},
    {"pytorch_model_fsdp_*", gather},
    {"*.bin", convert},
    {"*.pt", convert},
    {"*.pth", convert},
    {"*.ckpt", convert},
    {"*.h5", convert},
    {"*.msgpack", convert},
    {"*.npz", convert},
    {"*.onnx", "merge the model that it was exported from"},
    {"original", "it holds its maker's own form alone: download the safetensors too"},
};

/* Beside a model, or above the folders of models: it holds no weights. */
static bool is_of_training(const char *name) {
  static const char *const starts[] = {"training_args", "optimizer", "scheduler", "rng_state", "scaler"};
  for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
    if (strncmp(name, starts[i], strlen(starts[i])) == 0) return true;
  return false;
}

bool mw_near_path_other_form(const char *shown, const char *const *names, size_t count, mw_error *err) {
  mw_text_escaped other;
  for (size_t k = 0; k < sizeof elsewhere / sizeof *elsewhere; k++)
    for (size_t i = 0; i < count; i++) {
      if (!mw_text_glob(elsewhere[k].pattern, names[i]) || is_of_training(names[i])) continue;
      mw_error_set(err, MW_DATA, "%s: holds no safetensors file, only %s", shown, mw_text_escape_z(&other, names[i]));
      return mw_error_hint(err, "%s", elsewhere[k].advice);
    }
  return false;
}
