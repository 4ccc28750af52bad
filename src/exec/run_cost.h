/* run_cost.h: what a job will cost, known before it runs. */
#ifndef MW_EXEC_RUN_COST_H
#define MW_EXEC_RUN_COST_H

#include "exec/matrices.h"

typedef struct mw_run_cost {
  unsigned passes;
  uint64_t bytes_read, peak_memory;
  mw_matrices_cost matrices; /* all 0 where the job has none */
} mw_run_cost;

/* What a job will cost, without running it (job->writer may be NULL). */
bool mw_run_cost_measure(const mw_job *job, mw_run_cost *cost, mw_error *err);
/* Whether the matrices of a job fit this machine: loads OpenBLAS. MW_MEMORY with the numbers, MW_UNAVAILABLE where it is not
 * installed. True of a job without any. */
bool mw_run_cost_fits(const mw_run_cost *cost, int threads, mw_error *err);
/* Bytes that the checksums of a counted job may keep aside (mw_file_checksum_memory). */
uint64_t mw_run_cost_checksums(int threads);

#endif
