/* fuzz_config.c: a config that is read can be edited, and what comes out is one that is read the same. */
#include "model/config_edit.h"
#include "fuzz.h"
#include "model/config.h"
#include "format/file.h"
#include <fcntl.h>
#include <unistd.h>

static char folder[64], path[96];

static void remove_folder(void) {
  unlink(path);
  rmdir(folder);
}

static void put(const void *bytes, size_t length) {
  if (!folder[0]) {
    strcpy(folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/moonweld-fuzz-XXXXXX" : "/tmp/moonweld-fuzz-XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/config.json", folder);
    atexit(remove_folder);
  }
  int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  REQUIRE(fd >= 0 && write(fd, bytes, length) == (ssize_t)length && close(fd) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  mw_config config = {0}, again = {0};
  mw_error err;
  put(bytes, length);
  if (mw_config_open(&config, folder, &err)) {
    mw_text text = {0};
    REQUIRE(mw_config_edit(&config, &(mw_config_edit_list){"bfloat16", true, true, NULL, 0}, &text, &err));
    put(text.bytes, text.length);
    REQUIRE(mw_config_open(&again, folder, &err));
    REQUIRE(!strcmp(again.model_type, config.model_type) && again.layers == config.layers && again.hidden == config.hidden &&
            again.vocabulary == config.vocabulary && again.heads == config.heads && !again.tied);
    mw_config_close(&again);
    mw_text_free(&text);
  } else REQUIRE((err.status == MW_DATA || err.status == MW_MISSING) && err.text[0]);
  mw_config_close(&config);
  return 0;
}
