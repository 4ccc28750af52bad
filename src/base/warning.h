/* warning.h: warnings gathered while the work goes on, shown by whoever talks to the user. */
#ifndef MW_BASE_WARNING_H
#define MW_BASE_WARNING_H

#include "base/error.h"

typedef struct mw_warning {
  char **lines;
  size_t count, capacity;
} mw_warning;

/* Adds a line; repeated lines are kept once; a line that cannot be stored is dropped. Does nothing where warning is NULL. */
void mw_warning_add(mw_warning *warning, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mw_warning_free(mw_warning *warning);

#endif
