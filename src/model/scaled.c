/* scaled.c: the names that a scale goes by, the shapes that it may have, and the product. A product is rounded once, to f32. */
#include "model/scaled.h"
#include "model/adapted.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 128, MOST_SCALES = 64 << 20, STEP = 4096 };

/* "x.weight" has its scale in x.weight_scale, x.weight_scale_inv (DeepSeek's word for the same factor), x.scale_weight, x.scale and the
 * like; another tensor in NAME_scale or NAME_scale_inv. */
static const mw_tensor *scale_of(const mw_model *model, const char *name, char *buffer, size_t size) {
  static const char *const weight_ends[] = {"weight_scale", "weight_scale_inv", "scale_weight", "scale", "scale_inv", "weight_scales",
                                            "scales", "weight.scale", "w_scale"};
  static const char *const other_ends[] = {"_scale", "_scale_inv"};
  bool weight = mw_text_ends_with(name, ".weight");
  size_t stem = strlen(name) - (weight ? strlen("weight") : 0);
  const char *const *ends = weight ? weight_ends : other_ends;
  for (size_t i = 0, n = weight ? sizeof weight_ends / sizeof *weight_ends : 2; i < n && stem + 20 < size; i++) {
    memcpy(buffer, name, stem);
    strcpy(buffer + stem, ends[i]);
    const mw_tensor *found = mw_model_find(model, buffer);
    if (found) return found;
  }
  return NULL;
}

static bool is_fp8(const mw_tensor *tensor) { return tensor->dtype == MW_DTYPE_F8_E4M3 || tensor->dtype == MW_DTYPE_F8_E5M2; }

/* What only a model in fp8 needs: scales of activations, and the marker. */
static bool is_of_activations(const char *name) {
  static const char *const ends[] = {".input_scale", ".input_scale_ub", ".scale_input", ".activation_scale", ".act_scale",
                                     ".output_scale", ".scale_output", ".q_scale", ".k_scale", ".v_scale", ".kv_scale", ".qkv_scale",
                                     ".prob_scale", "scaled_fp8", ".comfy_quant"};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (mw_text_ends_with(name, ends[i])) return true;
  return false;
}

/* How many elements of an axis share one of `scales` scales: all, one, or a block; 0 where the numbers say nothing. */
static uint64_t elements_each(uint64_t elements, uint64_t scales, uint64_t block) {
  if (scales == 1) return elements;
  if (scales == elements) return 1;
  return block && scales == (elements + block - 1) / block ? block : 0;
}

/* How a scale of this shape lies over the codes; false for a shape that says nothing. Matrices of experts may be stacked: then each
 * has its own rows of scales, which must not share a block with those of the next. */
static bool fits(const mw_tensor *codes, const mw_tensor *scale, const uint64_t block[2], mw_scaled *out) {
  uint64_t width = codes->rank ? codes->shape[codes->rank - 1] : 1, all_rows = width ? mw_tensor_elements(codes) / width : 0;
  uint64_t scales = mw_tensor_elements(scale), rows = codes->rank > 1 ? codes->shape[codes->rank - 2] : 1;
  *out = (mw_scaled){.codes = *codes, .width = width, .rows_each = all_rows, .columns_each = width, .across = 1};
  if (!mw_tensor_elements(codes) || !scales || scales > MOST_SCALES) return false;
  if (scales == 1) return true;
  if (codes->rank > 1 && scales == codes->shape[0] && scale->shape[0] == scales) { /* [n], [n, 1], [n, 1, 1] */
    out->rows_each = all_rows / scales;
    return true;
  }
  if (scale->rank != codes->rank || codes->rank < 2) return false;
  for (unsigned axis = 0; axis + 2 < codes->rank; axis++)
    if (scale->shape[axis] != codes->shape[axis]) return false;
  out->across = scale->shape[scale->rank - 1];
  out->rows_each = elements_each(rows, scale->shape[scale->rank - 2], block[0]);
  out->columns_each = elements_each(width, out->across, block[1]);
  return out->rows_each && out->columns_each && (rows == all_rows || rows % out->rows_each == 0);
}

/* The block that the configuration says, {rows, columns}; else DeepSeek's. */
static void read_block(const mw_config *config, uint64_t block[2]) {
  mw_json quantised = config->text ? mw_json_member(config->root, "quantization_config") : (mw_json){.kind = MW_JSON_END}, key, value;
  unsigned n = 0;
  block[0] = block[1] = BLOCK;
  if (quantised.kind != MW_JSON_OBJECT) return;
  for (mw_json_walk walk = mw_json_enter(mw_json_member(quantised, "weight_block_size")); n < 2 && mw_json_next(&walk, &key, &value); n++)
    if (value.kind != MW_JSON_NUMBER || !mw_json_u64(value, &block[n])) block[n] = 0;
}

