/* shim.c: a library to be preloaded that makes one call of the system go wrong: FAULT="CALL:N:ACTION" lets the N-th
 * call named CALL ("any": of whatever name below but malloc; "change": of those that may change a file system) end as ACTION says. Memory that cannot be had is
 * "malloc:N:ENOMEM". Where the fault came about, the file FAULT_MARK is made, so that a driver can go on until N is
 * beyond the last call. Only the process that was started is meddled with, not the locked children that it forks.
 *   list             nothing goes wrong: FAULT_MARK gets the numbers N that are worth it, a line each: the first and the second call
 *                    from each place in the code, a place being all functions that the call came through
 *   an error's name  the call fails with it     short  a transfer moves half, at least one byte
 *   end              a read finds the end       int    the signal SIGINT comes, then the call goes through
 *   kill             the process is killed      A '+' after the action: every later call too.
 *   cut, cut_names   the file system of the folder FAULT_DISK goes off as in a power cut, and the process is killed; cut_names: names
 *                    that were given so far reach the disk before, but no data */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char wanted[32], action[32];
static long number, count;
static bool lasting, off = true;
static int disk = -1, list = -1;

/* Newer headers have it in linux/fs.h. */
#ifndef FS_IOC_SHUTDOWN
#define FS_IOC_SHUTDOWN _IOR('X', 125, unsigned)
#endif

