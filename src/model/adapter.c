/* adapter.c: an adapter is opened and listed, each of its parts is held against the base, and only if all of a part fits it is added.
 * A file for a pipeline has several parts (the unet, the text encoders); one model is only one of them, so parts that do not fit are
 * left out with a warning, as long as one does. */
#include "model/adapter.h"
#include "model/adapter_config.h"
#include "model/adapter_module.h"
#include "model/hub.h"
#include "model/tied_head.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LARGEST_CONFIG = 1 << 20 };

static const char config_name[] = "adapter_config.json";
/* What the weights are called: by peft, and by diffusers. */
static const char *const weight_names[] = {"adapter_model.safetensors", "pytorch_lora_weights.safetensors"};
enum { WEIGHT_NAMES = sizeof weight_names / sizeof *weight_names };

/* ---- recognising ---------------------------------------------------------------------------------------------------- */

bool mw_adapter_refuse(const char *shown, mw_error *err) {
  mw_error_set(err, MW_DATA, "%s: a LoRA (PEFT) adapter, not a model: its factors cannot be merged by themselves", shown);
  return mw_error_hint(err, "give BASE+ADAPTER, its base and it with a + between them, wherever a model is expected");
}

bool mw_adapter_check(const mw_model *model, mw_error *err) {
  mw_text_escaped file, name;
  for (size_t i = 0; i < model->tensor_count; i++) {
    const mw_tensor *tensor = &model->tensors[i];
    if (!mw_adapter_name_is_factor(tensor->name)) continue;
    mw_adapter_refuse(mw_text_escape_z(&file, mw_model_path(model, tensor)), err);
    return mw_error_wrap(err, "tensor '%.100s'", mw_text_escape_z(&name, tensor->name));
  }
  return true;
}

/* Whether FOLDER/NAME is there. A path too long for the buffer is not. */
static bool holds(const char *folder, size_t length, const char *name) {
  char path[4096];
  int made = snprintf(path, sizeof path, "%.*s/%s", (int)length, folder, name);
  return made > 0 && (size_t)made < sizeof path && mw_file_exists(path);
}

bool mw_adapter_is_folder(const char *folder) {
  size_t length = strlen(folder);
  return mw_file_is_folder(folder) && holds(folder, length, config_name) && !holds(folder, length, "config.json");
}

bool mw_adapter_base(const char *folder, mw_arena *arena, const char **base, mw_error *err) {
  mw_adapter_config config;
  mw_text_escaped shown;
  char *text;
  size_t length;
  const char *path = mw_file_join(arena, folder, config_name, err);
  if (!path || !mw_file_slurp(path, LARGEST_CONFIG, &text, &length, err)) return false;
  bool ok = mw_adapter_config_read(mw_text_escape_z(&shown, path), text, length, NULL, arena, &config, err);
  free(text);
  MW_TRY(ok);
  *base = config.base;
  if (config.base && *config.base) return true;
  mw_adapter_refuse(mw_text_escape_z(&shown, folder), err);
  return mw_error_hint(err, "it names no base (base_model_name_or_path): give BASE+ADAPTER, its base and it with a + between them");
}

/* ---- opening -------------------------------------------------------------------------------------------------------- */

typedef struct adapter {
  mw_model *model;
  mw_model_adapter facts;
  const char *shown;     /* the file, for messages */
  char *config_text;     /* of adapter_config.json, or NULL */
  size_t config_length;
  const char *metadata;  /* what diffusers says in the file, or NULL */
  mw_tensor_list list;
  mw_adapter_module *modules;
  size_t module_count;
  mw_warning *warnings;
  mw_error *err;
} adapter;

