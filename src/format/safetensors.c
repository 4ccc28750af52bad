/* safetensors.c: the reader checks the rules of the reference implementation in the same order, so that errors agree, then our
 * own. Every size is u64 and checked before it is used. The header is read tensor by tensor: only the tensors stay in memory, not
 * its text. The writer's output is the reference's, byte for byte. */
#include "format/safetensors.h"
#include "format/json_members.h"
#include "format/tensor_entry.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_HEADER = 100000000, DEEPEST = 32, MAX_RANK = MW_TENSOR_ENTRY_DIMS, LONGEST_NAME = MW_TENSOR_ENTRY_NAME };

typedef struct reader {
  const mw_file *file;
  uint64_t data; /* where tensor data begins */
  mw_arena *arena;
  mw_error *err;
  mw_text_escaped path;
  bool described; /* there was a member "__metadata__" */
} reader;

static bool refuse(const reader *r, const char *what) {
  return mw_error_set(r->err, MW_DATA, "%s: %s", r->path.bytes, what);
}

static bool refuse_field(const reader *r, const char *name, const char *field, mw_json found, const char *expected) {
  mw_text_escaped shown_name, shown;
  return mw_error_set(r->err, MW_DATA, "%s: tensor '%s': %s: found %s, expected %s", r->path.bytes,
                      mw_text_escape_z(&shown_name, name), field,
                      found.kind == MW_JSON_END ? "nothing" : mw_text_escape(&shown, found.bytes, found.length), expected);
}

/* ---- the header's bytes ---- */

static uint64_t length_at(const char *start) {
  uint64_t length = 0;
  for (int i = 7; i >= 0; i--) length = length << 8 | (unsigned char)start[i];
  return length;
}

static bool read_length(reader *r) {
  char start[8];
  if (r->file->size < sizeof start)
    return mw_error_set(r->err, MW_DATA, "%s: file size: found %llu bytes, expected at least 8", r->path.bytes,
                        (unsigned long long)r->file->size);
  MW_TRY(mw_file_read(r->file, 0, start, sizeof start, r->err));
  uint64_t n = length_at(start);
  if (n > LARGEST_HEADER || n > r->file->size - 8)
    return mw_error_set(r->err, MW_DATA, "%s: header length: found %llu, expected at most %llu (the rest of the file)",
                        r->path.bytes, (unsigned long long)n,
                        (unsigned long long)(r->file->size - 8 < LARGEST_HEADER ? r->file->size - 8 : LARGEST_HEADER));
  r->data = 8 + n;
  return true;
}

/* A header that was refused is checked as a whole: what is no JSON is told before what is no tensor, with the byte where it is. */
static bool tell_of_text(reader *r) {
  char what[300], *header = mw_mem_new(r->data - 8, 1, r->err);
  mw_error first = *r->err;
  mw_json root;
  snprintf(what, sizeof what, "%s: header", r->path.bytes);
  bool good = header && mw_file_read(r->file, 8, header, r->data - 8, r->err) &&
              mw_json_check(what, header, r->data - 8, DEEPEST, &root, r->err);
  if (good && root.kind != MW_JSON_OBJECT) refuse(r, "header: expected an object");
  else if (good) *r->err = first;
  free(header);
  return false;
}

/* ---- entries ---- */

static bool read_name(const reader *r, mw_json key, mw_tensor *tensor) {
  size_t length;
  mw_text_escaped shown;
  const char *spelt = mw_text_escape(&shown, key.bytes, key.length);
  if (!mw_json_string(key, r->arena, &tensor->name, &length, r->err))
    return r->err->status == MW_MEMORY ? false
                                       : mw_error_set(r->err, MW_DATA, "%s: tensor name %s: a lone surrogate", r->path.bytes, spelt);
  if (length == 0 || length > LONGEST_NAME || memchr(tensor->name, 0, length))
    return mw_error_set(r->err, MW_DATA, "%s: tensor name %s: %s", r->path.bytes, spelt,
                        length == 0 ? "empty" : length > LONGEST_NAME ? "longer than 4096 bytes" : "holds a NUL character");
  return true;
}

/* The product is taken from left to right and checked at every step, as the reference does. */
static bool keep_shape(const reader *r, mw_json spelt, const uint64_t *dims, unsigned rank, const mw_tensor *before, mw_tensor *tensor) {
  uint64_t elements = 1;
  for (unsigned i = 0; i < rank; i++)
    if (__builtin_mul_overflow(elements, dims[i], &elements))
      return refuse_field(r, tensor->name, "shape", spelt, "a product below 2^64");
  tensor->rank = (uint8_t)rank;
  /* Neighbours often have one shape: they share it. */
  if (before && before->rank == rank && memcmp(before->shape, dims, rank * sizeof *dims) == 0) {
    tensor->shape = before->shape;
    return true;
  }
  uint64_t *kept = mw_mem_take(r->arena, rank * sizeof *dims, r->err);
  if (!kept) return false;
  memcpy(kept, dims, rank * sizeof *dims);
  tensor->shape = kept;
  return true;
}

