/* output_vocabulary.h: which token has which id in the output. The ids of the tokenizer that it starts from stay; tokens that are added
 * get the ids that the `tokenizers` library gives them when it loads them: behind the greatest id of an added token, or behind
 * the vocabulary. So they depend on nothing but the tokenizers and their order. */
#ifndef MW_VOCABULARY_OUTPUT_VOCABULARY_H
#define MW_VOCABULARY_OUTPUT_VOCABULARY_H

#include "vocabulary/model_tokens.h"

typedef struct mw_output_vocabulary_token {
  const char *text;        /* NULL: no token has this id */
  const mw_json *settings; /* of an added one: its entry in the added_tokens of the model that it is from, or NULL */
  uint32_t length;
  bool added;              /* to the tokenizer that it starts from */
  bool single;             /* it is found only where it is no part of a longer word */
  bool literal;            /* it is looked for in the text as it is, before a normalizer changes that */
} mw_output_vocabulary_token;

typedef struct mw_output_vocabulary {
  const mw_model_tokens *start;
  mw_output_vocabulary_token *tokens; /* [count], by id; texts are borrowed */
  size_t count, capacity, added;
  size_t next;             /* the id that the next one that is added gets */
  mw_json normalizer;      /* of the tokenizer that it starts from; MW_JSON_END where it has none */
  mw_vocab ids;
} mw_output_vocabulary;

/* The tokens of one model. */
bool mw_output_vocabulary_start(mw_output_vocabulary *vocabulary, const mw_model_tokens *start, mw_error *err);
/* Adds those that it lacks of another model, in the order of their ids. */
bool mw_output_vocabulary_unite(mw_output_vocabulary *vocabulary, const mw_model_tokens *other, mw_error *err);
/* Adds a token that no model has, unless it is there; one such as <|user|>, which neither begins nor ends as a word does, is found within
 * words, too. MW_DATA where the tokenizer is no tokenizer.json, or has gaps that leave no id for it. */
bool mw_output_vocabulary_add(mw_output_vocabulary *vocabulary, const char *text, size_t length, mw_error *err);
void mw_output_vocabulary_free(mw_output_vocabulary *vocabulary);

#endif