/* The folder and the file of the weights. */
static bool locate(adapter *a, const char *where, const char **folder, const char **file) {
  mw_arena *arena = &a->model->arena;
  mw_text_escaped shown;
  const char *slash = strrchr(where, '/');
  a->facts.where = mw_mem_copy(arena, where, strlen(where), a->err);
  *folder = where;
  *file = NULL;
  if (!a->facts.where) return false;
  if (mw_hub_is_id(where)) {
    MW_TRY(mw_hub_find(where, arena, folder, &a->facts.commit, a->err));
    a->facts.hub = mw_mem_copy(arena, where, strcspn(where, "@"), a->err);
    if (!a->facts.hub) return false;
  } else if (!mw_file_exists(where)) {
    mw_error_set(a->err, MW_MISSING, "%s: no such file or folder", mw_text_escape_z(&shown, where));
    return mw_error_hint(a->err, "the words before and behind a + are a model and an adapter: folders, files, or hub ids");
  } else if (!mw_file_is_folder(where)) {
    *file = a->facts.where;
    return (*folder = slash ? mw_mem_copy(arena, where, (size_t)(slash - where), a->err) : ".") != NULL;
  }
  for (int i = 0; i < WEIGHT_NAMES && !*file; i++)
    if (holds(*folder, strlen(*folder), weight_names[i]) && !(*file = mw_file_join(arena, *folder, weight_names[i], a->err))) return false;
  if (*file) return true;
  mw_error_set(a->err, MW_MISSING, "%s: holds no %s", mw_text_escape_z(&shown, *folder), weight_names[0]);
  return mw_error_hint(a->err, holds(*folder, strlen(*folder), "adapter_model.bin") ? "convert its adapter_model.bin to safetensors first"
                                                                                  : "an adapter is a folder as peft writes it, or a file");
}

/* Opens a file as one of the model's. */
static bool open_file(adapter *a, const char *path) {
  mw_model *model = a->model;
  mw_file *files = realloc(model->files, (model->file_count + 1) * sizeof *files);
  if (!files) return mw_error_memory(a->err, (model->file_count + 1) * sizeof *files);
  model->files = files;
  MW_TRY(mw_file_open(&files[model->file_count], path, a->err));
  model->file_count++;
  return true;
}

/* adapter_config.json becomes a file of the model too, so that a change of it is noticed like one of the weights. */
static bool read_config(adapter *a, const char *folder) {
  const char *path = mw_file_join(&a->model->arena, folder, config_name, a->err);
  if (!path) return false;
  if (!mw_file_exists(path)) return true;
  return open_file(a, path) && mw_file_slurp(path, LARGEST_CONFIG, &a->config_text, &a->config_length, a->err);
}

static bool open_adapter(adapter *a, const char *where) {
  mw_model *model = a->model;
  const char *folder, *file;
  mw_json metadata, packed;
  size_t length;
  MW_TRY(locate(a, where, &folder, &file) && read_config(a, folder) && open_file(a, file));
  mw_text_escaped shown;
  mw_text_escape_z(&shown, file);
  if (!(a->shown = mw_mem_copy(&model->arena, shown.bytes, strlen(shown.bytes), a->err))) return false;
  a->facts.place = mw_file_is_folder(a->facts.where) || a->facts.hub ? folder : file;
  uint32_t index = (uint32_t)(model->file_count - 1);
  MW_TRY(mw_tensor_find(&model->files[index], index, &model->arena, &a->list, a->err));
  if (a->list.metadata && mw_json_check("metadata", a->list.metadata, strlen(a->list.metadata), 2, &metadata, a->err)) {
    packed = mw_json_member(metadata, "lora_adapter_metadata");
    MW_TRY(packed.kind != MW_JSON_STRING || mw_json_string(packed, &model->arena, &a->metadata, &length, a->err));
  }
  mw_tensor *tensors = mw_mem_take(&model->arena, (a->list.count + 1) * sizeof *tensors, a->err);
  if (!tensors) return false;
  memcpy(tensors, a->list.tensors, a->list.count * sizeof *tensors);
  return mw_adapter_module_list(tensors, a->list.count, &model->arena, &a->modules, &a->module_count, a->err) ||
         mw_error_wrap(a->err, "%s", a->shown);
}

/* ---- one part against the base ---------------------------------------------------------------------------------------- */

/* What becomes of one tensor of the base. */
typedef struct pending {
  size_t index;            /* SIZE_MAX: a head that the base does not store */
  const mw_tensor *whole;  /* replaces it, or NULL */
  mw_adapted_change change; /* where there is no `whole` */
} pending;

