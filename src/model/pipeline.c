/* pipeline.c: what a component is shows in its folder, since anybody may write classes for one: a model has weights or a
 * config.json, and a scheduler, tokenizer or image processor has a configuration of another name. */
#include "model/pipeline.h"
#include "model/adapted_moved.h"
#include "model/adapter.h"
#include "model/fit.h"
#include "model/modules.h"
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 1 << 20, DEEPEST = 32, MAX_COMPONENTS = 64 };

static bool is_one_of(const char *name, const char *const *list, bool (*matches)(const char *, const char *)) {
  for (; *list; list++)
    if (matches(name, *list)) return true;
  return false;
}

static bool equals(const char *a, const char *b) { return strcmp(a, b) == 0; }
static bool holds(const char *text, const char *part) { return strstr(text, part) != NULL; }

static const char *const other_weights[] = {".bin", ".pt", ".pth", ".ckpt", ".msgpack", ".h5", ".onnx", ".gguf", NULL};
static const char scheduler_config[] = "scheduler_config.json";
static const char *const other_configs[] = {scheduler_config, "tokenizer_config.json", "preprocessor_config.json",
                                            "processor_config.json", NULL};

/* Whether a component that is there is a model. */
static bool holds_model(const char *place, mw_arena *arena, bool *model, mw_error *err) {
  const char **names;
  size_t count;
  bool config = false, other = false;
  *model = false;
  MW_TRY(mw_file_list(place, arena, &names, &count, err));
  for (size_t i = 0; i < count && !*model; i++) {
    *model = mw_tensor_ending(names[i]) || is_one_of(names[i], other_weights, mw_text_ends_with) || equals(names[i], MW_PIPELINE_INDEX);
    config = config || equals(names[i], "config.json");
    other = other || is_one_of(names[i], other_configs, equals);
  }
  *model = *model || (config && !other);
  return true;
}

/* A component that model_index.json names and that is not there. */
static bool tell_missing(const mw_model *model, const char *name, mw_json class, mw_warning *warnings, mw_error *err) {
  static const char *const words[] = {"Scheduler", "Tokenizer", "Processor", "Extractor", NULL};
  mw_text_escaped escaped, folder, shown;
  bool part = is_one_of(mw_text_escape(&escaped, class.bytes, class.length), words, holds);
  mw_text_escape_z(&folder, model->folder);
  mw_text_escape_z(&shown, name);
  if (part) {
    mw_warning_add(warnings, "%s: there is no folder '%s', which " MW_PIPELINE_INDEX " names", folder.bytes, shown.bytes);
    return true;
  }
  mw_error_set(err, MW_MISSING, "%s: there is no folder '%s', which " MW_PIPELINE_INDEX " names", folder.bytes, shown.bytes);
  return mw_error_hint(err, "download it too: the pipeline is not whole without it");
}

static const char name_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

/* "unet": ["diffusers", "UNet2DConditionModel"]; [null, null] is a component that is not there. Other values are settings. */
static bool add_component(mw_model *model, mw_json key, mw_json value, mw_warning *warnings, mw_error *err) {
  mw_json index, library, class;
  const char *name, *place;
  size_t length;
  bool is_model;
  mw_text_escaped folder, shown;
  if (value.kind != MW_JSON_ARRAY) return true;
  mw_json_walk walk = mw_json_enter(value);
  if (!mw_json_next(&walk, &index, &library) || !mw_json_next(&walk, &index, &class) || class.kind == MW_JSON_NULL) return true;
  MW_TRY(mw_json_string(key, &model->arena, &name, &length, err));
  if (*name == '_') return true;
  if (!mw_modules_is_name(name, length) || strspn(name, name_letters) != length)
    return mw_error_set(err, MW_DATA, "%s/" MW_PIPELINE_INDEX ": found %s, expected the name of a folder beside it",
                        mw_text_escape_z(&folder, model->folder), mw_text_escape(&shown, key.bytes, key.length));
  if (!(place = mw_file_join(&model->arena, model->folder, name, err))) return false;
  if (!mw_file_is_folder(place)) return tell_missing(model, name, class, warnings, err);
  MW_TRY(holds_model(place, &model->arena, &is_model, err));
  if (model->component_count + model->part_count == MAX_COMPONENTS)
    return mw_error_set(err, MW_DATA, "%s/" MW_PIPELINE_INDEX ": more than %d components", mw_text_escape_z(&folder, model->folder),
                        MAX_COMPONENTS);
  if (is_model) model->components[model->component_count++] = name;
  else model->parts[model->part_count++] = name;
  return true;
}

