/* power.c: a library to be preloaded that logs what a run does to the file system below POWER_ROOT, in the file POWER_LOG, for power.lua.
 * One call at a time is let through, so that the log has the order in which they took place. A line is a call and its path; a
 * pwrite has the offset and the length, and after the line the bytes. Only the process that was started is logged. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int out = -1;
static const char *root;

static void child(void) { out = -1; }

__attribute__((constructor)) static void start(void) {
  const char *log = getenv("POWER_LOG");
  root = getenv("POWER_ROOT");
  if (!log || !root) return;
  out = (int)syscall(SYS_openat, AT_FDCWD, log, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  pthread_atfork(NULL, NULL, child);
}

/* The path of an open file, or of a name in an open folder; false where it lies elsewhere. */
static bool path_of(int fd, const char *name, char path[8192]) {
  char link[64];
  ssize_t n = 0;
  if (!name || *name != '/') {
    if (fd == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
    else snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, 4096);
    if (n < 0) return false;
  }
  path[n] = 0;
  if (name) snprintf(path + n, 8192 - (size_t)n, "%s%s", *name == '/' ? "" : "/", name);
  size_t length = strlen(root);
  return strncmp(path, root, length) == 0 && (path[length] == '/' || !path[length]);
}

static void say(const char *format, ...) {
  char line[20000];
  va_list list;
  va_start(list, format);
  int n = vsnprintf(line, sizeof line, format, list);
  va_end(list);
  if (syscall(SYS_write, out, line, n) != n) abort();
}

#define REAL(type, name, ...) ((type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))
/* Makes the call, and if it succeeded logs it by the statement. */
#define LOGGED(call, statement)                                                                                        \
  if (out < 0) return call;                                                                                            \
  char path[8192], other[8192];                                                                                        \
  (void)other;                                                                                                         \
  pthread_mutex_lock(&turn);                                                                                           \
  int result = call;                                                                                                   \
  if (result >= 0) statement;                                                                                          \
  pthread_mutex_unlock(&turn);                                                                                         \
  return result;

int fsync(int fd) { LOGGED(REAL(int, "fsync", int)(fd), if (path_of(fd, NULL, path)) say("sync %s\n", path)) }
int fdatasync(int fd) { LOGGED(REAL(int, "fdatasync", int)(fd), if (path_of(fd, NULL, path)) say("sync %s\n", path)) }
int fallocate(int fd, int mode, off_t at, off_t n) {
  LOGGED(REAL(int, "fallocate", int, int, off_t, off_t)(fd, mode, at, n), if (path_of(fd, NULL, path)) say("size %s\n%lld\n", path, (long long)(at + n)))
}
int ftruncate(int fd, off_t n) {
  LOGGED(REAL(int, "ftruncate", int, off_t)(fd, n), if (path_of(fd, NULL, path)) say("cut %s\n%lld\n", path, (long long)n))
}
int mkdirat(int at, const char *name, mode_t mode) {
  LOGGED(REAL(int, "mkdirat", int, const char *, mode_t)(at, name, mode), if (path_of(at, name, path)) say("mkdir %s\n", path))
}
int unlinkat(int at, const char *name, int flags) {
  LOGGED(REAL(int, "unlinkat", int, const char *, int)(at, name, flags), if (path_of(at, name, path)) say("unlink %s\n", path))
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
  LOGGED((int)syscall(SYS_renameat2, a, from, b, to, flags),
         if (path_of(a, from, path) && path_of(b, to, other)) say("%s %s\n%s\n", flags & RENAME_EXCHANGE ? "swap" : "rename", path, other))
}
int renameat(int a, const char *from, int b, const char *to) { return renameat2(a, from, b, to, 0); }
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int openat(int at, const char *name, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
  va_end(list);
  LOGGED((int)syscall(SYS_openat, at, name, flags, mode), if (flags & O_CREAT && path_of(at, name, path)) say("create %s\n", path))
}
int open(const char *name, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
  va_end(list);
  return openat(AT_FDCWD, name, flags, mode);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at) {
  char path[8192];
  if (out < 0 || !path_of(fd, NULL, path)) return syscall(SYS_pwrite64, fd, bytes, n, at);
  pthread_mutex_lock(&turn);
  ssize_t result = syscall(SYS_pwrite64, fd, bytes, n, at);
  if (result > 0) {
    say("pwrite %s\n%lld\n%zd\n", path, (long long)at, result);
    if (syscall(SYS_write, out, bytes, result) != result) abort();
  }
  pthread_mutex_unlock(&turn);
  return result;
}
