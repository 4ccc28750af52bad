/* folder.h: a folder in memory for targets whose input is a file. It is made when it is first needed, and removed at the end. Its files
 * stay open, so that a run costs one write, and with memory.c none. */
#ifndef MW_FUZZ_FOLDER_H
#define MW_FUZZ_FOLDER_H

#include "fuzz.h"
#include "memory.h"
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

/* Makes the bytes, and zeros behind them up to `size`, the content of a file. */
static inline void fuzz_fill(int fd, const char *path, const void *bytes, size_t length, uint64_t size) {
  if (fuzz_memory_put) REQUIRE(fuzz_memory_put(fd, path, bytes, length, size));
  else REQUIRE(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, length, 0) == (ssize_t)length && ftruncate(fd, (off_t)size) == 0);
}

/* The file FOLDER/NAME, open; its path. */
static inline const char *fuzz_file(const char *name, int *fd) {
  enum { MOST = 8 };
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
  *fd = files[i].fd;
  return files[i].path;
}

/* Makes the bytes, which must stay, the content of FOLDER/NAME; gives its path. */
static inline const char *fuzz_put(const char *name, const void *bytes, size_t length) {
  int fd;
  const char *path = fuzz_file(name, &fd);
  fuzz_fill(fd, path, bytes, length, length);
  return path;
}

/* The same, for what also writes to it. */
static inline const char *fuzz_write(const char *name, const void *bytes, size_t length) {
  int fd;
  const char *path = fuzz_file(name, &fd);
  REQUIRE(pwrite(fd, bytes, length, 0) == (ssize_t)length && ftruncate(fd, (off_t)length) == 0);
  return path;
}

#endif
