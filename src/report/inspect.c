/* inspect.c: what a model or a file contains, after all checks that a merge would do. With statistics all data is read, and files of
 * the hub's cache are compared with the hashes in their names. */
#include "report/inspection.h"
#include "base/json_writer.h"
#include "model/adapted.h"
#include "model/family.h"
#include "model/hub.h"
#include "model/pipeline.h"
#include "num/cpu.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 32 << 10 };

/* A plain loop in file order: these numbers are only for people, no merge depends on them. */
static bool measure(const mw_model *model, const mw_tensor *tensor, const mw_kernels *kernels, mw_inspection_stats *out,
                    mw_error *err) {
  mw_dtype dtype = (mw_dtype)tensor->dtype;
  unsigned char *stored = malloc(STEP * sizeof(double));
  double *values = malloc(STEP * sizeof *values);
  *out = (mw_inspection_stats){.smallest = INFINITY, .largest = -INFINITY};
  bool ok = stored && values ? true : mw_error_memory(err, STEP);
  for (uint64_t at = 0, elements = mw_tensor_elements(tensor); ok && at < elements; at += STEP) {
    size_t n = (size_t)(elements - at < STEP ? elements - at : STEP), size = mw_dtype_size(dtype);
    ok = mw_model_read(model, tensor, at * size, stored, n * size, err);
    if (!ok) break;
    kernels->type[1].load[dtype](values, stored, n);
    for (size_t i = 0; i < n; i++) {
      if (!isfinite(values[i])) {
        out->bad++;
        continue;
      }
      if (values[i] < out->smallest) out->smallest = values[i];
      if (values[i] > out->largest) out->largest = values[i];
      out->sum += values[i];
      out->squares += values[i] * values[i];
    }
  }
  free(stored);
  free(values);
  return ok;
}

bool mw_inspect_measured(const mw_inspection *inspection, const mw_tensor *tensor) {
  return inspection->stats && mw_dtype_kind_of((mw_dtype)tensor->dtype) == MW_DTYPE_KIND_REAL;
}

static bool measure_all(mw_inspection *inspection, mw_error *err) {
  const mw_model *model = inspection->model;
  const mw_kernels *kernels;
  MW_TRY(mw_cpu_kernels(&kernels, err));
  if (!(inspection->stats = mw_mem_new(model->tensor_count, sizeof *inspection->stats, err))) return false;
  for (size_t i = 0; i < model->tensor_count; i++)
    if (mw_inspect_measured(inspection, &model->tensors[i]))
      MW_TRY(measure(model, &model->tensors[i], kernels, &inspection->stats[i], err));
  return true;
}

mw_inspection_figures mw_inspect_figures(const mw_inspection *inspection, size_t index) {
  const mw_inspection_stats *s = &inspection->stats[index];
  uint64_t good = mw_tensor_elements(&inspection->model->tensors[index]) - s->bad;
  return good ? (mw_inspection_figures){s->smallest, s->largest, s->sum / (double)good, sqrt(s->squares)} : (mw_inspection_figures){0};
}

/* What a merge of this model would refuse becomes a warning. */
static void warn(mw_inspection *inspection, const mw_model *model, const char *label) {
  mw_family_member member = {.model = model, .label = label};
  mw_family_rules rules = {0};
  mw_family family;
  mw_error refusal;
  if (!model->folder) return; /* a single file need not be a complete model */
  if (mw_family_join(&member, 1, 0, &rules, &inspection->warnings, &family, &refusal)) mw_family_free(&family);
  else if (refusal.status == MW_MEMORY) inspection->warnings.lost = true;
  else mw_warning_add(&inspection->warnings, "a merge would refuse this: %s", refusal.text);
}

/* A pipeline is merged component by component. */
static void warn_all(mw_inspection *inspection) {
  const mw_model *model = inspection->model;
  if (!model->component_count) warn(inspection, model, "this model");
  for (size_t i = 0; i < model->component_count; i++) warn(inspection, model->opened[i], model->components[i]);
}

/* Checks all files of a model, also side files. Only files of the hub's cache have a hash in their name. */
static bool verify(mw_inspection *inspection, const mw_model *model, mw_error *err) {
  mw_arena arena = {0};
  const char **names;
  size_t count = 1;
  bool ok = !model->folder || mw_file_list(model->folder, &arena, &names, &count, err);
  for (size_t i = 0; ok && i < count; i++) {
    const char *path = model->folder ? mw_file_join(&arena, model->folder, names[i], err) : model->where;
    bool promised;
    ok = path && mw_hub_verify(path, &promised, err);
    if (ok && promised) inspection->verified++;
  }
  for (size_t i = 0; ok && i < model->component_count; i++) ok = verify(inspection, model->opened[i], err);
  mw_mem_release(&arena);
  return ok;
}

