/* tensor.c: chooses a file's format by its first bytes, not by its name: files of the hub's cache have hashes as names. Also what
 * lists of tensors of any format need. */
#include "format/tensor.h"
#include "format/recognise.h"
#include <stdlib.h>
#include <string.h>

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

uint64_t mw_tensor_elements(const mw_tensor *tensor) {
  uint64_t product = 1;
  for (unsigned i = 0; i < tensor->rank; i++) product *= tensor->shape[i];
  return product;
}

uint64_t mw_tensor_bytes(const mw_tensor *tensor) {
  uint64_t elements = mw_tensor_elements(tensor);
  unsigned bits = mw_dtype_bits((mw_dtype)tensor->dtype);
  return elements / 8 * bits + elements % 8 * bits / 8;
}

/* ---- order ---- */

typedef struct sorting {
  const mw_tensor *tensors;
  mw_tensor_order *order;
} sorting;

static int by_index(const void *a, const void *b, void *context) {
  const sorting *s = context;
  return s->order(&s->tensors[*(const uint32_t *)a], &s->tensors[*(const uint32_t *)b]);
}

/* Moves tensor from[i] to place i, for every i. The places form circles: 2 <- 5 <- 3 <- 2; a circle is moved as a whole, with one
 * tensor held beside it. */
static void move_to_places(mw_tensor *tensors, uint32_t *from, size_t count) {
  for (uint32_t i = 0; i < count; i++) {
    mw_tensor first = tensors[i];
    uint32_t at = i, next;
    for (; (next = from[at]) != i; at = next) {
      tensors[at] = tensors[next];
      from[at] = at;
    }
    tensors[at] = first;
    from[at] = at;
  }
}

/* How many of the first tensors are in order. */
static size_t in_order(const mw_tensor *tensors, size_t count, mw_tensor_order *order) {
  size_t sorted = 1;
  while (sorted < count && order(&tensors[sorted - 1], &tensors[sorted]) <= 0) sorted++;
  return sorted;
}

/* The order of tensors, as their numbers: these are sorted in the place of tensors, since qsort may need as much memory again as what
 * it sorts. */
static uint32_t *order_of(const mw_tensor *tensors, size_t count, mw_tensor_order *order, mw_error *err) {
  uint32_t *from = mw_mem_new(count, sizeof *from, err);
  if (!from) return NULL;
  for (uint32_t i = 0; i < count; i++) from[i] = i;
  if (in_order(tensors, count, order) < count) qsort_r(from, count, sizeof *from, by_index, &(sorting){tensors, order});
  return from;
}

bool mw_tensor_sort(mw_tensor *tensors, size_t count, mw_tensor_order *order, mw_error *err) {
  if (in_order(tensors, count, order) >= count) return true;
  uint32_t *from = order_of(tensors, count, order, err);
  if (!from) return false;
  move_to_places(tensors, from, count);
  free(from);
  return true;
}

bool mw_tensor_repeats(const mw_tensor *tensors, size_t count, bool *repeats, mw_error *err) {
  *repeats = false;
  if (count < 2) return true;
  uint32_t *from = order_of(tensors, count, mw_tensor_by_name, err);
  if (!from) return false;
  for (size_t i = 1; i < count && !*repeats; i++) *repeats = strcmp(tensors[from[i - 1]].name, tensors[from[i]].name) == 0;
  free(from);
  return true;
}

int mw_tensor_by_name(const mw_tensor *a, const mw_tensor *b) { return strcmp(a->name, b->name); }

static int against_name(const void *name, const void *tensor) { return strcmp(name, ((const mw_tensor *)tensor)->name); }

const mw_tensor *mw_tensor_named(const mw_tensor *tensors, size_t count, const char *name) {
  return count ? bsearch(name, tensors, count, sizeof *tensors, against_name) : NULL;
}
