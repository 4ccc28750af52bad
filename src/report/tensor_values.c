/* tensor_values.c: single values of a tensor, for programs that look at a model: read where they lie, as double. */
#include "report/inspection.h"
#include "moonweld.h"
#include "num/cpu.h"
#include <stdlib.h>

enum { STEP = 8 << 10 };

static bool find(const mw_inspection *inspection, const char *name, const mw_tensor **out, mw_error *err) {
  mw_text_escaped shown;
  if ((*out = mw_model_find(inspection->model, name))) return true;
  mw_error_set(err, MW_USAGE, "there is no tensor '%s'", mw_text_escape_z(&shown, name));
  const char **names = mw_mem_new(inspection->model->tensor_count, sizeof *names, err);
  if (!names) return false;
  for (size_t i = 0; i < inspection->model->tensor_count; i++) names[i] = inspection->model->tensors[i].name;
  const char *near = mw_text_nearest(name, names, inspection->model->tensor_count);
  if (near) mw_error_hint(err, "did you mean '%s'?", mw_text_escape_z(&shown, near));
  free(names);
  return false;
}

size_t mw_inspect_names(const mw_inspection *inspection, size_t first, const char **names, size_t count) {
  size_t there = inspection->model->tensor_count;
  for (size_t i = 0; i < count && first + i < there; i++) names[i] = inspection->model->tensors[first + i].name;
  return there;
}

bool mw_inspect_tensor(const mw_inspection *inspection, const char *name, mw_tensor_facts *out, mw_error *err) {
  const mw_tensor *tensor;
  MW_TRY(find(inspection, name, &tensor, err));
  *out = (mw_tensor_facts){tensor->name, mw_dtype_name((mw_dtype)mw_model_source(tensor)->dtype), tensor->shape, tensor->rank,
                           mw_tensor_elements(tensor)};
  return true;
}

bool mw_inspect_values(const mw_inspection *inspection, const char *name, uint64_t first, size_t count, double *values, mw_error *err) {
  const mw_tensor *tensor;
  const mw_kernels *kernels;
  MW_TRY(find(inspection, name, &tensor, err) && mw_cpu_kernels(&kernels, err));
  mw_dtype dtype = (mw_dtype)tensor->dtype;
  size_t size = mw_dtype_size(dtype);
  uint64_t elements = mw_tensor_elements(tensor);
  if (mw_dtype_kind_of(dtype) != MW_DTYPE_KIND_REAL)
    return mw_error_set(err, MW_DATA, "'%s' is %s: only values of real tensors are read", tensor->name, mw_dtype_name(dtype));
  if (first > elements || count > elements - first)
    return mw_error_set(err, MW_USAGE, "'%s' has %llu elements: %llu to %llu are asked for", tensor->name, (unsigned long long)elements,
                        (unsigned long long)first, (unsigned long long)(first + count));
  unsigned char *stored = mw_mem_new(STEP, size, err);
  if (!stored) return false;
  bool ok = true;
  for (size_t at = 0, n; ok && at < count; at += n) {
    n = count - at < STEP ? count - at : STEP;
    ok = mw_model_read(inspection->model, tensor, (first + at) * size, stored, n * size, err);
    if (ok) kernels->type[1].load[dtype](values + at, stored, n);
  }
  free(stored);
  return ok;
}
