/* adapter_part.c: see adapter_part.h. */
#include "model/adapter_part.h"
#include "model/tied_head.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- which part ---- */

bool mw_adapter_part_next(const mw_adapter_file *file, size_t first, mw_adapter_part *out) {
  if (first == file->module_count) return false;
  const mw_adapter_name *name = &file->modules[first].name;
  /* Names without peft's first words, or a pipeline's, beside an adapter_config.json are peft's all the same. */
  const bool peft = name->peft || (!*name->part && file->config);
  *out = (mw_adapter_part){.file = file, .modules = file->modules + first, .name = name->part, .peft = peft};
  while (first + out->count < file->module_count && strcmp(file->modules[first + out->count].name.part, name->part) == 0) out->count++;
  return true;
}

const char *mw_adapter_part_component(const char *name) {
  static const char *const flat[][2] = {{"lora_unet", "unet"}, {"lora_transformer", "transformer"}, {"lora_te", "text_encoder"},
                                        {"lora_te1", "text_encoder"}, {"lora_te2", "text_encoder_2"}, {"lora_te3", "text_encoder_3"}};
  for (size_t i = 0; i < sizeof flat / sizeof *flat; i++)
    if (strcmp(name, flat[i][0]) == 0) return flat[i][1];
  return name;
}

static bool is_encoder(const char *folder) {
  static const char word[] = "text_encoder";
  return strncmp(folder, word, sizeof word - 1) == 0;
}

/* In a folder that is called as a text encoder, its part alone is looked at: they have names alike, and sometimes shapes. */
static bool check_encoder(const mw_adapter_part *p, mw_error *err) {
  const char *folder = p->base->folder ? p->base->folder : "", *slash = strrchr(folder, '/'), *meant = mw_adapter_part_component(p->name);
  if (slash) folder = slash + 1;
  return !is_encoder(folder) || !is_encoder(meant) || strcmp(folder, meant) == 0 ||
         mw_error_set(err, MW_DATA, "its part '%s' is for another text encoder", p->name);
}

/* ---- one part against the base ---- */

/* What scales the products of this part: adapter_config.json, what diffusers put into the file, or the tensors `alpha`. */
static bool configure(mw_adapter_part *p, mw_error *err) {
  const mw_adapter_file *file = p->file;
  const char *text = p->peft ? file->config : file->metadata;
  mw_arena *arena = &p->base->arena;
  if (p->peft && !text) {
    mw_error_set(err, MW_DATA, "%s: there is no %s beside it, so that its lora_alpha is not known", file->shown, MW_ADAPTER_FILE_CONFIG);
    return mw_error_hint(err, "give the folder that peft wrote, or put the file back beside its %s", MW_ADAPTER_FILE_CONFIG);
  }
  if (!text) return true;
  p->configured = true;
  if (p->peft) return mw_adapter_config_read(MW_ADAPTER_FILE_CONFIG, text, file->config_length, NULL, arena, &p->config, err);
  return mw_adapter_config_read("lora_adapter_metadata", text, strlen(text), p->name, arena, &p->config, err);
}

/* The one number of a tensor. */
static bool read_number(const mw_model *model, const mw_tensor *tensor, double *out, mw_error *err) {
  unsigned char bytes[sizeof(double)];
  mw_text_escaped name;
  bool plain = mw_tensor_elements(tensor) == 1 && (tensor->dtype == MW_DTYPE_F32 || tensor->dtype == MW_DTYPE_F16 ||
                                         tensor->dtype == MW_DTYPE_BF16 || tensor->dtype == MW_DTYPE_F64);
  MW_TRY(!plain || mw_model_read(model, tensor, 0, bytes, mw_dtype_size((mw_dtype)tensor->dtype), err));
  *out = plain ? mw_dtype_number((mw_dtype)tensor->dtype, bytes) : (double)NAN;
  return isfinite(*out) || mw_error_set(err, MW_DATA, "tensor '%s' is no finite number", mw_text_escape_z(&name, tensor->name));
}

