/* print.h: text for people and text for machines, safe to print whatever a file name or a recipe puts into it. Plain
 * text is escaped by the rule of base/text.h, so that nothing we quote can steer a terminal; JSON strings are always valid
 * UTF-8, with U+FFFD in the place of a byte that is not. */
#ifndef MW_CLI_PRINT_H
#define MW_CLI_PRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

void mw_print_plain(FILE *out, const char *text);

/* The string with its quotes. */
void mw_print_json(FILE *out, const char *text);

/* A sink of moonweld.h: writes the piece to a FILE. */
bool mw_print_piece(void *file, const char *bytes, size_t length);

#endif
