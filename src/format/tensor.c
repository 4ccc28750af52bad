/* tensor.c: chooses a file's format by its first bytes, not by its name: files of the hub's cache have hashes as names. */
#include "format/tensor.h"
#include "format/recognise.h"

#define MW_FORMAT(name) extern const mw_tensor_format mw_##name##_format;
#include "format/formats.def"
#undef MW_FORMAT

const mw_tensor_format *const mw_tensor_formats[] = {
#define MW_FORMAT(name) &mw_##name##_format,
#include "format/formats.def"
#undef MW_FORMAT
    NULL};

const char *mw_tensor_ending(const char *name) {
  for (size_t i = 0; mw_tensor_formats[i]; i++)
    if (mw_text_ends_with(name, mw_tensor_formats[i]->ending)) return mw_tensor_formats[i]->ending;
  return NULL;
}

/* What no format recognises is named for what it is, where that is known; else the first format tells what is wrong with it. */
static bool format_of(const mw_file *file, uint8_t *out, mw_error *err) {
  char start[64];
  size_t length = file->size < sizeof start ? (size_t)file->size : sizeof start;
  *out = 0;
  MW_TRY(mw_file_read(file, 0, start, length, err));
  for (uint8_t i = 0; mw_tensor_formats[i]; i++)
    if (mw_tensor_formats[i]->recognise(start, length)) return *out = i, true;
  return mw_recognise_check(file, "a safetensors file, which begins with its header length", err);
}

bool mw_tensor_find(const mw_file *file, uint32_t index, mw_arena *arena, mw_tensor_list *out, mw_error *err) {
  uint8_t format;
  size_t first = out->count;
  MW_TRY(format_of(file, &format, err) && mw_tensor_formats[format]->list(file, arena, out, err));
  for (size_t i = first; i < out->count; i++) {
    out->tensors[i].file = index;
    out->tensors[i].format = format;
  }
  return true;
}

bool mw_tensor_head(const mw_file *file, uint64_t *bytes, mw_error *err) {
  uint8_t format;
  return format_of(file, &format, err) && mw_tensor_formats[format]->head(file, bytes, err);
}

bool mw_tensor_read(const mw_file *file, const mw_tensor *tensor, uint64_t at, void *bytes, size_t length, mw_error *err) {
  return mw_tensor_formats[tensor->format]->read(file, tensor, at, bytes, length, err);
}

uint64_t mw_tensor_bytes(const mw_tensor *tensor) {
  unsigned bits = mw_dtype_bits((mw_dtype)tensor->dtype);
  return tensor->elements / 8 * bits + tensor->elements % 8 * bits / 8;
}
