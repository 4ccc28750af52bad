/* adapter_parameter.c: see adapter_parameter.h. Every way in which a file may have the tensor is tried, and held against the shapes of
 * the factors A [experts * rank, in] and B [out, rank * experts]. */
#include "model/adapter_parameter.h"
#include <stdio.h>
#include <string.h>

enum { LONGEST = 1024 };

/* How a file may call what transformers calls `leaf`: `name` stands behind the module without `up`, or with `each` behind the number of an
 * expert; where the outputs of two tensors are those of one, `second` is the other. */
typedef struct form {
  const char *leaf, *up;
  bool each;
  const char *name, *second;
} form;

static const form forms[] = {
    {"gate_up_proj", "", true, "gate_proj.weight", "up_proj.weight"},
    {"gate_up_proj", "", true, "w1.weight", "w3.weight"},
    {"gate_up_proj", ".experts", false, "input_linear.weight", NULL},
    {"up_proj", "", true, "up_proj.weight", NULL},
    {"down_proj", "", true, "down_proj.weight", NULL},
    {"down_proj", "", true, "w2.weight", NULL},
    {"down_proj", ".experts", false, "output_linear.weight", NULL},
};
enum { FORMS = sizeof forms / sizeof *forms };

/* Models whose modules keep [experts, in, out], or whose files do where their modules do not: it counts where in and out are as many. */
static const char *const turned_types[] = {"gpt_oss", "aria", "aria_text", "openai_privacy_filter", "qwen3_vl_moe", "qwen3_vl_moe_text"};

static const char *leaf_of(const char *parameter) {
  const char *dot = strrchr(parameter, '.');
  return dot ? dot + 1 : parameter;
}

/* Whether `parameter` ("experts.down_proj") is a tensor of this module, as peft compares them. */
static bool is_of(const char *parameter, const char *module) {
  const size_t own = (size_t)(leaf_of(parameter) - parameter), length = strlen(module);
  if (!own) return true;
  if (own - 1 > length || memcmp(module + length - (own - 1), parameter, own - 1) != 0) return false;
  return own - 1 == length || module[length - own] == '.';
}

/* A name that the file may have; false where the module is none for it. `sparse`: "mlp" is called "block_sparse_moe". */
static bool name_in(char name[LONGEST], const char *module, const char *leaf, const form *f, bool second, bool sparse, uint64_t expert) {
  static const char mlp[] = ".mlp", other[] = ".block_sparse_moe";
  const size_t length = strlen(module), less = f ? strlen(f->up) : 0;
  const char *at = sparse ? strstr(module, ".mlp.") : NULL, *end = f ? second ? f->second : f->name : leaf;
  char number[32] = "";
  if ((sparse && !at) || less > length || (f && memcmp(module + length - less, f->up, less) != 0)) return false;
  const size_t before = at ? (size_t)(at - module) : length - less;
  if (before > length - less || length + sizeof other + strlen(end) + sizeof number >= LONGEST) return false;
  if (f && f->each) snprintf(number, sizeof number, ".%llu", (unsigned long long)expert);
  snprintf(name, LONGEST, "%.*s%s%.*s%s.%s", (int)before, module, at ? other : "", at ? (int)(length - less - before - strlen(mlp)) : 0,
           at ? at + strlen(mlp) : "", number, end);
  return true;
}

/* ---- which modules ---- */

static bool mark(const mw_adapter_part *p, mw_adapter_module *module, mw_error *err) {
  static const char above[] = ".base_layer";
  const mw_adapter_config *config = &p->config;
  mw_arena *arena = &p->base->arena;
  size_t length = strlen(module->name.module), count = 0;
  if (module->kind != MW_ADAPTED_LORA || !module->role[MW_ADAPTER_NAME_A]) return true;
  while (length >= sizeof above && memcmp(module->name.module + length - (sizeof above - 1), above, sizeof above - 1) == 0)
    length -= sizeof above - 1;
  char name[LONGEST];
  const char *own = mw_mem_copy(arena, module->name.module, length, err);
  const char **names = mw_mem_take(arena, (config->parameter_count * 2 * (FORMS + 1) + 2) * sizeof *names, err);
  if (!own || !names) return false;
  for (size_t i = 0; i < config->parameter_count; i++) {
    const char *leaf = leaf_of(config->parameters[i]);
    if (!is_of(config->parameters[i], own)) continue;
    for (int k = -1; k < FORMS; k++)
      for (int sparse = 0; sparse < 2; sparse++) {
        const form *f = k < 0 ? NULL : &forms[k];
        if ((f && strcmp(f->leaf, leaf) != 0) || !name_in(name, own, leaf, f, false, sparse, 0)) continue;
        if (!(names[count++] = mw_mem_copy(arena, name, strlen(name), err))) return false;
      }
  }
  if (!count) return true;
  module->name.module = own, module->others = names;
  return name_in(name, own, "weight", NULL, false, false, 0) && (names[count] = mw_mem_copy(arena, name, strlen(name), err)) != NULL;
}

