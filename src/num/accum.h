/* accum.h: reductions in the one fixed shape: 64 lanes a unit of 2048 elements, folded by a tree (32, 16, ... 1), units
 * added in f64 in index order. The shape depends on nothing but the tensor, so results are the same bits everywhere. */
#ifndef MW_NUM_ACCUM_H
#define MW_NUM_ACCUM_H

#include "num/kernels.h"

/* The sum over one unit's lanes (64 floats, or doubles if f64) as a double. Destroys the lanes. */
double mw_accum_fold(void *lanes, bool f64);
#endif
