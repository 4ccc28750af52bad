/* rank.h: the order of the values of a run that is in memory: the value of a rank, and the place of every value. Runs are short
 * (rows of a matrix); num/select.h finds a rank among elements that are not kept. Values are floats, or doubles if `f64`; -0
 * equals +0, and the keys of NaN lie beyond those of infinity. */
#ifndef MW_NUM_RANK_H
#define MW_NUM_RANK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of scratch memory that a run of n values takes. */
size_t mw_rank_scratch(size_t n);
/* The value of rank `rank` < n, ascending from 0. */
double mw_rank_value(const void *values, bool f64, size_t n, size_t rank, void *scratch);
/* places[i] = the place of value i among all, ascending from 0; of equal ones the first has the lowest, or if `first_last` the
 * highest. `places` are of the values' type; they may be the values. */
void mw_rank_places(void *places, const void *values, bool f64, size_t n, bool first_last, void *scratch);

#endif
