/* proof.h: that the output is the model that was planned, and one that computes: what its config.json says must be true of its tensors.
 * What follows from the plan is proved before anything is written, the rest on the files that were written, before they are published. A
 * failure names key and tensor, and an old output stays. */
#ifndef MW_MERGE_PROOF_H
#define MW_MERGE_PROOF_H

#include "merge/plan.h"

/* Of a plan that has its layout: config.json as it will be, against names, shapes and dtypes of the tensors. MW_DATA. */
bool mw_proof_plan(const mw_plan *plan, mw_error *err);
/* Opens the temporary folder as a model, as any reader would: the planned tensors and no others, the same of its config.json, a tied head
 * that is the embedding, no token beyond the embedding's rows. MW_DATA, or MW_IO where files are not as they were written. Warns of
 * what --nonfinite keep has let through. */
bool mw_proof_written(mw_plan *plan, const mw_writer *writer, mw_error *err);
/* Of a whole pipeline: that its folder can be opened, with all components. */
bool mw_proof_pipeline(const mw_plan *plan, const mw_writer *writer, mw_error *err);

#endif