static bool read_index(mw_model *model, const char *what, const char *text, size_t length, mw_warning *warnings, mw_error *err) {
  mw_json root, key, value;
  MW_TRY(mw_json_check(what, text, length, DEEPEST, &root, err));
  if (root.kind != MW_JSON_OBJECT) return mw_error_set(err, MW_DATA, "%s: expected an object", what);
  for (mw_json_walk walk = mw_json_enter(root); mw_json_next(&walk, &key, &value);)
    MW_TRY(add_component(model, key, value, warnings, err));
  return model->component_count || mw_error_set(err, MW_DATA, "%s: names no component that is a model", what);
}

bool mw_pipeline_read(mw_model *model, mw_warning *warnings, mw_error *err) {
  char *text;
  size_t length;
  mw_text_escaped shown;
  const char *path = mw_file_join(&model->arena, model->folder, MW_PIPELINE_INDEX, err);
  model->stem = "diffusion_pytorch_model";
  model->components = mw_mem_take(&model->arena, MAX_COMPONENTS * sizeof *model->components, err);
  model->parts = mw_mem_take(&model->arena, MAX_COMPONENTS * sizeof *model->parts, err);
  if (!path || !model->components || !model->parts || !mw_file_slurp(path, LARGEST, &text, &length, err)) return false;
  bool ok = read_index(model, mw_text_escape_z(&shown, path), text, length, warnings, err);
  free(text);
  return ok;
}

bool mw_pipeline_has(const mw_model *model, const char *component) {
  for (size_t i = 0; i < model->component_count; i++)
    if (strcmp(model->components[i], component) == 0) return true;
  return false;
}

bool mw_pipeline_component(const mw_model *pipeline, const char *name, mw_warning *warnings, mw_model **out, mw_error *err) {
  mw_arena arena = {0};
  mw_model *model = NULL;
  const char *place = mw_file_join(&arena, pipeline->folder, name, err);
  mw_text_escaped shown;
  bool ok = place && mw_model_open(place, warnings, &model, err);
  if (ok && model->component_count)
    ok = mw_error_set(err, MW_DATA, "%s: a pipeline itself (" MW_PIPELINE_INDEX "), expected one model", mw_text_escape_z(&shown, place));
  for (size_t i = 0; i < pipeline->adapter_count && ok; i++) {
    const mw_model_adapter *adapter = &pipeline->adapters[i];
    bool any = false;
    for (size_t p = 0; p < adapter->part_count; p++) any = any || strcmp(adapter->parts[p].component, name) == 0;
    if (any) ok = mw_adapter_add_component(model, adapter, name, err);
  }
  mw_mem_release(&arena);
  if (ok) *out = model;
  else mw_model_close(model);
  return ok;
}

/* ---- all tensors at once ---- */

/* The component stays open for the names and shapes of its tensors; its files are the model's from now on. */
static bool take_tensors(mw_model *model, size_t index, size_t *capacity, mw_error *err) {
  mw_model *component = model->opened[index];
  mw_file *files = realloc(model->files, (model->file_count + component->file_count + 1) * sizeof *files);
  if (!files) return mw_error_memory(err, sizeof *files);
  model->files = files;
  MW_TRY(mw_mem_grow(&model->tensors, capacity, model->tensor_count + component->tensor_count, sizeof *model->tensors, err));
  for (size_t i = 0; i < component->tensor_count; i++) {
    mw_tensor tensor = component->tensors[i];
    tensor.file += (uint32_t)model->file_count;
    if (tensor.made == MW_TENSOR_ADAPTED &&
        !(tensor.adapted = mw_adapted_moved(tensor.adapted, (uint32_t)model->file_count, &model->arena, err)))
      return false;
    if (!(tensor.name = mw_file_join(&model->arena, model->components[index], tensor.name, err))) return false;
    model->tensors[model->tensor_count++] = tensor;
  }
  memcpy(files + model->file_count, component->files, component->file_count * sizeof *files);
  model->file_count += component->file_count;
  return true;
}

