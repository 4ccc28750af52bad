/* warning.c: a warning that cannot be stored is dropped: a merge goes on without it, a report fails. */
#include "base/warning.h"
#include "base/mem.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mw_warning_add(mw_warning *warning, const char *format, ...) {
  if (!warning) return;
  char line[1200];
  va_list list;
  va_start(list, format);
  vsnprintf(line, sizeof line, format, list);
  va_end(list);
  for (size_t i = 0; i < warning->count; i++)
    if (strcmp(warning->lines[i], line) == 0) return;
  mw_error ignored;
  char *copy = mw_mem_grow(&warning->lines, &warning->capacity, warning->count + 1, sizeof *warning->lines, &ignored) ? strdup(line) : NULL;
  if (copy) warning->lines[warning->count++] = copy;
  else warning->lost = true;
}

void mw_warning_free(mw_warning *warning) {
  for (size_t i = 0; i < warning->count; i++) free(warning->lines[i]);
  free(warning->lines);
  *warning = (mw_warning){0};
}
