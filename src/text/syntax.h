/* syntax.h: translates regular expressions from the reference's dialect (Oniguruma's) for PCRE2. Most of what tokenizers use means
 * the same in both. Classes of characters become those of the reference's Unicode version. What means something else in PCRE2, or
 * may do so, is refused by its name. */
#ifndef MW_TEXT_SYNTAX_H
#define MW_TEXT_SYNTAX_H

#include "base/text.h"

/* Appends the translation of `pattern`, UTF-8. Errors are MW_UNAVAILABLE, or MW_DATA where it ends too early. `later`: for
 * texts with characters that PCRE2's own classes may lack; without, the pattern is shorter and faster. */
bool mw_syntax_translate(const char *pattern, size_t length, bool later, mw_text *out, mw_error *err);
/* Whether a text, UTF-8, holds such a character. */
bool mw_syntax_has_later(const char *text, size_t length);

#endif
