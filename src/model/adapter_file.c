/* adapter_file.c: see adapter_file.h. */
#include "model/adapter_file.h"
#include "model/adapter_config.h"
#include "model/hub.h"
#include "model/near_path.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the weights are called: by peft, and by diffusers. */
static const char *const weight_names[] = {"adapter_model.safetensors", "pytorch_lora_weights.safetensors"};
enum { WEIGHT_NAMES = sizeof weight_names / sizeof *weight_names };

bool mw_adapter_file_holds(const char *folder, const char *name) {
  char path[4096];
  int made = snprintf(path, sizeof path, "%s/%s", folder, name);
  return made > 0 && (size_t)made < sizeof path && mw_file_exists(path);
}

/* The folder and the file of the weights. */
static bool locate(mw_adapter_file *a, const char *where, const char **folder, const char **file, mw_error *err) {
  mw_arena *arena = &a->model->arena;
  mw_text_escaped shown;
  const char *slash = strrchr(where, '/');
  a->facts.where = mw_mem_copy(arena, where, strlen(where), err);
  *folder = where;
  *file = NULL;
  if (!a->facts.where) return false;
  if (!*where) return mw_error_set(err, MW_USAGE, "an adapter's name is empty: nothing stands behind a + or between two");
  if (mw_hub_is_id(where)) {
    MW_TRY(mw_hub_find(where, arena, folder, &a->facts.commit, err));
    a->facts.hub = mw_mem_copy(arena, where, strcspn(where, "@"), err);
    if (!a->facts.hub) return false;
  } else if (!mw_file_exists(where)) {
    mw_error_set(err, MW_MISSING, "%s: no such file or folder", mw_text_escape_z(&shown, where));
    return mw_error_hint(err, "the words before and behind a + are a model and an adapter: folders, files, or hub ids");
  } else if (!mw_file_is_folder(where)) {
    *file = a->facts.where;
    return (*folder = slash ? mw_mem_copy(arena, where, (size_t)(slash - where), err) : ".") != NULL;
  }
  for (int i = 0; i < WEIGHT_NAMES && !*file; i++)
    if (mw_adapter_file_holds(*folder, weight_names[i]) && !(*file = mw_file_join(arena, *folder, weight_names[i], err))) return false;
  if (*file) return true;
  mw_error_set(err, MW_MISSING, "%s: holds no %s", mw_text_escape_z(&shown, *folder), weight_names[0]);
  mw_error_hint(err, mw_adapter_file_holds(*folder, "adapter_model.bin") ? "convert its adapter_model.bin to safetensors first"
                                                                         : "an adapter is a folder as peft writes it, or a file");
  const char **names; /* peft writes an adapter that is not called "default" into a folder of its name */
  size_t count;
  mw_error ignored;
  return mw_file_list(*folder, arena, &names, &count, &ignored) && mw_near_path_below(*folder, names, count, arena, err);
}

/* Opens a file as one of the model's. */
static bool open_file(mw_model *model, const char *path, mw_error *err) {
  mw_file *files = realloc(model->files, (model->file_count + 1) * sizeof *files);
  if (!files) return mw_error_memory(err, (model->file_count + 1) * sizeof *files);
  model->files = files;
  MW_TRY(mw_file_open(&files[model->file_count], path, err));
  model->file_count++;
  return true;
}

/* adapter_config.json becomes a file of the model too, so that a change of it is noticed like one of the weights. */
static bool read_config(mw_adapter_file *a, const char *folder, mw_error *err) {
  mw_arena *arena = &a->model->arena;
  const char *path = mw_file_join(arena, folder, MW_ADAPTER_FILE_CONFIG, err);
  mw_text_escaped shown;
  char *text;
  if (!path) return false;
  if (!mw_file_exists(path)) return true;
  MW_TRY(open_file(a->model, path, err) && mw_file_slurp(path, MW_ADAPTER_FILE_LARGEST_CONFIG, &text, &a->config_length, err));
  a->config = mw_mem_copy(arena, text, a->config_length, err);
  free(text);
  return a->config && (mw_adapter_config_check(MW_ADAPTER_FILE_CONFIG, a->config, a->config_length, err) ||
                       mw_error_wrap(err, "%s", mw_text_escape_z(&shown, folder)));
}

/* What follows divides by dimensions. Trainings that keep parts of a model on several devices have saved such files. */
static bool check_filled(const mw_adapter_file *a, const mw_tensor *tensors, size_t count, mw_error *err) {
  mw_text_escaped name;
  if (!count) return mw_error_set(err, MW_DATA, "%s: holds no tensor, expected an adapter's", a->shown);
  for (size_t i = 0; i < count; i++)
    if (!mw_tensor_elements(&tensors[i])) {
      mw_error_set(err, MW_DATA, "%s: tensor '%s' has no elements", a->shown, mw_text_escape_z(&name, tensors[i].name));
      return mw_error_hint(err, "save the adapter again, with its parameters gathered (DeepSpeed's ZeRO-3, FSDP)");
    }
  return true;
}

/* Its tensors, as modules; and what diffusers has packed into the file. */
static bool list(mw_adapter_file *a, mw_error *err) {
  mw_model *model = a->model;
  uint32_t index = (uint32_t)(model->file_count - 1);
  mw_tensor_list found = {0};
  mw_json metadata, packed;
  size_t length;
  bool ok = mw_tensor_find(&model->files[index], index, &model->arena, &found, err);
  mw_tensor *tensors = ok ? mw_mem_take(&model->arena, (found.count + 1) * sizeof *tensors, err) : NULL;
  if (tensors && found.count) memcpy(tensors, found.tensors, found.count * sizeof *tensors);
  free(found.tensors);
  if (!tensors) return false;
  if (found.metadata && mw_json_check("metadata", found.metadata, strlen(found.metadata), 2, &metadata, err)) {
    packed = mw_json_member(metadata, "lora_adapter_metadata");
    MW_TRY(packed.kind != MW_JSON_STRING || mw_json_string(packed, &model->arena, &a->metadata, &length, err));
  }
  MW_TRY(check_filled(a, tensors, found.count, err));
  return mw_adapter_module_list(tensors, found.count, &model->arena, &a->modules, &a->module_count, err) ||
         mw_error_wrap(err, "%s", a->shown);
}

bool mw_adapter_file_open(mw_model *model, const char *where, mw_adapter_file *out, mw_error *err) {
  const char *folder, *file;
  mw_text_escaped shown;
  const size_t before = model->file_count;
  *out = (mw_adapter_file){.model = model};
  MW_TRY(locate(out, where, &folder, &file, err) && read_config(out, folder, err) && open_file(model, file, err));
  mw_text_escape_z(&shown, file);
  if (!(out->shown = mw_mem_copy(&model->arena, shown.bytes, strlen(shown.bytes), err))) return false;
  out->facts.place = mw_file_is_folder(out->facts.where) || out->facts.hub ? folder : file;
  out->facts.file_count = model->file_count - before;
  return list(out, err);
}

bool mw_adapter_file_keep(const mw_adapter_file *file, mw_error *err) {
  mw_model *model = file->model;
  mw_model_adapter *kept = mw_mem_take(&model->arena, (model->adapter_count + 1) * sizeof *kept, err);
  if (!kept) return false;
  if (model->adapter_count) memcpy(kept, model->adapters, model->adapter_count * sizeof *kept);
  kept[model->adapter_count++] = file->facts;
  model->adapters = kept;
  return true;
}
