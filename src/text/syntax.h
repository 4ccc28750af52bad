/* syntax.h: regular expressions in the reference's dialect (Oniguruma's), written again for PCRE2. Most of what
 * tokenizers use means the same in both; classes of characters are the reference's, of its Unicode version; and what
 * means something else, or is not known to mean the same, is refused by its name. */
#ifndef MW_TEXT_SYNTAX_H
#define MW_TEXT_SYNTAX_H

#include "base/text.h"

/* Appends the translation of `pattern`, UTF-8. Errors are MW_UNAVAILABLE, or MW_DATA where it ends too early. `later`: for
 * texts with characters that PCRE2's own classes may lack; without, the pattern is shorter and faster. */
bool mw_syntax_translate(const char *pattern, size_t length, bool later, mw_text *out, mw_error *err);
/* Whether a text, UTF-8, holds such a character. */
bool mw_syntax_has_later(const char *text, size_t length);

#endif
