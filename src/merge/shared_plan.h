/* shared_plan.h: a plan that several processes make and run together (cluster/cluster.h, exec/ranks.h). Alone, nothing here is called. */
#ifndef MW_MERGE_SHARED_PLAN_H
#define MW_MERGE_SHARED_PLAN_H

#include "merge/plan.h"

/* MW_UNAVAILABLE for what one process must do alone: `what` says it, "--score". */
bool mw_shared_plan_refuse(const char *what, mw_error *err);
/* Starts MPI. Rank 0 has evaluated the recipe; the others get its graph, and check it against their own inputs. */
bool mw_shared_plan_receive(mw_plan *plan, const mw_recipe_task *task, mw_error *err);
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
