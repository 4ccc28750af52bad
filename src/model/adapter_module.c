/* adapter_module.c: see adapter_module.h. A fit is found once and then holds for all modules of a part: a module that no fit leads to a
 * tensor is missing in the base, however similar other names are. */
#include "model/adapter_module.h"
#include "model/unet_name.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the modules ---------------------------------------------------------------------------------------------------- */

typedef struct named {
  mw_adapter_name name;
  const mw_tensor *tensor;
} named;

/* By part, then factors before whole tensors, then module. */
static int compare_modules(const mw_adapter_name *x, const mw_adapter_name *y) {
  int order = strcmp(x->part, y->part);
  if (!order) order = (x->role == MW_ADAPTER_NAME_WHOLE) - (y->role == MW_ADAPTER_NAME_WHOLE);
  return order ? order : strcmp(x->module, y->module);
}

static int by_module(const void *a, const void *b) {
  const mw_adapter_name *x = &((const named *)a)->name, *y = &((const named *)b)->name;
  int order = compare_modules(x, y);
  return order ? order : (int)x->role - (int)y->role;
}

static bool is_real(const mw_tensor *tensor) { return mw_dtype_kind_of((mw_dtype)tensor->dtype) == MW_DTYPE_KIND_REAL; }

static bool check_tensor(const named *entry, mw_error *err) {
  mw_text_escaped shown;
  if (!is_real(entry->tensor) && entry->name.role != MW_ADAPTER_NAME_WHOLE)
    return mw_error_set(err, MW_DATA, "tensor '%s' is %s, expected real numbers", mw_text_escape_z(&shown, entry->tensor->name),
                        mw_dtype_name((mw_dtype)entry->tensor->dtype));
  return mw_tensor_elements(entry->tensor) || mw_error_set(err, MW_DATA, "tensor '%s' has no elements: it was saved without its values",
                                                 mw_text_escape_z(&shown, entry->tensor->name));
}

/* LoRA, LoHa or LoKr, and whether all that it needs is there: two factors; four of them; or four of which a matrix may stand for the first
 * or the last two. */
static bool check_module(mw_adapter_module *module, mw_error *err) {
  static const char *const words[] = {"A", "B", "bias", "magnitude vector", "alpha"};
  const mw_tensor *const *role = module->role;
  const bool first = role[MW_ADAPTER_NAME_A] && role[MW_ADAPTER_NAME_B],
             second = role[MW_ADAPTER_NAME_SECOND_A] && role[MW_ADAPTER_NAME_SECOND_B];
  mw_text_escaped shown;
  if (role[MW_ADAPTER_NAME_WHOLE]) return true;
  if (role[MW_ADAPTER_NAME_GAINS] || role[MW_ADAPTER_NAME_ROWS]) {
    size_t has = 0;
    for (size_t i = 0; i < MW_ADAPTER_NAME_WHOLE; i++) has += role[i] != NULL;
    module->kind = role[MW_ADAPTER_NAME_ROWS] ? MW_ADAPTED_ROWS : MW_ADAPTED_GAINS;
    mw_text_escape_z(&shown, module->name.module);
    return has == 1 || mw_error_set(err, MW_DATA, "module '%s' is adapted twice, in two ways", shown.bytes);
  }
  module->kind = module->name.letter == 'h' ? MW_ADAPTED_LOHA : module->name.letter == 'k' ? MW_ADAPTED_LOKR : MW_ADAPTED_LORA;
  mw_text_escape_z(&shown, module->name.module);
  if (module->kind != MW_ADAPTED_LORA && (role[MW_ADAPTER_NAME_MAGNITUDE] || role[MW_ADAPTER_NAME_BIAS]))
    return mw_error_set(err, MW_DATA, "module '%s': a LoHa or LoKr with a magnitude or bias is not known", shown.bytes);
  if (module->kind == MW_ADAPTED_LOHA)
    return (first && second) ||
           mw_error_set(err, MW_DATA, "module '%s': a LoHa has hada_w1_a, hada_w1_b, hada_w2_a and hada_w2_b", shown.bytes);
  if (module->kind == MW_ADAPTED_LOKR)
    return (first != (role[MW_ADAPTER_NAME_FIRST] != NULL) && second != (role[MW_ADAPTER_NAME_SECOND] != NULL)) ||
           mw_error_set(err, MW_DATA, "module '%s': a LoKr has lokr_w1 or its two factors, and lokr_w2 or its two", shown.bytes);
  if (first) return true;
  unsigned has = 0;
  while (!role[has]) has++;
  return mw_error_set(err, MW_DATA, "module '%s' has its factor %s without %s", shown.bytes, words[has],
                      role[MW_ADAPTER_NAME_A] ? "B" : "A");
}

