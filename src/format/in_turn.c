/* in_turn.c: a read that must not wait (RWF_NOWAIT) tells what is in memory, but begins to read where it fails. So once one has failed,
 * such reads are made in turn, too, until STREAK in a row have not. Not every file system knows them: then all is as it would be
 * without. */
#include "format/in_turn.h"
#include "base/linux.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { STREAK = 64 };

struct mw_in_turn {
  atomic_flag taken;
  atomic_uint left; /* reads that are still made in turn; 0: what is read is in memory, as far as anybody knows */
  atomic_bool refused;
};

mw_in_turn *mw_in_turn_new(void) { return calloc(1, sizeof(mw_in_turn)); }

static void take(mw_in_turn *turn) {
  static const struct timespec moment = {0, 20000};
  while (atomic_flag_test_and_set_explicit(&turn->taken, memory_order_acquire)) nanosleep(&moment, NULL);
}

void mw_in_turn_give(mw_in_turn *turn) { atomic_flag_clear_explicit(&turn->taken, memory_order_release); }

/* How many bytes were in memory; below 0: the file system does not say. */
static long ready(int fd, uint64_t offset, void *bytes, size_t length) {
  long n = mw_linux_read_ready(fd, offset, bytes, length);
  return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? 0 : -1;
}

size_t mw_in_turn_read(mw_in_turn *turn, int fd, uint64_t offset, void *bytes, size_t length, bool *mine) {
  *mine = false;
  if (!turn || atomic_load_explicit(&turn->refused, memory_order_relaxed)) return 0;
  long n = 0;
  if (!atomic_load_explicit(&turn->left, memory_order_relaxed)) {
    n = ready(fd, offset, bytes, length);
    if (n == (long)length) return length;
    if (n < 0) return atomic_store_explicit(&turn->refused, true, memory_order_relaxed), 0;
  }
  take(turn);
  *mine = true;
  long more = ready(fd, offset + (size_t)n, (char *)bytes + n, length - (size_t)n);
  if (more > 0) n += more;
  unsigned left = atomic_load_explicit(&turn->left, memory_order_relaxed);
  if (n < (long)length) atomic_store_explicit(&turn->left, STREAK, memory_order_relaxed);
  else if (left) atomic_store_explicit(&turn->left, left - 1, memory_order_relaxed);
  if (n < (long)length) return (size_t)n;
  mw_in_turn_give(turn);
  *mine = false;
  return length;
}
