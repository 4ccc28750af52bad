/* memory.c: files in memory, in the place of the calls that open and read them (linked with --wrap). libFuzzer's targets are linked with
 * it: a run then costs what the reader costs, and no call of the system. driver.c's targets read real files. */
#include "memory.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int __real_open(const char *path, int how, ...);
int __real_close(int fd);
int __real_fstat(int fd, struct stat *st);
ssize_t __real_pread(int fd, void *bytes, size_t length, off_t at);

enum { MOST = 64 };
static struct { const char *path; const void *bytes; size_t length; struct stat st; } files[MOST]; /* by descriptor */

bool fuzz_memory_put(int fd, const char *path, const void *bytes, size_t length, uint64_t size) {
  if (fd >= MOST || (!files[fd].path && __real_fstat(fd, &files[fd].st) != 0)) return false;
  files[fd].path = path, files[fd].bytes = bytes, files[fd].length = length;
  files[fd].st.st_size = (off_t)size;
  return true;
}

static bool is_ours(int fd) { return fd >= 0 && fd < MOST && files[fd].path; }

int __wrap_open(const char *path, int how, ...) {
  unsigned mode = 0;
  va_list more;
  va_start(more, how);
  if (how & O_CREAT) mode = va_arg(more, unsigned);
  va_end(more);
  for (int fd = 0; fd < MOST && !(how & (O_CREAT | O_DIRECTORY)); fd++)
    if (files[fd].path && !strcmp(files[fd].path, path)) return fd;
  return __real_open(path, how, mode);
}

int __wrap_close(int fd) { return is_ours(fd) ? 0 : __real_close(fd); }

int __wrap_fstat(int fd, struct stat *st) {
  if (!is_ours(fd)) return __real_fstat(fd, st);
  *st = files[fd].st;
  return 0;
}

ssize_t __wrap_pread(int fd, void *bytes, size_t length, off_t at) {
  if (!is_ours(fd)) return __real_pread(fd, bytes, length, at);
  const size_t size = (size_t)files[fd].st.st_size, from = (size_t)at;
  if (from >= size) return 0;
  if (length > size - from) length = size - from;
  const size_t known = from >= files[fd].length ? 0 : files[fd].length - from < length ? files[fd].length - from : length;
  if (known) memcpy(bytes, (const char *)files[fd].bytes + from, known);
  memset((char *)bytes + known, 0, length - known); /* a hole */
  return (ssize_t)length;
}
