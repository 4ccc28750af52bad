/* sha256.c: the door of nettle. */
#include "base/sha256.h"
#include <stdint.h>

void mw_sha256_init(mw_sha256 *hash) { sha256_init(&hash->nettle); }

void mw_sha256_add(mw_sha256 *hash, const void *bytes, size_t length) { sha256_update(&hash->nettle, length, bytes); }

void mw_sha256_finish(mw_sha256 *hash, char hex[65]) {
  static const char digits[] = "0123456789abcdef";
  uint8_t digest[SHA256_DIGEST_SIZE];
  sha256_digest(&hash->nettle, sizeof digest, digest);
  for (int i = 0; i < 64; i++) hex[i] = digits[digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
  hex[64] = 0;
}

void mw_sha256_of(const void *bytes, size_t length, char hex[65]) {
  mw_sha256 hash;
  mw_sha256_init(&hash);
  mw_sha256_add(&hash, bytes, length);
  mw_sha256_finish(&hash, hex);
}
