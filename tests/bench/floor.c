/* floor.c: the cheapest plain C program that reads the bytes of a two-model merge and writes as many. `floor A B OUT
 * [THREADS]` preads both inputs in blocks of 256 KB and pwrites one preallocated output; it computes nothing. What a
 * merge costs is told in multiples of it. `floor A B OUT THREADS joined` writes both inputs one behind the other, as a stack of
 * two models does. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 256 * 1024, MOST_THREADS = 256 };

static int input[2], output;
static uint64_t total, first; /* bytes of the output, and of A in it if they are joined, else 0 */
static atomic_uint_fast64_t next_block;

static void fail(const char *what) {
  perror(what);
  exit(74);
}

static void *work(void *unused) {
  (void)unused;
  unsigned char *buffer[2];
  for (int i = 0; i < 2; i++) {
    buffer[i] = aligned_alloc(4096, BLOCK);
    if (!buffer[i]) fail("memory");
  }
  for (;;) {
    uint64_t at = atomic_fetch_add(&next_block, 1) * BLOCK;
    if (at >= total) break;
    size_t length = total - at < BLOCK ? (size_t)(total - at) : BLOCK;
    int which = first && at >= first;
    for (int i = first ? which : 0; i < (first ? which + 1 : 2); i++)
      if (pread(input[i], buffer[first ? 0 : i], length, (off_t)(at - (which ? first : 0))) != (ssize_t)length) fail("read");
    if (pwrite(output, buffer[0], length, (off_t)at) != (ssize_t)length) fail("write");
  }
  free(buffer[0]);
  free(buffer[1]);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 4) return fprintf(stderr, "usage: floor A B OUT [THREADS]\n"), 64;
  long threads = argc > 4 ? strtol(argv[4], NULL, 10) : sysconf(_SC_NPROCESSORS_ONLN);
  if (threads < 1) threads = 1;
  if (threads > MOST_THREADS) threads = MOST_THREADS;
  struct stat status;
  for (int i = 0; i < 2; i++)
    if ((input[i] = open(argv[1 + i], O_RDONLY)) < 0 || fstat(input[i], &status) != 0) fail(argv[1 + i]);
  total = (uint64_t)status.st_size;
  if (argc > 5) first = total / BLOCK * BLOCK, total = 2 * first; /* whole blocks of both, which are of one size */
  if ((output = open(argv[3], O_RDWR | O_CREAT | O_TRUNC, 0644)) < 0) fail(argv[3]);
  if (posix_fallocate(output, 0, (off_t)total) != 0) fail("preallocation");
  pthread_t pool[MOST_THREADS];
  for (long i = 0; i < threads; i++)
    if (pthread_create(&pool[i], NULL, work, NULL) != 0) fail("thread");
  for (long i = 0; i < threads; i++) pthread_join(pool[i], NULL);
  return close(output) == 0 ? 0 : 74;
}
