/* run.h: runs a job: stage after stage, with all threads on the blocks of one pass, in file order. run.c is the only file of
 * this room that knows of OpenMP. The result's bits do not depend on threads, tiles or instruction set. */
#ifndef MW_EXEC_RUN_H
#define MW_EXEC_RUN_H

#include "exec/run_cost.h"

/* Runs it; the writer then holds every tensor. */
bool mw_run_job(const mw_job *job, mw_error *err);
/* Runs it and gives the values of these scalars, which must be among the schedule's outputs. A job that only measures has
 * no tensors to store: an empty layout, and no writer. */
bool mw_run_values(const mw_job *job, const mw_node *scalars, size_t count, double *values, mw_error *err);
/* Starts the threads: MW_MEMORY where the system cannot (`ulimit -v`, `-u`). Called before the first byte of an output is written, and by
 * every run. */
bool mw_run_ready(int threads, mw_error *err);
/* Threads to use if the user asked for `wanted` (0: OMP_NUM_THREADS, else all cores); 1 to 1024. */
int mw_run_threads(int wanted);

#endif
