/* utf8.h: UTF-8 as RFC 3629 has it: the shortest form of each character, no surrogates, nothing above U+10FFFF. */
#ifndef MW_BASE_UTF8_H
#define MW_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a byte is that begins no character. */
#define MW_UTF8_BAD UINT32_MAX
/* The character that the bytes begin with: its code point and its length, 1 to 4; of a byte that begins none MW_UTF8_BAD and
 * 1. There are `left` bytes, at least 1; 4 will do for a string with a NUL behind it, and for what is valid. */
unsigned mw_utf8_decode(const char *bytes, size_t left, uint32_t *code);
/* Writes a code point, which may be a surrogate; returns its length. */
unsigned mw_utf8_encode(uint32_t code, char out[4]);
bool mw_utf8_valid(const char *bytes, size_t length);

/* Of valid text: how long the character is that begins with this byte, and whether a byte is not the first of its character. */
static inline unsigned mw_utf8_length(char first) {
  unsigned char c = (unsigned char)first;
  return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}
static inline bool mw_utf8_continues(char byte) { return ((unsigned char)byte & 0xc0) == 0x80; }

#endif
