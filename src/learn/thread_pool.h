/* thread_pool.h: the threads of learning. A loop is cut into items, by the shapes of its tensors only; each free thread takes
 * the next item, and no result depends on which thread did it.
 *
 * Why not OpenMP: a step of a network is thousands of short loops. OpenMP ends a loop when every thread has reached its end,
 * so it waits also for a thread that has done nothing because the system runs another program on its core. Here a loop ends
 * when its items are done. A thread without work looks for some for about 20 microseconds, then sleeps. */
#ifndef MW_LEARN_THREAD_POOL_H
#define MW_LEARN_THREAD_POOL_H

#include "exec/tile.h"

/* Memory that grows and never shrinks, aligned to 64 bytes. */
typedef struct mw_thread_pool_buffer {
  unsigned char *bytes;
  size_t size;
} mw_thread_pool_buffer;

/* One thread's tile machine and memory, for the item that it works on. */
typedef struct mw_thread_pool_worker {
  const mw_kernels *kernels;
  mw_tile tile;
  mw_thread_pool_buffer work;     /* of the network's operation */
  mw_thread_pool_buffer reading;  /* of a formula: what it reads from files, and its operands (formula.c) */
  mw_thread_pool_buffer products; /* of a formula: values that are added up elsewhere */
} mw_thread_pool_worker;

enum { MW_THREAD_POOL_BLOCK = 64 << 10 }; /* elements of a block of a sum */

/* At least `bytes` of a buffer, not cleared; valid until the next call for this buffer. NULL: out of memory. */
void *mw_thread_pool_reserve(mw_thread_pool_buffer *buffer, size_t bytes, mw_error *err);

typedef bool mw_thread_pool_work(void *context, size_t item, mw_thread_pool_worker *worker, mw_error *err);

typedef struct mw_thread_pool {
  int threads;
  mw_thread_pool_worker *workers; /* one for each thread; the caller's is the first */
  struct mw_thread_pool_shared *shared;
} mw_thread_pool;

bool mw_thread_pool_new(mw_thread_pool *pool, int threads, mw_error *err);
void mw_thread_pool_free(mw_thread_pool *pool);
/* Runs work(context, item, worker) for items 0 .. count - 1. The calling thread works too. False if an item failed; some of the
 * others may not have run then. */
bool mw_thread_pool_run(mw_thread_pool *pool, size_t count, mw_thread_pool_work *work, void *context, mw_error *err);

#endif
