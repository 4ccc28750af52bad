/* variances.h: what a batch norm divides by. A merge that extrapolates can make a running variance negative, and the network
 * then gives NaN wherever it is used: such a result is refused before it is published. */
#ifndef MW_OUTPUT_VARIANCES_H
#define MW_OUTPUT_VARIANCES_H

#include "output/layout.h"

/* Reads the tensors called running_var of the weights in `folder` again. MW_DATA names the first that has a value below 0, how
 * many it has and the least. */
bool mw_variances_check(const mw_layout *layout, const char *folder, mw_error *err);

#endif
