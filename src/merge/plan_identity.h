/* plan_identity.h: everything on which the weights of a plan's output depend, as lines "what: value" (writer.h). What has no effect on
 * them (threads, names of folders, side files) is not in it. */
#ifndef MW_MERGE_PLAN_IDENTITY_H
#define MW_MERGE_PLAN_IDENTITY_H

#include "merge/plan.h"

bool mw_plan_identity_compose(const mw_plan *plan, mw_text *out, mw_error *err);
/* The same for other processes that make the plan too, on other machines. */
bool mw_plan_identity_shared(const mw_plan *plan, mw_text *out, mw_error *err);
/* The same of the scores of its candidates, beside what each candidate computes. */
bool mw_plan_identity_search(const mw_plan *plan, mw_text *out, mw_error *err);

#endif
