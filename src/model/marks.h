/* marks.h: what a checkpoint of one file says of itself, which has no configuration: empty tensors such as v_pred, by which loaders of
 * diffusion models know that it predicts velocity, and the `modelspec` keys of its metadata. */
#ifndef MW_MODEL_MARKS_H
#define MW_MODEL_MARKS_H

#include "model/family.h"

/* MW_DATA where two checkpoints predict different things, unless `allowed`; another architecture is a warning. */
bool mw_marks_fit(const mw_family_member *donor, const mw_family_member *other, bool allowed, mw_warning *warnings, mw_error *err);

#endif
