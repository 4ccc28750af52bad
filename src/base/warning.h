/* warning.h: a list of warnings that is filled during the work; the command line or the Lua module shows them. */
#ifndef MW_BASE_WARNING_H
#define MW_BASE_WARNING_H

#include "base/error.h"

typedef struct mw_warning {
  char **lines;
  size_t count, capacity;
  bool lost; /* there was no memory for one of them */
} mw_warning;

/* Adds a line, if the list does not have it. A line that cannot be stored is lost. Does nothing if `warning` is NULL. */
void mw_warning_add(mw_warning *warning, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mw_warning_free(mw_warning *warning);

#endif
