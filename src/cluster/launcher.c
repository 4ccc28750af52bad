/* launcher.c: Open MPI, then MPICH and what follows its PMI, then srun. A batch script of Slurm, which is one process, has variables of
 * the whole job too, but none of a step. */
#include "cluster/launcher.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static bool number(const char *name, uint64_t *value) {
  const char *text = getenv(name);
  return text && mw_text_parse_u64(text, strlen(text), value) && *value < UINT32_MAX;
}

mw_launcher mw_launcher_told(void) {
  static const struct { const char *count, *rank, *here, *machines; } launchers[] = {
    {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE", ""},
    {"PMI_SIZE", "PMI_RANK", "MPI_LOCALNRANKS", ""},
    {"SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "", "SLURM_STEP_NUM_NODES"},
  };
  for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
    uint64_t count, rank, here = 0, machines = 0;
    if (!number(launchers[i].count, &count) || !number(launchers[i].rank, &rank) || rank >= count) continue;
    bool one = (number(launchers[i].here, &here) && here == count) || (number(launchers[i].machines, &machines) && machines == 1);
    return (mw_launcher){(uint32_t)rank, (uint32_t)count, one};
  }
  return (mw_launcher){0, 1, true};
}