static int by_name(const void *a, const void *b) { return strcmp(((const mw_tensor *)a)->name, ((const mw_tensor *)b)->name); }

/* Files of adapters are the components' from now on. */
static void close_own(mw_model *model) {
  while (model->file_count) mw_file_close(&model->files[--model->file_count]);
}

static bool gather(mw_model *model, mw_warning *warnings, mw_error *err) {
  size_t capacity = 0;
  mw_model **opened = mw_mem_take(&model->arena, (model->component_count + 1) * sizeof *opened, err);
  if (!opened) return false;
  close_own(model);
  model->opened = opened;
  for (size_t i = 0; i < model->component_count; i++)
    MW_TRY(mw_pipeline_component(model, model->components[i], warnings, &model->opened[i], err) && take_tensors(model, i, &capacity, err));
  model->adapter_count = 0;
  if (model->tensor_count) qsort(model->tensors, model->tensor_count, sizeof *model->tensors, by_name);
  return true;
}

bool mw_pipeline_open(const char *where, mw_warning *warnings, mw_model **out, mw_error *err) {
  mw_model *model;
  MW_TRY(mw_model_open(where, warnings, &model, err));
  if (model->component_count && !gather(model, warnings, err)) {
    mw_model_close(model);
    return false;
  }
  *out = model;
  return true;
}

/* ---- parts ---- */

/* Most parts have no such file. */
static bool open_scheduler(mw_model *part, mw_error *err) {
  mw_error ignored;
  return mw_config_open_file(&part->config, part->folder, scheduler_config, &ignored) || ignored.status != MW_MEMORY ||
         mw_error_memory(err, LARGEST);
}

/* The tokenizers of a pipeline's text encoders cannot be united (--tokenizer), whatever is said of one model's. */
static bool say_way(const mw_family_member *donor, mw_error *err) {
  return *err->hint && mw_error_hint(err, "tokenizers of pipelines are not united; --allow tokenizer mixes rows of different tokens, with"
                                          " %s's tokenizer", donor->label);
}

static bool fit_part(const mw_family_member *donor, const mw_family_member *other, const char *part, const mw_family_rules *rules,
                     mw_arena *arena, mw_warning *warnings, mw_error *err) {
  mw_text_escaped shown;
  mw_text label = {0};
  mw_vocabulary tokens = {0};
  mw_model ours = {.folder = (char *)(uintptr_t)mw_file_join(arena, donor->model->folder, part, err)};
  mw_model theirs = {.folder = (char *)(uintptr_t)mw_file_join(arena, other->model->folder, part, err)};
  if (!ours.folder || !theirs.folder || !mw_file_is_folder(theirs.folder)) return ours.folder && theirs.folder;
  mw_text_format(&label, "%s: %s", other->label, mw_text_escape_z(&shown, part));
  mw_family_member d = {.model = &ours, .label = donor->label}, o = {.model = &theirs, .label = label.bytes};
  bool ok = mw_text_check(&label, err) && (mw_fit_tokens(&d, &o, &tokens, rules->allow_tokenizer, warnings, err) || say_way(donor, err)) &&
            open_scheduler(&ours, err) && open_scheduler(&theirs, err) &&
            mw_fit_config(&d, &o, scheduler_config, rules->allow_config, warnings, err);
  mw_config_close(&ours.config);
  mw_config_close(&theirs.config);
  mw_vocabulary_close(&tokens);
  mw_text_free(&label);
  return ok;
}

bool mw_pipeline_fit(const mw_family_member *donor, const mw_family_member *other, const mw_family_rules *rules, mw_warning *warnings,
                     mw_error *err) {
  mw_arena arena = {0};
  bool ok = true;
  if (!donor->model->component_count || !other->model->component_count) return true;
  for (size_t i = 0; i < donor->model->part_count && ok; i++)
    ok = fit_part(donor, other, donor->model->parts[i], rules, &arena, warnings, err);
  mw_mem_release(&arena);
  return ok;
}
