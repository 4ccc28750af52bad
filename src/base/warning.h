/* warning.h: warnings gathered while the work goes on, shown by whoever talks to the user. */
#ifndef MW_BASE_WARNING_H
#define MW_BASE_WARNING_H

#include "base/error.h"

typedef struct mw_note {
  char **lines;
  size_t count, capacity;
} mw_note;

/* Adds a line; repeated lines are kept once; a line that cannot be stored is dropped. Does nothing where note is NULL. */
void mw_note_add(mw_note *note, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mw_note_free(mw_note *note);

#endif
