/* optim.h: AdamW (Loshchilov and Hutter 2019) on a vector of coefficients, and MoFO, which moves only the elements of
 * largest momentum. All in f32 but for the powers of the betas; the same bits everywhere. */
#ifndef MW_LEARN_OPTIM_H
#define MW_LEARN_OPTIM_H

#include "learn/train.h"

/* The L2 norm of all gradients, summed in f64 in order. */
double mw_optim_norm(const float *const *gradients, const size_t *counts, size_t tensors);

/* Step `step` (from 1) of one coefficient of `count` elements; its gradient is multiplied by `scale` first:
 *   c *= 1 - rate * decay;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
 *   c -= rate * (m / (1 - b1^step)) / (sqrt(v / (1 - b2^step)) + epsilon)
 * With share < 1 the last line is for elements with |m| at least the k-th largest, k = max(1, int(share * count)).
 * `work` holds count floats. */
void mw_optim_step(const mw_train_spec *training, uint64_t step, double scale, const float *gradient, size_t count,
                   float *values, float *momentum, float *variance, float *work);

#endif
