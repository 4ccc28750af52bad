/* fuzz_tokenizer_json.c: a tokenizer.json that is taken encodes any text, into ids that it has. */
#include "tokenized.h"

/* A whole one of each form; the fuzzer takes them apart. */
static const char *const seeds[] = {
    "{\"added_tokens\":[{\"id\":5,\"content\":\"<s>\",\"special\":true,\"normalized\":false,\"lstrip\":true,\"rstrip\":false,\"single_word\":false}],"
    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},"
    "\"content\":\"_\"},{\"type\":\"Prepend\",\"prepend\":\"_\"}]},\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\","
    "\"pattern\":{\"Regex\":\"\\\\p{L}+|\\\\s\"},\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
    "\"trim_offsets\":true,\"use_regex\":false}]},\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\","
    "\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"pair\":[],\"special_tokens\":{\"<s>\":{\"id\":\"<s>\",\"ids\":[5],"
    "\"tokens\":[\"<s>\"]}}},\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,"
    "\"continuing_subword_prefix\":null,\"end_of_word_suffix\":null,\"fuse_unk\":false,\"byte_fallback\":false,\"ignore_merges\":false,"
    "\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"_\":3,\"_a\":4},\"merges\":[\"a b\",[\"_\",\"a\"]]}}",
    "{\"added_tokens\":[],\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"use_regex\":true},"
    "\"post_processor\":{\"type\":\"ByteLevel\",\"trim_offsets\":false},\"model\":{\"type\":\"BPE\",\"unk_token\":\"b\",\"fuse_unk\":true,"
    "\"byte_fallback\":true,\"vocab\":{\"a\":0,\"b\":1,\"<0x0A>\":2},\"merges\":[]}}",
    "{\"model\":{\"vocab\":{},\"merges\":[]}}",
};

size_t fuzz_seed(unsigned number, uint8_t *room, size_t size) {
  return fuzz_text(seeds, sizeof seeds / sizeof *seeds, number, room, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  mw_tokenizer *tokenizer;
  mw_error err;
  if (mw_tokenizer_from_json("tokenizer.json", (const char *)bytes, length, &tokenizer, &err)) {
    encode(tokenizer, "");
    encode(tokenizer, "ab a\n\tb<s>_ab \xc3\xa9\xe2\x82\xac aaaa 12'll");
    mw_tokenizer_free(tokenizer);
  } else REQUIRE((err.status == MW_DATA || err.status == MW_UNAVAILABLE) && err.text[0]);
  return 0;
}
