/* atomic_file.c: write to a new file in the same folder, sync, rename. The old file is complete until the rename, the new one after
 * it; a crash leaves a file with a temporary name at worst. Who writes one holds it locked, so that the next one knows and removes what
 * has been left. */
#include "format/atomic_file.h"
#include "format/file.h"
#include "format/sync.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool cannot(mw_error *err, const char *path, const char *why) {
  mw_text_escaped shown;
  return mw_error_set(err, MW_CANNOT_CREATE, "%s: %s", mw_text_escape_z(&shown, path), why);
}

/* The folder that `path` lies in. */
static const char *folder_of(const char *path, mw_arena *arena, mw_error *err) {
  const char *slash = strrchr(path, '/');
  if (!slash) return ".";
  return mw_mem_copy(arena, path, slash == path ? 1 : (size_t)(slash - path), err);
}

static bool check_folder(const char *path, mw_error *err) {
  mw_arena arena = {0};
  const char *folder = folder_of(path, &arena, err);
  bool ok = folder != NULL;
  if (ok && access(folder, W_OK | X_OK) != 0) {
    int number = errno;
    cannot(err, path, "nothing can be written to the folder it lies in");
    ok = mw_error_hint(err, "%s", strerror(number));
  }
  mw_mem_release(&arena);
  return ok;
}

/* Whether the existing file is an older one of ours: empty, or beginning with `mark`. */
static bool check_old(const char *path, const char *mark, mw_error *err) {
  mw_file file;
  char begin[64];
  size_t length = strlen(mark);
  if (!mw_file_open(&file, path, err)) return err->status != MW_MEMORY && cannot(err, path, "exists and cannot be read");
  bool ours = file.size == 0 || (length <= sizeof begin && file.size >= length &&
                                 mw_file_read(&file, 0, begin, length, err) && memcmp(begin, mark, length) == 0);
  mw_file_close(&file);
  if (ours) return true;
  cannot(err, path, "exists and is not a report");
  return mw_error_hint(err, "choose another name, or remove it yourself; only an older report is replaced");
}

bool mw_atomic_file_allowed(const char *path, const char *mark, mw_error *err) {
  struct stat here;
  size_t length = strlen(path);
  if (length == 0 || path[length - 1] == '/') return cannot(err, path, "a file's name is expected");
  if (lstat(path, &here) != 0) return errno == ENOENT ? check_folder(path, err) : cannot(err, path, strerror(errno));
  if (S_ISDIR(here.st_mode)) return cannot(err, path, "is a folder; a file's name is expected");
  if (!S_ISREG(here.st_mode)) return cannot(err, path, "exists and is no regular file");
  return check_folder(path, err) && check_old(path, mark, err);
}

/* ---- temporary names: PATH.new-PROCESS-NUMBER ---- */

static bool is_temporary(const char *name, const char *of) {
  static const char digits[] = "0123456789";
  size_t length = strlen(of);
  if (strncmp(name, of, length) != 0 || strncmp(name + length, ".new-", 5) != 0) return false;
  size_t process = strspn(name += length + 5, digits), number = name[process] == '-' ? strspn(name + process + 1, digits) : 0;
  return process && number && !name[process + 1 + number];
}

/* Removes it unless somebody writes it. */
static void remove_left(int folder, const char *name) {
  struct stat here;
  int fd = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return;
  if (fstat(fd, &here) == 0 && S_ISREG(here.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0) unlinkat(folder, name, 0);
  close(fd);
}

void mw_atomic_file_clear(const char *path) {
  mw_arena arena = {0};
  mw_error ignored;
  const char *slash = strrchr(path, '/'), *folder = folder_of(path, &arena, &ignored);
  DIR *all = folder ? opendir(folder) : NULL;
  for (struct dirent *entry; all && (entry = readdir(all));)
    if (is_temporary(entry->d_name, slash ? slash + 1 : path)) remove_left(dirfd(all), entry->d_name);
  if (all) closedir(all);
  mw_mem_release(&arena);
}

/* A new file in the folder of `path`, locked where the file system has locks; `name` receives its name. */
static int create_beside(const char *path, char *name, size_t size) {
  struct stat here;
  for (unsigned i = 0; i < 100; i++) {
    snprintf(name, size, "%s.new-%ld-%u", path, (long)getpid(), i);
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno != EEXIST) return fd;
    if (fd < 0) continue;
    bool taken = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK; /* by one who removes it */
    if (!taken && fstat(fd, &here) == 0 && here.st_nlink) return fd;
    close(fd);
  }
  return -1;
}

bool mw_atomic_file_write(const char *path, const char *mark, const void *bytes, size_t length, mw_error *err) {
  size_t size = strlen(path) + 48;
  mw_text_escaped shown;
  MW_TRY(mw_atomic_file_allowed(path, mark, err));
  char *name = mw_mem_new(size, 1, err);
  if (!name) return false;
  mw_atomic_file_clear(path);
  int fd = create_beside(path, name, size);
  bool ok = fd >= 0 || cannot(err, path, strerror(errno));
  if (ok) {
    ok = mw_file_write(fd, path, 0, bytes, length, err);
    ok = ok && mw_sync_file(fd, path, err);
    if (close(fd) != 0 && ok) ok = mw_error_set(err, MW_IO, "%s: %s", mw_text_escape_z(&shown, path), strerror(errno));
    if (ok && rename(name, path) != 0) ok = cannot(err, path, strerror(errno));
    if (!ok) unlink(name);
    ok = ok && mw_sync_folder_of(path, err);
  }
  free(name);
  return ok;
}
