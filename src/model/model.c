/* model.c: opens the files of a model and checks that they belong together: names are unique over all files, and an index agrees
 * with the files that it lists. The tensors are then sorted by name. */
#include "model/model.h"
#include "format/aside.h"
#include "format/lone.h"
#include "model/adapted.h"
#include "model/adapter.h"
#include "model/gathered.h"
#include "model/scaled.h"
#include "model/hub.h"
#include "model/modules.h"
#include "model/near_path.h"
#include "model/pipeline.h"
#include "model/shards.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const mw_tensor *mw_model_find(const mw_model *model, const char *name) {
  return mw_tensor_named(model->tensors, model->tensor_count, name);
}

const char *mw_model_path(const mw_model *model, const mw_tensor *tensor) { return model->files[tensor->file].path; }

size_t mw_model_own_files(const mw_model *model) {
  size_t own = model->file_count;
  for (size_t i = 0; i < model->adapter_count; i++) own -= model->adapters[i].file_count;
  return own;
}

bool mw_model_read(const mw_model *model, const mw_tensor *tensor, uint64_t at, void *bytes, size_t length, mw_error *err) {
  const mw_file *file = &model->files[tensor->file];
  if (tensor->made == MW_TENSOR_GATHERED) return mw_gathered_read(tensor, false, at, bytes, length, err);
  if (tensor->made == MW_TENSOR_ADAPTED) return mw_adapted_read(model, tensor->adapted, NULL, false, at, bytes, length, err);
  if (tensor->made == MW_TENSOR_SCALED) return mw_scaled_read(file, tensor->scaled, at, bytes, length, err);
  return mw_tensor_read(file, tensor, at, bytes, length, err);
}

/* The model's own tensor behind one whose rows are gathered. */
static const mw_tensor *own_of(const mw_tensor *tensor) {
  return tensor->made == MW_TENSOR_GATHERED ? &tensor->gathered->sources[tensor->gathered->own].tensor : tensor;
}

mw_dtype mw_model_written(const mw_tensor *tensor) {
  tensor = own_of(tensor);
  if (tensor->made == MW_TENSOR_ADAPTED) return tensor->adapted->written;
  return tensor->made == MW_TENSOR_SCALED ? MW_DTYPE_BF16 : (mw_dtype)tensor->dtype;
}

const mw_tensor *mw_model_source(const mw_tensor *tensor) {
  tensor = own_of(tensor);
  if (tensor->made == MW_TENSOR_ADAPTED) tensor = &tensor->adapted->source;
  return tensor->made == MW_TENSOR_SCALED ? &tensor->scaled->codes : tensor;
}

bool mw_model_read_counted(const mw_model *model, const mw_tensor *tensor, uint64_t at, void *bytes, size_t length, mw_error *err) {
  if (tensor->made == MW_TENSOR_GATHERED) return mw_gathered_read(tensor, true, at, bytes, length, err);
  mw_file_checksum *checksum = tensor->made ? NULL : model->files[tensor->file].checksum;
  MW_TRY(mw_model_read(model, tensor, at, bytes, length, err));
  if (checksum) mw_file_checksum_add(checksum, tensor->offset + at, bytes, length);
  return true;
}

bool mw_model_count(mw_model *model, mw_file_checksum_memory *memory, mw_error *err) {
  for (size_t i = 0; i < model->file_count; i++)
    if (!model->files[i].checksum) MW_TRY(mw_file_checksum_new(&model->files[i], false, memory, &model->files[i].checksum, err));
  return true;
}

bool mw_model_same(const mw_model *a, const mw_tensor *x, const mw_model *b, const mw_tensor *y, bool *same, mw_error *err) {
  enum { STEP = 256 << 10 };
  uint64_t bytes = mw_tensor_bytes(x);
  *same = x->dtype == y->dtype && bytes == mw_tensor_bytes(y);
  if (!*same) return true;
  char *buffer = mw_mem_new(2, STEP, err);
  bool ok = buffer != NULL;
  for (uint64_t at = 0; ok && *same && at < bytes; at += STEP) {
    size_t n = (size_t)(bytes - at < STEP ? bytes - at : STEP);
    ok = mw_model_read(a, x, at, buffer, n, err) && mw_model_read(b, y, at, buffer + STEP, n, err);
    *same = ok && memcmp(buffer, buffer + STEP, n) == 0;
  }
  free(buffer);
  return ok;
}

static bool open_file(mw_model *model, const char *path, size_t *capacity, mw_error *err) {
  uint32_t index = (uint32_t)model->file_count;
  MW_TRY(mw_file_open(&model->files[index], path, err));
  model->file_count++;
  mw_tensor_list list = {model->tensors, model->tensor_count, *capacity, NULL};
  bool ok = mw_tensor_find(&model->files[index], index, &model->arena, &list, err);
  model->tensors = list.tensors;
  model->tensor_count = list.count;
  *capacity = list.capacity;
  model->metadata = list.metadata;
  return ok;
}

