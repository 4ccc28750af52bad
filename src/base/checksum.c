/* checksum.c: chooses the instruction set, and spells checksums. */
#include "base/checksum.h"
#include <string.h>

static const mw_checksum_form *form(void) {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) return &mw_checksum_avx2;
#endif
  return &mw_checksum_base;
}

mw_checksum mw_checksum_of(const void *bytes, size_t length) { return form()->of(bytes, length); }
void mw_checksum_begin(mw_checksum_state *state) { form()->begin(state); }
void mw_checksum_add(mw_checksum_state *state, const void *bytes, size_t length) { form()->add(state, bytes, length); }
mw_checksum mw_checksum_end(const mw_checksum_state *state) { return form()->end(state); }

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
