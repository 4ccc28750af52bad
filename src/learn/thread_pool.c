/* thread_pool.c: one loop at a time, under one lock: items are long enough that nobody waits for it. */
#include "learn/thread_pool.h"
#include "num/cpu.h"
#include "num/gemm.h"
#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { ALIGN = 64, LOOKS = 4000 /* some 20 microseconds */ };

struct mw_thread_pool_pool {
  pthread_mutex_t lock;
  pthread_cond_t begun, done;
  int started;             /* threads that run */
  bool quit;
  atomic_uint loop;        /* the number of the loop under way, for those who look for work */
  atomic_size_t left;      /* items that are not done, for the caller who waits */
  /* Under the lock. */
  size_t next, count;
  mw_thread_pool_work *work;
  void *context;
  bool failed;
  mw_error error;
};

/* What a thread of the pool is started with. */
typedef struct start {
  mw_thread_pool *team;
  mw_thread_pool_worker *worker;
} start;

void *mw_thread_pool_room(mw_thread_pool_buffer *room, size_t bytes, mw_error *err) {
  if (room->bytes && bytes <= room->size) return room->bytes;
  free(room->bytes);
  room->size = (bytes + bytes / 4 + ALIGN) / ALIGN * ALIGN;
  room->bytes = aligned_alloc(ALIGN, room->size);
  if (!room->bytes) mw_error_memory(err, room->size);
  return room->bytes;
}

/* ---- loops ---- */

/* Takes an item of the loop under way. The lock is held. */
static bool take(struct mw_thread_pool_pool *pool, size_t *item) {
  if (pool->next >= pool->count) return false;
  *item = pool->next++;
  return true;
}

/* Does an item, which is taken, and comes back with the lock held. After a failure items are only counted. */
static void do_item(struct mw_thread_pool_pool *pool, size_t item, mw_thread_pool_worker *worker) {
  mw_thread_pool_work *work = pool->work;
  void *context = pool->context;
  bool failed = pool->failed;
  mw_error err;
  pthread_mutex_unlock(&pool->lock);
  bool good = failed || work(context, item, worker, &err);
  pthread_mutex_lock(&pool->lock);
  if (!good && !pool->failed) {
    pool->failed = true;
    pool->error = err;
  }
  if (atomic_fetch_sub(&pool->left, 1) == 1) pthread_cond_signal(&pool->done);
}

/* A CPU's pause between two looks. */
static void breathe(void) {
#ifdef __x86_64__
  __builtin_ia32_pause();
#endif
}

static void *serve(void *argument) {
  start *s = argument;
  struct mw_thread_pool_pool *pool = s->team->pool;
  mw_thread_pool_worker *worker = s->worker;
  unsigned seen = 0;
  size_t item;
  free(s);
  omp_set_num_threads(1); /* of this thread: an OpenMP build of OpenBLAS asks for it */
  for (;;) {
    for (int look = 0; look < LOOKS && atomic_load(&pool->loop) == seen; look++) breathe();
    pthread_mutex_lock(&pool->lock);
    while (atomic_load(&pool->loop) == seen && !pool->quit) pthread_cond_wait(&pool->begun, &pool->lock);
    seen = atomic_load(&pool->loop);
    bool quit = pool->quit;
    while (!quit && take(pool, &item)) do_item(pool, item, worker);
    pthread_mutex_unlock(&pool->lock);
    if (quit) return NULL;
  }
}

bool mw_thread_pool_run(mw_thread_pool *team, size_t count, mw_thread_pool_work *work, void *context, mw_error *err) {
  struct mw_thread_pool_pool *pool = team->pool;
  size_t item;
  int before = omp_get_max_threads();
  omp_set_num_threads(1);
  if (count <= 1 || pool->started == 0) {
    bool good = true;
    for (size_t i = 0; i < count && good; i++) good = work(context, i, &team->workers[0], err);
    omp_set_num_threads(before);
    return good;
  }
  pthread_mutex_lock(&pool->lock);
  pool->work = work;
  pool->context = context;
  pool->next = 0;
  pool->count = count;
  pool->failed = false;
  atomic_store(&pool->left, count);
  atomic_fetch_add(&pool->loop, 1);
  pthread_cond_broadcast(&pool->begun);
  while (take(pool, &item)) do_item(pool, item, &team->workers[0]);
  pthread_mutex_unlock(&pool->lock);
  for (int look = 0; look < LOOKS && atomic_load(&pool->left); look++) breathe();
  pthread_mutex_lock(&pool->lock);
  while (atomic_load(&pool->left)) pthread_cond_wait(&pool->done, &pool->lock);
  bool good = !pool->failed;
  if (!good) *err = pool->error;
  pthread_mutex_unlock(&pool->lock);
  omp_set_num_threads(before);
  return good;
}

/* ---- threads ---- */

typedef struct threads {
  struct mw_thread_pool_pool pool;
  pthread_t list[];
} threads;

/* The caller is a thread of the team too. */
static bool start_threads(mw_thread_pool *team, mw_error *err) {
  threads *all = mw_mem_new(1, sizeof *all + (size_t)team->threads * sizeof *all->list, err);
  if (!all) return false;
  team->pool = &all->pool;
  pthread_mutex_init(&all->pool.lock, NULL);
  pthread_cond_init(&all->pool.begun, NULL);
  pthread_cond_init(&all->pool.done, NULL);
  for (int t = 1; t < team->threads; t++) {
    start *s = mw_mem_new(1, sizeof *s, err);
    if (!s) return false;
    *s = (start){team, &team->workers[t]};
    if (pthread_create(&all->list[all->pool.started], NULL, serve, s)) {
      free(s);
      return mw_error_set(err, MW_MEMORY, "no thread can be started beside %d others", all->pool.started + 1);
    }
    all->pool.started++;
  }
  return true;
}

static void end_threads(mw_thread_pool *team) {
  threads *all = (threads *)team->pool;
  if (!all) return;
  pthread_mutex_lock(&all->pool.lock);
  all->pool.quit = true;
  pthread_cond_broadcast(&all->pool.begun);
  pthread_mutex_unlock(&all->pool.lock);
  for (int t = 0; t < all->pool.started; t++) pthread_join(all->list[t], NULL);
  pthread_mutex_destroy(&all->pool.lock);
  pthread_cond_destroy(&all->pool.begun);
  pthread_cond_destroy(&all->pool.done);
  free(all);
}

bool mw_thread_pool_new(mw_thread_pool *team, int count, mw_error *err) {
  *team = (mw_thread_pool){.threads = count};
  const mw_kernels *kernels;
  MW_TRY(mw_cpu_kernels(&kernels, err));
  int before = omp_get_max_threads();
  mw_gemm_begin();
  omp_set_num_threads(before);
  if (!(team->workers = mw_mem_new((size_t)count, sizeof *team->workers, err))) return false;
  for (int t = 0; t < count; t++) {
    team->workers[t].kernels = kernels;
    team->workers[t].tile = (mw_tile){.kernels = &kernels->type[0], .size = MW_TILE_DEFAULT};
  }
  if (start_threads(team, err)) return true;
  mw_thread_pool_free(team);
  return false;
}

void mw_thread_pool_free(mw_thread_pool *team) {
  end_threads(team);
  for (int t = 0; team->workers && t < team->threads; t++) {
    mw_tile_free(&team->workers[t].tile);
    free(team->workers[t].work.bytes);
    free(team->workers[t].reading.bytes);
    free(team->workers[t].products.bytes);
  }
  free(team->workers);
  *team = (mw_thread_pool){0};
}
