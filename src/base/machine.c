/* machine.c: the smallest of several limits. A limit that cannot be read (no cgroup, no /proc) is treated as no limit. */
#include "base/machine.h"
#include <limits.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* The number in a file; "max", or no file, is no limit. */
static uint64_t limit_in(const char *folder, const char *file) {
  char path[PATH_MAX], line[32] = "", *end;
  if (snprintf(path, sizeof path, "%s/%s", folder, file) >= (int)sizeof path) return UINT64_MAX;
  FILE *in = fopen(path, "re");
  if (!in) return UINT64_MAX;
  if (!fgets(line, sizeof line, in)) *line = 0;
  fclose(in);
  uint64_t limit = strtoull(line, &end, 10);
  return end == line ? UINT64_MAX : limit;
}

/* The smallest limit of a group and all groups above it, up to the root. */
static uint64_t group_limit(const char *root, const char *group, const char *file) {
  char path[PATH_MAX];
  size_t top = strlen(root);
  uint64_t limit = UINT64_MAX;
  if (snprintf(path, sizeof path, "%s%s", root, group) >= (int)sizeof path) return limit;
  for (;;) {
    limit = least(limit, limit_in(path, file));
    char *slash = strrchr(path + top, '/');
    if (!slash) return limit;
    *slash = 0;
  }
}

/* Whether `word` is among the words between commas. */
static bool holds(const char *list, const char *word) {
  for (size_t n = strlen(word); *list; list += strcspn(list, ","), list += *list == ',')
    if (strcspn(list, ",") == n && memcmp(list, word, n) == 0) return true;
  return false;
}

uint64_t mw_machine_groups(const char *table, const char *root) {
  char line[PATH_MAX + 256], first[PATH_MAX];
  uint64_t limit = UINT64_MAX;
  FILE *in = fopen(table, "re");
  while (in && fgets(line, sizeof line, in)) { /* number:controllers:group; version 2 has no controllers */
    line[strcspn(line, "\n")] = 0;
    char *controllers = strchr(line, ':'), *group = controllers ? strchr(++controllers, ':') : NULL;
    if (!group) continue;
    *group++ = 0;
    if (!*controllers) limit = least(limit, group_limit(root, group, "memory.max"));
    else if (holds(controllers, "memory") && snprintf(first, sizeof first, "%s/memory", root) < (int)sizeof first)
      limit = least(limit, group_limit(first, group, "memory.limit_in_bytes"));
  }
  if (in) fclose(in);
  return limit;
}

uint64_t mw_machine_memory(void) {
  static const int resources[] = {RLIMIT_AS, RLIMIT_DATA};
  long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  uint64_t limit = pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : UINT64_MAX;
  for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
    struct rlimit found;
    if (getrlimit(resources[i], &found) == 0 && found.rlim_cur != RLIM_INFINITY) limit = least(limit, found.rlim_cur);
  }
  return least(limit, mw_machine_groups("/proc/self/cgroup", "/sys/fs/cgroup"));
}

uint64_t mw_machine_space(void) {
  struct rlimit found;
  char line[64] = "";
  if (getrlimit(RLIMIT_AS, &found) != 0 || found.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
  FILE *in = fopen("/proc/self/statm", "re"); /* the first number: pages in all */
  bool known = in && fgets(line, sizeof line, in);
  if (in) fclose(in);
  uint64_t taken = known ? strtoull(line, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
  return taken < found.rlim_cur ? found.rlim_cur - taken : 0;
}

void mw_machine_raise_files(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void mw_machine_keep_memory(void) {
#ifdef M_TRIM_THRESHOLD /* other C libraries than glibc keep what they like */
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
#endif
}

bool mw_machine_check_stack(mw_error *err) {
  enum { LEAST = 256 << 10 };
  struct rlimit limit; /* what threads get is what it was when the process began */
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= LEAST) return true;
  return mw_error_set(err, MW_MEMORY, "a stack of %llu KB (ulimit -s), at least %d are needed", (unsigned long long)limit.rlim_cur >> 10,
                      LEAST >> 10);
}
