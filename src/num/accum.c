/* accum.c: folds the lanes of one unit. The tree is 32, 16, 8, 4, 2, 1 in the lanes' own type; only its result becomes
 * a double. Invariant: the order of additions never changes. */
#include "num/accum.h"

double mw_accum_fold(void *lanes, bool f64) {
  float *f32 = lanes;
  double *doubles = lanes;
  for (size_t width = MW_LANES / 2; width > 0; width /= 2)
    for (size_t i = 0; i < width; i++)
      if (f64)
        doubles[i] += doubles[i + width];
      else
        f32[i] += f32[i + width];
  return f64 ? doubles[0] : (double)f32[0];
}
