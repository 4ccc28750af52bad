/* dataset.c: a row of ids is a window, a text is cut into windows. The ids of all windows are in one list, one window after the
 * other. */
#include "text/dataset.h"
#include "base/dtype.h"
#include "format/json.h"
#include "format/tensor.h"
#include "text/tokenizer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_ROW = 1 << 20, DEEPEST = 64, LARGEST_TEXT = 1 << 30 };

typedef struct builder {
  const mw_dataset_source *source;
  const char *path, *field; /* the file; the field that the user named, or NULL */
  mw_text_escaped shown;           /* the file, for messages */
  mw_tokenizer *tokenizer;  /* opened by the first text */
  mw_dataset *set;
  mw_ids ids;
  size_t capacity; /* of the windows */
  mw_arena arena;
  mw_error *err;
} builder;

/* The ids from `from` on become a window; fewer than 2, which predict nothing, are dropped. */
static bool add_window(builder *b, size_t from) {
  size_t length = b->ids.count - from;
  if (length < 2) return b->ids.count = from, true;
  MW_TRY(mw_mem_grow(&b->set->windows, &b->capacity, b->set->count + 1, sizeof *b->set->windows, b->err));
  b->set->windows[b->set->count++] = (mw_dataset_window){.length = (uint32_t)length};
  b->set->tokens += length;
  if (length > b->set->longest) b->set->longest = (uint32_t)length;
  return true;
}

/* The largest valid id. */
static uint64_t limit(const builder *b) {
  return b->source->vocabulary && b->source->vocabulary <= UINT32_MAX ? b->source->vocabulary - 1 : UINT32_MAX;
}

/* ---- tensors ---- */

typedef struct column {
  const mw_tensor *tensor;
  unsigned char *row;
  size_t size;
  bool negative; /* the dtype has a sign */
} column;

static bool refuse_tensor(builder *b, const mw_tensor *tensor, const char *expected) {
  mw_text_escaped name;
  mw_text shape = {0};
  mw_text_shape(&shape, tensor->shape, tensor->rank);
  mw_error_set(b->err, MW_DATA, "%s: tensor '%s': found %s %s, expected %s", b->shown.bytes,
               mw_text_escape_z(&name, tensor->name), mw_dtype_name((mw_dtype)tensor->dtype), shape.bytes ? shape.bytes : "",
               expected);
  mw_text_free(&shape);
  return false;
}

static bool open_column(builder *b, const mw_tensor *tensor, bool mask, column *out) {
  mw_dtype dtype = (mw_dtype)tensor->dtype;
  bool integer = mw_dtype_kind_of(dtype) == MW_DTYPE_KIND_INTEGER && (mask || dtype != MW_DTYPE_BOOL);
  if (!integer) return refuse_tensor(b, tensor, mask ? "an integer dtype or BOOL" : "an integer dtype");
  if (tensor->rank != 2) return refuse_tensor(b, tensor, "two dimensions [windows, tokens]");
  if (tensor->shape[1] < 2 || tensor->shape[1] > LONGEST_ROW) return refuse_tensor(b, tensor, "2 to 1048576 tokens a window");
  *out = (column){.tensor = tensor, .size = mw_dtype_size(dtype), .negative = mw_dtype_name(dtype)[0] == 'I'};
  return (out->row = mw_mem_take(&b->arena, (size_t)tensor->shape[1] * out->size, b->err)) != NULL;
}

static bool read_row(builder *b, const mw_file *file, column *c, uint64_t row) {
  size_t bytes = (size_t)c->tensor->shape[1] * c->size;
  return mw_tensor_read(file, c->tensor, row * bytes, c->row, bytes, b->err);
}

/* Element i of the row; an error if it is above `most`. */
static bool element(builder *b, const column *c, uint64_t row, uint64_t i, uint64_t most, uint32_t *out) {
  uint64_t value = 0;
  for (size_t k = c->size; k-- > 0;) value = value << 8 | c->row[i * c->size + k];
  bool below = c->negative && value >> (c->size * 8 - 1);
  *out = (uint32_t)value;
  if (!below && value <= most) return true;
  if (below) value = (UINT64_MAX << (c->size * 8 - 1)) | value;
  char found[32];
  snprintf(found, sizeof found, below ? "%lld" : "%llu", (long long)value);
  return mw_error_set(b->err, MW_DATA, "%s: %s[%llu, %llu]: found %s, expected 0 to %llu", b->shown.bytes, c->tensor->name,
                      (unsigned long long)row, (unsigned long long)i, found, (unsigned long long)most);
}

