/* checksum_body.h: the door of xxHash, of which the header is used and no library is linked. It is compiled once for every instruction
 * set: with AVX2 it is three times as fast. The file that includes it names the table that it fills in MW_CHECKSUM_FORM. */
#include "base/checksum.h"
#define XXH_INLINE_ALL
#include <string.h>
#include <xxhash.h>

#if XXH_VERSION_NUMBER < 800
#error "xxHash before 0.8.0 has another XXH3"
#endif

_Static_assert(sizeof(mw_checksum_state) >= sizeof(XXH3_state_t), "the state holds that of xxHash");

static mw_checksum canonical(XXH128_hash_t hash) {
  mw_checksum checksum;
  XXH128_canonical_t order;
  XXH128_canonicalFromHash(&order, hash);
  memcpy(checksum.bytes, order.digest, sizeof checksum.bytes);
  return checksum;
}

static mw_checksum of(const void *bytes, size_t length) { return canonical(XXH3_128bits(bytes, length)); }

static void begin(mw_checksum_state *state) { XXH3_128bits_reset((XXH3_state_t *)state->opaque); }

static void add(mw_checksum_state *state, const void *bytes, size_t length) {
  XXH3_128bits_update((XXH3_state_t *)state->opaque, bytes, length);
}

static mw_checksum end(const mw_checksum_state *state) { return canonical(XXH3_128bits_digest((const XXH3_state_t *)state->opaque)); }

const mw_checksum_form MW_CHECKSUM_FORM = {of, begin, add, end};