static bool scale(const mw_adapter_part *p, const mw_adapter_module *module, mw_adapted_change *change, mw_error *err) {
  const mw_tensor *alpha = module->role[MW_ADAPTER_NAME_ALPHA];
  mw_text_escaped name;
  uint64_t rank = change->rank;
  double number = 1;
  if (alpha && rank) {
    MW_TRY(read_number(p->file->model, alpha, &number, err));
    number /= (double)rank;
  } else if (alpha) number = 1; /* a LoKr without factors is not scaled */
  else if (p->configured)
    MW_TRY(mw_adapter_config_scale(&p->config, module->name.module, &rank, &number, err));
  change->scale = (float)number;
  mw_text_escape_z(&name, module->name.module);
  if (rank != change->rank && change->rank)
    return mw_error_set(err, MW_DATA, "module '%s': the ranks disagree: %llu of its factors, %llu of the configuration", name.bytes,
                        (unsigned long long)change->rank, (unsigned long long)rank);
  if (p->configured && p->config.dora != (change->magnitude != NULL))
    return mw_error_set(err, MW_DATA, "module '%s': use_dora is %s, but it has %s magnitude vector", name.bytes,
                        p->config.dora ? "true" : "false", p->config.dora ? "no" : "a");
  return true;
}

/* A weight that is changed must be of real numbers that f32 can hold. */
static bool check_target(const mw_tensor *target, mw_error *err) {
  mw_text_escaped name;
  if (mw_dtype_kind_of((mw_dtype)target->dtype) == MW_DTYPE_KIND_REAL && target->dtype != MW_DTYPE_F64) return true;
  return mw_error_set(err, MW_DATA, "the base's tensor '%s' is %s: adapters are added in f32, to f32, bf16, f16 and fp8",
                      mw_text_escape_z(&name, target->name), mw_dtype_name((mw_dtype)target->dtype));
}

static bool plan_whole(mw_adapter_part *p, const mw_adapter_module *module, mw_error *err) {
  const mw_tensor *own = module->role[MW_ADAPTER_NAME_WHOLE];
  size_t index = mw_adapter_module_find(p->base, &p->fit, module, "");
  const mw_tensor *target = index == SIZE_MAX ? NULL : &p->base->tensors[index];
  mw_text_escaped name;
  if (target && (own->rank != target->rank || memcmp(own->shape, target->shape, own->rank * sizeof *own->shape) != 0)) {
    mw_text shapes = {0};
    mw_text_shape(&shapes, own->shape, own->rank);
    mw_text_format(&shapes, ", but the base's has shape ");
    mw_text_shape(&shapes, target->shape, target->rank);
    mw_error_set(err, MW_DATA, "tensor '%s' has shape %s", mw_text_escape_z(&name, own->name), shapes.bytes ? shapes.bytes : "");
    mw_text_free(&shapes);
    return false;
  }
  p->changes[p->change_count++] = (mw_adapter_part_change){.index = index, .whole = own};
  return true;
}

/* The embedding that a tied model has in the place of a head, which it does not store; else NULL. */
static const mw_tensor *tied_to(const mw_model *model) {
  bool tied = model->config.text && model->config.tied && !mw_model_find(model, mw_tied_head_name);
  return tied ? mw_tied_head_embedding(model) : NULL;
}

static bool plan_factors(mw_adapter_part *p, const mw_adapter_module *module, mw_error *err) {
  const mw_model *base = p->base;
  const mw_tensor *bias = module->role[MW_ADAPTER_NAME_BIAS];
  mw_adapter_part_change *weight = &p->changes[p->change_count++], *added;
  weight->index = mw_adapter_module_find(base, &p->fit, module, ".weight");
  const mw_tensor *target = weight->index == SIZE_MAX ? tied_to(base) : &base->tensors[weight->index];
  MW_TRY(check_target(target, err) && mw_adapter_module_change(module, target, p->config.turned, &weight->change, err) &&
         scale(p, module, &weight->change, err));
  if (!bias) return true;
  added = &p->changes[p->change_count++];
  *added = (mw_adapter_part_change){.index = mw_adapter_module_find(base, &p->fit, module, ".bias"),
                     .change = {.right = bias, .rank = 1, .scale = weight->change.scale}};
  mw_text_escaped name;
  if (added->index == SIZE_MAX || mw_tensor_elements(&base->tensors[added->index]) != mw_tensor_elements(bias))
    return mw_error_set(err, MW_DATA, "tensor '%s' meets no bias of the base of its length", mw_text_escape_z(&name, bias->name));
  return check_target(&base->tensors[added->index], err);
}

