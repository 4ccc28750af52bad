/* fuzz_lock.c: whatever lies at the place of a lock file, it is known whether it is ours, and nothing else is taken for it. */
#include "folder.h"
#include "output/lock.h"

static const char *const seeds[] = {
    "{\n  \"moonweld\": \"0.2.0\",\n  \"recipe\": \"lerp\"\n}\n", "{\n  \"moonweld\": \"0.2.0\",\n  \"rec", "{\"moonweld\":\"0\"}", "\0\0\0\0", "{}",
    "{\"moonweld\":3}", "[\"moonweld\"]",
};

size_t fuzz_seed(unsigned number, uint8_t *room, size_t size) {
  if (number >= sizeof seeds / sizeof *seeds || size < 100) return 0;
  size_t length = seeds[number][0] ? strlen(seeds[number]) : 4;
  memcpy(room, seeds[number], length);
  return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  mw_error err;
  mw_lock_kind kind;
  REQUIRE(mw_lock_look(fuzz_put("merge.lock.json", bytes, length), &kind, &err));
  if (kind == MW_LOCK_OURS) REQUIRE(length > 0 && memmem(bytes, length, "moonweld", 8) != NULL);
  if (kind == MW_LOCK_NONE) REQUIRE(length > 0);
  return 0;
}
