/* fuzz_index.c: whatever an index says, the files that it leads to lie in its own folder, and every tensor's file is one
 * of them. */
#include "folder.h"
#include "format/file.h"
#include "model/shards.h"

static void make_shards(void) {
  fuzz_put("model-00001-of-00002.safetensors", "one", 3);
  fuzz_put("model-00002-of-00002.safetensors", "two", 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  if (!fuzz_folder[0]) make_shards();
  fuzz_put("model.safetensors.index.json", bytes, length);
  mw_arena arena = {0};
  mw_warning notes = {0};
  mw_shards shards = {0};
  mw_error err;
  if (mw_shards_find(fuzz_folder, &arena, &notes, &shards, &err)) {
    REQUIRE(shards.count > 0 && shards.entry_count > 0);
    for (size_t i = 0; i < shards.count; i++)
      REQUIRE(shards.names[i][0] && !strpbrk(shards.names[i], "/\\") && strcmp(shards.names[i], "..") != 0 &&
              (!i || strcmp(shards.names[i - 1], shards.names[i]) < 0));
    for (size_t i = 0; i < shards.entry_count; i++)
      REQUIRE(shards.entries[i].file < shards.count &&
              (!i || strcmp(shards.entries[i - 1].tensor, shards.entries[i].tensor) < 0));
  } else REQUIRE(err.status == MW_DATA && err.text[0]);
  mw_shards_free(&shards);
  mw_warning_free(&notes);
  mw_mem_release(&arena);
  return 0;
}
