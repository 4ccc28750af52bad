/* assign.h: which row goes with which column, so that the sum of their costs is least: the Hungarian method by shortest paths (Jonker,
 * Volgenant 1987), in m n min(m, n) steps of f64. */
#ifndef MW_NUM_ASSIGN_H
#define MW_NUM_ASSIGN_H

#include "base/error.h"
#include <stddef.h>

/* column_of[i] of cost[m, n]: the column of row i, or SIZE_MAX where there are more rows than columns. Costs are finite. Of two
 * assignments of equal cost it is always the same one. */
bool mw_assign(size_t m, size_t n, const double *cost, size_t *column_of, mw_error *err);

#endif
