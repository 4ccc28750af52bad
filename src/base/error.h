/* error.h: how errors are reported. The function that finds a fault writes the text into the mw_error that its caller gave, and
 * returns false; callers return it too, and may put context before the text ("model.safetensors: ..."). Only the command line
 * prints. */
#ifndef MW_BASE_ERROR_H
#define MW_BASE_ERROR_H

#include "moonweld.h"

/* Return early with the error that the call has already filled in. */
#define MW_TRY(call) do { if (!(call)) return false; } while (0)

/* All return false, so a function can end with `return mw_error_set(...)`. Text from files or users among the arguments must be
 * escaped first (mw_text_escape). */
bool mw_error_set(mw_error *err, mw_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Puts "context: " before the error's text. */
bool mw_error_wrap(mw_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Sets the hint: what the user can do about it. */
bool mw_error_hint(mw_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* MW_MEMORY. `bytes` is what could not be had; 0: that is not known. */
bool mw_error_memory(mw_error *err, size_t bytes);

#endif
