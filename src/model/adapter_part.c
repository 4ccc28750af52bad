/* adapter_part.c: see adapter_part.h. */
#include "model/adapter_part.h"
#include "model/adapter_parameter.h"
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

static const char resized[] = "it was trained on a base with rows for more tokens: give that one, as transformers saves it after "
                              "resize_token_embeddings, with the adapter's tokenizer beside it";

/* A weight that is changed must be of real numbers that f32 can hold. */
static bool check_target(const mw_tensor *target, mw_error *err) {
  mw_text_escaped name;
  if (!mw_tensor_elements(target))
    return mw_error_set(err, MW_DATA, "the base's tensor '%s' has no elements", mw_text_escape_z(&name, target->name));
  if (mw_dtype_kind_of((mw_dtype)target->dtype) == MW_DTYPE_KIND_REAL && target->dtype != MW_DTYPE_F64) return true;
  return mw_error_set(err, MW_DATA, "the base's tensor '%s' is %s: adapters are added in f32, to f32, bf16, f16 and fp8",
                      mw_text_escape_z(&name, target->name), mw_dtype_name((mw_dtype)target->dtype));
}

/* The embedding that a tied model has in the place of a head, which it does not store; else NULL. */
static const mw_tensor *tied_to(const mw_model *model) {
  bool tied = model->config.text && model->config.tied && !mw_model_find(model, mw_tied_head_name);
  return tied ? mw_tied_head_embedding(model) : NULL;
}

static bool plan_whole(mw_adapter_part *p, const mw_adapter_module *module, mw_error *err) {
  const mw_tensor *own = module->role[MW_ADAPTER_NAME_WHOLE];
  size_t index = mw_adapter_module_find(p->base, &p->fit, module, "");
  const mw_tensor *target = index == SIZE_MAX ? tied_to(p->base) : &p->base->tensors[index];
  mw_text_escaped name;
  if (own->rank != target->rank || memcmp(own->shape, target->shape, own->rank * sizeof *own->shape) != 0) {
    mw_text shapes = {0};
    mw_text_shape(&shapes, own->shape, own->rank);
    mw_text_format(&shapes, ", but the base's has shape ");
    mw_text_shape(&shapes, target->shape, target->rank);
    mw_error_set(err, MW_DATA, "tensor '%s' has shape %s", mw_text_escape_z(&name, own->name), shapes.bytes ? shapes.bytes : "");
    mw_text_free(&shapes);
    if (own->rank == 2 && target->rank == 2 && own->shape[1] == target->shape[1] && own->shape[0] > target->shape[0])
      return mw_error_hint(err, "%s", resized);
    return false;
  }
  p->changes[p->change_count++] = (mw_adapter_part_change){.index = index, .whole = own};
  return true;
}

/* The tokens that a module's rows are trained for. Several lists that may be meant are one where they say the same. */
static const mw_adapter_config_tokens *tokens_of(const mw_adapter_part *p, const mw_adapter_module *module) {
  const mw_adapter_config_tokens *all = NULL;
  for (size_t i = 0; i < p->config.token_count; i++) {
    const mw_adapter_config_tokens *one = &p->config.tokens[i];
    const size_t length = strlen(module->name.module), own = one->module ? strlen(one->module) : 0;
    if (!one->module) all = one;
    else if (mw_text_ends_with(module->name.module, one->module) && (own == length || module->name.module[length - own - 1] == '.'))
      return one;
  }
  return all;
}

static int by_row(const void *a, const void *b) {
  const mw_adapted_row *x = a, *y = b;
  return x->row < y->row ? -1 : x->row > y->row;
}

/* Rows that were trained in the place of the base's, by trainable_token_indices. */
static bool plan_rows(mw_adapter_part *p, const mw_adapter_module *module, const mw_tensor *target, mw_adapted_change *out,
                      mw_error *err) {
  const mw_tensor *rows = module->role[MW_ADAPTER_NAME_ROWS];
  const mw_adapter_config_tokens *tokens = tokens_of(p, module);
  mw_text_escaped name;
  mw_text_escape_z(&name, module->name.module);
  if (!tokens)
    return mw_error_set(err, MW_DATA, "module '%s' has trained tokens, and trainable_token_indices does not say which", name.bytes);
  if (rows->rank != 2 || target->rank != 2 || rows->shape[1] != target->shape[1] || rows->shape[0] != tokens->count) {
    mw_text shapes = {0};
    mw_text_shape(&shapes, rows->shape, rows->rank);
    mw_text_format(&shapes, ", expected rows of %llu tokens of the base's ", (unsigned long long)tokens->count);
    mw_text_shape(&shapes, target->shape, target->rank);
    mw_error_set(err, MW_DATA, "module '%s' has trained tokens of shape %s", name.bytes, shapes.bytes ? shapes.bytes : "");
    mw_text_free(&shapes);
    return false;
  }
  mw_adapted_row *list = mw_mem_take(&p->base->arena, tokens->count * sizeof *list, err);
  if (!list) return false;
  for (size_t i = 0; i < tokens->count; i++) list[i] = (mw_adapted_row){tokens->ids[i], i};
  qsort(list, tokens->count, sizeof *list, by_row);
  for (size_t i = 1; i < tokens->count; i++)
    if (list[i].row == list[i - 1].row)
      return mw_error_set(err, MW_DATA, "trainable_token_indices has token %llu twice", (unsigned long long)list[i].row);
  if (list[tokens->count - 1].row >= target->shape[0]) {
    mw_error_set(err, MW_DATA, "module '%s': token %llu was trained, but the base has rows for %llu", name.bytes,
                 (unsigned long long)list[tokens->count - 1].row, (unsigned long long)target->shape[0]);
    return mw_error_hint(err, "%s", resized);
  }
  *out = (mw_adapted_change){.kind = MW_ADAPTED_ROWS, .left = rows, .replaced = list, .rank = tokens->count, .scale = 1};
  return true;
}

