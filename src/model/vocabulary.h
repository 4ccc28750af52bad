/* vocabulary.h: which text each token id stands for, as the files beside a model say it: tokenizer.json, else tokenizer.model,
 * else vocab.json with added_tokens.json, else vocab.txt. Only ids and texts; how a text is cut into them is src/text's. */
#ifndef MW_MODEL_VOCABULARY_H
#define MW_MODEL_VOCABULARY_H

#include "base/mem.h"

typedef struct mw_vocabulary_token {
  const char *text; /* NULL: no token has this id */
  size_t length;
  bool added;       /* special, or added to the trained vocabulary */
} mw_vocabulary_token;

typedef struct mw_vocabulary {
  mw_vocabulary_token *tokens; /* [count], by id */
  size_t count, capacity;
  const char *file;            /* its name; NULL where the folder has none, then there are no tokens */
  char *bytes;
  mw_arena arena;
} mw_vocabulary;

/* MW_DATA for a file that is none, with its path and what is wrong; ids above 2^24 are refused. */
bool mw_vocabulary_open(mw_vocabulary *vocabulary, const char *folder, mw_error *err);
void mw_vocabulary_close(mw_vocabulary *vocabulary);
/* Whether the first of these files that both folders have, or that neither lacks, is equal byte for byte. */
bool mw_vocabulary_equal(const char *a, const char *b, bool *equal, mw_error *err);

#endif