bool mw_adapter_parameter_mark(mw_adapter_part *p, mw_error *err) {
  if (!p->config.parameter_count) return true;
  mw_adapter_module *own = mw_mem_take(&p->base->arena, (p->count + 1) * sizeof *own, err);
  if (!own) return false;
  memcpy(own, p->modules, p->count * sizeof *own);
  p->modules = own;
  for (size_t i = 0; i < p->count; i++) MW_TRY(mark(p, &own[i], err));
  return true;
}

void mw_adapter_parameter_settle(mw_adapter_part *p) {
  mw_adapter_module *own = (mw_adapter_module *)(uintptr_t)p->modules; /* copied by mark */
  for (size_t i = 0; i < p->count && p->config.parameter_count; i++) {
    const size_t index = own[i].others ? mw_adapter_module_find(p->base, &p->fit, &own[i], ".weight") : SIZE_MAX;
    if (index != SIZE_MAX && p->base->tensors[index].rank == 2) own[i].others = NULL;
  }
}

/* Of rank 1 A has a row for each expert, which may be two tensors; and a second parameter that fits is planned before it is refused. */
size_t mw_adapter_parameter_most(const mw_adapter_module *module) {
  const mw_tensor *a = module->role[MW_ADAPTER_NAME_A];
  return module->others && a->rank == 2 ? 4 * (size_t)a->shape[0] : 0;
}

/* ---- which tensors ---- */

typedef struct trial {
  const mw_adapter_part *part;
  const mw_adapter_module *module;
  uint64_t rank, experts, in, out; /* of the factors, by the configuration's rank */
  float scale;
  mw_adapter_part_change *changes;
  size_t count;
} trial;

static const mw_tensor *find(const trial *t, const char *name, size_t *index) {
  *index = mw_adapter_module_find_name(t->part->base, &t->part->fit, name);
  return *index == SIZE_MAX ? NULL : &t->part->base->tensors[*index];
}

static void add(trial *t, size_t index, uint64_t expert, uint64_t first, bool turned) {
  const mw_tensor *a = t->module->role[MW_ADAPTER_NAME_A], *b = t->module->role[MW_ADAPTER_NAME_B];
  const mw_adapted_change change = {.kind = MW_ADAPTED_EXPERTS, .left = turned ? a : b, .right = turned ? b : a, .turned = turned,
                                    .rank = t->rank, .scale = t->scale, .experts = t->experts, .expert = expert, .first = first};
  t->changes[t->count++] = (mw_adapter_part_change){.index = index, .change = change};
}

static bool is_turned_type(const mw_model *base) {
  for (size_t i = 0; i < sizeof turned_types / sizeof *turned_types; i++)
    if (strcmp(base->config.model_type, turned_types[i]) == 0) return true;
  return false;
}

/* All experts in one tensor, or a matrix that has none. */
static bool try_whole(trial *t, size_t index) {
  const mw_tensor *target = &t->part->base->tensors[index];
  const bool single = target->rank == 2;
  if (single ? t->experts != 1 : target->rank != 3 || target->shape[0] != t->experts) return false;
  const uint64_t rows = target->shape[target->rank - 2], columns = target->shape[target->rank - 1];
  const bool plain = rows == t->out && columns == t->in, turned = !single && rows == t->in && columns == t->out;
  if (!plain && !turned) return false;
  add(t, index, 0, 0, turned && (!plain || is_turned_type(t->part->base)));
  return true;
}

