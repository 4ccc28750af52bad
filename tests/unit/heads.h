/* heads.h: extra[1] of an ATTENTION, as lua/moonweld/net.lua packs it. */
#ifndef MW_UNIT_HEADS_H
#define MW_UNIT_HEADS_H

#include <stdint.h>

static inline uint64_t packed_heads(uint64_t heads, uint64_t kv_heads, uint64_t sliding) {
  return heads << 48 | kv_heads << 32 | sliding;
}

#endif