typedef struct part {
  adapter *a;
  const mw_adapter_module *modules; /* [count] */
  size_t count;
  const char *name;
  bool peft, configured;
  mw_adapter_config config;
  mw_adapter_module_fit fit;
  pending *pending; /* [pending_count] */
  size_t pending_count;
} part;

/* What scales the products of this part: adapter_config.json, what diffusers put into the file, or the tensors `alpha`. */
static bool configure(part *p) {
  adapter *a = p->a;
  const char *text = p->peft ? a->config_text : a->metadata;
  mw_arena *arena = &a->model->arena;
  if (p->peft && !text) {
    mw_error_set(a->err, MW_DATA, "%s: there is no %s beside it, so that its lora_alpha is not known", a->shown, config_name);
    return mw_error_hint(a->err, "give the folder that peft wrote, or put the file back beside its %s", config_name);
  }
  if (!text) return true;
  p->configured = true;
  if (p->peft) return mw_adapter_config_read(config_name, text, a->config_length, NULL, arena, &p->config, a->err);
  return mw_adapter_config_read("lora_adapter_metadata", text, strlen(text), p->name, arena, &p->config, a->err);
}

/* The one number of a tensor. */
static bool read_number(const adapter *a, const mw_tensor *tensor, double *out) {
  unsigned char bytes[sizeof(double)];
  mw_text_escaped name;
  bool plain = mw_tensor_elements(tensor) == 1 && (tensor->dtype == MW_DTYPE_F32 || tensor->dtype == MW_DTYPE_F16 ||
                                         tensor->dtype == MW_DTYPE_BF16 || tensor->dtype == MW_DTYPE_F64);
  MW_TRY(!plain || mw_model_read(a->model, tensor, 0, bytes, mw_dtype_size((mw_dtype)tensor->dtype), a->err));
  *out = plain ? mw_dtype_number((mw_dtype)tensor->dtype, bytes) : (double)NAN;
  return isfinite(*out) || mw_error_set(a->err, MW_DATA, "tensor '%s' is no finite number", mw_text_escape_z(&name, tensor->name));
}

static bool scale(const part *p, const mw_adapter_module *module, mw_adapted_change *change) {
  const adapter *a = p->a;
  const mw_tensor *alpha = module->role[MW_ADAPTER_NAME_ALPHA];
  mw_text_escaped name;
  uint64_t rank = change->rank;
  double number = 1;
  if (alpha) {
    MW_TRY(read_number(a, alpha, &number));
    number /= (double)rank;
  } else if (p->configured)
    MW_TRY(mw_adapter_config_scale(&p->config, module->name.module, &rank, &number, a->err));
  change->scale = (float)number;
  mw_text_escape_z(&name, module->name.module);
  if (rank != change->rank)
    return mw_error_set(a->err, MW_DATA, "module '%s': the ranks disagree: %llu of its factors, %llu of the configuration", name.bytes,
                        (unsigned long long)change->rank, (unsigned long long)rank);
  if (p->configured && p->config.dora != (change->magnitude != NULL))
    return mw_error_set(a->err, MW_DATA, "module '%s': use_dora is %s, but it has %s magnitude vector", name.bytes,
                        p->config.dora ? "true" : "false", p->config.dora ? "no" : "a");
  return true;
}

/* A weight that is changed must be of real numbers that f32 can hold. */
static bool check_target(const part *p, const mw_tensor *target) {
  mw_text_escaped name;
  if (mw_dtype_kind_of((mw_dtype)target->dtype) == MW_DTYPE_KIND_REAL && target->dtype != MW_DTYPE_F64) return true;
  return mw_error_set(p->a->err, MW_DATA, "the base's tensor '%s' is %s: adapters are added in f32, to f32, bf16, f16 and fp8",
                      mw_text_escape_z(&name, target->name), mw_dtype_name((mw_dtype)target->dtype));
}

