/* file.c: the only place with the loops that reads and writes need: a call may be interrupted (EINTR), transfer less than was asked
 * for, or take no more than 2 GiB. */
#include "format/file.h"
#include "base/linux.h"
#include "base/sha256.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST_CALL = 1 << 30, HASH_BLOCK = 16 << 10, LONG_READ = 32 << 10 };

static int64_t nanoseconds(struct timespec t) { return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec; }

static void remember(mw_file *file, const struct stat *st) {
  file->size = (uint64_t)st->st_size;
  file->device = (uint64_t)st->st_dev;
  file->inode = (uint64_t)st->st_ino;
  file->modified_ns = nanoseconds(st->st_mtim);
  file->changed_ns = nanoseconds(st->st_ctim);
}

bool mw_file_is_same(const mw_file *a, const mw_file *b) {
  return a->device == b->device && a->inode == b->inode && a->size == b->size && a->modified_ns == b->modified_ns &&
         a->changed_ns == b->changed_ns;
}

/* Of a model of a thousand shards not all stay open: as many as fit into half of the descriptors, and the system hands out the lowest. */
static bool may_stay_open(int fd) {
  struct rlimit limit;
  return getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || (rlim_t)fd < limit.rlim_cur / 2;
}

/* Opens a path. Where other threads hold the last descriptors for a moment, it waits for one. */
static int open_patiently(const char *path, int how) {
  static const struct timespec moment = {0, 1000000};
  int fd = open(path, how | O_NONBLOCK | O_CLOEXEC);
  for (int tries = 0; fd < 0 && errno == EMFILE && tries < 1000; tries++) {
    nanosleep(&moment, NULL);
    fd = open(path, how | O_NONBLOCK | O_CLOEXEC);
  }
  return fd;
}

static bool changed(const mw_file *file, const char *how, mw_error *err) {
  mw_text_escaped shown;
  mw_error_set(err, MW_CHANGED, "%s: %s while it was read", mw_text_escape_z(&shown, file->path), how);
  return mw_error_hint(err, "run it again when nothing writes to the inputs");
}

bool mw_file_keep(int *fd) {
  int closed = *fd;
  if (may_stay_open(closed)) return true;
  *fd = -1;
  return close(closed) == 0;
}

int mw_file_borrow(int fd, const char *path, mw_error *err) {
  mw_text_escaped shown;
  if (fd >= 0) return fd;
  fd = open_patiently(path, O_RDWR | O_NOFOLLOW);
  if (fd < 0) mw_error_set(err, MW_IO, "%s: opened again: %s", mw_text_escape_z(&shown, path), strerror(errno));
  return fd;
}

bool mw_file_give_back(int fd, int borrowed) { return borrowed < 0 || borrowed == fd || close(borrowed) == 0; }

/* The descriptor of a file, opened again where it did not stay open: then it must still be the same file in the same state, unless
 * it is one that we write. -1 with an error. give_back() it. */
static int borrow(const mw_file *file, mw_error *err) {
  mw_text_escaped shown;
  struct stat st;
  mw_file now = {0};
  if (file->fd >= 0) return file->fd;
  int fd = open_patiently(file->path, O_RDONLY);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return changed(file, "was removed", err), -1;
  if (fd < 0 || fstat(fd, &st) != 0) {
    mw_error_set(err, MW_IO, "%s: opened again: %s", mw_text_escape_z(&shown, file->path), strerror(errno));
    if (fd >= 0) close(fd);
    return -1;
  }
  remember(&now, &st);
  if (!file->inode || mw_file_is_same(&now, file)) return fd;
  changed(file, "changed", err);
  close(fd);
  return -1;
}

static void give_back(const mw_file *file, int fd) { mw_file_give_back(file->fd, fd); }

