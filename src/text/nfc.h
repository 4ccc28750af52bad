/* nfc.h: Unicode's canonical composition (NFC), as the reference does it: that of Unicode 9. */
#ifndef MW_TEXT_NFC_H
#define MW_TEXT_NFC_H

#include "base/text.h"

/* Appends the NFC of a text, UTF-8. */
bool mw_nfc_add(const char *text, size_t length, mw_text *out, mw_error *err);
/* Whether a character is part of a word, as \w of the reference's patterns has it: letters, marks, digits, connectors. */
bool mw_nfc_is_word(uint32_t code);

#endif