/* Each expert by itself, of two tensors the outputs one behind the other. */
static bool try_each(trial *t, const form *f, const char *leaf, bool sparse) {
  const char *module = t->module->name.module;
  char name[LONGEST];
  size_t index;
  for (uint64_t expert = 0; expert < t->experts; expert++) {
    uint64_t outs = 0;
    for (int second = 0; second < (f->second ? 2 : 1); second++) {
      const mw_tensor *target = name_in(name, module, leaf, f, second, sparse, expert) ? find(t, name, &index) : NULL;
      if (!target || target->rank != 2 || target->shape[1] != t->in || outs + target->shape[0] > t->out) return false;
      add(t, index, expert, outs, false);
      outs += target->shape[0];
    }
    if (outs != t->out) return false;
  }
  return !name_in(name, module, leaf, f, false, sparse, t->experts) || !find(t, name, &index);
}

/* One of the configuration's parameters; its changes are kept where it fits. */
static bool try_parameter(trial *t, const char *parameter, mw_error *err) {
  const mw_tensor *a = t->module->role[MW_ADAPTER_NAME_A], *b = t->module->role[MW_ADAPTER_NAME_B];
  const char *leaf = leaf_of(parameter), *module = t->module->name.module;
  const size_t before = t->count;
  char name[LONGEST];
  size_t index;
  double scale;
  const int length = snprintf(name, sizeof name, "%s.%s", module, leaf);
  if (length < 0 || length >= LONGEST) return true;
  MW_TRY(mw_adapter_config_scale(&t->part->config, name, &t->rank, &scale, err));
  t->scale = (float)scale;
  if (a->rank != 2 || b->rank != 2 || a->shape[0] % t->rank || a->shape[0] != b->shape[1]) return true;
  t->experts = a->shape[0] / t->rank, t->in = a->shape[1], t->out = b->shape[0];
  for (int k = -1; k < FORMS; k++)
    for (int sparse = 0; sparse < 2; sparse++) {
      const form *f = k < 0 ? NULL : &forms[k];
      if (f && strcmp(f->leaf, leaf) != 0) continue;
      const bool found = f && f->each ? try_each(t, f, leaf, sparse)
                                      : name_in(name, module, leaf, f, false, sparse, 0) && find(t, name, &index) && try_whole(t, index);
      if (found) return true;
      t->count = before;
    }
  return true;
}

bool mw_adapter_parameter_plan(const mw_adapter_part *part, const mw_adapter_module *module, mw_adapter_part_change *changes, size_t *count,
                               mw_error *err) {
  trial t = {.part = part, .module = module, .changes = changes};
  const mw_tensor *a = module->role[MW_ADAPTER_NAME_A], *b = module->role[MW_ADAPTER_NAME_B];
  mw_text_escaped name;
  size_t fitting = 0;
  mw_text_escape_z(&name, module->name.module);
  if (module->role[MW_ADAPTER_NAME_BIAS] || module->role[MW_ADAPTER_NAME_MAGNITUDE])
    return mw_error_set(err, MW_DATA, "module '%s': factors of target_parameters with a bias or magnitude are not known", name.bytes);
  for (size_t i = 0; i < part->config.parameter_count; i++) {
    if (!is_of(part->config.parameters[i], module->name.module)) continue;
    const size_t before = t.count;
    MW_TRY(try_parameter(&t, part->config.parameters[i], err));
    if (t.count > before && fitting && t.changes[before].index == t.changes[0].index) t.count = before; /* named twice, in two ways */
    if (t.count > before && fitting++) {
      mw_error_set(err, MW_DATA, "module '%s': its factors fit two of target_parameters, and their names do not tell which is meant",
                   name.bytes);
      return mw_error_hint(err, "merge it with peft (merge_and_unload, then save_pretrained)");
    }
  }
  *count = t.count;
  if (fitting) return true;
  mw_text shapes = {0};
  mw_text_shape(&shapes, a->shape, a->rank);
  mw_text_format(&shapes, " and B of shape ");
  mw_text_shape(&shapes, b->shape, b->rank);
  mw_error_set(err, MW_DATA, "module '%s' has factors A of shape %s, which fit no tensor of the base that target_parameters names",
               name.bytes, shapes.bytes ? shapes.bytes : "");
  mw_text_free(&shapes);
  return mw_error_hint(err, "A is [experts * rank, in] and B [out, rank * experts]; it is an adapter of another base, or of another rank");
}