static bool check_unique(const mw_model *model, mw_error *err) {
  mw_text_escaped name, a, b;
  for (size_t i = 1; i < model->tensor_count; i++)
    if (strcmp(model->tensors[i - 1].name, model->tensors[i].name) == 0)
      return mw_error_set(err, MW_DATA, "tensor '%s' is in two shards: %s and %s",
                          mw_text_escape_z(&name, model->tensors[i].name),
                          mw_text_escape_z(&a, mw_model_path(model, &model->tensors[i - 1])),
                          mw_text_escape_z(&b, mw_model_path(model, &model->tensors[i])));
  return true;
}

/* Index and files must list the same tensors. Both lists are sorted by name, so one walk over both finds every difference. */
static bool check_index(const mw_model *model, const mw_shards *shards, mw_error *err) {
  mw_text_escaped name, file;
  size_t t = 0, e = 0;
  while (t < model->tensor_count || e < shards->entry_count) {
    int order = t == model->tensor_count ? 1 : e == shards->entry_count ? -1
                                             : strcmp(model->tensors[t].name, shards->entries[e].tensor);
    if (order < 0)
      return mw_error_set(err, MW_DATA, "%s: tensor '%s' is not in the index's weight_map",
                          mw_text_escape_z(&file, mw_model_path(model, &model->tensors[t])),
                          mw_text_escape_z(&name, model->tensors[t].name));
    if (order > 0 || model->tensors[t].file != shards->entries[e].file)
      return mw_error_set(err, MW_DATA, "%s: the index's weight_map places tensor '%s' here, and it is not",
                          mw_text_escape_z(&file, model->files[shards->entries[e].file].path),
                          mw_text_escape_z(&name, shards->entries[e].tensor));
    t++, e++;
  }
  return true;
}

/* Its weights are tensors of the model, with the folder before their names. */
static bool open_part(mw_model *model, const char *part, mw_error *err) {
  const char *path;
  size_t first = model->tensor_count, capacity = model->tensor_count;
  MW_TRY(mw_modules_weights(model->folder, part, &model->arena, &path, err));
  if (!path) return true;
  mw_file *files = realloc(model->files, (model->file_count + 1) * sizeof *files);
  if (!files) return mw_error_memory(err, (model->file_count + 1) * sizeof *files);
  model->files = files;
  MW_TRY(open_file(model, path, &capacity, err));
  for (size_t i = first; i < model->tensor_count; i++)
    if (!(model->tensors[i].name = mw_file_join(&model->arena, part, model->tensors[i].name, err))) return false;
  return true;
}

static bool sort(mw_model *model, mw_error *err) { return mw_tensor_sort(model->tensors, model->tensor_count, mw_tensor_by_name, err); }

static bool open_parts(mw_model *model, mw_error *err) {
  MW_TRY(mw_modules_read(model->folder, &model->arena, &model->parts, &model->part_count, err));
  for (size_t i = 0; i < model->part_count; i++) MW_TRY(open_part(model, model->parts[i], err));
  model->metadata = NULL;
  return sort(model, err) && check_unique(model, err);
}

static bool open_all(mw_model *model, const mw_shards *shards, mw_arena *arena, mw_error *err) {
  size_t capacity = 0, absent = 0;
  mw_text missing = {0};
  mw_text_escaped shown;
  if (!(model->files = mw_mem_new(shards->count, sizeof *model->files, err))) return false;
  for (size_t i = 0; i < shards->count; i++) {
    const char *path = mw_file_join(arena, model->folder, shards->names[i], err);
    if (!path) return mw_text_free(&missing), false;
    if (!mw_file_exists(path) && absent++ < 20) mw_text_format(&missing, " %s", mw_text_escape_z(&shown, shards->names[i]));
  }
  if (absent > 20) mw_text_format(&missing, " ... and %zu more", absent - 20);
  if (absent)
    mw_error_set(err, MW_MISSING, "%s: shards are missing:%s", mw_text_escape_z(&shown, model->folder),
                 missing.bytes ? missing.bytes : "");
  mw_text_free(&missing);
  if (absent) return false;
  for (size_t i = 0; i < shards->count; i++) {
    const char *path = mw_file_join(arena, model->folder, shards->names[i], err);
    if (!path || !open_file(model, path, &capacity, err)) return false;
  }
  return true;
}

