/* checksum.c: the door of xxHash, of which the header is used and no library is linked. */
#include "base/checksum.h"
#define XXH_INLINE_ALL
#include <string.h>
#include <xxhash.h>

#if XXH_VERSION_NUMBER < 800
#error "xxHash before 0.8.0 has another XXH3"
#endif

_Static_assert(sizeof(mw_checksum_state) >= sizeof(XXH3_state_t), "the state has room for that of xxHash");

static mw_checksum canonical(XXH128_hash_t hash) {
  mw_checksum checksum;
  XXH128_canonical_t order;
  XXH128_canonicalFromHash(&order, hash);
  memcpy(checksum.bytes, order.digest, sizeof checksum.bytes);
  return checksum;
}

mw_checksum mw_checksum_of(const void *bytes, size_t length) { return canonical(XXH3_128bits(bytes, length)); }

void mw_checksum_begin(mw_checksum_state *state) { XXH3_128bits_reset((XXH3_state_t *)state->opaque); }

void mw_checksum_add(mw_checksum_state *state, const void *bytes, size_t length) {
  XXH3_128bits_update((XXH3_state_t *)state->opaque, bytes, length);
}

mw_checksum mw_checksum_end(const mw_checksum_state *state) {
  return canonical(XXH3_128bits_digest((const XXH3_state_t *)state->opaque));
}

bool mw_checksum_same(mw_checksum a, mw_checksum b) { return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0; }

static const char digits[] = "0123456789abcdef";

const char *mw_checksum_hex(mw_checksum checksum, char hex[33]) {
  for (int i = 0; i < 32; i++) hex[i] = digits[checksum.bytes[i / 2] >> (i % 2 ? 0 : 4) & 15];
  hex[32] = 0;
  return hex;
}

bool mw_checksum_parse(const char *text, size_t length, mw_checksum *out) {
  if (length != 32) return false;
  *out = (mw_checksum){{0}};
  for (int i = 0; i < 32; i++) {
    const char *digit = memchr(digits, text[i], 16);
    if (!digit) return false;
    out->bytes[i / 2] = (uint8_t)(out->bytes[i / 2] << 4 | (digit - digits));
  }
  return true;
}
