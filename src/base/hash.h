/* hash.h: hashes for tables whose keys come from files of strangers, who could choose keys with equal hashes to make a program
 * slow. The hash is a polynomial modulo a prime; its coefficients are the parts of the key, and its argument is a secret number
 * (Carter and Wegman, 1979), so nobody can choose such keys. The secret differs from run to run. It changes no result, only the
 * places in the tables. */
#ifndef MW_BASE_HASH_H
#define MW_BASE_HASH_H

#include <stdint.h>

/* The secret of this run, an odd random number. A table keeps what it was given. */
uint64_t mw_hash_secret(void);

/* Adds the next part of the key. */
static inline uint64_t mw_hash_add(uint64_t hash, uint64_t secret, uint64_t term) {
  const uint64_t prime = (UINT64_C(1) << 61) - 1;
  unsigned __int128 product = (unsigned __int128)hash * (secret & prime) + term;
  hash = (uint64_t)(product & prime) + (uint64_t)(product >> 61);
  return hash >= prime ? hash - prime : hash;
}

/* The finished hash: every bit of the key has an influence on the upper half. */
static inline uint64_t mw_hash_finish(uint64_t hash) { return hash * UINT64_C(0x9e3779b97f4a7c15); }

#endif
