/* test_layout.c: headers byte for byte as the reference writer's (expected bytes are from the independent writer
 * corpus/stref.py), shards as huggingface_hub fills them, the index as json.dumps prints it. */
#include <string.h>

#include "output/layout.h"
#include "unit.h"

static mw_tensor tensor(const char *name, mw_dtype dtype, const uint64_t *shape, unsigned rank) {
  mw_tensor made = {.name = name, .shape = shape, .rank = (uint8_t)rank, .dtype = (uint8_t)dtype};
  return made;
}

static void check_header(const mw_tensor *tensors, size_t count, const char *json, uint64_t size) {
  mw_error err = {0};
  mw_layout layout;
  CHECK(mw_layout_make(tensors, count, 5000000000u, &(mw_layout_names){.stem = "model"}, &layout, &err));
  CHECK(layout.shard_count == 1 && layout.shards[0].size == size);
  CHECK_TEXT(layout.shards[0].name, "model.safetensors");
  CHECK(layout.shards[0].header.length == 8 + strlen(json));
  uint64_t length = 0;
  for (unsigned i = 0; i < 8; i++) length |= (uint64_t)(unsigned char)layout.shards[0].header.bytes[i] << 8 * i;
  CHECK(length == strlen(json));
  CHECK_TEXT(layout.shards[0].header.bytes + 8, json);
  mw_layout_free(&layout);
}

static void test_headers(void) {
  static const uint64_t s123[] = {1, 2, 3}, s1123[] = {1, 1, 2, 3}, s12[] = {1, 2}, one[] = {1}, two[] = {2},
                        three[] = {3}, none[] = {0, 4};
  mw_tensor a = tensor("attn.0", MW_DTYPE_F32, s123, 3), b = tensor("attn0", MW_DTYPE_F32, s1123, 4),
            c = tensor("attn.0", MW_DTYPE_F4, s12, 2);
  check_header(&a, 1, "{\"__metadata__\":{\"format\":\"pt\"},\"attn.0\":{\"dtype\":\"F32\",\"shape\":[1,2,3],"
               "\"data_offsets\":[0,24]}} ", 128);
  check_header(&b, 1, "{\"__metadata__\":{\"format\":\"pt\"},\"attn0\":{\"dtype\":\"F32\",\"shape\":[1,1,2,3],"
               "\"data_offsets\":[0,24]}}", 128);
  check_header(&c, 1, "{\"__metadata__\":{\"format\":\"pt\"},\"attn.0\":{\"dtype\":\"F4\",\"shape\":[1,2],"
               "\"data_offsets\":[0,1]}}     ", 105);
  check_header(NULL, 0, "{\"__metadata__\":{\"format\":\"pt\"}}", 40);
  mw_tensor mixed[] = {tensor("a\"\\\n\x01/\xc3\xa9", MW_DTYPE_BF16, two, 1), tensor("b", MW_DTYPE_BF16, one, 1),
                       tensor("e", MW_DTYPE_F32, none, 2), tensor("m", MW_DTYPE_BOOL, three, 1),
                       tensor("z", MW_DTYPE_I64, NULL, 0)};
  check_header(mixed, 5, "{\"__metadata__\":{\"format\":\"pt\"},\"z\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":"
               "[0,8]},\"e\":{\"dtype\":\"F32\",\"shape\":[0,4],\"data_offsets\":[8,8]},\"a\\\"\\\\\\n\\u0001/\xc3\xa9\":"
               "{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[8,12]},\"b\":{\"dtype\":\"BF16\",\"shape\":[1],"
               "\"data_offsets\":[12,14]},\"m\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[14,17]}}       ", 353);
}

/* Sizes 40, 40, 100, 40, 40 with a limit of 80: the big one closes first, then (a b), then (d e). */
/* A header that no reader takes is not written. */
static void test_longest_header(void) {
  mw_text metadata = {0}, header = {0};
  mw_error err = {0};
  mw_tensor *none = NULL;
  mw_text_format(&metadata, "{\"format\":\"pt\",\"x\":\"%*s\"}", 100000000, "x");
  CHECK(!mw_safetensors_header(&none, 0, metadata.bytes, &header, &err) && err.status == MW_CANNOT_CREATE);
  CHECK(strstr(err.text, "at most 100000000 are allowed"));
  mw_text_free(&metadata);
  mw_text_free(&header);
}

static void test_shards(void) {
  static const uint64_t ten[] = {10}, much[] = {25};
  mw_tensor tensors[] = {tensor("a", MW_DTYPE_F32, ten, 1), tensor("b", MW_DTYPE_F32, ten, 1),
                         tensor("c", MW_DTYPE_F32, much, 1), tensor("d", MW_DTYPE_F32, ten, 1),
                         tensor("e", MW_DTYPE_F32, ten, 1)};
  static const uint32_t expected[] = {1, 1, 0, 2, 2};
  mw_error err = {0};
  mw_layout layout;
  CHECK(mw_layout_make(tensors, 5, 80, &(mw_layout_names){.stem = "model"}, &layout, &err));
  CHECK(layout.shard_count == 3 && layout.total_size == 260 && layout.count == 5);
  for (size_t i = 0; i < 5; i++) CHECK(layout.tensors[i].file == expected[i]);
  CHECK_TEXT(layout.shards[2].name, "model-00003-of-00003.safetensors");
  CHECK(layout.tensors[0].offset == layout.shards[1].header.length);
  CHECK(layout.tensors[1].offset == layout.tensors[0].offset + 40);
  CHECK(layout.shards[1].size == layout.shards[1].header.length + 80);
  CHECK(layout.shards[0].header.length % 8 == 0);
  mw_layout_free(&layout);
  CHECK(mw_layout_make(tensors, 5, 260, &(mw_layout_names){.stem = "model"}, &layout, &err) && layout.shard_count == 1);
  mw_layout_free(&layout);
}

static void test_index(void) {
  static const uint64_t three[] = {3};
  mw_tensor tensors[] = {tensor("a", MW_DTYPE_BF16, three, 1),
                         tensor("b\x7f\"\xc3\xa9\xf0\x9f\x98\x80", MW_DTYPE_BF16, three, 1)};
  mw_error err = {0};
  mw_layout layout;
  mw_text text = {0};
  CHECK(mw_layout_make(tensors, 2, 6, &(mw_layout_names){.stem = "model"}, &layout, &err) && mw_layout_index(&layout, &text, &err));
  CHECK_TEXT(text.bytes, "{\n  \"metadata\": {\n    \"total_parameters\": 6,\n    \"total_size\": 12\n  },\n"
             "  \"weight_map\": {\n    \"a\": \"model-00001-of-00002.safetensors\",\n"
             "    \"b\\u007f\\\"\\u00e9\\ud83d\\ude00\": \"model-00002-of-00002.safetensors\"\n  }\n}\n");
  mw_text_free(&text);
  mw_layout_free(&layout);
}

int main(void) {
  RUN(test_headers());
  RUN(test_longest_header());
  RUN(test_shards());
  RUN(test_index());
  UNIT_END();
}
