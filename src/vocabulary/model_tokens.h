/* model_tokens.h: the tokens of one model: which token has which row of its embeddings, by the token's text. */
#ifndef MW_VOCABULARY_MODEL_TOKENS_H
#define MW_VOCABULARY_MODEL_TOKENS_H

#include "base/warning.h"
#include "model/vocabulary.h"
#include "text/vocab.h"

typedef struct mw_model_tokens {
  const char *label;         /* of the model, for messages */
  mw_vocabulary vocabulary;  /* a token whose row is missing has no text */
  mw_vocab ids;              /* from text to id */
  struct mw_model_tokens_entry *entries; /* [entry_count]: those of tokenizer.json's added tokens, by id */
  size_t entry_count;
  bool fast;                 /* from a tokenizer.json */
} mw_model_tokens;

/* Reads the tokens of the model in `folder` (NULL: a lone file), whose embeddings have `rows` rows. MW_DATA where there is no
 * tokenizer that spells its tokens as tokenizer.json does, or where ordinary tokens have ids beyond the rows; added ones beyond them
 * are warned of, and are as if the model did not have them. */
bool mw_model_tokens_open(mw_model_tokens *tokens, const char *label, const char *folder, uint64_t rows, mw_warning *warnings,
                          mw_error *err);
void mw_model_tokens_close(mw_model_tokens *tokens);
/* Of an added token of a tokenizer.json its entry there, else NULL. */
const mw_json *mw_model_tokens_settings(const mw_model_tokens *tokens, size_t id);
/* The id of the token with this text, or false. */
bool mw_model_tokens_find(const mw_model_tokens *tokens, const char *text, size_t length, uint32_t *id);

#endif