bool mw_adapter_module_list(const mw_tensor *tensors, size_t count, mw_arena *arena, mw_adapter_module **out, size_t *out_count,
                            mw_error *err) {
  named *list = mw_mem_new(count, sizeof *list, err);
  mw_text_escaped a, b;
  bool ok = list && (*out = mw_mem_take(arena, (count + 1) * sizeof **out, err)) != NULL;
  *out_count = 0;
  for (size_t i = 0; ok && i < count; i++) {
    list[i].tensor = &tensors[i];
    ok = mw_adapter_name_read(tensors[i].name, arena, &list[i].name, err) && check_tensor(&list[i], err);
  }
  if (ok) qsort(list, count, sizeof *list, by_module);
  for (size_t i = 0; ok && i < count; i++) {
    bool new = !i || compare_modules(&list[i - 1].name, &list[i].name) != 0;
    if (new) (*out)[(*out_count)++].name = list[i].name;
    mw_adapter_module *module = &(*out)[*out_count - 1];
    const mw_tensor **role = &module->role[list[i].name.role];
    const char letter = list[i].name.letter;
    if (letter && module->name.letter && letter != module->name.letter)
      ok = mw_error_set(err, MW_DATA, "module '%s' is adapted twice, by a LoHa and a LoKr", list[i].name.module);
    else if (*role)
      ok = mw_error_set(err, MW_DATA, "module '%s' is adapted twice, by '%s' and '%s'", list[i].name.module,
                        mw_text_escape_z(&a, (*role)->name), mw_text_escape_z(&b, list[i].tensor->name));
    *role = list[i].tensor;
    if (letter) module->name.letter = letter;
  }
  free(list);
  for (size_t i = 0; ok && i < *out_count; i++) ok = check_module(&(*out)[i], err);
  return ok;
}

/* ---- the base's names --------------------------------------------------------------------------------------------------- */

static const char weight[] = ".weight";
enum { LONGEST = 1024 };

/* How many bytes stand before `end` at the end of `name`; SIZE_MAX unless it ends so, from its start or from behind `between`. */
static size_t before_end(const char *name, const char *end, char between) {
  size_t length = strlen(name), own = strlen(end);
  if (own > length || memcmp(name + length - own, end, own) != 0 || (own < length && name[length - own - 1] != between)) return SIZE_MAX;
  return length - own;
}

/* "model_layers_0_q" of "model.layers.0.q.weight". False where it is no weight. */
static bool flatten(const char *name, char buffer[LONGEST]) {
  size_t length = strlen(name) - (sizeof weight - 1);
  if (!mw_text_ends_with(name, weight) || length >= LONGEST) return false;
  for (size_t i = 0; i < length; i++) buffer[i] = name[i] == '.' ? '_' : name[i];
  buffer[length] = 0;
  mw_unet_name_flat(buffer, LONGEST);
  return true;
}

/* The module's name without its first words; NULL where it has not so many. */
static const char *without(const char *module, size_t dropped) {
  for (; dropped && module; dropped--) module = strchr(module, '.'), module = module ? module + 1 : NULL;
  return module;
}

typedef struct pair {
  const char *name;
  size_t index;
} pair;

static int by_name(const void *a, const void *b) { return strcmp(((const pair *)a)->name, ((const pair *)b)->name); }

static bool list_flat(const mw_model *base, mw_arena *arena, mw_adapter_module_fit *out, mw_error *err) {
  size_t before = strlen(out->before);
  char flat[LONGEST];
  pair *list = mw_mem_new(base->tensor_count, sizeof *list, err);
  bool ok = list != NULL;
  for (size_t i = 0; ok && i < base->tensor_count; i++) {
    const char *name = base->tensors[i].name;
    if (strncmp(name, out->before, before) != 0 || !flatten(name, flat)) continue;
    list[out->count] = (pair){mw_mem_copy(arena, flat + before, strlen(flat) - before, err), i};
    ok = list[out->count++].name != NULL;
  }
  if (ok) qsort(list, out->count, sizeof *list, by_name);
  ok = ok && (out->flat = mw_mem_take(arena, (out->count + 1) * sizeof *out->flat, err)) != NULL &&
       (out->index = mw_mem_take(arena, (out->count + 1) * sizeof *out->index, err)) != NULL;
  for (size_t i = 0; ok && i < out->count; i++) out->flat[i] = list[i].name, out->index[i] = list[i].index;
  free(list);
  return ok;
}

