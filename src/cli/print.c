/* print.c: escaping for terminals. */
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

bool mw_print_piece(void *file, const char *bytes, size_t length) { return fwrite(bytes, 1, length, file), true; }
