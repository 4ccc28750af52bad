/* rng.h: counter-based random numbers (Philox4x32-10, Salmon et al. 2011). A draw is a pure function of seed, stream
 * labels, tensor name and element index. */
#ifndef MW_NUM_RNG_H
#define MW_NUM_RNG_H

#include "num/kernels.h"

void mw_rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
/* Folds one label into a key: key' = hash(key, bytes). Numbers are labelled by their decimal text. */
uint64_t mw_rng_label(uint64_t key, const char *bytes, size_t length);
/* Plain numbers of a stream key, drawn while planning: the n-th draw of each kind starts at counter `draw`. */
double mw_rng_uniform(uint64_t key, uint64_t draw);            /* in (0, 1), 53 bits */
double mw_rng_normal(uint64_t key, uint64_t draw);
double mw_rng_gamma(uint64_t key, uint64_t draw, double shape); /* Marsaglia and Tsang 2000; shape < 1 by the boost U^(1/shape) */
double mw_rng_beta(uint64_t key, double a, double b);           /* log-space safe for tiny a and b */
void mw_rng_dirichlet(uint64_t key, double alpha, size_t n, double *out);
#endif
