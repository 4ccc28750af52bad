/* print.c: escaping and wrapping for terminals. */
#include "print.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 80 };

void mw_print_plain(FILE *out, const char *text) {
  char escaped[16];
  for (size_t left = strlen(text), n; left; text += n, left -= n) {
    n = mw_text_character(text, left, escaped);
    if (*escaped) fputs(escaped, out);
    else fwrite(text, 1, n, out);
  }
}

/* How many columns characters take: those of UTF-8 are counted once, which is right for all that help says. */
static size_t columns(const char *text, size_t length) {
  size_t count = 0;
  for (size_t i = 0; i < length; i++) count += ((unsigned char)text[i] & 0xc0) != 0x80;
  return count;
}

/* Where the second and later parts of a line begin. */
static size_t hanging(const char *line, size_t length) {
  size_t begin = 0;
  while (begin < length && line[begin] == ' ') begin++;
  for (size_t i = begin; i + 2 < length && i < WIDTH / 2; i++) {
    if (line[i] != ' ' || line[i + 1] != ' ') continue;
    while (i < length && line[i] == ' ') i++;
    return columns(line, i) <= WIDTH / 2 ? columns(line, i) : begin + 2;
  }
  return begin;
}

/* The last place where a line may end: at a space, but not within [--t NUMBER]. 0: nowhere. */
static size_t place_to_cut(const char *line, size_t length, size_t room) {
  size_t cut = 0, depth = 0;
  for (size_t i = 1; i < length && columns(line, i) <= room; i++) {
    depth += line[i] == '[';
    depth -= line[i] == ']' && depth;
    if (line[i] == ' ' && line[i - 1] != ' ' && !depth) cut = i;
  }
  return cut;
}

static void print_line(FILE *out, const char *line, size_t length) {
  size_t indent = strncmp(line, "usage:", 6) == 0 ? 2 : hanging(line, length), room = WIDTH;
  while (columns(line, length) > room) {
    size_t cut = place_to_cut(line, length, room);
    if (!cut) break;
    fwrite(line, 1, cut, out);
    fprintf(out, "\n%*s", (int)indent, "");
    while (cut < length && line[cut] == ' ') cut++;
    line += cut, length -= cut, room = WIDTH - indent;
  }
  fwrite(line, 1, length, out);
}

void mw_print_wrapped(FILE *out, const char *text, size_t length) {
  while (length) {
    const char *end = memchr(text, '\n', length);
    size_t line = end ? (size_t)(end - text) : length;
    print_line(out, text, line);
    if (end) putc('\n', out), line++;
    text += line, length -= line;
  }
}

FILE *mw_print_page_open(mw_print_page *page, FILE *out) {
  *page = (mw_print_page){ .out = out };
  page->file = open_memstream(&page->text, &page->length);
  return page->file ? page->file : out;
}

void mw_print_page_close(mw_print_page *page) {
  if (!page->file) return;
  fclose(page->file);
  mw_print_wrapped(page->out, page->text, page->length);
  free(page->text);
}

bool mw_print_piece(void *file, const char *bytes, size_t length) { return fwrite(bytes, 1, length, file), true; }
