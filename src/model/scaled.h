/* scaled.h: fp8 weights with their scales are weights: value times scale. A tensor of F8_E4M3 or F8_E5M2 that has a scale beside
 * it (of one value, one a row, or one a block) is seen by everybody else as a tensor of F32, whose elements are made when they
 * are read; its scale, and what is for activations alone, is not seen at all. */
#ifndef MW_MODEL_SCALED_H
#define MW_MODEL_SCALED_H

#include "model/family.h"

/* How the elements of such a tensor are made: element (r, c) of the tensor as a matrix of its last dimension times
 * values[r / rows_each * across + c / columns_each]. */
typedef struct mw_scaled {
  mw_tensor codes;
  float *values;
  uint64_t width, rows_each, columns_each, across;
} mw_scaled;

/* Lists the tensors of a member's model with this done; small scales are read. `found` tells whether there was any. */
bool mw_scaled_list(mw_family_member *member, mw_arena *arena, bool *found, mw_error *err);
/* Elements [at, at + length) / 4, as floats. */
bool mw_scaled_read(const mw_file *file, const mw_scaled *scaled, uint64_t at, void *bytes, size_t length, mw_error *err);

#endif
