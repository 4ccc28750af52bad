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
  static const struct { const char *count, *rank; } launchers[] = {
    {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"}, {"PMI_SIZE", "PMI_RANK"}, {"SLURM_STEP_NUM_TASKS", "SLURM_PROCID"},
  };
  for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
    uint64_t count, rank;
    if (number(launchers[i].count, &count) && number(launchers[i].rank, &rank) && rank < count)
      return (mw_launcher){(uint32_t)rank, (uint32_t)count};
  }
  return (mw_launcher){0, 1};
}
