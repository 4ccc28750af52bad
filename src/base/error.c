/* error.c: an error's text that is too long is cut, so that every error can be reported, also when memory is exhausted. */
#include "base/error.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool mw_error_set(mw_error *err, mw_status status, const char *format, ...) {
  va_list list;
  va_start(list, format);
  err->status = status;
  err->signal = 0;
  err->hint[0] = 0;
  vsnprintf(err->text, sizeof err->text, format, list);
  va_end(list);
  return false;
}

bool mw_error_wrap(mw_error *err, const char *format, ...) {
  char before[sizeof err->text], after[sizeof err->text];
  va_list list;
  va_start(list, format);
  vsnprintf(before, sizeof before, format, list);
  va_end(list);
  memcpy(after, err->text, sizeof after);
  size_t size = sizeof err->text, used = strnlen(before, size - 3);
  memcpy(err->text, before, used);
  memcpy(err->text + used, ": ", 3);
  snprintf(err->text + used + 2, size - used - 2, "%s", after);
  return false;
}

bool mw_error_hint(mw_error *err, const char *format, ...) {
  va_list list;
  va_start(list, format);
  vsnprintf(err->hint, sizeof err->hint, format, list);
  va_end(list);
  return false;
}

bool mw_error_memory(mw_error *err, size_t bytes) {
  if (!bytes) return mw_error_set(err, MW_MEMORY, "out of memory");
  return mw_error_set(err, MW_MEMORY, "out of memory (%zu bytes more were needed)", bytes);
}
