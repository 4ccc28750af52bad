/* accum.c: folds the lanes of one unit. The tree is 32, 16, 8, 4, 2, 1 in the lanes' own type; only its result becomes
 * a double. Invariant: the order of additions never changes. */
#include "num/accum.h"

double mw_accum_fold(void *lanes, bool wide) {
  float *narrow = lanes;
  double *doubles = lanes;
  for (size_t width = MW_LANES / 2; width > 0; width /= 2)
    for (size_t i = 0; i < width; i++)
      if (wide)
        doubles[i] += doubles[i + width];
      else
        narrow[i] += narrow[i + width];
  return wide ? doubles[0] : (double)narrow[0];
}
