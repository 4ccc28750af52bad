/* bpe.h: byte-pair encoding as `model` of tokenizer.json describes it: a vocabulary, and a list of merges of two tokens into one. Of
 * the merges that are possible in a piece, the one that is first in the list is done first. */
#ifndef MW_TEXT_BPE_H
#define MW_TEXT_BPE_H

#include "text/ids.h"
#include "text/merge.h"
#include "text/option.h"
#include "text/vocab.h"

typedef struct mw_bpe {
  mw_vocab vocab;
  struct mw_bpe_pair *pairs; /* open addressing */
  unsigned pair_bits;        /* their number is 2^pair_bits */
  uint64_t secret;
  uint32_t single[0x800];    /* ids of the characters below U+0800; MW_MERGE_NONE: no token */
  uint32_t byte[256];        /* ids of "<0x00>" ... */
  uint32_t unknown, count;   /* the unknown token or MW_MERGE_NONE; one more than the greatest id */
  bool byte_fallback, ignore_merges, fuse_unknown;
  bool words;                /* no merge joins words, so they are merged one by one */
  mw_merge row;
} mw_bpe;

/* Reads the model; its texts are in the option's arena. Free it also after a failure. */
bool mw_bpe_read(mw_bpe *bpe, const mw_option *model);
/* Appends the ids of one piece of text, UTF-8. */
bool mw_bpe_encode(mw_bpe *bpe, const char *piece, size_t length, mw_ids *out, mw_error *err);
void mw_bpe_free(mw_bpe *bpe);

#endif
