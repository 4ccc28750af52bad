/* quantised.c: names that no plain model has, then dtypes: integers, or floats of eight bits and fewer, with a scale beside them, hold
 * codes; then the configuration. */
#include "model/quantised.h"
#include <stdio.h>
#include <string.h>

/* Ends of names that only quantised models have. */
static const char *const ends[] = {
    ".qweight", ".qzeros", ".g_idx", ".weight_packed", ".weight_shape", ".weight_zero_point", ".weight_g_idx",
    /* the above: GPTQ, AWQ, compressed-tensors */
    ".weight_scale", ".weight_scale_2", ".weight_global_scale", "_scale_inv", ".scale_weight", "scaled_fp8",   /* fp8, nvfp4 */
    ".absmax", ".nested_absmax", ".quant_map", ".nested_quant_map", ".SCB", ".weight_format",                  /* bitsandbytes */
    ".q_weight", ".q_scale", ".q_scale_max", ".q_invperm", ".q_groups", ".trellis", ".suh", ".svh",             /* exl2, exl3 */
    ".W_q", ".comfy_quant", ".weight_codebook", ".codebooks", ".codes", ".Qidxs", ".codebook_id", ".tlut",      /* HQQ, AQLM, QuIP#, QTIP */
    ".wscales", ".wzeros", ".wcscales", ".smooth_factor",                                                       /* SVDQuant */
    ".invert_perm", ".dense_weights", ".row_offsets", ".centroids.weight",                                     /* VPTQ, SpQR */
    "._data", "._scale", "_qdata"};                                                                            /* quanto, torchao */

/* Words in the last part of a name that is an index, a mask or a counter: integers that are no codes. */
static const char *const integers[] = {"index", "indices", "idx",    "ids",    "mask",  "bias", "pos",  "count", "track", "step",
                                       "version", "bucket", "length", "offset", "shape", "size", "perm", "map",  "token"};

static const char *configured(mw_json object, unsigned depth) {
  mw_json key, value;
  for (mw_json_walk walk = mw_json_enter(object); mw_json_next(&walk, &key, &value);) {
    const char *own = value.kind != MW_JSON_NULL ? mw_config_quantised(key) : NULL;
    if (own) return own;
    const char *within = value.kind == MW_JSON_OBJECT && depth ? configured(value, depth - 1) : NULL;
    if (within) return within;
  }
  return NULL;
}

static bool is_marked(const char *name) {
  if (mw_text_ends_with(name, ".weight") ? !strstr(name, ".centroids.") : mw_text_ends_with(name, ".bias")) return false; /* most names */
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (mw_text_ends_with(name, ends[i])) return true;
  return strstr(name, ".quant_state.") || strstr(name, ".Qidxs_");
}

/* Floats of a byte and less that are not one number each as they stand. */
static bool is_small(mw_dtype dtype) {
  const char *name = mw_dtype_name(dtype);
  return strncmp(name, "F8_", 3) == 0 || strncmp(name, "F6_", 3) == 0 || strcmp(name, "F4") == 0;
}

static bool is_integer(mw_dtype dtype) { return mw_dtype_kind_of(dtype) == MW_DTYPE_KIND_INTEGER && dtype != MW_DTYPE_BOOL; }

static const char *last_of(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot ? dot + 1 : name;
}

/* Whether a tensor of the same module says scale: "x.weight" and "x.scales", "x.weight.scale"; "x_blocks" and "x_scales". Names are
 * sorted, so those of a module stand together. */
