/* rng.h: counter-based random numbers (Philox4x32-10, Salmon et al. 2011). A draw depends only on the seed, the labels of its
 * stream, the tensor's name and the element's index, not on the draws before it. */
#ifndef MW_NUM_RNG_H
#define MW_NUM_RNG_H

#include "num/kernels.h"

#define MW_RNG_M0 UINT32_C(0xd2511f53)
#define MW_RNG_M1 UINT32_C(0xcd9e8d57)
enum { MW_RNG_ROUNDS = 10 };
/* A key's two words in every round. */
typedef struct mw_rng_keys { uint32_t round[MW_RNG_ROUNDS][2]; } mw_rng_keys;

static inline mw_rng_keys mw_rng_keys_of(uint64_t key) {
  mw_rng_keys keys;
  for (uint32_t r = 0; r < MW_RNG_ROUNDS; r++) {
    keys.round[r][0] = (uint32_t)key + r * UINT32_C(0x9e3779b9);
    keys.round[r][1] = (uint32_t)(key >> 32) + r * UINT32_C(0xbb67ae85);
  }
  return keys;
}

/* The four words of the block of a counter, low and high half. */
static inline void mw_rng_block(const mw_rng_keys *keys, uint64_t low, uint64_t high, uint32_t out[4]) {
  uint32_t x0 = (uint32_t)low, x1 = (uint32_t)(low >> 32), x2 = (uint32_t)high, x3 = (uint32_t)(high >> 32);
  for (int r = 0; r < MW_RNG_ROUNDS; r++) {
    uint64_t a = (uint64_t)MW_RNG_M0 * x0, b = (uint64_t)MW_RNG_M1 * x2;
    x0 = (uint32_t)(b >> 32) ^ x1 ^ keys->round[r][0];
    x2 = (uint32_t)(a >> 32) ^ x3 ^ keys->round[r][1];
    x1 = (uint32_t)b;
    x3 = (uint32_t)a;
  }
  out[0] = x0, out[1] = x1, out[2] = x2, out[3] = x3;
}

/* The key of a stream within the stream `key`: hash(key, label). A label that is a number is its decimal text. */
uint64_t mw_rng_label(uint64_t key, const char *bytes, size_t length);
/* Single numbers, drawn while planning: number `draw` of each kind in the stream `key`. */
double mw_rng_uniform(uint64_t key, uint64_t draw);            /* in (0, 1), 53 bits */
double mw_rng_beta(uint64_t key, double a, double b);           /* log-space safe for tiny a and b */
void mw_rng_dirichlet(uint64_t key, double alpha, size_t n, double *out);
#endif
