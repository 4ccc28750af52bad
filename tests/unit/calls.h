/* calls.h: a test's own doors to the system: each call that writes or asks for a file can be made to fail, once or from then on. Not under a sanitizer,
 * which has doors of its own: there CALLS_COUNTED is 0 and none fails. */
#ifndef MW_UNIT_CALLS_H
#define MW_UNIT_CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static long calls_left = -1;     /* so many more calls succeed before one fails; below 0: all */
static int calls_error = EIO;    /* how that one fails */
static __attribute__((unused)) long calls_only; /* only calls of this number (SYS_fsync) count; 0: all */
static bool calls_lasting;       /* so do all after it, until calls_end() */
static bool calls_struck;        /* it has failed */
static __attribute__((unused)) bool calls_plain; /* as on a file system that neither exchanges names nor keeps one that is taken */

static inline void calls_end(void) {
  calls_left = -1;
  calls_struck = calls_lasting = false;
  calls_only = 0;
}

#ifdef MW_SANITIZED
enum { CALLS_COUNTED = 0 };
#else
enum { CALLS_COUNTED = 1 };

static bool calls_refused(long number) {
  if (calls_only && number != calls_only) return false;
  if (!(calls_struck && calls_lasting) && (calls_left < 0 || calls_left-- > 0)) return false;
  calls_struck = true;
  errno = calls_error;
  return true;
}

#define CALL(number, ...) (calls_refused(number) ? -1 : syscall(number, __VA_ARGS__))

static mode_t calls_mode(int flags, va_list list) {
  mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
  va_end(list);
  return mode;
}

int open(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  return (int)CALL(SYS_openat, AT_FDCWD, path, flags, calls_mode(flags, list));
}
int openat(int at, const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  return (int)CALL(SYS_openat, at, path, flags, calls_mode(flags, list));
}
/* As Linux does it: the file is closed all the same. */
int close(int fd) {
  bool refused = calls_refused(SYS_close);
  int number = errno, result = (int)syscall(SYS_close, fd);
  return refused ? errno = number, -1 : result;
}
int access(const char *path, int mode) { return (int)CALL(SYS_faccessat, AT_FDCWD, path, mode); }
int fstat(int fd, struct stat *out) { return (int)CALL(SYS_newfstatat, fd, "", out, AT_EMPTY_PATH); }
int fstatat(int at, const char *path, struct stat *out, int flags) { return (int)CALL(SYS_newfstatat, at, path, out, flags); }
int stat(const char *path, struct stat *out) { return (int)CALL(SYS_newfstatat, AT_FDCWD, path, out, 0); }
int fallocate(int fd, int mode, off_t at, off_t n) { return (int)CALL(SYS_fallocate, fd, mode, at, n); }
int ftruncate(int fd, off_t n) { return (int)CALL(SYS_ftruncate, fd, n); }
int fsync(int fd) { return (int)CALL(SYS_fsync, fd); }
int fdatasync(int fd) { return (int)CALL(SYS_fdatasync, fd); }
int sync_file_range(int fd, off_t at, off_t n, unsigned how) { return (int)CALL(SYS_sync_file_range, fd, at, n, how); }
int flock(int fd, int how) { return (int)CALL(SYS_flock, fd, how); }
int mkdirat(int at, const char *path, mode_t mode) { return (int)CALL(SYS_mkdirat, at, path, mode); }
int unlinkat(int at, const char *path, int flags) { return (int)CALL(SYS_unlinkat, at, path, flags); }
int renameat(int a, const char *from, int b, const char *to) { return (int)CALL(SYS_renameat2, a, from, b, to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
  if (calls_plain && flags) return errno = EINVAL, -1;
  return (int)CALL(SYS_renameat2, a, from, b, to, flags);
}
ssize_t getdents64(int fd, void *list, size_t n) { return CALL(SYS_getdents64, fd, list, n); }
ssize_t pread(int fd, void *bytes, size_t n, off_t at) { return CALL(SYS_pread64, fd, bytes, n, at); }
ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at) { return CALL(SYS_pwrite64, fd, bytes, n, at); }
#endif

#endif
