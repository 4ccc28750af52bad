/* tokenizer.c: no form of tokenizer is read in this version, so every one is refused. */
#include "text/tokenizer.h"
#include "base/text.h"

bool mw_tokenizer_open(const char *where, mw_tokenizer **out, mw_error *err) {
  mw_shown shown;
  *out = NULL;
  return mw_error_set(err, MW_UNAVAILABLE, "%s: tokenizers are not in this version", mw_text_shown_z(&shown, where));
}

bool mw_tokenizer_encode(mw_tokenizer *tokenizer, const char *text, size_t length, bool special, mw_ids *out, mw_error *err) {
  (void)tokenizer, (void)text, (void)length, (void)special, (void)out;
  return mw_error_set(err, MW_UNAVAILABLE, "tokenizers are not in this version");
}

void mw_tokenizer_free(mw_tokenizer *tokenizer) { (void)tokenizer; }