static bool read_shape(const reader *r, mw_json value, const mw_tensor *before, mw_tensor *tensor) {
  uint64_t dims[MAX_RANK];
  unsigned rank = 0;
  mw_json dim;
  if (value.kind != MW_JSON_ARRAY) return refuse_field(r, tensor->name, "shape", value, "a list of whole numbers");
  for (mw_json_walk walk = mw_json_enter(value); mw_json_next(&walk, NULL, &dim); rank++) {
    if (rank == MAX_RANK) return refuse_field(r, tensor->name, "shape", value, "at most 64 dimensions");
    if (!mw_json_u64(dim, &dims[rank])) return refuse_field(r, tensor->name, "shape", dim, "whole numbers below 2^64");
  }
  return keep_shape(r, value, dims, rank, before, tensor);
}

static bool read_offsets(const reader *r, mw_json value, const char *name, uint64_t offsets[2]) {
  unsigned count = 0;
  mw_json number;
  bool good = value.kind == MW_JSON_ARRAY;
  for (mw_json_walk walk = mw_json_enter(value); good && mw_json_next(&walk, NULL, &number); count++)
    good = count < 2 && mw_json_u64(number, &offsets[count]);
  return (good && count == 2) || refuse_field(r, name, "data_offsets", value, "two whole numbers [begin, end]");
}

static bool check_span(const reader *r, const mw_tensor *tensor, mw_json shape, mw_json offsets_spelt,
                       const uint64_t offsets[2]) {
  uint64_t bits, space = r->file->size - r->data;
  if (__builtin_mul_overflow(mw_tensor_elements(tensor), (uint64_t)mw_dtype_bits((mw_dtype)tensor->dtype), &bits))
    return refuse_field(r, tensor->name, "shape", shape, "a size in bits below 2^64");
  if (bits % 8) return refuse_field(r, tensor->name, "dtype and shape", shape, "a whole number of bytes");
  char expected[80];
  if (offsets[0] > offsets[1] || offsets[1] > space) {
    snprintf(expected, sizeof expected, "begin <= end <= %llu, by the file size", (unsigned long long)space);
    return refuse_field(r, tensor->name, "data_offsets", offsets_spelt, expected);
  }
  if (offsets[1] - offsets[0] == bits / 8) return true;
  mw_text_escaped name, spelt, dims;
  return mw_error_set(r->err, MW_DATA, "%s: tensor '%s': data_offsets %s hold %llu bytes, expected %llu for shape %s of %s",
                      r->path.bytes, mw_text_escape_z(&name, tensor->name),
                      mw_text_escape(&spelt, offsets_spelt.bytes, offsets_spelt.length),
                      (unsigned long long)(offsets[1] - offsets[0]), (unsigned long long)(bits / 8),
                      mw_text_escape(&dims, shape.bytes, shape.length), mw_dtype_name((mw_dtype)tensor->dtype));
}

/* `before` is another tensor of the file, or NULL. */
static bool read_entry(const reader *r, mw_json key, mw_json entry, const mw_tensor *before, mw_tensor *tensor) {
  mw_json field, value, dtype = {0}, shape = {0}, offsets_spelt = {0};
  uint64_t offsets[2];
  *tensor = (mw_tensor){0};
  MW_TRY(read_name(r, key, tensor));
  if (entry.kind != MW_JSON_OBJECT) return refuse_field(r, tensor->name, "entry", entry, "an object");
  for (mw_json_walk walk = mw_json_enter(entry); mw_json_next(&walk, &field, &value);) {
    if (mw_json_equals(field, "dtype")) dtype = value;
    else if (mw_json_equals(field, "shape")) shape = value;
    else if (mw_json_equals(field, "data_offsets")) offsets_spelt = value;
    else return refuse_field(r, tensor->name, "unknown field", field, "dtype, shape and data_offsets only");
  }
  mw_dtype parsed;
  if (dtype.kind != MW_JSON_STRING || !mw_dtype_parse(dtype.bytes + 1, dtype.length - 2, &parsed))
    return refuse_field(r, tensor->name, "dtype", dtype, "one of the 22 dtypes of safetensors");
  tensor->dtype = (uint8_t)parsed;
  MW_TRY(read_shape(r, shape, before, tensor));
  MW_TRY(read_offsets(r, offsets_spelt, tensor->name, offsets));
  MW_TRY(check_span(r, tensor, shape, offsets_spelt, offsets));
  tensor->offset = r->data + offsets[0];
  return true;
}

