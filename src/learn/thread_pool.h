/* thread_pool.h: the threads of learning. Work is cut into items by shapes alone; who does which item never shows in a result.
 * A step of a network is thousands of short loops, so these are threads of our own: a loop ends when its items are done,
 * not when every thread has come by (OpenMP's barrier waits for a thread that the system has taken off its core), and
 * who waits looks for work for some microseconds and then sleeps. */
#ifndef MW_LEARN_THREAD_POOL_H
#define MW_LEARN_THREAD_POOL_H

#include "exec/tile.h"

/* Bytes that grow and never shrink, aligned to 64. */
typedef struct mw_thread_pool_buffer {
  unsigned char *bytes;
  size_t size;
} mw_thread_pool_buffer;

/* What one thread works with: its tile machine, and memory that items use as they like. */
typedef struct mw_thread_pool_worker {
  const mw_kernels *kernels;
  mw_tile tile;
  mw_thread_pool_buffer work;           /* of the operation */
  mw_thread_pool_buffer reading, products; /* of a formula: what it reads and binds; what it adds up */
} mw_thread_pool_worker;

enum { MW_THREAD_POOL_BLOCK = 64 << 10 }; /* elements of a block of a sum */

/* At least `bytes` of a room, not cleared, valid until it is asked for more. NULL: out of memory. */
void *mw_thread_pool_room(mw_thread_pool_buffer *room, size_t bytes, mw_error *err);

typedef bool mw_thread_pool_work(void *context, size_t item, mw_thread_pool_worker *worker, mw_error *err);

typedef struct mw_thread_pool {
  int threads;
  mw_thread_pool_worker *workers;          /* one a thread; the caller's is the first */
  struct mw_thread_pool_pool *pool;
} mw_thread_pool;

bool mw_thread_pool_new(mw_thread_pool *team, int threads, mw_error *err);
void mw_thread_pool_free(mw_thread_pool *team);
/* Runs work(context, item, worker) for items 0 .. count - 1; the caller works too. False if one failed: the others may not
 * have run. */
bool mw_thread_pool_run(mw_thread_pool *team, size_t count, mw_thread_pool_work *work, void *context, mw_error *err);

#endif