/* Words that only say that there is a model: programs put them before names, or leave them out. */
static bool is_holder(const char *word, size_t length) {
  static const char *const holders[] = {"model", "base_model", "language_model", "text_model", "vision_model"};
  for (size_t i = 0; i < sizeof holders / sizeof *holders; i++)
    if (strlen(holders[i]) == length && memcmp(word, holders[i], length) == 0) return true;
  return false;
}

/* Whether every word of the first `length` bytes of `words`, each with a dot behind, holds a model or is one of the others. */
static bool are_holders(const char *words, size_t length, const char *others, size_t other_length) {
  for (size_t at = 0, own; at < length; at += own + 1) {
    own = strcspn(words + at, ".");
    bool known = is_holder(words + at, own);
    for (size_t k = 0, n; k < other_length && !known; k += n + 1) {
      n = strcspn(others + k, ".");
      known = n == own && memcmp(words + at, others + k, n) == 0;
    }
    if (!known) return false;
  }
  return true;
}

/* A fit by one module, or by a tensor that shows where it is, where there is one. The base's names are walked once for each number of
 * words that may be left out. A name that ends alike is meant if it differs by words that hold models alone; else if words are only
 * added in front, or only left out, but not one in the place of another: "decoder.block.0.q" is not "encoder.block.0.q". */
static bool meet_by(const mw_model *base, const mw_adapter_module *module, const char *tensor, mw_arena *arena, mw_adapter_module_fit *out,
                    mw_error *err) {
  enum { MOST_DROPPED = 3 };
  bool is_flat = module->name.flat;
  char wanted[LONGEST], flat[LONGEST];
  for (size_t dropped = 0; dropped < (is_flat ? 1 : MOST_DROPPED); dropped++) {
    const char *whole = tensor ? tensor : module->name.module, *own = without(whole, dropped), *met = NULL;
    if (!own || strlen(own) + sizeof weight > sizeof wanted) return true;
    const size_t left_out = (size_t)(own - whole);
    size_t length = 0;
    bool sure = false;
    snprintf(wanted, sizeof wanted, "%s%s", own, is_flat || tensor || module->role[MW_ADAPTER_NAME_WHOLE] ? "" : weight);
    if (is_flat) mw_unet_name_flat(wanted, sizeof wanted);
    for (size_t i = 0; i < base->tensor_count && !sure; i++) {
      const char *name = base->tensors[i].name;
      if (is_flat && !flatten(name, flat)) continue;
      size_t before = before_end(is_flat ? flat : name, wanted, is_flat ? '_' : '.');
      if (before == SIZE_MAX) continue;
      sure = is_flat || (are_holders(name, before, whole, left_out) && are_holders(whole, left_out, name, before));
      if (sure || (!met && (!before || !left_out))) met = name, length = before;
    }
    if (!met) continue;
    out->dropped = mw_mem_copy(arena, whole, left_out, err);
    return out->dropped && (out->before = mw_mem_copy(arena, met, length, err)) != NULL;
  }
  return true;
}

size_t mw_adapter_module_find_name(const mw_model *base, const mw_adapter_module_fit *fit, const char *name) {
  char whole[LONGEST];
  const mw_tensor *found = NULL;
  for (; fit && !found; fit = fit->next) {
    if (!fit->before || strncmp(name, fit->dropped, strlen(fit->dropped)) != 0) continue;
    int length = snprintf(whole, sizeof whole, "%s%s", fit->before, name + strlen(fit->dropped));
    found = length > 0 && (size_t)length < sizeof whole ? mw_model_find(base, whole) : NULL;
  }
  return found ? (size_t)(found - base->tensors) : SIZE_MAX;
}

