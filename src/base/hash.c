/* hash.c: the secret comes from the kernel's random numbers; if it has none yet, from the clock. */
#include "base/hash.h"
#include <stdatomic.h>
#include <sys/random.h>
#include <time.h>

static uint64_t draw(void) {
  uint64_t secret = 0;
  struct timespec now = {0};
  if (getrandom(&secret, sizeof secret, GRND_NONBLOCK) == (ssize_t)sizeof secret) return secret | 1;
  clock_gettime(CLOCK_MONOTONIC, &now); /* a kernel that has no randomness yet */
  secret = (uint64_t)now.tv_nsec << 34 ^ (uint64_t)now.tv_sec ^ (uint64_t)(uintptr_t)&now;
  return (secret ^ secret >> 29) * UINT64_C(0xbf58476d1ce4e5b9) | 1;
}

/* Drawn once: a header of a million tensors is as many small texts, and each would ask the kernel. Two threads that are first
 * together each go on with their own. */
uint64_t mw_hash_secret(void) {
  static atomic_uint_fast64_t drawn;
  uint64_t secret = atomic_load_explicit(&drawn, memory_order_relaxed);
  if (secret) return secret;
  secret = draw();
  atomic_store_explicit(&drawn, secret, memory_order_relaxed);
  return secret;
}
