/* test_machine.c: what control groups of either version allow, on tables and folders by worker; and that limits of the
 * process itself count. */
#include "base/machine.h"
#include "unit.h"
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(const char *path, const char *text) {
  FILE *out = fopen(path, "w");
  CHECK(out != NULL);
  if (!out) return;
  fputs(text, out);
  fclose(out);
}

static uint64_t groups(const char *table) {
  put("table", table);
  return mw_machine_groups("table", "root");
}

int main(void) {
  char room[] = "/tmp/moonweld-machine-XXXXXX";
  static const char *const folders[] = {"root", "root/box", "root/box/inner", "root/memory", "root/memory/box"};
  if (!mkdtemp(room) || chdir(room) != 0) return 1;
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) CHECK(mkdir(folders[i], 0755) == 0);

  CASE("control groups, version 2");
  CHECK(groups("0::/box/inner\n") == UINT64_MAX);
  put("root/box/inner/memory.max", "max\n");
  CHECK(groups("0::/box/inner\n") == UINT64_MAX);
  put("root/box/memory.max", "5000\n");
  CHECK(groups("0::/box/inner\n") == 5000); /* of the group above */
  put("root/box/inner/memory.max", "700\n");
  CHECK(groups("0::/box/inner\n") == 700);
  put("root/memory.max", "600\n");
  CHECK(groups("0::/box/inner\n") == 600 && groups("0::/\n") == 600);
  CHECK(groups("0::/elsewhere\n") == 600); /* a name that only the host knows */
  CASE("control groups, version 1");
  CHECK(groups("3:cpu,cpuacct:/box\n1:memory_of_another:/box\n") == UINT64_MAX);
  put("root/memory/box/memory.limit_in_bytes", "4000\n");
  CHECK(groups("9:cpu,memory:/box\n") == 4000);
  CHECK(groups("9:cpu,memory:/box\n0::/\n") == 600);
  CASE("no table, or none that makes sense");
  CHECK(groups("nonsense\n") == UINT64_MAX && groups("") == UINT64_MAX);
  CHECK(mw_machine_groups("missing", "root") == UINT64_MAX);

  CASE("a limit of the process");
  uint64_t all = mw_machine_memory();
  struct rlimit limit;
  CHECK(all > 0 && getrlimit(RLIMIT_DATA, &limit) == 0);
#ifndef MW_SANITIZED /* a sanitizer's shadow is larger than any limit, and it maps more as it goes */
  limit.rlim_cur = all - 1;
  CHECK(setrlimit(RLIMIT_DATA, &limit) == 0 && mw_machine_memory() == all - 1);
#endif

  CHECK(chdir("/") == 0);
  char command[64];
  snprintf(command, sizeof command, "rm -rf %s", room);
  CHECK(system(command) == 0);
  UNIT_END();
}
