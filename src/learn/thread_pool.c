/* thread_pool.c: one loop at a time. A thread takes the lock, takes the number of the next item, gives the lock back and does
 * the item: items are so long that threads rarely wait for the lock.
 *
 * A loop is told by its number, `loop`, which the caller raises. A thread without work compares it with the number of the last
 * loop that it saw, LOOKS times without the lock, then under the lock and asleep until `begun` is signalled. The caller waits
 * for the end in the same way: it looks at `left`, the count of items that are not done, then sleeps until `done`. */
#include "learn/thread_pool.h"
#include "num/cpu.h"
#include "num/gemm.h"
#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { ALIGN = 64, LOOKS = 4000 /* some 20 microseconds */ };

struct mw_thread_pool_shared {
  pthread_mutex_t lock;
  pthread_cond_t begun, done;
  int started;             /* threads that run */
  bool quit;
  atomic_uint loop;        /* the number of the current loop */
  atomic_size_t left;      /* its items that are not done */
  /* Under the lock. */
  size_t next, count;
  mw_thread_pool_work *work;
  void *context;
  bool failed;
  mw_error error;
};

/* What a new thread is given. */
typedef struct start {
  mw_thread_pool *pool;
  mw_thread_pool_worker *worker;
} start;

void *mw_thread_pool_reserve(mw_thread_pool_buffer *buffer, size_t bytes, mw_error *err) {
  if (buffer->bytes && bytes <= buffer->size) return buffer->bytes;
  free(buffer->bytes);
  buffer->size = (bytes + bytes / 4 + ALIGN) / ALIGN * ALIGN;
  buffer->bytes = aligned_alloc(ALIGN, buffer->size);
  if (!buffer->bytes) mw_error_memory(err, buffer->size);
  return buffer->bytes;
}

/* ---- loops ---- */

/* Takes an item of the current loop; false if all are taken. The lock is held. */
static bool take(struct mw_thread_pool_shared *shared, size_t *item) {
  if (shared->next >= shared->count) return false;
  *item = shared->next++;
  return true;
}

/* Does an item that was taken. The lock is held before and after. When an item has failed, the rest is only counted. */
static void do_item(struct mw_thread_pool_shared *shared, size_t item, mw_thread_pool_worker *worker) {
  mw_thread_pool_work *work = shared->work;
  void *context = shared->context;
  bool failed = shared->failed;
  mw_error err;
  pthread_mutex_unlock(&shared->lock);
  bool good = failed || work(context, item, worker, &err);
  pthread_mutex_lock(&shared->lock);
  if (!good && !shared->failed) {
    shared->failed = true;
    shared->error = err;
  }
  if (atomic_fetch_sub(&shared->left, 1) == 1) pthread_cond_signal(&shared->done);
}

/* Between two looks: tells the CPU that this is a waiting loop. */
static void pause_cpu(void) {
#ifdef __x86_64__
  __builtin_ia32_pause();
#endif
}

/* The life of a thread: items of one loop after the other, until the pool is freed. */
static void *work_until_quit(void *argument) {
  start *s = argument;
  struct mw_thread_pool_shared *shared = s->pool->shared;
  mw_thread_pool_worker *worker = s->worker;
  unsigned seen = 0;
  size_t item;
  free(s);
  omp_set_num_threads(1); /* of this thread: an OpenMP build of OpenBLAS asks for it */
  for (;;) {
    for (int look = 0; look < LOOKS && atomic_load(&shared->loop) == seen; look++) pause_cpu();
    pthread_mutex_lock(&shared->lock);
    while (atomic_load(&shared->loop) == seen && !shared->quit) pthread_cond_wait(&shared->begun, &shared->lock);
    seen = atomic_load(&shared->loop);
    bool quit = shared->quit;
    while (!quit && take(shared, &item)) do_item(shared, item, worker);
    pthread_mutex_unlock(&shared->lock);
    if (quit) return NULL;
  }
}

