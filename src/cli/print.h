/* print.h: text for people, safe to print whatever a file name or a recipe puts into it: escaped by the rule of base/text.h, so
 * that nothing we quote can steer a terminal. JSON is written by base/json_writer.h. */
#ifndef MW_CLI_PRINT_H
#define MW_CLI_PRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

void mw_print_plain(FILE *out, const char *text);

/* A text with lines of at most 80 columns: a longer one goes on below where its meaning stands, behind two or more spaces, else below
 * its beginning.
 *
 *   --donor MODEL          whose config, tokenizer and side files the output
 *                          has: an input, as 'experts[1]' or as typed */
void mw_print_wrapped(FILE *out, const char *text, size_t length);

/* What is printed to the FILE that open() returns is cut into lines like that by close(), and goes to `out`. Without memory for it,
 * it goes there as it comes. */
typedef struct mw_print_page {
  FILE *file, *out;
  char *text;
  size_t length;
} mw_print_page;
FILE *mw_print_page_open(mw_print_page *page, FILE *out);
void mw_print_page_close(mw_print_page *page);

/* A sink of moonweld.h: writes the piece to a FILE. One that could not is told of by whoever closes the FILE. */
bool mw_print_piece(void *file, const char *bytes, size_t length);

#endif