static bool has_scale(const mw_family_member *model, size_t index) {
  const char *name = model->tensors[index].name, *end = strrchr(name, '.'), *bar = strrchr(name, '_');
  size_t stem = strlen(name);
  if (end && strcmp(end, ".weight") == 0) stem = (size_t)(end - name);
  else if (bar && (!end || bar > end)) stem = (size_t)(bar - name);
  for (int step = -1; step <= 1; step += 2)
    for (size_t i = index + (size_t)step; i < model->count && strncmp(model->tensors[i].name, name, stem) == 0; i += (size_t)step) {
      const char *rest = model->tensors[i].name + stem;
      if (strncmp(rest, ".weight.", 8) == 0) rest += 7;
      if ((*rest == '.' || *rest == '_') && !strchr(rest + 1, '.') && strstr(rest, "scale")) return true;
    }
  return false;
}

/* Whether the module of an integer matrix has no weight but this: "x.B" beside "x.s" and without a real "x.weight". Integers of other
 * meanings are known by their names. */
static bool is_only_weight(const mw_family_member *model, size_t index) {
  const char *name = model->tensors[index].name, *last = last_of(name);
  size_t stem = (size_t)(last - name);
  bool real = false;
  for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
    if (strstr(last, integers[i])) return false;
  for (int step = -1; stem && step <= 1; step += 2)
    for (size_t i = index + (size_t)step; i < model->count && strncmp(model->tensors[i].name, name, stem) == 0; i += (size_t)step) {
      const mw_tensor *beside = &model->tensors[i];
      if (is_integer((mw_dtype)beside->dtype) || strchr(beside->name + stem, '.')) continue;
      if (strcmp(beside->name + stem, "weight") == 0) return false;
      real |= strcmp(beside->name + stem, "bias") != 0;
    }
  return real;
}

/* Whether a tensor holds codes by its dtype: weights of integers hold them whatever lies beside them. */
static bool holds_codes(const mw_family_member *model, size_t index) {
  const mw_tensor *tensor = &model->tensors[index];
  mw_dtype dtype = (mw_dtype)tensor->dtype;
  bool integer = is_integer(dtype);
  if (strncmp(mw_dtype_name(dtype), "F6_", 3) == 0 || strcmp(mw_dtype_name(dtype), "F4") == 0) return true;
  if (tensor->rank && integer && (mw_text_ends_with(tensor->name, ".weight") || mw_text_ends_with(tensor->name, "_blocks"))) return true;
  if (tensor->rank < 2 || !(integer || is_small(dtype))) return false;
  return has_scale(model, index) || (integer && is_only_weight(model, index));
}

const char *mw_quantised_mark(const mw_family_member *member, bool scaled, bool *configured_only, mw_text_escaped *buffer) {
  mw_text_escaped name;
  *configured_only = false;
  for (size_t i = 0; i < member->count; i++) {
    const mw_tensor *tensor = &member->tensors[i];
    if (!is_marked(tensor->name) && !holds_codes(member, i)) continue;
    snprintf(buffer->bytes, sizeof buffer->bytes, "%s tensor '%.200s'", mw_dtype_name((mw_dtype)tensor->dtype),
             mw_text_escape_z(&name, tensor->name));
    return buffer->bytes;
  }
  const char *key = !scaled && member->model->config.text ? configured(member->model->config.root, 3) : NULL;
  if (!key) return NULL;
  *configured_only = true;
  return snprintf(buffer->bytes, sizeof buffer->bytes, "%s in config.json", key), buffer->bytes;
}

/* "h.0.attn.x": a tensor of a layer. */
static bool has_number(const char *name) {
  for (const char *at = name; (at = strchr(at, '.')); at++) {
    size_t digits = strspn(at + 1, "0123456789");
    if (digits && at[1 + digits] == '.') return true;
  }
  return false;
}

const mw_tensor *mw_quantised_empty(const mw_model *model) {
  for (size_t i = 0; i < model->tensor_count; i++) {
    const mw_tensor *tensor = &model->tensors[i];
    bool weight = mw_text_ends_with(tensor->name, ".weight") || mw_text_ends_with(tensor->name, ".bias") || has_number(tensor->name);
    if (weight && tensor->rank && !mw_tensor_elements(tensor)) return tensor;
  }
  return NULL;
}