bool mw_inspect_open(const char *path, bool with_stats, mw_inspection **out, mw_error *err) {
  mw_inspection *inspection = mw_mem_new(1, sizeof *inspection, err);
  if (!inspection) return false;
  bool ok = (inspection->path = mw_mem_copy(&inspection->arena, path, strlen(path), err)) != NULL &&
            mw_pipeline_open(path, &inspection->warnings, &inspection->model, err) &&
            (!with_stats || (measure_all(inspection, err) && verify(inspection, inspection->model, err)));
  for (size_t i = 0; ok && i < inspection->model->tensor_count; i++) {
    inspection->parameters += mw_tensor_elements(&inspection->model->tensors[i]);
    inspection->bytes += mw_tensor_bytes(mw_model_source(&inspection->model->tensors[i]));
  }
  if (ok) warn_all(inspection);
  if (inspection->warnings.lost) ok = mw_error_set(err, MW_MEMORY, "out of memory for the warnings");
  if (ok) *out = inspection;
  else mw_inspect_free(inspection);
  return ok;
}

void mw_inspect_free(mw_inspection *inspection) {
  if (!inspection) return;
  if (inspection->model) mw_model_close(inspection->model);
  mw_warning_free(&inspection->warnings);
  mw_text_free(&inspection->json);
  mw_mem_release(&inspection->arena);
  free(inspection->stats);
  free(inspection);
}

size_t mw_inspect_notes(const mw_inspection *inspection, const char *const **lines) {
  *lines = (const char *const *)inspection->warnings.lines;
  return inspection->warnings.count;
}

/* ---- JSON ---- */

/* "model.safetensors"; of a pipeline "unet/diffusion_pytorch_model.safetensors". */
static const char *file_of(const mw_model *model, const mw_tensor *tensor) {
  const char *path = mw_model_path(model, tensor), *slash = strrchr(path, '/');
  if (!model->component_count) return slash ? slash + 1 : path;
  path += strlen(model->folder);
  return path + strspn(path, "/");
}

static void put_adapters(mw_json_writer *json, const mw_adapted *adapted) {
  mw_json_writer_list(json, "adapters");
  for (size_t i = 0; i < adapted->count; i++) {
    mw_json_writer_object(json, NULL);
    mw_json_writer_u64(json, "rank", adapted->changes[i].rank);
    mw_json_writer_number(json, "scale", (double)adapted->changes[i].scale);
    mw_json_writer_bool(json, "dora", adapted->changes[i].magnitude && adapted->changes[i].kind == MW_ADAPTED_LORA);
    mw_json_writer_end(json);
  }
  mw_json_writer_end(json);
}

static void put_json(mw_json_writer *json, const mw_inspection *inspection, size_t index) {
  const mw_tensor *tensor = &inspection->model->tensors[index];
  mw_json_writer_object(json, NULL);
  mw_json_writer_string(json, "name", tensor->name);
  mw_json_writer_string(json, "dtype", mw_dtype_name((mw_dtype)mw_model_source(tensor)->dtype));
  mw_json_writer_list(json, "shape");
  for (unsigned i = 0; i < tensor->rank; i++) mw_json_writer_u64(json, NULL, tensor->shape[i]);
  mw_json_writer_end(json);
  mw_json_writer_u64(json, "bytes", mw_tensor_bytes(mw_model_source(tensor)));
  mw_json_writer_string(json, "file", file_of(inspection->model, tensor));
  if (tensor->made == MW_TENSOR_ADAPTED) put_adapters(json, tensor->adapted);
  if (mw_inspect_measured(inspection, tensor)) {
    mw_inspection_figures f = mw_inspect_figures(inspection, index);
    mw_json_writer_number(json, "min", f.min);
    mw_json_writer_number(json, "max", f.max);
    mw_json_writer_number(json, "mean", f.mean);
    mw_json_writer_number(json, "norm", f.norm);
    mw_json_writer_u64(json, "nonfinite", inspection->stats[index].bad);
  }
  mw_json_writer_end(json);
}

static bool write_json(mw_json_writer *json, const mw_inspection *inspection, mw_error *err) {
  mw_json_writer_object(json, NULL);
  mw_json_writer_string(json, "path", inspection->path);
  mw_json_writer_list(json, "tensors");
  for (size_t i = 0; i < inspection->model->tensor_count; i++) put_json(json, inspection, i);
  mw_json_writer_end(json);
  mw_json_writer_u64(json, "parameters", inspection->parameters);
  mw_json_writer_u64(json, "bytes", inspection->bytes);
  mw_json_writer_end(json);
  return mw_json_writer_finish(json, err);
}

const char *mw_inspect_json(mw_inspection *inspection) {
  mw_error ignored;
  mw_json_writer json = {.out = &inspection->json, .streamed = 2};
  if (!inspection->json.length && !write_json(&json, inspection, &ignored)) mw_text_free(&inspection->json);
  return inspection->json.bytes;
}

bool mw_inspect_write_json(const mw_inspection *inspection, mw_sink sink, void *context, mw_error *err) {
  mw_json_writer json = {.sink = sink, .context = context, .streamed = 2};
  return write_json(&json, inspection, err);
}
