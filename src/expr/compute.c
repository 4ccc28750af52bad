/* compute.c: the expressions of base/elementwise.def, with f64 as the compute type. */
#include "expr/compute.h"
#include "base/mathx.h"
#include <math.h>

typedef double R;
#define MW_ABS fabs
#define MW_SQRT sqrt
#define MW_FLOOR mw_mathx_floor
#define MW_NEAREST mw_mathx_nearest

double mw_compute(mw_op op, const double *operands) {
  const int count = mw_graph_op_operands(op);
  const double a = operands[0], b = count > 1 ? operands[1] : 0, c = count > 2 ? operands[2] : 0;
  switch (op) {
#define MW_ELEMENTWISE(name, kind, operands, written, meaning, expression) case MW_OP_##name: return (double)(expression);
#include "base/elementwise.def"
#undef MW_ELEMENTWISE
  default: return NAN;
  }
}