static bool plan_whole(part *p, const mw_adapter_module *module) {
  const mw_tensor *own = module->role[MW_ADAPTER_NAME_WHOLE];
  size_t index = mw_adapter_module_find(p->a->model, &p->fit, module, "");
  const mw_tensor *target = index == SIZE_MAX ? NULL : &p->a->model->tensors[index];
  mw_text_escaped name;
  if (target && (own->rank != target->rank || memcmp(own->shape, target->shape, own->rank * sizeof *own->shape) != 0)) {
    mw_text shapes = {0};
    mw_text_shape(&shapes, own->shape, own->rank);
    mw_text_format(&shapes, ", but the base's has shape ");
    mw_text_shape(&shapes, target->shape, target->rank);
    mw_error_set(p->a->err, MW_DATA, "tensor '%s' has shape %s", mw_text_escape_z(&name, own->name), shapes.bytes ? shapes.bytes : "");
    mw_text_free(&shapes);
    return false;
  }
  p->pending[p->pending_count++] = (pending){.index = index, .whole = own};
  return true;
}

static bool plan_factors(part *p, const mw_adapter_module *module) {
  const mw_model *base = p->a->model;
  const mw_tensor *bias = module->role[MW_ADAPTER_NAME_BIAS];
  pending *weight = &p->pending[p->pending_count++], *added;
  weight->index = mw_adapter_module_find(base, &p->fit, module, ".weight");
  const mw_tensor *target = &base->tensors[weight->index];
  MW_TRY(check_target(p, target) && mw_adapter_module_change(module, target, p->config.turned, &weight->change, p->a->err) &&
         scale(p, module, &weight->change));
  if (!bias) return true;
  added = &p->pending[p->pending_count++];
  *added = (pending){.index = mw_adapter_module_find(base, &p->fit, module, ".bias"),
                     .change = {.right = bias, .rank = 1, .scale = weight->change.scale}};
  mw_text_escaped name;
  if (added->index == SIZE_MAX || mw_tensor_elements(&base->tensors[added->index]) != mw_tensor_elements(bias))
    return mw_error_set(p->a->err, MW_DATA, "tensor '%s' meets no bias of the base of its length", mw_text_escape_z(&name, bias->name));
  return check_target(p, &base->tensors[added->index]);
}

static bool is_head(const mw_adapter_module *module) {
  return module->role[MW_ADAPTER_NAME_WHOLE] && mw_text_ends_with(module->name.module, mw_tied_head_name);
}

static bool meets(const part *p, const mw_adapter_module *module) {
  bool whole = module->role[MW_ADAPTER_NAME_WHOLE];
  return mw_adapter_module_find(p->a->model, &p->fit, module, whole ? "" : ".weight") != SIZE_MAX || is_head(module);
}

/* The names that meet nothing: an adapter of another base. */
static bool check_names(const part *p) {
  enum { SHOWN = 3 };
  mw_text names = {0};
  mw_text_escaped shown;
  size_t lost = 0;
  for (size_t i = 0; i < p->count; i++)
    if (!meets(p, &p->modules[i]) && lost++ < SHOWN)
      mw_text_format(&names, "%s'%.200s'", lost == 1 ? "" : ", ", mw_text_escape_z(&shown, p->modules[i].name.module));
  if (lost) {
    mw_error_set(p->a->err, MW_DATA, "%zu of its %zu modules meet no tensor of the base: %s%s", lost, p->count,
                 names.bytes ? names.bytes : "", lost > SHOWN ? " ..." : "");
    mw_error_hint(p->a->err, "it is an adapter of another base");
  }
  mw_text_free(&names);
  return !lost;
}

static int by_index(const void *a, const void *b) {
  const pending *x = a, *y = b;
  if (x->index != y->index) return x->index < y->index ? -1 : 1;
  return (y->whole != NULL) - (x->whole != NULL); /* what replaces a tensor comes before what changes it */
}

static bool check_once(const part *p) {
  mw_text_escaped name;
  for (size_t i = 1; i < p->pending_count; i++) {
    const pending *x = &p->pending[i - 1], *y = &p->pending[i];
    if (x->index == y->index && (x->whole != NULL) == (y->whole != NULL))
      return mw_error_set(p->a->err, MW_DATA, "two of its modules change one tensor of the base, '%s'",
                          mw_text_escape_z(&name, y->index == SIZE_MAX ? mw_tied_head_name : p->a->model->tensors[y->index].name));
  }
  return true;
}

