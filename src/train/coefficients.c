/* coefficients.c: names of parts, and the safetensors file in both directions. Reading is strict: a file with other tensors than those
 * of the recipe is refused, and the error names the first difference. */
#include "train/coefficients.h"
#include "format/safetensors.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b) {
  const char *const *x = *(const char *const *const *)a, *const *y = *(const char *const *const *)b;
  int order = strcmp(*x, *y);
  return order ? order : (x > y) - (x < y);
}

/* If a recipe has the same model twice, two parts have the same name: the second one gets "~2". */
static bool tell_apart(const char **names, size_t count, mw_arena *arena, mw_error *err) {
  const char ***sorted = mw_mem_new(count, sizeof *sorted, err);
  if (!sorted) return false;
  for (size_t i = 0; i < count; i++) sorted[i] = &names[i];
  qsort(sorted, count, sizeof *sorted, by_text);
  bool ok = true;
  for (size_t i = 1, run = 1; i < count && ok; i++) {
    const char *first = *sorted[i - run];
    run = strcmp(first, *sorted[i]) == 0 ? run + 1 : 1;
    if (run == 1) continue;
    mw_text text = {0};
    mw_text_format(&text, "%s~%zu", first, run);
    ok = mw_text_check(&text, err) && (*sorted[i] = mw_mem_copy(arena, text.bytes, text.length, err)) != NULL;
    mw_text_free(&text);
  }
  free(sorted);
  return ok;
}

/* Names of all parts of all specs, in order, from the arena. */
static bool name_parts(const mw_learn_spec *specs, size_t count, mw_arena *arena, const char ***out, mw_error *err) {
  size_t parts = 0, next = 0;
  for (size_t i = 0; i < count; i++) parts += specs[i].count;
  const char **names = mw_mem_take(arena, (parts + 1) * sizeof *names, err);
  bool ok = names != NULL;
  for (size_t i = 0; i < count && ok; i++)
    for (size_t k = 0; k < specs[i].count && ok; k++) {
      mw_text text = {0};
      const mw_learn_spec_part *part = &specs[i].parts[k];
      if (i) mw_text_format(&text, "learn%zu.", i + 1);
      mw_text_format(&text, *part->tensor ? "%s.%s" : "%s%s", part->label, part->tensor);
      ok = mw_text_check(&text, err) && (names[next++] = mw_mem_copy(arena, text.bytes, text.length, err)) != NULL;
      mw_text_free(&text);
    }
  *out = names;
  return ok && tell_apart(names, parts, arena, err);
}

/* A part: its name, and the place of its values. */
typedef struct slot {
  const char *name;
  uint64_t shape[1];
  float *values;
  mw_tensor tensor;
} slot;

static bool slots_of(const mw_learn_spec *specs, size_t count, const mw_graph *graph, float *const *values, mw_arena *arena,
                     slot **out, size_t *slot_count, mw_error *err) {
  const char **names;
  MW_TRY(name_parts(specs, count, arena, &names, err));
  size_t total = 0, next = 0;
  for (size_t i = 0; i < count; i++) total += specs[i].count;
  slot *slots = mw_mem_take(arena, (total + 1) * sizeof *slots, err);
  if (!slots) return false;
  for (size_t i = 0; i < count; i++) {
    float *at = values[i];
    for (size_t k = 0; k < specs[i].count; k++, next++) {
      uint64_t elements = mw_graph_elements(graph, mw_graph_facts(graph, specs[i].parts[k].node).shape);
      slots[next] = (slot){.name = names[next], .shape = {elements}, .values = at};
      slots[next].tensor = (mw_tensor){.name = names[next], .shape = slots[next].shape, .rank = 1,
                                       .dtype = MW_DTYPE_F32};
      at += elements;
    }
  }
  *out = slots;
  *slot_count = total;
  return true;
}

