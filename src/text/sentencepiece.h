/* sentencepiece.h: `tokenizer.model`, a SentencePiece model of the kind BPE: of all neighbours, those are joined first whose joined
 * text is the piece with the highest score. Not implemented, and refused by name: the other kinds (unigram, word, char),
 * normalization rules, removal of spaces, unused pieces. */
#ifndef MW_TEXT_SENTENCEPIECE_H
#define MW_TEXT_SENTENCEPIECE_H

#include "text/ids.h"
#include "text/merge.h"
#include "text/vocab.h"

#include "base/text.h"

typedef struct mw_sentencepiece {
  struct mw_sentencepiece_piece *pieces;
  size_t count, capacity;
  mw_vocab vocab;           /* of pieces that a text may hold: normal and user-defined ones */
  size_t longest;           /* bytes of the longest of these */
  size_t user_longest;      /* bytes of the longest user-defined one; 0 if there is none */
  uint32_t byte[256];       /* ids of "<0x00>" ..., where byte_fallback */
  uint32_t unknown, begin;  /* the unknown piece; the piece that begins a text, or MW_MERGE_NONE */
  bool byte_fallback, prefix, escape;
  bool words;               /* no piece joins words, so they are merged one by one */
  mw_merge row;
  mw_text scratch;
} mw_sentencepiece;

/* Reads a model; its bytes must stay until it is freed. Free it also after a failure. */
bool mw_sentencepiece_read(mw_sentencepiece *model, const char *what, const char *bytes, size_t length, mw_error *err);
/* Appends the ids of a text, UTF-8; with `special`, the piece that begins a text comes first. */
bool mw_sentencepiece_encode(mw_sentencepiece *model, const char *text, size_t length, bool special, mw_ids *out, mw_error *err);
void mw_sentencepiece_free(mw_sentencepiece *model);

#endif
