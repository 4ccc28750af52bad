/* quantised.c: first the configuration, then names that no plain model has, then dtypes: a matrix of integers, or of eight
 * bits and fewer, with a scale beside it, holds codes. */
#include "model/quantised.h"
#include <stdio.h>
#include <string.h>

static const char *const keys[] = {"quantization_config", "quantization", "compression_config"};

/* Ends of names that only quantised models have. */
static const char *const ends[] = {
    ".qweight", ".qzeros", ".g_idx", ".weight_packed", ".weight_shape", ".weight_zero_point", ".weight_g_idx",
    /* the above: GPTQ, AWQ, compressed-tensors */
    ".weight_scale", ".weight_scale_2", ".weight_global_scale", "_scale_inv", ".scale_weight", "scaled_fp8",   /* fp8, nvfp4 */
    ".absmax", ".nested_absmax", ".quant_map", ".nested_quant_map", ".SCB", ".weight_format",                  /* bitsandbytes */
    ".q_weight", ".q_scale", ".q_scale_max", ".q_invperm", ".q_groups", ".trellis", ".suh", ".svh",             /* exl2, exl3 */
    ".W_q", ".comfy_quant", ".weight_codebook", ".codebooks", ".codes",
    ".invert_perm", ".dense_weights", ".row_offsets"};                                                         /* VPTQ, SpQR */

static bool is_set(mw_json object, const char *key) {
  mw_json value = object.kind == MW_JSON_OBJECT ? mw_json_member(object, key) : (mw_json){.kind = MW_JSON_END};
  return value.kind != MW_JSON_END && value.kind != MW_JSON_NULL;
}

static const char *configured(const mw_config *config) {
  for (size_t i = 0; config->text && i < sizeof keys / sizeof *keys; i++)
    if (is_set(config->root, keys[i]) || is_set(mw_json_member(config->root, "text_config"), keys[i])) return keys[i];
  return NULL;
}

static bool is_marked(const char *name) {
  if (mw_text_ends_with(name, ".weight") || mw_text_ends_with(name, ".bias")) return false; /* most names */
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (mw_text_ends_with(name, ends[i])) return true;
  return strstr(name, ".quant_state.") != NULL;
}

/* Dtypes of a byte and less that are not one number each as they stand. */
static bool is_small(mw_dtype dtype) {
  const char *name = mw_dtype_name(dtype);
  return strncmp(name, "F8_", 3) == 0 || strncmp(name, "F6_", 3) == 0 || strcmp(name, "F4") == 0;
}

/* A matrix of integers or of small floats: codes, if a scale lies beside it. */
static bool may_be_codes(const mw_tensor *tensor) {
  mw_dtype dtype = (mw_dtype)tensor->dtype;
  bool integer = mw_dtype_kind_of(dtype) == MW_DTYPE_KIND_INTEGER && dtype != MW_DTYPE_BOOL;
  return tensor->rank >= 2 && (integer || is_small(dtype));
}

/* Whether a tensor of the same module says scale: "x.weight" and "x.scales", "x_blocks" and "x_scales". Names are sorted, so
 * those of a module stand together. */
static bool has_scale(const mw_family_member *model, size_t index) {
  const char *name = model->tensors[index].name, *end = strrchr(name, '.'), *bar = strrchr(name, '_');
  size_t stem = strlen(name);
  if (end && strcmp(end, ".weight") == 0) stem = (size_t)(end - name);
  else if (bar && (!end || bar > end)) stem = (size_t)(bar - name);
  for (int step = -1; step <= 1; step += 2)
    for (size_t i = index + (size_t)step; i < model->count && strncmp(model->tensors[i].name, name, stem) == 0; i += (size_t)step) {
      const char *rest = model->tensors[i].name + stem;
      if ((*rest == '.' || *rest == '_') && !strchr(rest + 1, '.') && strstr(rest, "scale")) return true;
    }
  return false;
}

/* An integer matrix that is called a weight holds codes whatever lies beside it. */
static bool is_integer_weight(const mw_tensor *tensor) {
  return !is_small((mw_dtype)tensor->dtype) && (mw_text_ends_with(tensor->name, ".weight") || mw_text_ends_with(tensor->name, "_blocks"));
}

const char *mw_quantised_mark(const mw_family_member *member, bool scaled, mw_text_escaped *buffer) {
  mw_text_escaped name;
  const char *key = scaled ? NULL : configured(&member->model->config);
  if (key) return snprintf(buffer->bytes, sizeof buffer->bytes, "%s in config.json", key), buffer->bytes;
  for (size_t i = 0; i < member->count; i++) {
    const mw_tensor *tensor = &member->tensors[i];
    bool odd = strncmp(mw_dtype_name((mw_dtype)tensor->dtype), "F6_", 3) == 0 || strcmp(mw_dtype_name((mw_dtype)tensor->dtype), "F4") == 0;
    if (is_marked(tensor->name) || odd || (may_be_codes(tensor) && (is_integer_weight(tensor) || has_scale(member, i)))) {
      snprintf(buffer->bytes, sizeof buffer->bytes, "%s tensor '%.200s'", mw_dtype_name((mw_dtype)tensor->dtype),
               mw_text_escape_z(&name, tensor->name));
      return buffer->bytes;
    }
  }
  return NULL;
}

const mw_tensor *mw_quantised_empty(const mw_model *model) {
  for (size_t i = 0; i < model->tensor_count; i++) {
    const mw_tensor *tensor = &model->tensors[i];
    bool weight = mw_text_ends_with(tensor->name, ".weight") || mw_text_ends_with(tensor->name, ".bias");
    if (weight && tensor->rank && !mw_tensor_elements(tensor)) return tensor;
  }
  return NULL;
}