/* Whether it is of a head that the base does not store: a whole one, or factors that are added to its embedding. */
static bool is_head(const mw_adapter_part *p, const mw_adapter_module *module) {
  const char *name = module->name.module, *word = "lm_head";
  if (module->role[MW_ADAPTER_NAME_WHOLE]) return mw_text_ends_with(name, mw_tied_head_name);
  return tied_to(p->base) && mw_text_ends_with(name, word) && (strlen(name) == strlen(word) || mw_text_ends_with(name, ".lm_head"));
}

static bool meets(const mw_adapter_part *p, const mw_adapter_module *module) {
  bool whole = module->role[MW_ADAPTER_NAME_WHOLE];
  return mw_adapter_module_find(p->base, &p->fit, module, whole ? "" : ".weight") != SIZE_MAX || is_head(p, module);
}

/* The names that meet nothing: an adapter of another base. */
static bool check_names(const mw_adapter_part *p, mw_error *err) {
  enum { SHOWN = 3 };
  mw_text names = {0};
  mw_text_escaped shown;
  size_t lost = 0;
  for (size_t i = 0; i < p->count; i++)
    if (!meets(p, &p->modules[i]) && lost++ < SHOWN)
      mw_text_format(&names, "%s'%.200s'", lost == 1 ? "" : ", ", mw_text_escape_z(&shown, p->modules[i].name.module));
  if (lost) {
    mw_error_set(err, MW_DATA, "%zu of its %zu modules meet no tensor of the base: %s%s", lost, p->count,
                 names.bytes ? names.bytes : "", lost > SHOWN ? " ..." : "");
    mw_error_hint(err, "it is an adapter of another base");
  }
  mw_text_free(&names);
  return !lost;
}

static int by_index(const void *a, const void *b) {
  const mw_adapter_part_change *x = a, *y = b;
  if (x->index != y->index) return x->index < y->index ? -1 : 1;
  return (y->whole != NULL) - (x->whole != NULL); /* what replaces a tensor comes before what changes it */
}

static bool check_once(const mw_adapter_part *p, mw_error *err) {
  mw_text_escaped name;
  for (size_t i = 1; i < p->change_count; i++) {
    const mw_adapter_part_change *x = &p->changes[i - 1], *y = &p->changes[i];
    if (x->index == y->index && (x->whole != NULL) == (y->whole != NULL))
      return mw_error_set(err, MW_DATA, "two of its modules change one tensor of the base, '%s'",
                          mw_text_escape_z(&name, y->index == SIZE_MAX ? mw_tied_head_name : p->base->tensors[y->index].name));
  }
  return true;
}

bool mw_adapter_part_plan(mw_adapter_part *p, mw_model *base, mw_error *err) {
  mw_arena *arena = &base->arena;
  p->base = base;
  MW_TRY(check_encoder(p, err));
  p->changes = mw_mem_take(arena, 2 * p->count * sizeof *p->changes, err);
  if (!p->changes) return false;
  MW_TRY(configure(p, err) && mw_adapter_module_meet(base, p->modules, p->count, arena, &p->fit, err) && check_names(p, err));
  p->met = true;
  for (size_t i = 0; i < p->count; i++) {
    const mw_adapter_module *module = &p->modules[i];
    MW_TRY(module->role[MW_ADAPTER_NAME_WHOLE] ? plan_whole(p, module, err) : plan_factors(p, module, err));
  }
  qsort(p->changes, p->change_count, sizeof *p->changes, by_index);
  return check_once(p, err);
}

/* ---- adding --------------------------------------------------------------------------------------------------------- */

