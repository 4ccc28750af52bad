/* accum.h: the fixed order of every sum. A tensor is cut into units of 2048 elements; element i of a unit is added to lane i % 64;
 * the 64 lanes are folded by a tree (32, 16, ... 1); the sums of the units are added in f64, in order. So a sum depends on the
 * tensor only, and has the same bits for any number of threads and any instruction set. */
#ifndef MW_NUM_ACCUM_H
#define MW_NUM_ACCUM_H

#include "num/kernels.h"

/* The sum of one unit's lanes (64 floats, or doubles if `f64`) as a double. Overwrites the lanes. */
double mw_accum_fold(void *lanes, bool f64);
#endif
