/* ids.h: what a tokenizer makes of a text, as a text. */
#ifndef MW_UNIT_IDS_H
#define MW_UNIT_IDS_H

#include "text/tokenizer.h"

typedef bool ids_reader(const char *what, const char *bytes, size_t length, mw_tokenizer **out, mw_error *err);

/* "1 2 3", or the error, of the tokenizer that `reader` makes of the bytes, which it gets as a copy that ends where they end, so that a
 * sanitizer sees a byte read too many. The result is kept until the next call. */
const char *ids_of(ids_reader *reader, const char *what, const char *bytes, size_t length, const char *text);

#endif