/* (IA)3: a number for each output, [out, 1], which the bias is multiplied by too, or for each input, [1, in]. */
static bool plan_gains(mw_adapter_part *p, const mw_adapter_module *module, const mw_tensor *target, mw_adapted_change *out,
                       mw_error *err) {
  const mw_tensor *gains = module->role[MW_ADAPTER_NAME_GAINS];
  mw_text_escaped name;
  mw_text_escape_z(&name, module->name.module);
  if (target->rank != 2) return mw_error_set(err, MW_DATA, "module '%s': (IA)3 of a convolution is not known here", name.bytes);
  const uint64_t count = mw_tensor_elements(gains);
  const bool outputs = gains->rank == 2 && gains->shape[1] == 1, inputs = gains->rank == 2 && gains->shape[0] == 1;
  /* Of a base that has its inputs as rows (GPT-2's Conv1D) the two change places. */
  const bool turned = outputs ? p->config.turned : !p->config.turned;
  if ((!outputs && !inputs) || count != target->shape[turned])
    return mw_error_set(err, MW_DATA, "module '%s' is multiplied by %llu numbers, but the base's tensor has %llu %s", name.bytes,
                        (unsigned long long)count, (unsigned long long)target->shape[turned], turned ? "columns" : "rows");
  *out = (mw_adapted_change){.kind = MW_ADAPTED_GAINS, .magnitude = gains, .turned = turned, .scale = 1};
  const size_t bias = outputs ? mw_adapter_module_find(p->base, &p->fit, module, ".bias") : SIZE_MAX;
  if (bias == SIZE_MAX) return true;
  const mw_adapted_change change = {.kind = MW_ADAPTED_GAINS, .magnitude = gains, .turned = true, .scale = 1};
  p->changes[p->change_count++] = (mw_adapter_part_change){.index = bias, .change = change};
  return check_target(&p->base->tensors[bias], err) &&
         (mw_tensor_elements(&p->base->tensors[bias]) == count ||
          mw_error_set(err, MW_DATA, "module '%s' has a bias of another length", name.bytes));
}

static bool plan_parameter(mw_adapter_part *p, const mw_adapter_module *module, mw_error *err) {
  mw_adapter_part_change *first = p->changes + p->change_count;
  size_t count;
  MW_TRY(mw_adapter_parameter_plan(p, module, first, &count, err));
  p->change_count += count;
  for (size_t i = 0; i < count; i++) MW_TRY(check_target(&p->base->tensors[first[i].index], err));
  return true;
}

static bool plan_factors(mw_adapter_part *p, const mw_adapter_module *module, mw_error *err) {
  const mw_model *base = p->base;
  const mw_tensor *bias = module->role[MW_ADAPTER_NAME_BIAS];
  mw_adapter_part_change *weight = &p->changes[p->change_count++], *added;
  weight->index = mw_adapter_module_find(base, &p->fit, module, ".weight");
  const mw_tensor *target = weight->index == SIZE_MAX ? tied_to(base) : &base->tensors[weight->index];
  if (module->kind == MW_ADAPTED_ROWS) return check_target(target, err) && plan_rows(p, module, target, &weight->change, err);
  if (module->kind == MW_ADAPTED_GAINS) return check_target(target, err) && plan_gains(p, module, target, &weight->change, err);
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
  const char *name = module->name.module, *word = module->role[MW_ADAPTER_NAME_WHOLE] ? mw_tied_head_name : "lm_head";
  const size_t length = strlen(name), own = strlen(word);
  return tied_to(p->base) && mw_text_ends_with(name, word) && (length == own || name[length - own - 1] == '.');
}

static bool meets(const mw_adapter_part *p, const mw_adapter_module *module) {
  bool whole = module->role[MW_ADAPTER_NAME_WHOLE];
  for (const char *const *other = module->others; other && *other; other++)
    if (mw_adapter_module_find_name(p->base, &p->fit, *other) != SIZE_MAX) return true;
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
  MW_TRY(configure(p, err) && mw_adapter_parameter_mark(p, err));
  size_t most = 2 * p->count;
  for (size_t i = 0; i < p->count; i++) most += mw_adapter_parameter_most(&p->modules[i]);
  p->changes = mw_mem_take(arena, most * sizeof *p->changes, err);
  if (!p->changes) return false;
  MW_TRY(mw_adapter_module_meet(base, p->modules, p->count, arena, &p->fit, err) && check_names(p, err));
  mw_adapter_parameter_settle(p);
  p->met = true;
  for (size_t i = 0; i < p->count; i++) {
    const mw_adapter_module *module = &p->modules[i];
    MW_TRY(module->role[MW_ADAPTER_NAME_WHOLE] ? plan_whole(p, module, err)
           : module->others                    ? plan_parameter(p, module, err)
                                               : plan_factors(p, module, err));
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
  /* A product for each expert of [experts, X, columns]: all adapters of the tensor are such. */
  const bool banks = change && change->kind == MW_ADAPTED_EXPERTS && source->rank == 3;
  const uint64_t experts = banks ? source->shape[0] : 1, rows = source->rank > 1 ? experts * source->shape[banks] : 1;
  mw_text_escaped name;
  if (old && old->count && old->experts != experts)
    return mw_error_set(err, MW_DATA, "two adapters change the tensor '%s' in ways that do not go together",
                        mw_text_escape_z(&name, source->name));
  *adapted = (mw_adapted){.source = old ? old->source : *source, .written = mw_model_written(tensor), .rows = rows, .experts = experts,
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
