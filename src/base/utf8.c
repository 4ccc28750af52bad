/* utf8.c: one decoder for everybody: what is not the shortest form of a character is not UTF-8. */
#include "base/utf8.h"
#include <string.h>

unsigned mw_utf8_decode(const char *bytes, size_t left, uint32_t *code) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  unsigned char first = (unsigned char)bytes[0];
  unsigned n = mw_utf8_length(bytes[0]);
  if (n == 1) return *code = first, 1;
  *code = MW_UTF8_BAD;
  if (first < 0xc2 || first > 0xf4 || left < n) return 1;
  uint32_t value = first & (0x7fu >> n);
  for (unsigned i = 1; i < n; i++) {
    if (!mw_utf8_continues(bytes[i])) return 1;
    value = value << 6 | ((unsigned char)bytes[i] & 0x3f);
  }
  bool surrogate = value >= 0xd800 && value < 0xe000;
  if (value < least[n] || value > 0x10ffff || surrogate) return 1;
  return *code = value, n;
}

unsigned mw_utf8_encode(uint32_t code, char out[4]) {
  static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  if (code < 0x80) return out[0] = (char)code, 1;
  unsigned n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (unsigned i = n - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
  out[0] = (char)(lead[n] | code);
  return n;
}

bool mw_utf8_valid(const char *bytes, size_t length) {
  uint32_t code = 0;
  uint64_t eight;
  for (size_t i = 0; i < length && code != MW_UTF8_BAD;) {
    if (length - i >= sizeof eight && (memcpy(&eight, bytes + i, sizeof eight), !(eight & 0x8080808080808080u))) i += sizeof eight;
    else i += (unsigned char)bytes[i] < 0x80 ? 1 : mw_utf8_decode(bytes + i, length - i, &code);
  }
  return code != MW_UTF8_BAD;
}
