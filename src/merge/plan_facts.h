/* plan_facts.h: what a plan tells of itself before it runs. */
#ifndef MW_MERGE_PLAN_FACTS_H
#define MW_MERGE_PLAN_FACTS_H

#include "merge/plan.h"

/* Bytes of the output's tensor files. */
uint64_t mw_plan_facts_written(const mw_plan *plan);
/* The text of mw_plan_json, in the place of an older one. */
bool mw_plan_facts_compose(mw_plan *plan, mw_error *err);

#endif
