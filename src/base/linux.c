/* linux.c: see linux.h; tests/floors.lua holds that no other file but sandbox.c calls these. */
#include "base/linux.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

int mw_linux_rename_new(int from_folder, const char *from, int to_folder, const char *to) {
  return renameat2(from_folder, from, to_folder, to, RENAME_NOREPLACE);
}

int mw_linux_exchange(int folder, const char *a, const char *b) { return renameat2(folder, a, folder, b, RENAME_EXCHANGE); }

int mw_linux_allocate(int fd, uint64_t size) {
  int result;
  while ((result = fallocate(fd, 0, 0, (off_t)size)) != 0 && errno == EINTR) continue;
  return result;
}

int mw_linux_write_back(int fd, bool wait) {
  return sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | (wait ? SYNC_FILE_RANGE_WAIT_BEFORE : 0));
}

long mw_linux_place(int fd, char *path, size_t room) {
  char name[40];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  return readlink(name, path, room);
}

long mw_linux_read_ready(int fd, uint64_t offset, void *bytes, size_t length) {
  const struct iovec to = {bytes, length};
  return preadv2(fd, &to, 1, (off_t)offset, RWF_NOWAIT);
}