static bool read_scale(const mw_model *model, const mw_tensor *scale, mw_scaled *out, mw_arena *arena, mw_error *err) {
  size_t each = mw_dtype_size((mw_dtype)scale->dtype), count = (size_t)mw_tensor_elements(scale);
  mw_text_escaped name;
  unsigned char *bytes = mw_mem_new(count, each, err);
  bool ok = bytes && mw_tensor_read(&model->files[scale->file], scale, 0, bytes, count * each, err) &&
            (out->values = mw_mem_take(arena, count * sizeof *out->values, err)) != NULL;
  for (size_t i = 0; ok && i < count; i++) {
    out->values[i] = (float)mw_dtype_number((mw_dtype)scale->dtype, bytes + i * each);
    if (!isfinite(out->values[i])) ok = mw_error_set(err, MW_DATA, "scale '%s' is not finite", mw_text_escape_z(&name, scale->name));
  }
  free(bytes);
  return ok;
}

static bool is_scale_dtype(const mw_tensor *scale) {
  return scale->dtype == MW_DTYPE_F32 || scale->dtype == MW_DTYPE_BF16 || scale->dtype == MW_DTYPE_F16;
}

static int by_pointer(const void *a, const void *b) {
  uintptr_t x = (uintptr_t)*(const mw_tensor *const *)a, y = (uintptr_t)*(const mw_tensor *const *)b;
  return (x > y) - (x < y);
}

/* Puts what reads as floats in the place of codes; the scales that were used go into `used`. */
static bool replace(mw_family_member *member, mw_arena *arena, const mw_tensor **used, size_t *count, mw_error *err) {
  const mw_model *model = member->model;
  char buffer[1024];
  uint64_t block[2];
  read_block(&model->config, block);
  for (size_t i = 0; i < model->tensor_count; i++) {
    mw_scaled scaled;
    const mw_tensor *own = &model->tensors[i], *codes = own->made == MW_TENSOR_ADAPTED ? &own->adapted->source : own;
    const mw_tensor *scale = is_fp8(codes) ? scale_of(model, codes->name, buffer, sizeof buffer) : NULL;
    member->tensors[i] = *own;
    if (!scale || !is_scale_dtype(scale) || !fits(codes, scale, block, &scaled)) continue;
    mw_scaled *kept = mw_mem_take(arena, sizeof *kept, err);
    if (!kept || !read_scale(model, scale, &scaled, arena, err)) return false;
    *kept = scaled;
    mw_tensor *seen = &member->tensors[i];
    if (seen->made == MW_TENSOR_ADAPTED) MW_TRY((seen = mw_adapted_source(own->adapted, arena, &seen->adapted, err)) != NULL);
    seen->dtype = MW_DTYPE_F32;
    seen->scaled = kept;
    seen->made = MW_TENSOR_SCALED;
    used[(*count)++] = scale;
  }
  return true;
}

bool mw_scaled_list(mw_family_member *member, mw_arena *arena, bool *found, mw_error *err) {
  const mw_model *model = member->model;
  size_t used_count = 0, left = 0;
  member->tensors = mw_mem_take(arena, (model->tensor_count + 2) * sizeof *member->tensors, err);
  const mw_tensor **used = mw_mem_new(model->tensor_count, sizeof *used, err);
  bool ok = member->tensors && used && replace(member, arena, used, &used_count, err);
  if (ok) qsort(used, used_count, sizeof *used, by_pointer);
  for (size_t i = 0; ok && i < model->tensor_count; i++) {
    const mw_tensor *own = &model->tensors[i];
    bool gone = used_count && (is_of_activations(own->name) || bsearch(&own, used, used_count, sizeof *used, by_pointer));
    if (!gone) member->tensors[left++] = member->tensors[i];
  }
  free(used);
  member->count = left;
  *found = used_count != 0;
  return ok;
}

/* ---- reading ---- */

/* The value of a code: sign, exponent, mantissa; E4M3 has no infinities, its NaN is all ones. */
static float value_of(mw_dtype dtype, unsigned char code) {
  bool wide = dtype == MW_DTYPE_F8_E5M2;
  int mantissa_bits = wide ? 2 : 3, bias = wide ? 15 : 7, exponent = (code & 0x7f) >> mantissa_bits,
    mantissa = code & ((1 << mantissa_bits) - 1);
  double size = exponent ? ldexp((1 << mantissa_bits) + mantissa, exponent - bias - mantissa_bits) : ldexp(mantissa,
                                                                                                           1 - bias - mantissa_bits);
  if (wide && exponent == 31) size = mantissa ? (double)NAN : (double)INFINITY;
  if (!wide && (code & 0x7f) == 0x7f) size = (double)NAN;
  return (float)(code & 0x80 ? -size : size);
}

bool mw_scaled_read(const mw_file *file, const mw_scaled *scaled, uint64_t at, void *bytes, size_t length, mw_error *err) {
  float values[256], *out = bytes;
  unsigned char codes[STEP];
  for (unsigned code = 0; code < 256; code++) values[code] = value_of((mw_dtype)scaled->codes.dtype, (unsigned char)code);
  uint64_t element = at / sizeof *out;
  for (size_t done = 0, count = length / sizeof *out; done < count;) {
    size_t n = count - done < STEP ? count - done : STEP;
    MW_TRY(mw_tensor_read(file, &scaled->codes, element + done, codes, n, err));
    for (size_t i = 0; i < n; i++) {
      uint64_t e = element + done + i, row = e / scaled->width, column = e % scaled->width;
      out[done + i] = values[codes[i]] * scaled->values[row / scaled->rows_each * scaled->across + column / scaled->columns_each];
    }
    done += n;
  }
  return true;
}