/* Real indexes are often wrong here and no reader needs it: a warning. */
static void check_total(const mw_model *model, const mw_shards *shards, mw_warning *warnings) {
  uint64_t total = 0;
  mw_text_escaped shown;
  for (size_t i = 0; i < model->tensor_count; i++) total += mw_tensor_bytes(&model->tensors[i]);
  if (shards->total == total) return;
  mw_text_escape_z(&shown, model->folder);
  if (shards->total)
    mw_warning_add(warnings, "%s: the index's total_size: found %llu, but the tensors have %llu bytes", shown.bytes,
                (unsigned long long)shards->total, (unsigned long long)total);
  else mw_warning_add(warnings, "%s: the index's total_size: missing or not a number of bytes", shown.bytes);
}

static bool open_config(mw_model *model, mw_error *err) {
  if (mw_config_open(&model->config, model->folder, err)) return true;
  if (err->status == MW_MISSING) mw_error_hint(err, "a model without a configuration is given as its safetensors file, not as a folder");
  return false;
}

/* The texts of the index are needed only here, so they are freed at the end of this function. */
static bool open_folder(mw_model *model, mw_warning *warnings, mw_error *err) {
  mw_shards shards = {0};
  mw_arena arena = {0};
  const char *index = mw_file_join(&model->arena, model->folder, MW_PIPELINE_INDEX, err);
  if (!index) return false;
  if (mw_file_exists(index)) return mw_pipeline_read(model, warnings, err);
  bool ok = mw_shards_find(model->folder, &arena, warnings, &shards, err) && open_all(model, &shards, &arena, err);
  if (ok) {
    ok = sort(model, err) && check_unique(model, err) && (!shards.entries || check_index(model, &shards, err)) && open_config(model, err);
    if (ok && shards.entries) check_total(model, &shards, warnings);
    model->stem = shards.stem;
    model->metadata = NULL;
    ok = ok && open_parts(model, err);
  }
  mw_shards_free(&shards);
  mw_mem_release(&arena);
  return ok;
}

static bool open_lone(mw_model *model, const char *path, mw_warning *warnings, mw_error *err) {
  size_t capacity = 0;
  unsigned of;
  mw_text_escaped shown;
  const char *slash = strrchr(path, '/');
  model->stem = "model";
  if (mw_shards_is_one(slash ? slash + 1 : path, &of) && of > 1)
    mw_warning_add(warnings, "%s is one of %u shards: only what it holds is merged (give the folder for the whole model)",
                   mw_text_escape_z(&shown, path), of);
  if (!(model->files = mw_mem_new(1, sizeof *model->files, err))) return false;
  MW_TRY(open_file(model, path, &capacity, err));
  return sort(model, err);
}

/* "_name_or_path" of the config, if it is a hub id. */
static bool recall_hub(mw_model *model, mw_error *err) {
  mw_json name = mw_json_member(model->config.root, "_name_or_path");
  const char *text;
  size_t length;
  if (model->hub || name.kind != MW_JSON_STRING) return true;
  if (!mw_json_string(name, &model->arena, &text, &length, err)) return err->status != MW_MEMORY;
  if (strlen(text) == length && mw_hub_is_id(text) && !strchr(text, '@')) model->hub = (char *)(uintptr_t)text;
  return true;
}

/* "org/name" and the commit of a model of the hub's cache. */
static bool keep_origin(mw_model *model, const char *id, const char *commit, mw_error *err) {
  model->hub = mw_mem_copy(&model->arena, id, strcspn(id, "@"), err);
  model->commit = model->hub ? mw_mem_copy(&model->arena, commit, strlen(commit), err) : NULL;
  return model->commit != NULL;
}

static bool locate(mw_model *model, const char *where, mw_error *err) {
  const char *slash = strrchr(where, '/'), *name = slash ? slash + 1 : where, *folder = where, *commit, *id, *snapshot;
  if (mw_hub_is_id(where)) {
    if (!mw_hub_find(where, &model->arena, &folder, &commit, err)) return mw_near_path_hint(where, &model->arena, err);
    MW_TRY(keep_origin(model, where, commit, err));
  } else if (mw_file_is_folder(where)) {
    MW_TRY(mw_hub_enter(where, &model->arena, &id, &snapshot, &commit, err));
    if (snapshot) MW_TRY(keep_origin(model, id, commit, err));
    if (snapshot) folder = snapshot;
  } else if (mw_shards_is_index(name) && mw_file_exists(where))
    folder = slash ? mw_mem_copy(&model->arena, where, (size_t)(name - where), err) : ".";
  else if (mw_file_exists(where)) return mw_lone_mend(where, err);
  else {
    MW_TRY(mw_hub_find_within(where, &model->arena, &id, &snapshot, &commit, err));
    if (snapshot) return keep_origin(model, id, commit, err) && (model->folder = (char *)(uintptr_t)snapshot) != NULL;
    mw_text_escaped shown;
    if (!*where) return mw_error_set(err, MW_USAGE, "a model's name is empty");
    mw_error_set(err, MW_MISSING, "%s: no such file or folder", mw_text_escape_z(&shown, where));
    if (strstr(where, "://"))
      return mw_error_hint(err, "moonweld never uses the network: download it, and give its folder or, for the local cache, org/name");
    mw_error_hint(err, "give a folder, a safetensors file, or a hub id org/name that the local cache holds");
    return mw_near_path_hint(where, &model->arena, err);
  }
  return folder && (model->folder = mw_mem_copy(&model->arena, folder, strlen(folder), err)) != NULL;
}

