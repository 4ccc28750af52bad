/* optim.c: plain loops on one thread: there are few coefficients. */
#include "learn/optim.h"
#include "base/mathx.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

double mw_optim_norm(const float *const *gradients, const size_t *counts, size_t tensors) {
  double square = 0;
  for (size_t t = 0; t < tensors; t++)
    for (size_t i = 0; i < counts[t]; i++) square += (double)gradients[t][i] * (double)gradients[t][i];
  return sqrt(square);
}

static int descending(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x < y) - (x > y);
}

/* The k-th largest |m|, from 1. */
static float threshold(const float *momentum, size_t count, size_t k, float *work) {
  for (size_t i = 0; i < count; i++) work[i] = fabsf(momentum[i]);
  qsort(work, count, sizeof *work, descending);
  return work[k - 1];
}

void mw_optim_step(const mw_train_spec *t, uint64_t step, double scale, const float *gradient, size_t count, float *values,
                   float *momentum, float *variance, float *work) {
  const float b1 = (float)t->beta1, b2 = (float)t->beta2, shrink = (float)(1 - t->rate * t->decay), factor = (float)scale;
  const float rate = (float)(t->rate / (1 - mw_mathx_pow(t->beta1, (double)step)));
  const float spread = (float)(1 / (1 - mw_mathx_pow(t->beta2, (double)step))), epsilon = (float)t->epsilon;
  for (size_t i = 0; i < count; i++) {
    float g = gradient[i] * factor;
    momentum[i] = b1 * momentum[i] + (1 - b1) * g;
    variance[i] = b2 * variance[i] + (1 - b2) * g * g;
  }
  size_t kept = (size_t)(t->share * (double)count);
  float least = t->share < 1 ? threshold(momentum, count, kept ? kept : 1, work) : 0;
  for (size_t i = 0; i < count; i++) {
    values[i] *= shrink;
    if (fabsf(momentum[i]) >= least) values[i] -= rate * momentum[i] / (sqrtf(variance[i] * spread) + epsilon);
  }
}
