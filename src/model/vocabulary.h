/* vocabulary.h: which text each token id stands for, as the files beside a model say it: tokenizer.json, else one of tekken,
 * SentencePiece, vocab.json, vocab.txt or tiktoken, with added_tokens.json. Only ids and texts; how a text is cut into them is
 * src/text's. */
#ifndef MW_MODEL_VOCABULARY_H
#define MW_MODEL_VOCABULARY_H

#include "format/file.h"
#include "format/json.h"

typedef struct mw_vocabulary_token {
  const char *text; /* NULL: no token has this id */
  uint32_t length;
  bool added;       /* special, or added to the trained vocabulary */
} mw_vocabulary_token;

typedef struct mw_vocabulary {
  mw_vocabulary_token *tokens; /* [count], by id */
  size_t count, capacity;
  const char *path;            /* of its file, printable; NULL where the folder has none, then there are no tokens */
  const char *own;             /* its kind, where it is compared with files of its kind only, else NULL */
  char *bytes, *beside;        /* the file, and added_tokens.json or NULL */
  size_t length, beside_length;
  mw_file file;                /* of a large tokenizer.json of which only a part was read: the others are when they are needed */
  mw_json ordinary, added;     /* of tokenizer.json: its vocabulary and its added tokens, checked when the tokens are read */
  bool (*read)(struct mw_vocabulary *vocabulary, mw_error *err);
  mw_arena arena;
} mw_vocabulary;

/* The file, without its tokens. Of a folder that has none nothing is held: such a vocabulary may be opened again. */
bool mw_vocabulary_open(mw_vocabulary *vocabulary, const char *folder, mw_error *err);
/* The tokens, if they were not read before. MW_DATA for a file that is none, with its path and what is wrong; ids above 2^24 are
 * refused. */
bool mw_vocabulary_read(mw_vocabulary *vocabulary, mw_error *err);
/* The same in a fraction of the time, for comparing: of a plain tokenizer.json it is not checked whether a token occurs twice. */
bool mw_vocabulary_skim(mw_vocabulary *vocabulary, mw_error *err);
void mw_vocabulary_close(mw_vocabulary *vocabulary);
/* Whether two tokenizer.json have the same tokens, byte for byte, whatever else is in them. */
bool mw_vocabulary_same(const mw_vocabulary *a, const mw_vocabulary *b);
/* Whether the first of these files that both folders have, or that neither lacks, is equal byte for byte. */
bool mw_vocabulary_equal(const char *a, const char *b, bool *equal, mw_error *err);

#endif
