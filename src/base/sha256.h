/* sha256.h: FIPS 180-4, for the identity of recipes and files. */
#ifndef MW_BASE_SHA256_H
#define MW_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct mw_sha256 {
  uint32_t state[8];
  uint64_t length;
  uint8_t block[64];
} mw_sha256;

void mw_sha256_init(mw_sha256 *hash);
void mw_sha256_add(mw_sha256 *hash, const void *bytes, size_t length);
/* 64 lower-case hex digits and a NUL. Ends the hash. */
void mw_sha256_finish(mw_sha256 *hash, char hex[65]);

#endif