static const struct { const char *name; int number; } errors[] = {
    {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EINTR", EINTR}, {"EINVAL", EINVAL}, {"EOPNOTSUPP", EOPNOTSUPP}, {"EMFILE", EMFILE},
    {"EACCES", EACCES}, {"EDQUOT", EDQUOT}, {"ENOMEM", ENOMEM}, {"EFBIG", EFBIG}, {"EAGAIN", EAGAIN}, {"ENOSYS", ENOSYS}};

static void child(void) { off = true; }

__attribute__((constructor)) static void start(void) {
  const char *text = getenv("FAULT");
  if (!text || sscanf(text, "%31[^:]:%ld:%31s", wanted, &number, action) != 3) return;
  size_t length = strlen(action);
  lasting = length && action[length - 1] == '+';
  if (lasting) action[length - 1] = 0;
  const char *folder = getenv("FAULT_DISK");
  if (folder) disk = (int)syscall(SYS_openat, AT_FDCWD, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (strcmp(action, "list") == 0) {
    list = (int)syscall(SYS_openat, AT_FDCWD, getenv("FAULT_MARK"), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    backtrace((void *[1]){0}, 1); /* loads what it needs */
  }
  pthread_atfork(NULL, NULL, child);
  off = false;
}

static void mark(void) {
  const char *path = getenv("FAULT_MARK");
  if (path) syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY, 0600));
}

/* Whether such calls are meant. */
static bool meant(const char *name) {
  static const char *const reads[] = {"malloc", "pread", "open", "fstat", "flock", "close", "socketpair", "fork"};
  bool any = strcmp(wanted, "any") == 0, change = strcmp(wanted, "change") == 0;
  for (size_t i = 0; change && i < sizeof reads / sizeof *reads; i++) change = strcmp(name, reads[i]) != 0;
  return change || (any && strcmp(name, "malloc") != 0) || strcmp(wanted, name) == 0;
}

/* Writes n where the call comes from a place that is new, or new but for one. */
static void tell_place(long n) {
  static struct { uint64_t hash; int times; } places[1 << 16];
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  void *frames[256], *last = NULL;
  int depth = backtrace(frames, 256);
  uint64_t hash = 14695981039346656037u; /* FNV-1a of the return addresses in the program itself, those of a recursion once */
  Dl_info program = {0}, from;
  dladdr((void *)getauxval(AT_PHDR), &program);
  for (int i = 0; i < depth; i++) {
    if (frames[i] == last || !dladdr(frames[i], &from) || from.dli_fbase != program.dli_fbase) continue;
    hash = (hash ^ (uintptr_t)(last = frames[i])) * 1099511628211u;
  }
  pthread_mutex_lock(&lock);
  size_t at = hash % (1 << 16);
  while (places[at].times && places[at].hash != hash) at = (at + 1) % (1 << 16);
  places[at].hash = hash;
  if (++places[at].times <= 2) {
    char line[24];
    syscall(SYS_write, list, line, snprintf(line, sizeof line, "%ld\n", n));
  }
  pthread_mutex_unlock(&lock);
}

/* Whether this call is the one; signals are sent at once. */
static bool strikes(const char *name) {
  if (off || !meant(name)) return false;
  long n = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
  if (list >= 0) return tell_place(n), false;
  if (n != number && !(lasting && n > number)) return false;
  if (n == number) mark();
  if (strncmp(action, "cut", 3) == 0) {
    unsigned how = strcmp(action, "cut_names") == 0 ? 1 : 2; /* with the journal's last writes, without */
    if (ioctl(disk, FS_IOC_SHUTDOWN, &how) != 0) return perror("FS_IOC_SHUTDOWN"), _exit(99), false;
    kill(getpid(), SIGKILL);
  }
  if (strcmp(action, "kill") == 0) kill(getpid(), SIGKILL);
  if (strcmp(action, "int") == 0) return kill(getpid(), SIGINT), false;
  return true;
}

static bool is(const char *word) { return strcmp(action, word) == 0; }

/* Sets errno where the action is an error. */
static bool fails(void) {
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (is(errors[i].name)) return errno = errors[i].number, true;
  return false;
}

#define REAL(type, name, ...) ((type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))
#define CALL(name, parameters, values, ...)                                    \
  int name parameters {                                                        \
    if (strikes(#name) && fails()) return -1;                                  \
    return REAL(int, #name, __VA_ARGS__) values;                               \
  }

/* As Linux does it: the file is closed all the same. */
int close(int fd) {
  bool strike = strikes("close");
  int result = REAL(int, "close", int)(fd);
  return strike && fails() ? -1 : result;
}

CALL(fsync, (int fd), (fd), int)
CALL(fdatasync, (int fd), (fd), int)
CALL(sync_file_range, (int fd, off_t at, off_t length, unsigned how), (fd, at, length, how), int, off_t, off_t, unsigned)
CALL(flock, (int fd, int how), (fd, how), int, int)
CALL(fallocate, (int fd, int mode, off_t at, off_t length), (fd, mode, at, length), int, int, off_t, off_t)
CALL(ftruncate, (int fd, off_t length), (fd, length), int, off_t)
CALL(mkdirat, (int at, const char *path, mode_t mode), (at, path, mode), int, const char *, mode_t)
CALL(unlinkat, (int at, const char *path, int flags), (at, path, flags), int, const char *, int)
CALL(renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), int, const char *, int, const char *)

/* With NO_EXCHANGE as on a file system (NFS, FUSE, exFAT) that has plain renames only. */
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
  if (flags && getenv("NO_EXCHANGE")) return errno = EINVAL, -1;
  if (strikes("renameat2") && fails()) return -1;
  return REAL(int, "renameat2", int, const char *, int, const char *, unsigned)(a, from, b, to, flags);
}

CALL(fstat, (int fd, struct stat *out), (fd, out), int, struct stat *)
CALL(socketpair, (int domain, int type, int protocol, int ends[2]), (domain, type, protocol, ends), int, int, int, int *)

pid_t fork(void) {
  if (strikes("fork") && fails()) return -1;
  return REAL(pid_t, "fork", void)();
}

int open(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
  va_end(list);
  if (strikes("open") && fails()) return -1;
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
  va_end(list);
  if (strikes("openat") && fails()) return -1;
  return (int)syscall(SYS_openat, at, path, flags, mode);
}

static size_t half(size_t length) { return length > 1 ? length / 2 : length; }

ssize_t pread(int fd, void *bytes, size_t length, off_t at) {
  bool strike = strikes("pread");
  if (strike && fails()) return -1;
  if (strike && is("end")) return 0;
  return syscall(SYS_pread64, fd, bytes, strike && is("short") ? half(length) : length, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
  bool strike = strikes("pwrite");
  if (strike && fails()) return -1;
  return syscall(SYS_pwrite64, fd, bytes, strike && is("short") ? half(length) : length, at);
}

/* ---- memory: the C library's own functions lie under these names ---- */

void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);

void *malloc(size_t size) { return strikes("malloc") && fails() ? NULL : __libc_malloc(size); }
void *calloc(size_t count_, size_t size) { return strikes("malloc") && fails() ? NULL : __libc_calloc(count_, size); }
void *realloc(void *old, size_t size) { return strikes("malloc") && fails() ? NULL : __libc_realloc(old, size); }
void *aligned_alloc(size_t alignment, size_t size) {
  return strikes("malloc") && fails() ? NULL : __libc_memalign(alignment, size);
}