/* Which text encoder of a pipeline a part or folder is called by: 1, 2, 3; 0: none. They have names alike, and sometimes shapes. */
static int encoder_of(const char *name) {
  static const char *const words[] = {"lora_te", "lora_te1", "text_encoder", "lora_te2", "text_encoder_2", "lora_te3", "text_encoder_3"};
  for (int i = 0; i < 7; i++)
    if (strcmp(name, words[i]) == 0) return i ? (i + 1) / 2 : 1;
  return 0;
}

/* In a folder that is called as a text encoder, its part alone is looked at. */
static bool check_encoder(const part *p) {
  const char *folder = p->a->model->folder, *slash = folder ? strrchr(folder, '/') : NULL;
  int meant = encoder_of(p->name), own = folder ? encoder_of(slash ? slash + 1 : folder) : 0;
  return !meant || !own || meant == own || mw_error_set(p->a->err, MW_DATA, "its part '%s' is for another text encoder", p->name);
}

/* Everything that the part does, and every reason why it cannot. */
static bool plan_part(part *p) {
  adapter *a = p->a;
  p->name = p->modules->name.part;
  p->peft = p->modules->name.peft;
  MW_TRY(check_encoder(p));
  p->pending = mw_mem_take(&a->model->arena, 2 * p->count * sizeof *p->pending, a->err);
  if (!p->pending) return false;
  MW_TRY(configure(p) && mw_adapter_module_meet(a->model, p->modules, p->count, &a->model->arena, &p->fit, a->err) && check_names(p));
  for (size_t i = 0; i < p->count; i++) {
    const mw_adapter_module *module = &p->modules[i];
    MW_TRY(module->role[MW_ADAPTER_NAME_WHOLE] ? plan_whole(p, module) : plan_factors(p, module));
  }
  qsort(p->pending, p->pending_count, sizeof *p->pending, by_index);
  return check_once(p);
}

/* ---- the base that it names --------------------------------------------------------------------------------------------- */

/* The last part of a path or hub id, without a revision: "llama" of "models/llama/" and of "org/llama@main". */
static const char *last_part(const char *where, size_t *length) {
  size_t end = strlen(where);
  while (end && where[end - 1] == '/') end--;
  size_t from = end;
  while (from && where[from - 1] != '/') from--;
  *length = end - from;
  const char *revision = memchr(where + from, '@', *length);
  if (revision) *length = (size_t)(revision - where - from);
  return where + from;
}

static bool is_called_alike(const char *base, const char *other) {
  size_t a, b;
  if (!other) return false;
  const char *x = last_part(base, &a), *y = last_part(other, &b);
  return a == b && strncasecmp(x, y, a) == 0;
}

/* Whether the base that an adapter names is this model, as far as names tell: one place, one name of the hub, or one name in two places. */
static bool is_base(const mw_model *model, const char *base) {
  if (is_called_alike(base, model->folder) || is_called_alike(base, model->where) || is_called_alike(base, model->hub) ||
      is_called_alike(base, model->commit))
    return true;
  char *named = realpath(base, NULL), *own = realpath(model->folder, NULL);
  bool same = named && own && strcmp(named, own) == 0;
  free(named);
  free(own);
  return same;
}

