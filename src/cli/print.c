/* print.c: see print.h. */
#include "print.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

void mw_print_plain(FILE *out, const char *text) {
  char escaped[16];
  for (size_t left = strlen(text), n; left; text += n, left -= n) {
    n = mw_text_character(text, left, escaped);
    if (*escaped) fputs(escaped, out);
    else fwrite(text, 1, n, out);
  }
}

/* The length of the well-formed UTF-8 sequence at p (RFC 3629: shortest form, no surrogates), or 0. The string's
 * terminating NUL is no continuation byte, so this never reads beyond it. */
static size_t sequence(const unsigned char *p) {
  size_t length;
  unsigned char low = 0x80, high = 0xbf;
  if (*p < 0x80) return 1;
  else if (*p >= 0xc2 && *p <= 0xdf) length = 2;
  else if (*p >= 0xe0 && *p <= 0xef) length = 3;
  else if (*p >= 0xf0 && *p <= 0xf4) length = 4;
  else return 0;
  if (*p == 0xe0) low = 0xa0;
  if (*p == 0xed) high = 0x9f;
  if (*p == 0xf0) low = 0x90;
  if (*p == 0xf4) high = 0x8f;
  for (size_t i = 1; i < length; i++) {
    if (p[i] < low || p[i] > high) return 0;
    low = 0x80;
    high = 0xbf;
  }
  return length;
}

void mw_print_json(FILE *out, const char *text) {
  putc('"', out);
  for (const unsigned char *p = (const unsigned char *)text; *p;) {
    size_t length = sequence(p);
    if (length == 0) {
      fputs("\\ufffd", out);
      p++;
    } else if (*p == '"' || *p == '\\') {
      fprintf(out, "\\%c", *p++);
    } else if (*p < 0x20 || *p == 0x7f) {
      fprintf(out, "\\u%04x", *p++);
    } else {
      fwrite(p, 1, length, out);
      p += length;
    }
  }
  putc('"', out);
}

bool mw_print_piece(void *file, const char *bytes, size_t length) { return fwrite(bytes, 1, length, file) == length; }