/* By one fit. */
static size_t find_by(const mw_model *base, const mw_adapter_module_fit *fit, const mw_adapter_module *module, const char *end) {
  char name[LONGEST];
  if (!fit->before || strncmp(module->name.module, fit->dropped, strlen(fit->dropped)) != 0) return SIZE_MAX;
  const char *own = module->name.module + strlen(fit->dropped);
  if (module->name.flat) {
    if (strlen(own) >= sizeof name) return SIZE_MAX;
    mw_unet_name_flat(strcpy(name, own), sizeof name);
    size_t low = 0, high = fit->count;
    while (low < high) {
      size_t middle = low + (high - low) / 2;
      if (strcmp(fit->flat[middle], name) < 0) low = middle + 1;
      else high = middle;
    }
    bool one = low < fit->count && strcmp(fit->flat[low], name) == 0 &&
               (low + 1 == fit->count || strcmp(fit->flat[low + 1], name) != 0);
    return one && strcmp(end, weight) == 0 ? fit->index[low] : SIZE_MAX;
  }
  int length = snprintf(name, sizeof name, "%s%s%s", fit->before, own, end);
  const mw_tensor *found = length > 0 && (size_t)length < sizeof name ? mw_model_find(base, name) : NULL;
  return found ? (size_t)(found - base->tensors) : SIZE_MAX;
}

size_t mw_adapter_module_find(const mw_model *base, const mw_adapter_module_fit *fit, const mw_adapter_module *module, const char *end) {
  size_t found = SIZE_MAX;
  for (; fit && found == SIZE_MAX; fit = fit->next) found = find_by(base, fit, module, end);
  return found;
}

static bool is_met(const mw_model *base, const mw_adapter_module_fit *fit, const mw_adapter_module *module) {
  for (const char *const *other = module->others; other && *other; other++)
    if (mw_adapter_module_find_name(base, fit, *other) != SIZE_MAX) return true;
  return !module->others && mw_adapter_module_find(base, fit, module, module->role[MW_ADAPTER_NAME_WHOLE] ? "" : weight) != SIZE_MAX;
}

bool mw_adapter_module_meet(const mw_model *base, const mw_adapter_module *modules, size_t count, mw_arena *arena,
                            mw_adapter_module_fit *out, mw_error *err) {
  enum { TRIED = 8, MOST = 8 };
  mw_adapter_module_fit *last = NULL;
  *out = (mw_adapter_module_fit){0};
  for (size_t i = 0, failed = 0, fits = 0; i < count && failed < TRIED && fits < MOST; i++) {
    mw_adapter_module_fit fit = {0};
    const char *const *other = modules[i].others;
    if (last && is_met(base, out, &modules[i])) continue;
    if (!other) MW_TRY(meet_by(base, &modules[i], NULL, arena, &fit, err));
    for (; other && *other && !fit.before; other++) MW_TRY(meet_by(base, &modules[i], *other, arena, &fit, err));
    if (!fit.before) {
      failed++;
      continue;
    }
    if (last && !(last->next = mw_mem_take(arena, sizeof fit, err))) return false;
    last = last ? last->next : out;
    *last = fit;
    fits++;
    if (modules->name.flat) return list_flat(base, arena, out, err);
  }
  return true;
}

/* ---- a module's change ----------------------------------------------------------------------------------------------- */

static bool refuse_shapes(const mw_adapter_module *module, const mw_tensor *target, mw_error *err) {
  mw_text shapes = {0};
  mw_text_escaped name;
  for (int i = MW_ADAPTER_NAME_A; i <= MW_ADAPTER_NAME_B; i++) {
    const mw_tensor *factor = module->role[i];
    mw_text_format(&shapes, i == MW_ADAPTER_NAME_A ? "factors A of shape " : " and B of shape ");
    mw_text_shape(&shapes, factor->shape, factor->rank);
  }
  mw_text_format(&shapes, ", but the base's tensor has shape ");
  mw_text_shape(&shapes, target->shape, target->rank);
  mw_error_set(err, MW_DATA, "module '%s' has %s", mw_text_escape_z(&name, module->name.module), shapes.bytes ? shapes.bytes : "others");
  mw_text_free(&shapes);
  return false;
}

/* One of the two matrices of a LoHa or LoKr: left * right, or left alone. */
typedef struct side {
  const mw_tensor *left, *right;
  uint64_t rows, columns, rank;
} side;

static bool refuse_sides(const mw_adapter_module *module, const mw_tensor *target, const side *p, const side *q, mw_error *err) {
  mw_text shape = {0};
  mw_text_escaped name;
  mw_text_shape(&shape, target->shape, target->rank);
  mw_error_set(err, MW_DATA,
               "module '%s': the two matrices of its %s are [%llu, %llu] and [%llu, %llu], but the base's tensor has shape %s",
               mw_text_escape_z(&name, module->name.module), module->kind == MW_ADAPTED_LOKR ? "LoKr" : "LoHa", (unsigned long long)p->rows,
               (unsigned long long)p->columns, (unsigned long long)q->rows, (unsigned long long)q->columns, shape.bytes ? shape.bytes : "");
  mw_text_free(&shape);
  return false;
}

