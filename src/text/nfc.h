/* nfc.h: Unicode's canonical composition (NFC), as the reference does it: that of Unicode 9. */
#ifndef MW_TEXT_NFC_H
#define MW_TEXT_NFC_H

#include "base/text.h"

/* Appends the NFC of a text, UTF-8. */
bool mw_nfc_add(const char *text, size_t length, mw_text *out, mw_error *err);

#endif