/* An adapter by itself: its base is opened first, which may be such an adapter again. */
static bool open_word(mw_model *model, const char *where, unsigned depth, mw_warning *warnings, mw_error *err) {
  enum { DEEPEST = 8 };
  const char *base;
  mw_text_escaped shown, own;
  MW_TRY(mw_aside_mend(where, err) && locate(model, where, err));
  if (!(model->base = mw_mem_copy(&model->arena, where, strlen(where), err))) return false;
  if (!model->folder) return open_lone(model, where, warnings, err);
  if (!mw_adapter_is_folder(model->folder)) return open_folder(model, warnings, err) && recall_hub(model, err);
  MW_TRY(mw_adapter_base(model->folder, &model->arena, &base, err));
  model->folder = model->hub = model->commit = NULL;
  mw_text_escape_z(&own, where);
  if (depth == DEEPEST) return mw_error_set(err, MW_DATA, "%s: adapters of adapters, %d deep", own.bytes, DEEPEST);
  if (!open_word(model, base, depth + 1, warnings, err)) {
    if (err->status != MW_MISSING || depth) return false;
    mw_error_wrap(err, "%s: a LoRA (PEFT) adapter, not a model, whose base '%s' is not here", own.bytes, mw_text_escape_z(&shown, base));
    return mw_error_hint(err, "give BASE+ADAPTER, the base and it with a + between them");
  }
  return mw_adapter_add(model, where, warnings, err);
}

/* How much of "MODEL+ADAPTER+..." is the first word: all of it, if that is the path of something; else the longest part before a + that
 * is; else the part before the first +. */
static size_t first_word(const char *where, mw_arena *arena, mw_error *err) {
  size_t length = strlen(where), first = strcspn(where, "+");
  for (size_t end = length; end > first; end--) {
    if (end >= PATH_MAX || (end < length && where[end] != '+')) continue;
    const char *word = mw_mem_copy(arena, where, end, err);
    if (!word) return 0;
    if (mw_file_exists(word)) return end;
  }
  return first;
}

/* "FOLDER@REVISION", as files of mergekit say where the folder is no longer the hub's: the folder as it is. */
static const char *without_revision(const char *word, mw_arena *arena, mw_warning *warnings, mw_error *err) {
  const char *at = strrchr(word, '@'), *folder, *commit;
  mw_error ignored;
  if (!at || at == word || mw_file_exists(word) || (mw_hub_is_id(word) && mw_hub_find(word, arena, &folder, &commit, &ignored)))
    return word;
  const char *plain = mw_mem_copy(arena, word, (size_t)(at - word), err);
  if (!plain || !mw_file_is_folder(plain)) return plain ? word : NULL;
  mw_text_escaped shown, revision;
  mw_warning_add(warnings, "%s: a folder has no revisions: it is taken as it is, whether it is '%s' or not",
                 mw_text_escape_z(&shown, plain), mw_text_escape_z(&revision, at + 1));
  return plain;
}

static bool open_words(mw_model *model, const char *where, mw_warning *warnings, mw_error *err) {
  for (bool base = true;; base = false) {
    size_t length = first_word(where, &model->arena, err);
    const char *word = mw_mem_copy(&model->arena, where, length, err);
    if (word) word = without_revision(word, &model->arena, warnings, err);
    if (!word || !(base ? open_word(model, word, 0, warnings, err) : mw_adapter_add(model, word, warnings, err))) return false;
    if (!where[length]) return true;
    where += length + 1;
  }
}

bool mw_model_open(const char *where, mw_warning *warnings, mw_model **out, mw_error *err) {
  mw_model *model = mw_mem_new(1, sizeof *model, err);
  if (!model) return false;
  model->where = mw_mem_copy(&model->arena, where, strlen(where), err);
  bool ok = model->where && open_words(model, where, warnings, err);
  if (ok) *out = model;
  else mw_model_close(model);
  return ok;
}

void mw_model_close(mw_model *model) {
  if (!model) return;
  for (size_t i = 0; i < model->file_count && !model->opened; i++) {
    mw_file_checksum_free(model->files[i].checksum);
    mw_file_close(&model->files[i]);
  }
  for (size_t i = 0; i < model->component_count && model->opened; i++) mw_model_close(model->opened[i]);
  free(model->files);
  free(model->tensors);
  mw_config_close(&model->config);
  mw_mem_release(&model->arena);
  free(model);
}
