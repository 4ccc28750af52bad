/* hash.h: hashes for tables whose keys strangers choose. The hash is a polynomial over a prime, whose coefficients are the
 * key's terms, taken at a secret point (Carter and Wegman, 1979): who does not know the point cannot choose keys that meet.
 * The secret differs from run to run, which changes no result: it only orders the tables. */
#ifndef MW_BASE_HASH_H
#define MW_BASE_HASH_H

#include <stdint.h>

/* An odd number nobody knows. */
uint64_t mw_hash_secret(void);

/* One term more. */
static inline uint64_t mw_hash_add(uint64_t hash, uint64_t secret, uint64_t term) {
  const uint64_t prime = (UINT64_C(1) << 61) - 1;
  unsigned __int128 product = (unsigned __int128)hash * (secret & prime) + term;
  hash = (uint64_t)(product & prime) + (uint64_t)(product >> 61);
  return hash >= prime ? hash - prime : hash;
}

/* The end: every bit has a part in the upper half. */
static inline uint64_t mw_hash_finish(uint64_t hash) { return hash * UINT64_C(0x9e3779b97f4a7c15); }

#endif