bool mw_thread_pool_run(mw_thread_pool *pool, size_t count, mw_thread_pool_work *work, void *context, mw_error *err) {
  struct mw_thread_pool_shared *shared = pool->shared;
  size_t item;
  int before = omp_get_max_threads();
  omp_set_num_threads(1);
  if (count <= 1 || shared->started == 0) {
    bool good = true;
    for (size_t i = 0; i < count && good; i++) good = work(context, i, &pool->workers[0], err);
    omp_set_num_threads(before);
    return good;
  }
  pthread_mutex_lock(&shared->lock);
  shared->work = work;
  shared->context = context;
  shared->next = 0;
  shared->count = count;
  shared->failed = false;
  atomic_store(&shared->left, count);
  atomic_fetch_add(&shared->loop, 1);
  pthread_cond_broadcast(&shared->begun);
  while (take(shared, &item)) do_item(shared, item, &pool->workers[0]);
  pthread_mutex_unlock(&shared->lock);
  for (int look = 0; look < LOOKS && atomic_load(&shared->left); look++) pause_cpu();
  pthread_mutex_lock(&shared->lock);
  while (atomic_load(&shared->left)) pthread_cond_wait(&shared->done, &shared->lock);
  bool good = !shared->failed;
  if (!good) *err = shared->error;
  pthread_mutex_unlock(&shared->lock);
  omp_set_num_threads(before);
  return good;
}

/* ---- threads ---- */

typedef struct threads {
  struct mw_thread_pool_shared shared;
  pthread_t list[];
} threads;

/* Starts all threads but the first, which is the caller's. */
static bool start_threads(mw_thread_pool *pool, mw_error *err) {
  threads *all = mw_mem_new(1, sizeof *all + (size_t)pool->threads * sizeof *all->list, err);
  if (!all) return false;
  pool->shared = &all->shared;
  pthread_mutex_init(&all->shared.lock, NULL);
  pthread_cond_init(&all->shared.begun, NULL);
  pthread_cond_init(&all->shared.done, NULL);
  for (int t = 1; t < pool->threads; t++) {
    start *s = mw_mem_new(1, sizeof *s, err);
    if (!s) return false;
    *s = (start){pool, &pool->workers[t]};
    if (pthread_create(&all->list[all->shared.started], NULL, work_until_quit, s)) {
      free(s);
      return mw_error_set(err, MW_MEMORY, "no thread can be started beside %d others", all->shared.started + 1);
    }
    all->shared.started++;
  }
  return true;
}

static void end_threads(mw_thread_pool *pool) {
  threads *all = (threads *)pool->shared;
  if (!all) return;
  pthread_mutex_lock(&all->shared.lock);
  all->shared.quit = true;
  pthread_cond_broadcast(&all->shared.begun);
  pthread_mutex_unlock(&all->shared.lock);
  for (int t = 0; t < all->shared.started; t++) pthread_join(all->list[t], NULL);
  pthread_mutex_destroy(&all->shared.lock);
  pthread_cond_destroy(&all->shared.begun);
  pthread_cond_destroy(&all->shared.done);
  free(all);
}

bool mw_thread_pool_new(mw_thread_pool *pool, int count, mw_error *err) {
  *pool = (mw_thread_pool){.threads = count};
  const mw_kernels *kernels;
  MW_TRY(mw_cpu_kernels(&kernels, err));
  int before = omp_get_max_threads();
  bool begun = mw_gemm_begin(err);
  omp_set_num_threads(before);
  MW_TRY(begun);
  if (!(pool->workers = mw_mem_new((size_t)count, sizeof *pool->workers, err))) return false;
  for (int t = 0; t < count; t++) {
    pool->workers[t].kernels = kernels;
    pool->workers[t].tile = (mw_tile){.kernels = &kernels->type[0], .size = MW_TILE_DEFAULT};
  }
  if (start_threads(pool, err)) return true;
  mw_thread_pool_free(pool);
  return false;
}

void mw_thread_pool_free(mw_thread_pool *pool) {
  end_threads(pool);
  for (int t = 0; pool->workers && t < pool->threads; t++) {
    mw_tile_free(&pool->workers[t].tile);
    free(pool->workers[t].work.bytes);
    free(pool->workers[t].reading.bytes);
    free(pool->workers[t].products.bytes);
  }
  free(pool->workers);
  *pool = (mw_thread_pool){0};
}
