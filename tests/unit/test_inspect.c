/* What is told of a model: a million tensors are read and told of in 64 MB. */
#include "memory.h"
#include "toys.h"

static bool gather(void *context, const char *bytes, size_t length) { return mw_text_add(context, bytes, length), true; }

typedef struct counted { size_t bytes, longest; } counted;

static bool count(void *context, const char *bytes, size_t length) {
  counted *c = context;
  c->bytes += length;
  if (length > c->longest) c->longest = length;
  return bytes[length] == 0;
}

static bool refuse(void *context, const char *bytes, size_t length) { return ++*(int *)context < 0 && bytes[length]; }

/* FILE with so many tensors of one byte. */
static void put_many(const char *path, unsigned tensors) {
  mw_text header = {0};
  uint64_t length;
  mw_text_add(&header, "\0\0\0\0\0\0\0", 8);
  for (unsigned i = 0; i < tensors; i++)
    mw_text_format(&header, "%c\"t%07u\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%u,%u]}", i ? ',' : '{', i, i, i + 1);
  mw_text_format(&header, "}");
  length = header.length - 8;
  memcpy(header.bytes, &length, 8);
  for (unsigned i = 0; i < tensors; i++) mw_text_add(&header, "", 1);
  put(path, header.bytes, header.length);
  mw_text_free(&header);
}

static void many(void) {
  enum { TENSORS = MEMORY_COUNTED ? 1 << 20 : 1 << 14 };
  mw_inspection *inspection;
  mw_error err;
  counted json = {0}, text = {0};
  int refused = 0;
  put_many("many.safetensors", TENSORS);
  size_t before = memory_peak = memory_held;
  CHECK(mw_inspect_open("many.safetensors", false, &inspection, &err));
  CHECK(memory_peak - before < 64e6);
  before = memory_peak = memory_held;
  CHECK(mw_inspect_write_json(inspection, count, &json, &err) && json.bytes > TENSORS * 80 && json.longest < 65 << 10);
  CHECK(mw_inspect_write_text(inspection, "*", count, &text, &err) && text.bytes > TENSORS * 16 && text.longest < 65 << 10);
  CHECK(memory_peak - before < 256 << 10 && memory_held == before);
  CHECK(!mw_inspect_write_json(inspection, refuse, &refused, &err) && err.status == MW_IO && refused == 1);
  CHECK(!mw_inspect_write_text(inspection, "*", refuse, &refused, &err) && err.status == MW_IO && refused == 2);
  mw_inspect_free(inspection);
}

/* The JSON in pieces and at once, and where there is no memory for it. */
static void pieces(void) {
  mw_inspection *inspection;
  mw_text json = {0};
  mw_error err;
  put_tensors("m.safetensors", whole, 2);
  CHECK(mw_inspect_open("m.safetensors", true, &inspection, &err) && mw_inspect_write_json(inspection, gather, &json, &err));
  memory_left = 3;
  CHECK(!mw_inspect_write_json(inspection, gather, &json, &err) || !MEMORY_COUNTED);
  memory_left = 3;
  CHECK(!mw_inspect_json(inspection) || !MEMORY_COUNTED);
  memory_left = -1;
  json.length = 0;
  CHECK(mw_inspect_write_json(inspection, gather, &json, &err));
  CHECK_TEXT(mw_inspect_json(inspection), json.bytes);
  mw_text_free(&json);
  mw_inspect_free(inspection);
}

int main(void) {
  toys_begin();
  RUN(many());
  RUN(pieces());
  toys_end();
  UNIT_END();
}
