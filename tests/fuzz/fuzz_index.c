/* fuzz_index.c: whatever an index says, the files that it leads to lie in its own folder, and every tensor's file is one
 * of them. */
#include "fuzz.h"
#include "format/file.h"
#include "model/shards.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void put(const char *name, const void *bytes, size_t length) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  REQUIRE(fd >= 0 && write(fd, bytes, length) == (ssize_t)length && close(fd) == 0);
}

static void remove_folder(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  if (system(command) != 0) fprintf(stderr, "%s is left behind\n", folder);
}

static void make_folder(void) {
  strcpy(folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/moonweld-fuzz-XXXXXX" : "/tmp/moonweld-fuzz-XXXXXX");
  REQUIRE(mkdtemp(folder) != NULL);
  atexit(remove_folder);
  put("model-00001-of-00002.safetensors", "one", 3);
  put("model-00002-of-00002.safetensors", "two", 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  if (!folder[0]) make_folder();
  put("model.safetensors.index.json", bytes, length);
  mw_arena arena = {0};
  mw_warning notes = {0};
  mw_shards shards = {0};
  mw_error err;
  if (mw_shards_find(folder, &arena, &notes, &shards, &err)) {
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
