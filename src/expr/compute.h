/* compute.h: operations on plain numbers, in f64: constants of a graph, and scalars once their operands are known. */
#ifndef MW_EXPR_COMPUTE_H
#define MW_EXPR_COMPUTE_H

#include "expr/graph.h"

/* A MAP operation on as many numbers as it has operands; NaN for any other. */
double mw_compute(mw_op op, const double *operands);

#endif