bool mw_file_open(mw_file *file, const char *path, mw_error *err) {
  mw_text_escaped shown;
  *file = (mw_file){.fd = open_patiently(path, O_RDONLY)};
  if (file->fd < 0) {
    int number = errno;
    if (number == ENOMEM) return mw_error_memory(err, strlen(path));
    mw_error_set(err, number == EIO ? MW_IO : MW_MISSING, "%s: %s", mw_text_escape_z(&shown, path), strerror(number));
    return number == EMFILE ? mw_error_hint(err, "raise the limit of open files (ulimit -n)") : false;
  }
  struct stat st;
  file->path = strdup(path);
  bool ok = file->path ? true : mw_error_memory(err, strlen(path));
  if (ok && fstat(file->fd, &st) != 0)
    ok = mw_error_set(err, MW_IO, "%s: %s", mw_text_escape_z(&shown, path), strerror(errno));
  if (ok && !S_ISREG(st.st_mode))
    ok = mw_error_set(err, MW_DATA, "%s: not a regular file", mw_text_escape_z(&shown, path));
  if (ok) {
    remember(file, &st);
    posix_fadvise(file->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    file->turn = mw_in_turn_new();
    mw_file_keep(&file->fd);
  } else mw_file_close(file);
  return ok;
}

void mw_file_close(mw_file *file) {
  if (file->fd >= 0 && file->path) close(file->fd);
  else if (file->fd > 2) close(file->fd);
  free(file->path);
  free(file->turn);
  *file = (mw_file){.fd = -1};
}

static bool read_all(const mw_file *file, int fd, uint64_t offset, char *to, size_t length, mw_error *err) {
  mw_text_escaped shown;
  while (length) {
    ssize_t n = pread(fd, to, length < LARGEST_CALL ? length : LARGEST_CALL, (off_t)offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return mw_error_set(err, MW_IO, "%s: reading at byte %llu: %s", mw_text_escape_z(&shown, file->path),
                          (unsigned long long)offset, strerror(errno));
    if (n == 0)
      return mw_error_set(err, MW_CHANGED, "%s: shrank while it was read: ends at byte %llu, expected %llu",
                          mw_text_escape_z(&shown, file->path), (unsigned long long)offset,
                          (unsigned long long)file->size);
    to += n;
    offset += (uint64_t)n;
    length -= (size_t)n;
  }
  return true;
}

bool mw_file_read(const mw_file *file, uint64_t offset, void *bytes, size_t length, mw_error *err) {
  int fd = length ? borrow(file, err) : file->fd;
  if (fd < 0) return !length;
  bool mine = false;
  const size_t done = length < LONG_READ ? 0 : mw_in_turn_read(file->turn, fd, offset, bytes, length, &mine);
  bool read = read_all(file, fd, offset + done, (char *)bytes + done, length - done, err);
  if (mine) mw_in_turn_give(file->turn);
  give_back(file, fd);
  return read;
}

bool mw_file_is_ready(const mw_file *file, uint64_t offset) {
  char byte;
  return file->fd < 0 || mw_linux_read_ready(file->fd, offset, &byte, 1) == 1 || errno != EAGAIN;
}

void mw_file_let_go(const mw_file *file, uint64_t offset, size_t length) {
  enum { PAGE = 4096 };
  const uint64_t begin = offset / PAGE * PAGE, end = (offset + length + PAGE - 1) / PAGE * PAGE;
  if (file->fd >= 0) posix_fadvise(file->fd, (off_t)begin, (off_t)(end - begin), POSIX_FADV_DONTNEED);
}

bool mw_file_unchanged(const mw_file *file, mw_error *err) {
  mw_text_escaped shown;
  struct stat st;
  mw_file now = {0};
  int fd = borrow(file, err);
  if (fd < 0) return false;
  bool known = fstat(fd, &st) == 0 || mw_error_set(err, MW_IO, "%s: %s", mw_text_escape_z(&shown, file->path), strerror(errno));
  give_back(file, fd);
  MW_TRY(known);
  remember(&now, &st);
  return mw_file_is_same(&now, file) || changed(file, "changed", err);
}

bool mw_file_hash(const mw_file *file, char hex[65], mw_error *err) {
  char block[HASH_BLOCK];
  mw_sha256 hash;
  mw_sha256_init(&hash);
  for (uint64_t at = 0; at < file->size; at += sizeof block) {
    size_t n = (size_t)(file->size - at < sizeof block ? file->size - at : sizeof block);
    MW_TRY(mw_file_read(file, at, block, n, err));
    mw_sha256_add(&hash, block, n);
  }
  mw_sha256_finish(&hash, hex);
  return true;
}

bool mw_file_slurp_open(const mw_file *file, size_t limit, char **bytes, size_t *length, mw_error *err) {
  mw_text_escaped shown;
  if (file->size > limit)
    return mw_error_set(err, MW_DATA, "%s: %llu bytes, at most %zu are read", mw_text_escape_z(&shown, file->path),
                        (unsigned long long)file->size, limit);
  char *text = mw_mem_new((size_t)file->size + 1, 1, err);
  if (!text || !mw_file_read(file, 0, text, (size_t)file->size, err)) return free(text), false;
  *bytes = text;
  *length = (size_t)file->size;
  return true;
}

void mw_file_hole(const mw_file *file, uint64_t from, uint64_t *begin, uint64_t *end) {
  off_t hole = from < file->size ? lseek(file->fd, (off_t)from, SEEK_HOLE) : -1; /* nobody else uses the file's offset */
  *begin = *end = file->size;
  if (hole < 0 || (uint64_t)hole >= file->size) return;
  off_t data = lseek(file->fd, hole, SEEK_DATA);
  *begin = (uint64_t)hole;
  if (data >= 0 && (uint64_t)data < file->size) *end = (uint64_t)data;
}

bool mw_file_slurp(const char *path, size_t limit, char **bytes, size_t *length, mw_error *err) {
  mw_file file;
  MW_TRY(mw_file_open(&file, path, err));
  bool ok = mw_file_slurp_open(&file, limit, bytes, length, err);
  mw_file_close(&file);
  return ok;
}

bool mw_file_write(int fd, const char *path, uint64_t offset, const void *bytes, size_t length, mw_error *err) {
  mw_text_escaped shown;
  const char *from = bytes;
  while (length) {
    ssize_t n = pwrite(fd, from, length < LARGEST_CALL ? length : LARGEST_CALL, (off_t)offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return mw_error_set(err, MW_IO, "%s: writing at byte %llu: %s", mw_text_escape_z(&shown, path),
                          (unsigned long long)offset, strerror(errno));
    from += n;
    offset += (uint64_t)n;
    length -= (size_t)n;
  }
  return true;
}

const char *mw_file_join(mw_arena *arena, const char *folder, const char *name, mw_error *err) {
  size_t n = strlen(folder), m = strlen(name);
  bool slash = n && folder[n - 1] != '/';
  char *path = mw_mem_take(arena, n + slash + m + 1, err);
  if (!path) return NULL;
  memcpy(path, folder, n);
  if (slash) path[n] = '/';
  memcpy(path + n + slash, name, m);
  return path;
}

bool mw_file_exists(const char *path) {
  struct stat st;
  return stat(path, &st) == 0;
}

bool mw_file_resolve(const char *path, char **resolved, mw_error *err) {
  mw_text_escaped shown;
  *resolved = realpath(path, NULL);
  if (*resolved || (errno != ENOMEM && errno != EIO)) return true;
  if (errno == ENOMEM) return mw_error_memory(err, strlen(path));
  return mw_error_set(err, MW_IO, "%s: %s", mw_text_escape_z(&shown, path), strerror(errno));
}

/* The system knows where an open file lies. Without /proc, the path must still lead to it, and not over a link at its end. */
bool mw_file_place(const mw_file *file, char **resolved, mw_error *err) {
  char place[PATH_MAX];
  struct stat st;
  int fd = borrow(file, err);
  if (fd < 0) return false;
  long length = mw_linux_place(fd, place, sizeof place);
  give_back(file, fd);
  if (length > 0 && (size_t)length < sizeof place && *place == '/') {
    *resolved = strndup(place, (size_t)length);
    return *resolved || mw_error_memory(err, (size_t)length);
  }
  MW_TRY(mw_file_resolve(file->path, resolved, err));
  if (*resolved && lstat(*resolved, &st) == 0 && (uint64_t)st.st_dev == file->device && (uint64_t)st.st_ino == file->inode) return true;
  free(*resolved);
  *resolved = NULL;
  return true;
}

bool mw_file_lies_in(const char *path, const char *folder) {
  size_t length = path && folder ? strlen(folder) : 0;
  if (!length || strncmp(path, folder, length) != 0) return false;
  return path[length] == '/' || (folder[length - 1] == '/' && path[length]); /* the root ends with its slash */
}

bool mw_file_is_folder(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool mw_file_make_folder(const char *path, mw_error *err) {
  mw_text_escaped shown;
  if (mkdir(path, 0777) == 0 || (errno == EEXIST && mw_file_is_folder(path))) return true;
  return mw_error_set(err, MW_CANNOT_CREATE, "%s: the folder cannot be made: %s", mw_text_escape_z(&shown, path), strerror(errno));
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

bool mw_file_list(const char *folder, mw_arena *arena, const char ***names, size_t *count, mw_error *err) {
  mw_text_escaped shown;
  DIR *dir = opendir(folder);
  if (!dir && errno == ENOMEM) return mw_error_memory(err, 0);
  if (!dir) return mw_error_set(err, errno == EIO ? MW_IO : MW_MISSING, "%s: %s", mw_text_escape_z(&shown, folder), strerror(errno));
  const char **list = NULL;
  size_t used = 0, capacity = 0;
  bool ok = true;
  for (struct dirent *entry; errno = 0, ok && (entry = readdir(dir));) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    ok = mw_mem_grow(&list, &capacity, used + 1, sizeof *list, err);
    if (ok) ok = (list[used] = mw_mem_copy(arena, entry->d_name, strlen(entry->d_name), err)) != NULL;
    if (ok) used++;
  }
  if (ok && errno) ok = mw_error_set(err, MW_IO, "%s: %s", mw_text_escape_z(&shown, folder), strerror(errno));
  closedir(dir);
  if (ok && used) qsort(list, used, sizeof *list, by_bytes);
  *names = ok ? mw_mem_take(arena, (used + 1) * sizeof *list, err) : NULL;
  if (*names && used) memcpy(*names, list, used * sizeof *list);
  free(list);
  *count = used;
  return *names != NULL;
}
