/* vocab.c: open addressing, at most half full. */
#include "text/vocab.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

typedef struct mw_vocab_slot {
  const char *text; /* NULL: empty */
  uint32_t length, number;
  uint64_t hash;
} mw_vocab_slot;

uint64_t mw_vocab_secret(void) {
  uint64_t secret = 0;
  struct timespec now = {0};
  if (getrandom(&secret, sizeof secret, GRND_NONBLOCK) == (ssize_t)sizeof secret) return secret | 1;
  clock_gettime(CLOCK_MONOTONIC, &now); /* a kernel that has no randomness yet */
  secret = (uint64_t)now.tv_nsec << 34 ^ (uint64_t)now.tv_sec ^ (uint64_t)(uintptr_t)&now;
  return (secret ^ secret >> 29) * 0xbf58476d1ce4e5b9u | 1;
}

/* Up to seven bytes as a number, without a call and without a byte beyond them. */
static uint64_t load(const char *text, size_t n) {
  const unsigned char *b = (const unsigned char *)text;
  uint32_t first, last;
  if (n < 4) return n ? (uint64_t)b[0] | (uint64_t)b[n / 2] << (8 * (n / 2)) | (uint64_t)b[n - 1] << (8 * (n - 1)) : 0;
  memcpy(&first, text, 4);
  memcpy(&last, text + n - 4, 4);
  return first | (uint64_t)last << (8 * (n - 4));
}

/* A polynomial over a prime at a secret point (Carter and Wegman, 1979), seven bytes a term, so that two texts of one
 * length meet with a chance of about their length in 2^61. */
static uint64_t hash_of(const mw_vocab *vocab, const char *text, size_t length) {
  const uint64_t prime = (UINT64_C(1) << 61) - 1;
  uint64_t point = vocab->secret & prime, hash = length + 1;
  while (length) {
    size_t n = length < 7 ? length : 7;
    unsigned __int128 product = (unsigned __int128)hash * point + load(text, n);
    hash = (uint64_t)(product & prime) + (uint64_t)(product >> 61);
    if (hash >= prime) hash -= prime;
    text += n;
    length -= n;
  }
  return hash * 0x9e3779b97f4a7c15u;
}

bool mw_vocab_make(mw_vocab *vocab, size_t count, mw_error *err) {
  *vocab = (mw_vocab){.size = 16, .secret = mw_vocab_secret()};
  while (vocab->size / 2 < count) vocab->size *= 2;
  return (vocab->slots = mw_mem_new(vocab->size, sizeof *vocab->slots, err)) != NULL;
}

void mw_vocab_free(mw_vocab *vocab) {
  free(vocab->slots);
  *vocab = (mw_vocab){0};
}

/* The slot of the text, or the empty one where it would be. */
static mw_vocab_slot *slot_of(const mw_vocab *vocab, const char *text, size_t length, uint64_t hash) {
  size_t at = (size_t)(hash >> 32) & (vocab->size - 1);
  for (;; at = (at + 1) & (vocab->size - 1)) {
    mw_vocab_slot *slot = &vocab->slots[at];
    if (!slot->text || (slot->hash == hash && slot->length == length && memcmp(slot->text, text, length) == 0)) return slot;
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
    if (old->text) *slot_of(&wider, old->text, old->length, old->hash) = *old;
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
  *slot = (mw_vocab_slot){text, (uint32_t)length, number, hash};
  vocab->count++;
  return true;
}
