/* outputs.h: from the result of a recipe to what the run needs: which outputs are computed and in which passes, which are copied, in
 * which dtype, and where each lies in the output's files. */
#ifndef MW_MERGE_OUTPUTS_H
#define MW_MERGE_OUTPUTS_H

#include "merge/plan.h"

/* Fills nodes, places, copies, schedule and layout of a plan that has its result. MW_DATA if the recipe returned what cannot be
 * written, MW_USAGE if it cannot be written to where the options say. */
bool mw_outputs_place(mw_plan *plan, mw_error *err);
/* Frees these; they can be made again. */
void mw_outputs_free(mw_plan *plan);

#endif
