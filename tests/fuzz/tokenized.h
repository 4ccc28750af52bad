/* tokenized.h: what any tokenizer that is taken does with any text. */
#ifndef MW_FUZZ_TOKENIZED_H
#define MW_FUZZ_TOKENIZED_H

#include "fuzz.h"
#include "text/tokenizer.h"

/* Encodes it: the ids are the tokenizer's, or an error says why there are none. */
static inline void encode(mw_tokenizer *tokenizer, const char *text) {
  mw_ids ids = {0};
  mw_error err;
  if (mw_tokenizer_encode(tokenizer, text, strlen(text), true, &ids, &err)) {
    for (size_t i = 0; i < ids.count; i++) REQUIRE(ids.ids[i] < mw_tokenizer_count(tokenizer));
  } else REQUIRE(err.text[0] && err.status != MW_BUG);
  free(ids.ids);
}

#endif
