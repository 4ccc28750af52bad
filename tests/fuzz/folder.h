/* folder.h: a folder in memory for targets whose input is a file. It is made when it is first needed, and removed at the end. Its files
 * stay open, so that a run costs one write. */
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

/* Makes the bytes the content of FOLDER/NAME; gives its path. */
static inline const char *fuzz_put(const char *name, const void *bytes, size_t length) {
  enum { MOST = 4 };
  static struct { char path[128]; int fd; } files[MOST];
  char path[128];
  size_t i = 0;
  snprintf(path, sizeof path, "%s/%s", fuzz_make_folder(), name);
  while (i < MOST && files[i].path[0] && strcmp(files[i].path, path) != 0) i++;
  REQUIRE(i < MOST);
  if (!files[i].path[0]) {
    strcpy(files[i].path, path);
    files[i].fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  }
  REQUIRE(pwrite(files[i].fd, bytes, length, 0) == (ssize_t)length && ftruncate(files[i].fd, (off_t)length) == 0);
  return files[i].path;
}

#endif
