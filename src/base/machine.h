/* machine.h: what this machine lets the process have. */
#ifndef MW_BASE_MACHINE_H
#define MW_BASE_MACHINE_H

#include <stdint.h>

/* Bytes of memory that this process may take: the machine's, or less where a control group or a limit of its own
 * (`ulimit -v`, `ulimit -d`) says so. Swap is not counted, since what learns reads all of its memory all the time.
 * UINT64_MAX where nothing is known. */
uint64_t mw_machine_memory(void);
/* What control groups allow: those that `table` (/proc/self/cgroup) names, and those above them, below `root`
 * (/sys/fs/cgroup), of either version. */
uint64_t mw_machine_groups(const char *table, const char *root);

#endif