/* The same from an entry that is spelt as nearly all are. */
static bool take_entry(const reader *r, const mw_tensor_entry *entry, const mw_tensor *before, mw_tensor *tensor) {
  *tensor = (mw_tensor){.dtype = (uint8_t)entry->dtype, .offset = r->data + entry->offsets[0]};
  return (tensor->name = mw_mem_copy(r->arena, entry->name, entry->name_length, r->err)) &&
         keep_shape(r, entry->shape, entry->dims, entry->rank, before, tensor) &&
         check_span(r, tensor, entry->shape, entry->data_offsets, entry->offsets);
}

/* ---- the whole file ---- */

static int by_offset(const mw_tensor *a, const mw_tensor *b) {
  if (a->offset != b->offset) return a->offset < b->offset ? -1 : 1;
  uint64_t n = mw_tensor_bytes(a), m = mw_tensor_bytes(b);
  return n != m ? (n < m ? -1 : 1) : strcmp(a->name, b->name);
}

/* Sorted by offset, tensors fill the data without holes or overlaps. */
static bool check_cover(const reader *r, const mw_tensor *tensors, size_t count) {
  uint64_t at = r->data;
  for (size_t i = 0; i < count; i++) {
    mw_text_escaped name;
    if (tensors[i].offset != at)
      return mw_error_set(r->err, MW_DATA, "%s: tensor '%s': data_offsets leave %s: begins at %llu, expected %llu",
                          r->path.bytes, mw_text_escape_z(&name, tensors[i].name),
                          tensors[i].offset < at ? "an overlap" : "a hole",
                          (unsigned long long)(tensors[i].offset - r->data), (unsigned long long)(at - r->data));
    at += mw_tensor_bytes(&tensors[i]);
  }
  if (at == r->file->size) return true;
  return mw_error_set(r->err, MW_DATA, "%s: file size: found %llu bytes, expected %llu by the last tensor", r->path.bytes,
                      (unsigned long long)r->file->size, (unsigned long long)at);
}

static bool read_metadata(reader *r, mw_json metadata, mw_tensor_list *out) {
  mw_json key, value;
  if (r->described) return refuse(r, "__metadata__: there are two");
  r->described = true;
  if (metadata.kind == MW_JSON_NULL) return true;
  if (metadata.kind != MW_JSON_OBJECT) return refuse(r, "__metadata__: expected an object of strings");
  for (mw_json_walk walk = mw_json_enter(metadata); mw_json_next(&walk, &key, &value);)
    if (!mw_json_is_text(key) || !mw_json_is_text(value)) return refuse(r, "__metadata__: expected an object of strings");
  return (out->metadata = mw_mem_copy(r->arena, metadata.bytes, metadata.length, r->err)) != NULL;
}

static mw_tensor *add(const reader *r, mw_tensor_list *out) {
  if (out->count >= MW_TENSOR_MOST) return refuse(r, "more than 1048576 tensors"), NULL;
  if (!mw_mem_grow(&out->tensors, &out->capacity, out->count + 1, sizeof *out->tensors, r->err)) return NULL;
  return &out->tensors[out->count++];
}

static bool is_metadata(const mw_tensor_entry *entry) { return entry->name_length == 12 && memcmp(entry->name, "__metadata__", 12) == 0; }

static bool read_members(reader *r, mw_json_members *members, mw_tensor_list *out) {
  mw_json member, key, value;
  mw_tensor_entry entry;
  for (size_t first = out->count, length;;) {
    const char *text = mw_json_members_peek(members, &length);
    bool usual = text && (length = mw_tensor_entry_read(text, length, &entry)) && !is_metadata(&entry) &&
                 mw_json_members_pass(members, length);
    if (!usual) {
      MW_TRY(mw_json_members_next(members, &member, r->err));
      if (member.kind == MW_JSON_END) return true;
      mw_json_walk walk = mw_json_enter(member);
      mw_json_next(&walk, &key, &value);
      if (mw_json_equals(key, "__metadata__")) {
        MW_TRY(read_metadata(r, value, out));
        continue;
      }
    }
    mw_tensor *tensor = add(r, out), *before = tensor && out->count > first + 1 ? tensor - 1 : NULL;
    MW_TRY(tensor && (usual ? take_entry(r, &entry, before, tensor) : read_entry(r, key, value, before, tensor)));
  }
}

