/* vocab.c: a hash table with open addressing, at most half full. Of a hash only a few bits are kept, which tell most other texts apart
 * without a look at them: large vocabularies are held several at a time. */
#include "text/vocab.h"
#include "base/hash.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

typedef struct mw_vocab_slot {
  const char *text; /* NULL: empty */
  uint32_t length;
  uint32_t number : 25; /* ids go up to 2^24 */
  uint32_t mark : 7;    /* of its hash */
} mw_vocab_slot;

/* Up to seven bytes as a number, without reading beyond them. */
static uint64_t load(const char *text, size_t n) {
  const unsigned char *b = (const unsigned char *)text;
  uint32_t first, last;
  if (n < 4) return n ? (uint64_t)b[0] | (uint64_t)b[n / 2] << (8 * (n / 2)) | (uint64_t)b[n - 1] << (8 * (n - 1)) : 0;
  memcpy(&first, text, 4);
  memcpy(&last, text + n - 4, 4);
  return first | (uint64_t)last << (8 * (n - 4));
}

/* Seven bytes are one term of the hash (base/hash.h): two texts of n bytes have the same hash with a probability of about n / 2^61. */
static uint64_t hash_of(const mw_vocab *vocab, const char *text, size_t length) {
  uint64_t hash = length + 1;
  while (length) {
    size_t n = length < 7 ? length : 7;
    hash = mw_hash_add(hash, vocab->secret, load(text, n));
    text += n;
    length -= n;
  }
  return mw_hash_finish(hash);
}

bool mw_vocab_make(mw_vocab *vocab, size_t count, mw_error *err) {
  *vocab = (mw_vocab){.size = 16, .secret = mw_hash_secret()};
  while (vocab->size / 2 < count) vocab->size *= 2;
  return (vocab->slots = mw_mem_new(vocab->size, sizeof *vocab->slots, err)) != NULL;
}

void mw_vocab_free(mw_vocab *vocab) {
  free(vocab->slots);
  *vocab = (mw_vocab){0};
}

/* The slot of the text, or the empty slot where it would be added. */
static mw_vocab_slot *slot_of(const mw_vocab *vocab, const char *text, size_t length, uint64_t hash) {
  size_t at = (size_t)(hash >> 32) & (vocab->size - 1);
  const unsigned mark = hash & 127;
  for (;; at = (at + 1) & (vocab->size - 1)) {
    mw_vocab_slot *slot = &vocab->slots[at];
    if (!slot->text || (slot->mark == mark && slot->length == length && memcmp(slot->text, text, length) == 0)) return slot;
  }
}

bool mw_vocab_find(const mw_vocab *vocab, const char *text, size_t length, uint32_t *number) {
  if (vocab->count == 0) return false;
  const mw_vocab_slot *slot = slot_of(vocab, text, length, hash_of(vocab, text, length));
  if (!slot->text) return false;
  *number = slot->number;
  return true;
}

static bool widen(mw_vocab *vocab, mw_error *err) {
  mw_vocab wider = *vocab;
  wider.size *= 2;
  if (!(wider.slots = mw_mem_new(wider.size, sizeof *wider.slots, err))) return false;
  for (size_t i = 0; i < vocab->size; i++) {
    const mw_vocab_slot *old = &vocab->slots[i];
    if (old->text) *slot_of(&wider, old->text, old->length, hash_of(&wider, old->text, old->length)) = *old;
  }
  free(vocab->slots);
  *vocab = wider;
  return true;
}

bool mw_vocab_add(mw_vocab *vocab, const char *text, size_t length, uint32_t number, bool *known, mw_error *err) {
  *known = false;
  if (vocab->count * 2 >= vocab->size) MW_TRY(widen(vocab, err));
  uint64_t hash = hash_of(vocab, text, length);
  mw_vocab_slot *slot = slot_of(vocab, text, length, hash);
  if (slot->text) return *known = true, false;
  *slot = (mw_vocab_slot){text, (uint32_t)length, number & ((1u << 25) - 1), hash & 127};
  vocab->count++;
  return true;
}
