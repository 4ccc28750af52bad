/* machine.h: how much memory, how many open files and how deep calls this process may have. */
#ifndef MW_BASE_MACHINE_H
#define MW_BASE_MACHINE_H

#include <stdint.h>

#include "base/error.h"

/* Bytes of memory that this process may take: the machine's, or less if a control group or a limit of the process (`ulimit -v`,
 * `ulimit -d`) says so. Swap is not counted: a training reads all of its memory at every step. UINT64_MAX if nothing is known. */
uint64_t mw_machine_memory(void);
/* Bytes of address space that it may take beyond what it has, by `ulimit -v`; UINT64_MAX where that says nothing. */
uint64_t mw_machine_space(void);
/* Lets this process open as many files as it may at most: a model may have a thousand shards. */
void mw_machine_raise_files(void);
/* Memory that is freed stays with this process for what it asks for next, up to 16 MB: pages that go back are cleared again by the
 * system when they are touched (tables of a selection for each of 900 tensors: two thirds of a merge's time). */
void mw_machine_keep_memory(void);
/* MW_MEMORY where threads have less room for their calls than we need (`ulimit -s`): they would end at a random place. */
bool mw_machine_check_stack(mw_error *err);
/* The smallest limit of the control groups that `table` (/proc/self/cgroup) names and of those above them, up to `root`
 * (/sys/fs/cgroup). Versions 1 and 2. */
uint64_t mw_machine_groups(const char *table, const char *root);

#endif
