/* folder.h: a folder in memory for targets whose input is a file. It is made when it is first needed, and removed at the end. */
#ifndef MW_FUZZ_FOLDER_H
#define MW_FUZZ_FOLDER_H

#include "fuzz.h"
#include <fcntl.h>
#include <unistd.h>

static char fuzz_folder[64];

static inline void fuzz_remove_folder(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", fuzz_folder);
  if (system(command) != 0) fprintf(stderr, "%s is left behind\n", fuzz_folder);
}

static inline const char *fuzz_make_folder(void) {
  if (fuzz_folder[0]) return fuzz_folder;
  strcpy(fuzz_folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/moonweld-fuzz-XXXXXX" : "/tmp/moonweld-fuzz-XXXXXX");
  REQUIRE(mkdtemp(fuzz_folder) != NULL);
  atexit(fuzz_remove_folder);
  return fuzz_folder;
}

/* Writes FOLDER/NAME; gives its path, which stays until the next call. */
static inline const char *fuzz_put(const char *name, const void *bytes, size_t length) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", fuzz_make_folder(), name);
  int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  REQUIRE(fd >= 0 && write(fd, bytes, length) == (ssize_t)length && close(fd) == 0);
  return path;
}

#endif
