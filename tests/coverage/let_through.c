/* let_through.c: a part of the coverage build alone. A recipe's locked process could not write what it has executed: it may not open
 * files, and ends by _exit. Here it may, and tells before it ends. The functions are weak: a test that brings its own keeps it. */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

void __gcov_dump(void);

__attribute__((weak)) void _exit(int code) {
  __gcov_dump();
  for (;;) syscall(SYS_exit_group, code);
}

__attribute__((weak)) int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit) {
  if (limit->rlim_max == 0 && (resource == RLIMIT_NOFILE || resource == RLIMIT_FSIZE)) return 0; /* the sandbox's */
  return (int)syscall(SYS_setrlimit, resource, limit);
}

__attribute__((weak)) int seccomp_load(void *filter) { return (void)filter, 0; }