/* The tensor as it will be seen: F32, made from `source` by one change more, if there is one. */
static bool adapt(mw_model *model, mw_tensor *tensor, const mw_tensor *source, const mw_adapted_change *change, mw_error *err) {
  const mw_adapted *old = source->made == MW_TENSOR_ADAPTED ? source->adapted : NULL;
  size_t count = old ? old->count : 0;
  mw_adapted *adapted = mw_mem_take(&model->arena, sizeof *adapted, err);
  mw_adapted_change *changes = adapted ? mw_mem_take(&model->arena, (count + 1) * sizeof *changes, err) : NULL;
  if (!changes) return false;
  if (count) memcpy(changes, old->changes, count * sizeof *changes);
  if (change) changes[count++] = *change;
  uint64_t rows = source->rank > 1 ? source->shape[0] : 1;
  *adapted = (mw_adapted){.source = old ? old->source : *source, .written = mw_model_written(tensor), .rows = rows,
                          .columns = mw_tensor_elements(source) / rows, .changes = changes, .count = count};
  tensor->dtype = MW_DTYPE_F32;
  tensor->adapted = adapted;
  tensor->made = MW_TENSOR_ADAPTED;
  return true;
}

/* A tensor of the adapter in the place of the base's: in the base's dtype, when it is written. */
static bool replace(mw_model *model, mw_tensor *tensor, const mw_tensor *whole, mw_error *err) {
  mw_tensor own = *whole;
  own.name = tensor->name;
  mw_dtype written = mw_model_written(tensor);
  if (written == (mw_dtype)whole->dtype || mw_dtype_kind_of((mw_dtype)whole->dtype) != MW_DTYPE_KIND_REAL) return *tensor = own, true;
  return adapt(model, tensor, &own, NULL, err);
}

/* The head of a model that had its embedding in its place. Whether the output has one is decided as of any model (tied_head.h). */
static bool append(mw_model *model, const mw_tensor *head, mw_error *err) {
  mw_tensor *tensors = realloc(model->tensors, (model->tensor_count + 1) * sizeof *tensors);
  if (!tensors) return mw_error_memory(err, (model->tensor_count + 1) * sizeof *tensors);
  model->tensors = tensors;
  tensors[model->tensor_count] = *head;
  tensors[model->tensor_count++].name = mw_tied_head_name;
  return mw_tensor_sort(tensors, model->tensor_count, mw_tensor_by_name, err);
}

/* Whisper's head is called proj_out, those of BERT and its like otherwise again: no head of another name is made. */
static bool check_head(const mw_model *model, const mw_tensor *embedding, mw_error *err) {
  mw_text_escaped name;
  if (strcmp(model->config.model_type, "whisper") != 0 && !mw_text_ends_with(embedding->name, "embeddings.word_embeddings.weight") &&
      !mw_text_ends_with(embedding->name, "embeddings.tok_embeddings.weight"))
    return true;
  mw_error_set(err, MW_DATA, "with it the head is no longer '%s', and a head of this architecture cannot be stored",
               mw_text_escape_z(&name, embedding->name));
  return mw_error_hint(err, "adapters of other modules than the embedding can be merged");
}

bool mw_adapter_part_add(const mw_adapter_part *p, mw_error *err) {
  mw_model *model = p->base;
  const mw_tensor *tied = tied_to(model);
  const mw_tensor embedding = tied ? *tied : (mw_tensor){0}; /* as it is before the adapter */
  mw_tensor head = embedding;
  bool own = false; /* whether the head is no longer the embedding */
  for (size_t i = 0; i < p->change_count; i++) {
    const mw_adapter_part_change *one = &p->changes[i];
    mw_tensor *tensor = one->index == SIZE_MAX ? &head : &model->tensors[one->index];
    /* Of an embedding in modules_to_save peft trains a copy: the head stays what it was. */
    bool copied = tensor == tied && one->whole && !p->config.tying && mw_adapter_config_saves(&p->config, embedding.name);
    own = own || copied || tensor == &head;
    if (tensor == &head && one->whole) head = *one->whole;
    else MW_TRY(one->whole ? replace(model, tensor, one->whole, err) : adapt(model, tensor, tensor, &one->change, err));
  }
  return !own || (check_head(model, &embedding, err) && append(model, &head, err));
}