static bool compose(slot *slots, size_t count, mw_text *out, mw_error *err) {
  mw_tensor **order = mw_mem_new(count, sizeof *order, err);
  if (!order) return false;
  for (size_t i = 0; i < count; i++) order[i] = &slots[i].tensor;
  qsort(order, count, sizeof *order, mw_safetensors_order);
  bool ok = mw_safetensors_header(order, count, NULL, out, err);
  for (size_t i = 0; i < count && ok; i++) {
    const slot *s = (const slot *)((const char *)order[i] - offsetof(slot, tensor));
    mw_text_add(out, (const char *)s->values, s->shape[0] * sizeof *s->values);
  }
  free(order);
  return ok && mw_text_check(out, err);
}

bool mw_coefficients_compose(const mw_learn_spec *specs, size_t count, const mw_graph *graph, float *const *values,
                             mw_text *out, mw_error *err) {
  mw_arena arena = {0};
  slot *slots;
  size_t slot_count;
  bool ok = slots_of(specs, count, graph, values, &arena, &slots, &slot_count, err) && compose(slots, slot_count, out, err);
  mw_mem_release(&arena);
  return ok;
}

/* ---- reading ---- */

static bool fill(const mw_file *file, const char *path, const mw_tensor *tensors, size_t count, const slot *s, mw_error *err) {
  mw_text_escaped name;
  const mw_tensor *found = mw_tensor_named(tensors, count, s->name);
  if (!found) return mw_error_set(err, MW_DATA, "%s: coefficient '%s' is missing", path, mw_text_escape_z(&name, s->name));
  if (found->dtype != MW_DTYPE_F32 || found->rank != 1 || found->shape[0] != s->shape[0])
    return mw_error_set(err, MW_DATA, "%s: coefficient '%s': found %s of %llu elements, expected F32 [%llu]", path,
                        mw_text_escape_z(&name, s->name), mw_dtype_name((mw_dtype)found->dtype),
                        (unsigned long long)mw_tensor_elements(found), (unsigned long long)s->shape[0]);
  MW_TRY(mw_tensor_read(file, found, 0, s->values, (size_t)s->shape[0] * sizeof *s->values, err));
  for (uint64_t i = 0; i < s->shape[0]; i++)
    if (!isfinite(s->values[i]))
      return mw_error_set(err, MW_DATA, "%s: coefficient '%s': element %llu is not finite", path,
                          mw_text_escape_z(&name, s->name), (unsigned long long)i);
  return true;
}

static bool load(const mw_file *file, const char *path, slot *slots, size_t slot_count, char hash[65], mw_arena *arena,
                 mw_error *err) {
  mw_tensor_list list = {0};
  mw_text_escaped name;
  bool ok = mw_tensor_find(file, 0, arena, &list, err) && mw_tensor_sort(list.tensors, list.count, mw_tensor_by_name, err);
  mw_tensor *tensors = list.tensors;
  size_t count = list.count;
  for (size_t i = 0; i < slot_count && ok; i++) ok = fill(file, path, tensors, count, &slots[i], err);
  if (ok && count != slot_count) {
    const char *stranger = NULL;
    for (size_t i = 0; i < count && !stranger; i++) {
      bool known = false;
      for (size_t k = 0; k < slot_count && !known; k++) known = strcmp(slots[k].name, tensors[i].name) == 0;
      if (!known) stranger = tensors[i].name;
    }
    ok = mw_error_set(err, MW_DATA, "%s: there is no such coefficient in this merge: '%s'", path,
                      mw_text_escape_z(&name, stranger ? stranger : ""));
  }
  free(tensors);
  return ok && mw_file_hash(file, hash, err);
}

bool mw_coefficients_load(const char *path, const mw_learn_spec *specs, size_t count, const mw_graph *graph,
                          float *const *values, char hash[65], mw_error *err) {
  mw_arena arena = {0};
  mw_file file;
  slot *slots;
  size_t slot_count;
  mw_text_escaped shown;
  if (!mw_file_open(&file, path, err))
    return mw_error_hint(err, "an earlier merge keeps its coefficients in OUT/moonweld/coefficients.safetensors");
  bool ok = slots_of(specs, count, graph, values, &arena, &slots, &slot_count, err) &&
            load(&file, mw_text_escape_z(&shown, path), slots, slot_count, hash, &arena, err);
  mw_file_close(&file);
  mw_mem_release(&arena);
  return ok;
}
