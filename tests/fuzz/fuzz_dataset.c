/* fuzz_dataset.c: whatever lines of training data say, a set that is taken has windows of at least two ids, all below the vocabulary. */
#include "folder.h"
#include "text/dataset.h"

enum { VOCABULARY = 300, WINDOW = 16 };

static const char *const seeds[] = {
    "[1, 2, 3]\n[4,5]\n", "{\"input_ids\":[1,2,3],\"attention_mask\":[1,1,0]}\n{\"input_ids\":[7,8]}\n", "{\"text\":\"ab ab\"}\n",
    "\n\n[0,299,1]\r\n", "{\"input_ids\":[1,2],\"text\":\"a\",\"more\":{\"x\":[null,true,1e5]}}\n",
};

static const char tokenizer[] = "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}}";

size_t fuzz_seed(unsigned number, uint8_t *room, size_t size) {
  return fuzz_text(seeds, sizeof seeds / sizeof *seeds, number, room, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  static const char *where;
  mw_dataset *set;
  mw_error err;
  if (!where) where = fuzz_put("tokenizer.json", tokenizer, sizeof tokenizer - 1);
  mw_dataset_source source = {.path = fuzz_put("x.jsonl", bytes, length), .tokenizer = where, .window = WINDOW, .vocabulary = VOCABULARY};
  if (mw_dataset_open(&source, &set, &err)) {
    uint64_t tokens = 0;
    uint32_t longest = 0;
    REQUIRE(set->count > 0);
    for (size_t i = 0; i < set->count; i++) {
      REQUIRE(set->windows[i].length >= 2);
      tokens += set->windows[i].length;
      if (set->windows[i].length > longest) longest = set->windows[i].length;
      for (uint32_t k = 0; k < set->windows[i].length; k++) REQUIRE(set->windows[i].ids[k] < VOCABULARY);
    }
    REQUIRE(tokens == set->tokens && longest == set->longest);
    mw_dataset_free(set);
  } else REQUIRE((err.status == MW_DATA || err.status == MW_UNAVAILABLE) && err.text[0]);
  return 0;
}
