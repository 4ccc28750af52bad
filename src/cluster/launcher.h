/* launcher.h: what mpirun and srun tell a process of itself in its environment. */
#ifndef MW_CLUSTER_LAUNCHER_H
#define MW_CLUSTER_LAUNCHER_H

#include <stdbool.h>
#include <stdint.h>

/* Which of how many processes this is, from 0 on; 0 of 1 where it was started alone. */
typedef struct mw_launcher {
  uint32_t rank, count;
  bool one_machine; /* it says that all are on one */
} mw_launcher;

/* Of the first launcher that there is: a program that mpirun starts inside of a job of Slurm is mpirun's. */
mw_launcher mw_launcher_told(void);

#endif