static bool take_side(const mw_adapter_module *module, mw_adapter_name_role whole, mw_adapter_name_role left, mw_adapter_name_role right,
                      side *out, mw_error *err) {
  const mw_tensor *single = module->role[whole];
  const char *wrong = NULL;
  mw_text_escaped name;
  *out = single ? (side){.left = single} : (side){.left = module->role[left], .right = module->role[right]};
  const mw_tensor *last = single ? single : out->right;
  if (out->left->rank < 2 || last->rank < 2) wrong = "a factor of it is no matrix";
  else if (!single && mw_tensor_elements(out->left) / out->left->shape[0] != last->shape[0])
    wrong = "the ranks of two of its factors disagree";
  if (wrong) return mw_error_set(err, MW_DATA, "module '%s': %s", mw_text_escape_z(&name, module->name.module), wrong);
  out->rows = out->left->shape[0];
  out->columns = mw_tensor_elements(last) / last->shape[0];
  out->rank = single ? 0 : last->shape[0];
  return true;
}

/* A LoHa or LoKr: [out, in] as the base's tensor, whose further dimensions count as inputs. */
static bool change_otherwise(const mw_adapter_module *module, const mw_tensor *target, mw_adapted_change *out, mw_error *err) {
  const uint64_t outs = target->rank ? target->shape[0] : 1, ins = mw_tensor_elements(target) / outs;
  const bool kronecker = module->kind == MW_ADAPTED_LOKR;
  mw_text_escaped name;
  side p, q;
  MW_TRY(take_side(module, MW_ADAPTER_NAME_FIRST, MW_ADAPTER_NAME_B, MW_ADAPTER_NAME_A, &p, err) &&
         take_side(module, MW_ADAPTER_NAME_SECOND, MW_ADAPTER_NAME_SECOND_B, MW_ADAPTER_NAME_SECOND_A, &q, err));
  const bool fits = kronecker ? p.rows * q.rows == outs && p.columns * q.columns == ins
                              : p.rows == outs && q.rows == outs && p.columns == ins && q.columns == ins;
  if (target->rank < 2 || !fits) return refuse_sides(module, target, &p, &q, err);
  if (!kronecker && p.rank != q.rank)
    return mw_error_set(err, MW_DATA, "module '%s': the ranks of its two products disagree", mw_text_escape_z(&name, module->name.module));
  *out = (mw_adapted_change){.kind = module->kind, .left = p.left, .right = p.right, .second_left = q.left, .second_right = q.right,
                             .rank = q.rank ? q.rank : p.rank};
  return true;
}

bool mw_adapter_module_change(const mw_adapter_module *module, const mw_tensor *target, bool turned, mw_adapted_change *out,
                              mw_error *err) {
  const mw_tensor *a = module->role[MW_ADAPTER_NAME_A], *b = module->role[MW_ADAPTER_NAME_B];
  const mw_tensor *magnitude = module->role[MW_ADAPTER_NAME_MAGNITUDE];
  mw_text_escaped name;
  if (module->kind != MW_ADAPTED_LORA) return change_otherwise(module, target, out, err);
  if (a->rank < 2 || b->rank < 2 || target->rank < 2) return refuse_shapes(module, target, err);
  uint64_t rank = a->shape[0], in = mw_tensor_elements(a) / rank, outs = b->shape[0], rows = target->shape[0],
           columns = mw_tensor_elements(target) / rows;
  if (mw_tensor_elements(b) / outs != rank)
    return mw_error_set(err, MW_DATA, "module '%s': the ranks disagree: %llu of factor A, %llu of factor B",
                        mw_text_escape_z(&name, module->name.module), (unsigned long long)rank,
                        (unsigned long long)(mw_tensor_elements(b) / outs));
  bool plain = outs == rows && in == columns && !module->name.embedding, other = target->rank == 2 && outs == columns && in == rows;
  if (!plain && !other) return refuse_shapes(module, target, err);
  *out = (mw_adapted_change){.rank = rank, .turned = plain && other ? turned : other, .magnitude = magnitude};
  out->left = out->turned ? a : b;
  out->right = out->turned ? b : a;
  if (magnitude && mw_tensor_elements(magnitude) != outs)
    return mw_error_set(err, MW_DATA, "module '%s': its magnitude vector has %llu elements, expected %llu",
                        mw_text_escape_z(&name, module->name.module), (unsigned long long)mw_tensor_elements(magnitude),
                        (unsigned long long)outs);
  return true;
}
