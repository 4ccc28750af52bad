/* warning.c: a warning is never worth failing for, so a line that cannot be stored is dropped. */
#include "base/warning.h"
#include "base/mem.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mw_note_add(mw_note *note, const char *format, ...) {
  if (!note) return;
  char line[1200];
  va_list list;
  va_start(list, format);
  vsnprintf(line, sizeof line, format, list);
  va_end(list);
  for (size_t i = 0; i < note->count; i++)
    if (strcmp(note->lines[i], line) == 0) return;
  mw_error ignored;
  if (!mw_mem_grow(&note->lines, &note->capacity, note->count + 1, sizeof *note->lines, &ignored)) return;
  char *copy = strdup(line);
  if (copy) note->lines[note->count++] = copy;
}

void mw_note_free(mw_note *note) {
  for (size_t i = 0; i < note->count; i++) free(note->lines[i]);
  free(note->lines);
  *note = (mw_note){0};
}
