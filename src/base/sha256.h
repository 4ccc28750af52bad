/* sha256.h: SHA-256 (FIPS 180-4) by nettle, for the identity of recipes and files. */
#ifndef MW_BASE_SHA256_H
#define MW_BASE_SHA256_H

#include <nettle/sha2.h>
#include <stddef.h>

typedef struct mw_sha256 { struct sha256_ctx nettle; } mw_sha256;

void mw_sha256_init(mw_sha256 *hash);
void mw_sha256_add(mw_sha256 *hash, const void *bytes, size_t length);
/* 64 lower-case hex digits and a NUL. Ends the hash. */
void mw_sha256_finish(mw_sha256 *hash, char hex[65]);
/* All three at once. */
void mw_sha256_of(const void *bytes, size_t length, char hex[65]);

#endif
