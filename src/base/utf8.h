/* utf8.h: UTF-8 as RFC 3629 has it: the shortest form of each character, no surrogates, nothing above U+10FFFF. */
#ifndef MW_BASE_UTF8_H
#define MW_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The result for a byte that does not begin a character. */
#define MW_UTF8_BAD UINT32_MAX
/* The first character of the bytes: its code point, and its length, 1 to 4. MW_UTF8_BAD and length 1 if the bytes do not begin with
 * a character. There are `left` bytes, at least 1; `left` may be 4 for any NUL-terminated string and for valid text. */
unsigned mw_utf8_decode(const char *bytes, size_t left, uint32_t *code);
/* Writes a code point, which may be a surrogate; returns its length. */
unsigned mw_utf8_encode(uint32_t code, char out[4]);
bool mw_utf8_valid(const char *bytes, size_t length);

/* In valid text: the length of the character that begins with this byte; whether a byte is not the first of its character. */
static inline unsigned mw_utf8_length(char first) {
  unsigned char c = (unsigned char)first;
  return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}
static inline bool mw_utf8_continues(char byte) { return ((unsigned char)byte & 0xc0) == 0x80; }

#endif
