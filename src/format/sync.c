/* sync.c: sync_file_range starts to write dirty pages and waits for pages that are being written; it makes nothing durable by
 * itself (no flush of the disk's cache, no metadata), so fdatasync ends the work. Both are asked for the whole file: the kernel
 * finds dirty pages by their mark, however large the file is. */
#include "format/sync.h"
#include "base/linux.h"
#include "format/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

enum { WINDOW = 16 << 20 };

static bool fail(mw_error *err, const char *path) {
  int number = errno;
  mw_text_escaped shown;
  return mw_error_set(err, MW_IO, "%s: cannot be brought to the disk: %s", mw_text_escape_z(&shown, path), strerror(number));
}

bool mw_sync_file(int fd, const char *path, mw_error *err) { return fdatasync(fd) == 0 || fail(err, path); }

bool mw_sync_kept(int fd, const char *path, mw_error *err) {
  int open = mw_file_borrow(fd, path, err);
  bool done = open >= 0 && mw_sync_file(open, path, err);
  mw_file_give_back(fd, open);
  return done;
}

bool mw_sync_folder(int fd, const char *path, mw_error *err) {
  return fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS || fail(err, path);
}

bool mw_sync_folder_of(const char *path, mw_error *err) {
  mw_arena arena = {0};
  const char *slash = strrchr(path, '/');
  const char *folder = !slash ? "." : mw_mem_copy(&arena, path, slash == path ? 1 : (size_t)(slash - path), err);
  int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  bool ok = fd >= 0 ? mw_sync_folder(fd, folder, err) : folder && fail(err, folder);
  if (fd >= 0) close(fd);
  mw_mem_release(&arena);
  return ok;
}

void mw_sync_start(int fd) { (void)mw_linux_write_back(fd, false); }

/* Not every file system has it: then all is left to mw_sync_file. An error of the disk that is told here is not told again by
 * fdatasync, so it must end the work now. */
static bool is_of_disk(int number) { return number == EIO || number == ENOSPC || number == EDQUOT; }

bool mw_sync_behind_written(mw_sync_behind *behind, size_t length, int fd, const char *path, mw_error *err) {
  uint64_t before = __atomic_fetch_add(&behind->written, length, __ATOMIC_RELAXED);
  if (before / WINDOW == (before + length) / WINDOW) return true;
  return mw_linux_write_back(fd, true) == 0 || !is_of_disk(errno) || fail(err, path);
}
