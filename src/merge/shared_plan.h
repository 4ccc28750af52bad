/* shared_plan.h: a plan that several processes make and run together (cluster/cluster.h, exec/ranks.h). Alone, nothing here is called. */
#ifndef MW_MERGE_SHARED_PLAN_H
#define MW_MERGE_SHARED_PLAN_H

#include "merge/plan.h"

/* Rank 0 keeps prompts that its recipe asks with, for the others. */
bool mw_shared_plan_keep_prompts(mw_plan *plan, const mw_text_piece *texts, size_t count, mw_error *err);
/* Starts MPI. Rank 0 has evaluated the recipe; the others get its prompts and its graph, check them against their own inputs, and know
 * how many candidates it has. */
bool mw_shared_plan_receive(mw_plan *plan, const mw_recipe_task *task, mw_error *err);
/* Its two ends: what rank 0 tells, and what another makes of `count` bytes of which it believes nothing. */
bool mw_shared_plan_put(const mw_plan *plan, mw_text *out, mw_error *err);
bool mw_shared_plan_take(mw_plan *plan, const mw_recipe_task *task, const char *bytes, size_t count, mw_error *err);
/* mw_writer_open, for one process as for several: rank 0 makes the folder, then the others join. */
bool mw_shared_plan_open(const char *out, const mw_layout *layout, const mw_writer_how *how, mw_writer **writer, mw_error *err);
/* What rank 0 has found of an earlier run, all know then. */
bool mw_shared_plan_resume(const mw_plan *plan, mw_writer *writer, mw_error *err);
/* MW_CHANGED where this text, lines of "what: value", is not that of rank 0: it names the first that differs. */
bool mw_shared_plan_same(const mw_text *own, mw_error *err);
/* The same of the plan:
 * MW_CHANGED where this process has planned something else than rank 0, or has found other files: it names the first that differs. */
bool mw_shared_plan_compare(const mw_plan *plan, mw_error *err);
/* What a later run must have in common to go on with this one: rank 0's identity of the plan, also for the others. */
bool mw_shared_plan_identity(const mw_plan *plan, mw_text *identity, mw_error *err);
/* Divides the work among the ranks, for `job`; what the writer has is done already. */
bool mw_shared_plan_divide(mw_plan *plan, const mw_writer *writer, mw_job *job, mw_error *err);

#endif
