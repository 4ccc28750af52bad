/* vocab.h: from a token's text to its number. Texts are borrowed. A hostile file could choose texts with equal hashes, so the hash has
 * a secret (base/hash.h). */
#ifndef MW_TEXT_VOCAB_H
#define MW_TEXT_VOCAB_H

#include "base/error.h"

typedef struct mw_vocab {
  struct mw_vocab_slot *slots;
  size_t size, count; /* size is 0 or a power of two */
  uint64_t secret;
} mw_vocab;

/* An empty vocabulary with places for `count` texts. */
bool mw_vocab_make(mw_vocab *vocab, size_t count, mw_error *err);
void mw_vocab_free(mw_vocab *vocab);

/* The number of a text, or false. */
bool mw_vocab_find(const mw_vocab *vocab, const char *text, size_t length, uint32_t *number);
/* Adds a text, whose number is at most 2^24. False with *known = true if it is already there; nothing is changed then. Else false is
 * MW_MEMORY. */
bool mw_vocab_add(mw_vocab *vocab, const char *text, size_t length, uint32_t number, bool *known, mw_error *err);

#endif
