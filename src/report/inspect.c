/* inspect.c: what a model or a file holds, after every check that a merge would make of it. With statistics all of it is
 * read, and then files of the hub's cache are held against the hashes that they are named by. */
#include "base/text.h"
#include "model/family.h"
#include "model/hub.h"
#include "num/cpu.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct mw_inspection {
  mw_warning warnings;
  mw_text json, text;
};

typedef struct stats {
  double smallest, largest, sum, squares;
  uint64_t bad;
} stats;

enum { STEP = 32 << 10 };

/* One plain pass in file order: people look at these numbers, no merge depends on them. */
static bool measure(const mw_model *model, const mw_tensor *tensor, const mw_kernels *kernels, stats *out,
                    mw_error *err) {
  mw_dtype dtype = (mw_dtype)tensor->dtype;
  unsigned char *stored = malloc(STEP * sizeof(double));
  double *values = malloc(STEP * sizeof *values);
  *out = (stats){.smallest = INFINITY, .largest = -INFINITY};
  bool ok = stored && values ? true : mw_error_memory(err, STEP);
  for (uint64_t at = 0; ok && at < tensor->elements; at += STEP) {
    size_t n = (size_t)(tensor->elements - at < STEP ? tensor->elements - at : STEP), size = mw_dtype_size(dtype);
    ok = mw_file_read(&model->files[tensor->file], tensor->offset + at * size, stored, n * size, err);
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

static void put_stats(mw_inspection *inspection, const mw_tensor *tensor, const stats *s) {
  uint64_t good = tensor->elements - s->bad;
  const struct { const char *key; double value; } numbers[] = {
      {"min", good ? s->smallest : 0}, {"max", good ? s->largest : 0}, {"mean", good ? s->sum / (double)good : 0},
      {"norm", sqrt(s->squares)}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    mw_text_format(&inspection->json, ",\"%s\":", numbers[i].key);
    mw_text_json_number(&inspection->json, numbers[i].value);
  }
  mw_text_format(&inspection->json, ",\"nonfinite\":%llu", (unsigned long long)s->bad);
  mw_text_format(&inspection->text, "  min %.4g  max %.4g  mean %.4g  norm %.4g", numbers[0].value, numbers[1].value,
                 numbers[2].value, numbers[3].value);
  if (s->bad) mw_text_format(&inspection->text, "  %llu NaN or infinite", (unsigned long long)s->bad);
}

static bool put_tensor(mw_inspection *inspection, const mw_model *model, const mw_tensor *tensor,
                       const mw_kernels *kernels, mw_error *err) {
  mw_text *json = &inspection->json, *text = &inspection->text;
  mw_dtype dtype = (mw_dtype)tensor->dtype;
  const char *path = mw_model_path(model, tensor), *slash = strrchr(path, '/');
  mw_text_escaped name;
  if (tensor != model->tensors) mw_text_format(json, ",");
  mw_text_format(json, "{\"name\":");
  mw_text_json(json, tensor->name, strlen(tensor->name));
  mw_text_format(json, ",\"dtype\":\"%s\",\"shape\":[", mw_dtype_name(dtype));
  mw_text_format(text, "%-7s %s [", mw_dtype_name(dtype), mw_text_escape_z(&name, tensor->name));
  for (unsigned i = 0; i < tensor->rank; i++) {
    mw_text_format(json, i ? ",%llu" : "%llu", (unsigned long long)tensor->shape[i]);
    mw_text_format(text, i ? ",%llu" : "%llu", (unsigned long long)tensor->shape[i]);
  }
  mw_text_format(text, "]");
  mw_text_format(json, "],\"bytes\":%llu,\"file\":", (unsigned long long)mw_safetensors_bytes(tensor));
  slash = slash ? slash + 1 : path;
  mw_text_json(json, slash, strlen(slash));
  if (kernels && mw_dtype_kind_of(dtype) == MW_DTYPE_KIND_REAL) {
    stats s;
    MW_TRY(measure(model, tensor, kernels, &s, err));
    put_stats(inspection, tensor, &s);
  }
  mw_text_format(json, "}");
  mw_text_format(text, "\n");
  return true;
}

/* What a merge of this model would refuse is said as a warning. */
static void warn(mw_inspection *inspection, const mw_model *model) {
  mw_family_member member = {model, "this model"};
  mw_family_rules rules = {0};
  mw_family family;
  mw_error refusal;
  if (!model->folder) return; /* a lone file claims to be no whole model */
  if (mw_family_join(&member, 1, 0, &rules, &inspection->warnings, &family, &refusal)) mw_family_free(&family);
  else mw_warning_add(&inspection->warnings, "a merge would refuse this: %s", refusal.text);
}

static const char *plural(uint64_t count) { return count == 1 ? "" : "s"; }

/* The files of a model, side files too; what is not of the hub's cache promises nothing. */
static bool verify(mw_inspection *inspection, const mw_model *model, mw_error *err) {
  mw_arena arena = {0};
  const char **names;
  size_t count = 1, verified = 0;
  bool ok = !model->folder || mw_file_list(model->folder, &arena, &names, &count, err);
  for (size_t i = 0; ok && i < count; i++) {
    const char *path = model->folder ? mw_file_join(&arena, model->folder, names[i], err) : model->where;
    bool promised;
    ok = path && mw_hub_verify(path, &promised, err);
    if (ok && promised) verified++;
  }
  mw_mem_release(&arena);
  if (verified) mw_text_format(&inspection->text, "%zu of its files have the SHA-256 that the cache knows them by\n", verified);
  return ok;
}

static bool compose(mw_inspection *inspection, const mw_model *model, const char *path, bool with_stats,
                    mw_error *err) {
  const mw_kernels *kernels = NULL;
  if (with_stats) MW_TRY(mw_cpu_kernels(&kernels, err));
  uint64_t parameters = 0, bytes = 0;
  mw_text_format(&inspection->json, "{\"path\":");
  mw_text_json(&inspection->json, path, strlen(path));
  mw_text_format(&inspection->json, ",\"tensors\":[");
  for (size_t i = 0; i < model->tensor_count; i++) {
    MW_TRY(put_tensor(inspection, model, &model->tensors[i], kernels, err));
    parameters += model->tensors[i].elements;
    bytes += mw_safetensors_bytes(&model->tensors[i]);
  }
  mw_text_format(&inspection->json, "],\"parameters\":%llu,\"bytes\":%llu}\n", (unsigned long long)parameters,
                 (unsigned long long)bytes);
  char size[32];
  mw_text_format(&inspection->text, "%zu tensor%s, %llu parameter%s, %s in %zu file%s\n", model->tensor_count,
                 plural(model->tensor_count), (unsigned long long)parameters, plural(parameters), mw_text_size(size, bytes),
                 model->file_count, plural(model->file_count));
  if (with_stats) MW_TRY(verify(inspection, model, err));
  return mw_text_check(&inspection->json, err) && mw_text_check(&inspection->text, err);
}

bool mw_inspect_open(const char *path, bool with_stats, mw_inspection **out, mw_error *err) {
  mw_inspection *inspection = mw_mem_new(1, sizeof *inspection, err);
  mw_model *model;
  if (!inspection) return false;
  bool ok = mw_model_open(path, &inspection->warnings, &model, err);
  if (ok) {
    ok = compose(inspection, model, path, with_stats, err);
    warn(inspection, model);
    mw_model_close(model);
  }
  if (ok) *out = inspection;
  else mw_inspect_free(inspection);
  return ok;
}

void mw_inspect_free(mw_inspection *inspection) {
  if (!inspection) return;
  mw_warning_free(&inspection->warnings);
  mw_text_free(&inspection->json);
  mw_text_free(&inspection->text);
  free(inspection);
}

const char *mw_inspect_json(const mw_inspection *inspection) { return inspection->json.bytes; }
const char *mw_inspect_text(const mw_inspection *inspection) { return inspection->text.bytes; }

size_t mw_inspect_notes(const mw_inspection *inspection, const char *const **lines) {
  *lines = (const char *const *)inspection->warnings.lines;
  return inspection->warnings.count;
}
