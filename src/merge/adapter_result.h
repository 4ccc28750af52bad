/* adapter_result.h: a recipe's result that is no model but an adapter: an output folder of adapter_config.json and
 * adapter_model.safetensors, which peft adds to the donor. */
#ifndef MW_MERGE_ADAPTER_RESULT_H
#define MW_MERGE_ADAPTER_RESULT_H

#include "merge/plan.h"

/* Whether the plan's adapter can be one of its donor, and be written where the options say. Then plan->sets are what
 * adapter_config.json holds: what the recipe has sent, and where the donor is. */
bool mw_adapter_result_place(mw_plan *plan, mw_error *err);

#endif