/* Where the ones in a row of the mask begin and end. They must be one run, so that positions have no gaps. */
static bool masked(builder *b, const column *mask, uint64_t row, uint64_t *first, uint64_t *end) {
  uint64_t runs = 0, length = mask->tensor->shape[1];
  uint32_t before = 0, one;
  *first = *end = 0;
  for (uint64_t i = 0; i < length; i++, before = one) {
    MW_TRY(element(b, mask, row, i, 1, &one));
    if (one && !before && runs++ == 0) *first = i;
    if (one) *end = i + 1;
  }
  return runs < 2 || mw_error_set(b->err, MW_DATA, "%s: attention_mask, row %llu: found ones in %llu places, expected one run",
                                  b->shown.bytes, (unsigned long long)row, (unsigned long long)runs);
}

static bool read_rows(builder *b, const mw_file *file, const mw_tensor *ids, const mw_tensor *mask) {
  column tokens, real;
  uint32_t id;
  MW_TRY(open_column(b, ids, false, &tokens));
  if (mask) MW_TRY(open_column(b, mask, true, &real));
  if (mask && (mask->shape[0] != ids->shape[0] || mask->shape[1] != ids->shape[1]))
    return refuse_tensor(b, mask, "the shape of input_ids");
  for (uint64_t row = 0; row < ids->shape[0]; row++) {
    uint64_t first = 0, end = ids->shape[1];
    size_t from = b->ids.count;
    MW_TRY(read_row(b, file, &tokens, row));
    if (mask) MW_TRY(read_row(b, file, &real, row) && masked(b, &real, row, &first, &end));
    for (uint64_t i = first; i < end; i++) {
      MW_TRY(element(b, &tokens, row, i, limit(b), &id));
      MW_TRY(mw_ids_add(&b->ids, id, b->err));
    }
    MW_TRY(add_window(b, from));
  }
  return true;
}

static bool read_tensors(builder *b) {
  mw_file file;
  mw_tensor_list list = {0};
  const mw_tensor *ids = NULL, *mask = NULL;
  MW_TRY(mw_file_open(&file, b->path, b->err));
  bool ok = mw_tensor_find(&file, 0, &b->arena, &list, b->err);
  for (size_t i = 0; ok && i < list.count; i++) {
    if (strcmp(list.tensors[i].name, "input_ids") == 0) ids = &list.tensors[i];
    if (strcmp(list.tensors[i].name, "attention_mask") == 0) mask = &list.tensors[i];
  }
  if (ok && !ids)
    ok = mw_error_set(b->err, MW_DATA, "%s: found no tensor 'input_ids', expected one of shape [windows, tokens]", b->shown.bytes);
  ok = ok && read_rows(b, &file, ids, mask) && mw_file_unchanged(&file, b->err);
  free(list.tensors);
  mw_file_close(&file);
  return ok;
}

/* ---- texts ---- */

static bool open_tokenizer(builder *b) {
  if (b->tokenizer) return true;
  if (b->source->tokenizer) return mw_tokenizer_open(b->source->tokenizer, &b->tokenizer, b->err);
  mw_error_set(b->err, MW_DATA, "%s: a text, and no tokenizer to read it with", b->shown.bytes);
  return mw_error_hint(b->err, "give a file of token ids (.safetensors with input_ids), or a model that has a tokenizer");
}

/* One document: its ids, cut into windows. `where` names it in errors. */
static bool add_text(builder *b, const char *where, const char *text, size_t length) {
  uint32_t window = b->source->window ? b->source->window : MW_DATASET_WINDOW;
  mw_ids document = {0};
  MW_TRY(open_tokenizer(b));
  bool ok = mw_tokenizer_encode(b->tokenizer, text, length, true, &document, b->err);
  if (!ok) mw_error_wrap(b->err, "%s", where);
  size_t from = b->ids.count;
  for (size_t i = 0; ok && i < document.count; i++) {
    if (document.ids[i] > limit(b))
      ok = mw_error_set(b->err, MW_DATA, "%s: its tokenizer gives id %lu, expected 0 to %llu, the rows of the embedding", where,
                        (unsigned long)document.ids[i], (unsigned long long)limit(b));
    ok = ok && mw_ids_add(&b->ids, document.ids[i], b->err);
    if (ok && b->ids.count - from == window) ok = add_window(b, from), from = b->ids.count;
  }
  free(document.ids);
  return ok && add_window(b, from);
}

static bool read_text(builder *b) {
  char *text;
  size_t length;
  MW_TRY(mw_file_slurp(b->path, LARGEST_TEXT, &text, &length, b->err));
  bool ok = add_text(b, b->shown.bytes, text, length);
  free(text);
  return ok;
}

/* ---- JSON lines ---- */

static bool add_array(builder *b, const char *where, mw_json array) {
  mw_json number;
  mw_text_escaped shown;
  uint64_t id;
  size_t from = b->ids.count;
  for (mw_json_walk walk = mw_json_enter(array); mw_json_next(&walk, NULL, &number);) {
    if (!mw_json_u64(number, &id) || id > limit(b))
      return mw_error_set(b->err, MW_DATA, "%s: token %zu: found %s, expected a whole number from 0 to %llu", where,
                          b->ids.count - from, mw_text_escape(&shown, number.bytes, number.length), (unsigned long long)limit(b));
    if (b->ids.count - from == LONGEST_ROW)
      return mw_error_set(b->err, MW_DATA, "%s: more than %d tokens in one window", where, LONGEST_ROW);
    MW_TRY(mw_ids_add(&b->ids, (uint32_t)id, b->err));
  }
  return add_window(b, from);
}

