/* buffers.h: which tensors of a family are no weights, and whether they are the same in all of its models. Integers are none, nor are
 * the buffers of buffers.def: the output has the donor's, bit for bit, so those of the other models must mean the same. */
#ifndef MW_MODEL_BUFFERS_H
#define MW_MODEL_BUFFERS_H

#include "model/family.h"

/* Whether a tensor is kept as it is: it holds no real numbers, or is a buffer by its name and shape. */
bool mw_buffers_is_kept(const mw_tensor *tensor);

/* Reads the kept tensors of the donor and what other members have under their names. MW_DATA where they differ by more than the
 * rounding of 16-bit floats, unless rules.donor_integers. Warns of indices that are not whole, and of statistics of batch norms that
 * differ. */
bool mw_buffers_compare(const mw_family *family, mw_warning *warnings, mw_error *err);

#endif