/* Only a warning: an adapter for a model is often put on another one that was tuned from it. A lone file has no name that would tell. */
static void compare_base(const part *p) {
  const mw_model *model = p->a->model;
  mw_text_escaped base, own;
  if (!p->config.base || !*p->config.base || !model->folder || is_base(model, p->config.base)) return;
  mw_warning_add(p->a->warnings, "%s: it is for '%s' and is added to '%s', which fits it by names and shapes", p->a->shown,
                 mw_text_escape_z(&base, p->config.base), mw_text_escape_z(&own, model->hub ? model->hub : model->folder));
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

/* The head of a model that had its embedding in its place. */
static bool append(mw_model *model, const mw_tensor *whole, mw_error *err) {
  mw_tensor *tensors = realloc(model->tensors, (model->tensor_count + 1) * sizeof *tensors);
  if (!tensors) return mw_error_memory(err, (model->tensor_count + 1) * sizeof *tensors);
  model->tensors = tensors;
  tensors[model->tensor_count] = *whole;
  tensors[model->tensor_count++].name = mw_tied_head_name;
  return mw_tensor_sort(tensors, model->tensor_count, mw_tensor_by_name, err);
}

static bool commit(const part *p) {
  mw_model *model = p->a->model;
  const mw_tensor *head = NULL;
  for (size_t i = 0; i < p->pending_count; i++) {
    const pending *one = &p->pending[i];
    if (one->index == SIZE_MAX) {
      head = one->whole;
      continue;
    }
    mw_tensor *tensor = &model->tensors[one->index];
    MW_TRY(one->whole ? replace(model, tensor, one->whole, p->a->err) : adapt(model, tensor, tensor, &one->change, p->a->err));
  }
  return !head || append(model, head, p->a->err);
}

/* All parts: those that fit are added; of the others one error is kept. */
static bool add_parts(adapter *a) {
  mw_error first = {0};
  size_t added = 0;
  const char *encoder = NULL; /* the part of a text encoder that was added */
  for (size_t from = 0, end; from < a->module_count; from = end) {
    for (end = from + 1; end < a->module_count && strcmp(a->modules[end].name.part, a->modules[from].name.part) == 0;) end++;
    part p = {.a = a, .modules = a->modules + from, .count = end - from};
    if (plan_part(&p)) {
      if (encoder && encoder_of(p.name)) {
        mw_error_set(a->err, MW_DATA, "%s: its parts '%s' and '%s' both fit this model", a->shown, encoder, p.name);
        return mw_error_hint(a->err, "give the folder of the pipeline's component, whose name says which is meant: PIPE/text_encoder+FILE");
      }
      if (encoder_of(p.name)) encoder = p.name;
      compare_base(&p);
      MW_TRY(commit(&p));
      added++;
    } else {
      if (a->err->status != MW_DATA) return false;
      if (!first.status) first = *a->err;
    }
  }
  if (!added) {
    *a->err = first;
    return mw_error_wrap(a->err, "%s", a->shown);
  }
  if (first.status) mw_warning_add(a->warnings, "%s: a part of it is of another model and is not added: %s", a->shown, first.text);
  return true;
}

/* ---- the public functions --------------------------------------------------------------------------------------------- */

static bool keep_facts(adapter *a) {
  mw_model *model = a->model;
  mw_model_adapter *list = mw_mem_take(&model->arena, (model->adapter_count + 1) * sizeof *list, a->err);
  if (!list) return false;
  if (model->adapter_count) memcpy(list, model->adapters, model->adapter_count * sizeof *list);
  list[model->adapter_count] = a->facts;
  list[model->adapter_count++].file_count = model->file_count - a->facts.file_count;
  model->adapters = list;
  return true;
}

/* A file for a pipeline has a part for each of some components, of which each merge takes what is its own. */
static bool refuse_pipeline(const mw_model *model, const char *where, mw_error *err) {
  mw_text_escaped pipeline, shown;
  mw_text_escape_z(&pipeline, model->folder);
  mw_text_escape_z(&shown, where);
  mw_error_set(err, MW_DATA, "%s: a whole pipeline of diffusers; adapter %s is added to one of its components", pipeline.bytes,
               shown.bytes);
  return mw_error_hint(err, "give a component: %s/%s+%s; a file takes each component's part for it", pipeline.bytes, model->components[0],
                       shown.bytes);
}

bool mw_adapter_add(mw_model *model, const char *where, mw_warning *warnings, mw_error *err) {
  if (model->component_count) return refuse_pipeline(model, where, err);
  adapter a = {.model = model, .warnings = warnings, .err = err, .facts.file_count = model->file_count};
  bool ok = open_adapter(&a, where) && add_parts(&a) && keep_facts(&a);
  free(a.config_text);
  free(a.list.tensors);
  return ok;
}