static bool add_line(builder *b, const char *where, const char *line, size_t length) {
  mw_json root, value;
  mw_text_escaped shown;
  MW_TRY(mw_json_check(where, line, length, DEEPEST, &root, b->err));
  value = root;
  if (root.kind == MW_JSON_OBJECT) {
    value = mw_json_member(root, b->field ? b->field : "input_ids");
    if (!b->field && value.kind == MW_JSON_END) value = mw_json_member(root, "text");
  }
  if (value.kind == MW_JSON_ARRAY) return add_array(b, where, value);
  if (value.kind != MW_JSON_STRING || root.kind == MW_JSON_STRING) {
    mw_error_set(b->err, MW_DATA, "%s: field '%s': found %s, expected a text or a list of token ids", where,
                 b->field ? mw_text_escape_z(&shown, b->field) : "text",
                 value.kind == MW_JSON_END ? "nothing" : root.kind == MW_JSON_OBJECT ? "another kind" : "no object");
    return mw_error_hint(b->err, "x.jsonl:FIELD names another field");
  }
  mw_arena arena = {0};
  const char *text;
  size_t size;
  bool ok = mw_json_string(value, &arena, &text, &size, b->err) || mw_error_wrap(b->err, "%s", where);
  ok = ok && add_text(b, where, text, size);
  mw_mem_release(&arena);
  return ok;
}

static bool read_lines(builder *b) {
  char *text, where[sizeof b->shown + 32];
  size_t length, number = 0;
  MW_TRY(mw_file_slurp(b->path, LARGEST_TEXT, &text, &length, b->err));
  bool ok = true;
  for (const char *at = text, *end = text + length, *stop; ok && at < end; at = stop + 1) {
    if (!(stop = memchr(at, '\n', (size_t)(end - at)))) stop = end;
    snprintf(where, sizeof where, "%s: line %zu", b->shown.bytes, ++number);
    ok = add_line(b, where, at, (size_t)(stop - at));
  }
  free(text);
  return ok;
}

/* ---- the whole ---- */

static bool read_all(builder *b) {
  static const char mark[] = ".jsonl:";
  const char *colon = strstr(b->path, mark);
  for (const char *later; colon && (later = strstr(colon + 1, mark));) colon = later; /* the last one */
  if (colon && !strchr(colon, '/')) {
    size_t length = (size_t)(colon - b->path) + strlen(mark) - 1;
    b->field = colon + strlen(mark);
    MW_TRY((b->path = mw_mem_copy(&b->arena, b->path, length, b->err)) != NULL);
  }
  mw_text_escape_z(&b->shown, b->path);
  if (b->field && !*b->field) return mw_error_set(b->err, MW_USAGE, "%s: no field is named behind the colon", b->shown.bytes);
  if (b->field || mw_text_ends_with(b->path, ".jsonl")) return read_lines(b);
  if (mw_tensor_ending(b->path)) return read_tensors(b);
  if (mw_text_ends_with(b->path, ".txt")) return read_text(b);
  mw_error_set(b->err, MW_USAGE, "%s: not a kind of data: expected a name that ends in .safetensors, .jsonl or .txt", b->shown.bytes);
  return mw_error_hint(
      b->err,
      "x.safetensors has input_ids, x.jsonl lines of ids or texts (x.jsonl:FIELD names their field), x.txt is a text");
}

bool mw_dataset_open(const mw_dataset_source *source, mw_dataset **out, mw_error *err) {
  builder b = {.source = source, .path = source->path, .err = err};
  if (source->window == 1) return mw_error_set(err, MW_USAGE, "a window of 1 token predicts nothing: expected at least 2");
  if (!(b.set = mw_mem_new(1, sizeof *b.set, err))) return false;
  b.set->path = strdup(source->path);
  bool ok = b.set->path ? true : mw_error_memory(err, strlen(source->path));
  ok = ok && read_all(&b);
  if (ok && b.set->count == 0)
    ok = mw_error_set(err, MW_DATA, "%s: found no window of at least 2 tokens, expected at least one", b.shown.bytes);
  const uint32_t *at = b.set->ids = b.ids.ids;
  for (size_t i = 0; ok && i < b.set->count; at += b.set->windows[i++].length) b.set->windows[i].ids = at;
  mw_tokenizer_free(b.tokenizer);
  mw_mem_release(&b.arena);
  if (ok) *out = b.set;
  else mw_dataset_free(b.set);
  return ok;
}

void mw_dataset_free(mw_dataset *set) {
  if (!set) return;
  free(set->path);
  free(set->windows);
  free(set->ids);
  free(set);
}