static bool check_names(const reader *r, const mw_tensor *tensors, size_t count) {
  bool repeats;
  return mw_tensor_repeats(tensors, count, &repeats, r->err) && (!repeats || refuse(r, "two tensors have one name"));
}

static bool read_tensors(reader *r, mw_tensor_list *out) {
  size_t first = out->count;
  mw_json_members members = {.file = r->file, .at = 8, .end = r->data, .depth = DEEPEST};
  bool ok = read_members(r, &members, out);
  mw_json_members_free(&members);
  mw_tensor *tensors = out->tensors ? out->tensors + first : NULL;
  size_t count = out->count - first;
  ok = ok && check_names(r, tensors, count);
  return ok ? mw_tensor_sort(tensors, count, by_offset, r->err) && check_cover(r, tensors, count)
            : r->err->status == MW_DATA && tell_of_text(r);
}

/* ---- the format ---- */

static bool recognise(const char *start, size_t length) { return length > 8 && length_at(start) <= LARGEST_HEADER && start[8] == '{'; }

static bool list(const mw_file *file, mw_arena *arena, mw_tensor_list *out, mw_error *err) {
  reader r = {.file = file, .arena = arena, .err = err};
  mw_text_escape_z(&r.path, file->path);
  return read_length(&r) && read_tensors(&r, out);
}

static bool head(const mw_file *file, uint64_t *bytes, mw_error *err) {
  char start[8] = {0};
  *bytes = file->size < sizeof start ? file->size : sizeof start;
  MW_TRY(mw_file_read(file, 0, start, (size_t)*bytes, err));
  uint64_t length = length_at(start);
  if (*bytes == sizeof start && length <= LARGEST_HEADER && length <= file->size - sizeof start) *bytes += length;
  return true;
}

static bool read_elements(const mw_file *file, const mw_tensor *tensor, uint64_t at, void *bytes, size_t length, mw_error *err) {
  return mw_file_read(file, tensor->offset + at, bytes, length, err);
}

const mw_tensor_format mw_safetensors_format = {MW_SAFETENSORS_ENDING, recognise, list, head, read_elements};

/* ---- writing ---- */

int mw_safetensors_order(const void *a, const void *b) {
  const mw_tensor *x = *(const mw_tensor *const *)a, *y = *(const mw_tensor *const *)b;
  return x->dtype != y->dtype ? (int)y->dtype - (int)x->dtype : strcmp(x->name, y->name);
}

/* A hash in the metadata is that of the file it was copied from. */
static void put_metadata(const char *metadata, mw_text *out) {
  mw_json object = {MW_JSON_OBJECT, metadata, strlen(metadata)}, key, value;
  bool any = false;
  mw_text_format(out, "{\"__metadata__\":{");
  for (mw_json_walk walk = mw_json_enter(object); mw_json_next(&walk, &key, &value);) {
    if (memmem(key.bytes, key.length, "hash", 4)) continue;
    if (any) mw_text_add(out, ",", 1);
    mw_text_add(out, key.bytes, key.length);
    mw_text_add(out, ":", 1);
    mw_text_add(out, value.bytes, value.length);
    any = true;
  }
  mw_text_add(out, "}", 1);
}

bool mw_safetensors_header(mw_tensor *const *tensors, size_t count, const char *metadata, mw_text *out, mw_error *err) {
  mw_text_add(out, "\0\0\0\0\0\0\0\0", 8);
  put_metadata(metadata ? metadata : "{\"format\":\"pt\"}", out);
  uint64_t at = 0;
  for (size_t i = 0; i < count; i++) {
    mw_tensor *t = tensors[i];
    mw_text_add(out, ",", 1);
    mw_text_json(out, t->name, strlen(t->name));
    mw_text_format(out, ":{\"dtype\":\"%s\",\"shape\":", mw_dtype_name((mw_dtype)t->dtype));
    mw_text_shape(out, t->shape, t->rank);
    t->offset = at;
    at += mw_tensor_bytes(t);
    mw_text_format(out, ",\"data_offsets\":[%llu,%llu]}", (unsigned long long)t->offset, (unsigned long long)at);
  }
  mw_text_add(out, "}", 1);
  while (!out->failed && out->length % 8) mw_text_add(out, " ", 1);
  MW_TRY(mw_text_check(out, err));
  uint64_t length = out->length - 8;
  if (length > LARGEST_HEADER)
    return mw_error_set(err, MW_CANNOT_CREATE, "the output's header would be %llu bytes, at most 100000000 are allowed",
                        (unsigned long long)length);
  for (int i = 0; i < 8; i++) out->bytes[i] = (char)(length >> (8 * i));
  for (size_t i = 0; i < count; i++) tensors[i]->offset += out->length;
  return true;
}
