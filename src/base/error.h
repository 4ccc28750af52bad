/* error.h: one error travels from where the facts are to the one who prints it. Text is composed at the bottom and
 * wrapped with context on the way up. Nothing here prints or exits. */
#ifndef MW_BASE_ERROR_H
#define MW_BASE_ERROR_H

#include "moonweld.h"

/* Return early with the error that the call has already filled in. */
#define MW_TRY(call) do { if (!(call)) return false; } while (0)

/* All return false, so that they can be returned at once. Foreign text in the arguments must have gone through
 * mw_text_escape() first. */
bool mw_error_set(mw_error *err, mw_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Puts "context: " before the text that is there. */
bool mw_error_wrap(mw_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Says what to do about it. */
bool mw_error_hint(mw_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool mw_error_memory(mw_error *err, size_t bytes);

#endif
