/* accum.c: folds the 64 lanes of a unit into one sum: lanes 32 to 63 are added to lanes 0 to 31, then 16 to 31 to 0 to 15, and so on
 * to one, in the lanes' own type; only the result becomes a double. The order of additions never changes. */
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
