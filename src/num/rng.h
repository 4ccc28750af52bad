/* rng.h: counter-based random numbers (Philox4x32-10, Salmon et al. 2011). A draw depends only on the seed, the labels of its
 * stream, the tensor's name and the element's index, not on the draws before it. */
#ifndef MW_NUM_RNG_H
#define MW_NUM_RNG_H

#include "num/kernels.h"

void mw_rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
/* The key of a stream within the stream `key`: hash(key, label). A label that is a number is its decimal text. */
uint64_t mw_rng_label(uint64_t key, const char *bytes, size_t length);
/* Single numbers, drawn while planning: number `draw` of each kind in the stream `key`. */
double mw_rng_uniform(uint64_t key, uint64_t draw);            /* in (0, 1), 53 bits */
double mw_rng_normal(uint64_t key, uint64_t draw);
double mw_rng_gamma(uint64_t key, uint64_t draw, double shape); /* Marsaglia and Tsang 2000; shape < 1 by the boost U^(1/shape) */
double mw_rng_beta(uint64_t key, double a, double b);           /* log-space safe for tiny a and b */
void mw_rng_dirichlet(uint64_t key, double alpha, size_t n, double *out);
#endif
