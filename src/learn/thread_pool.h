/* thread_pool.h: the threads of learning. Work is cut into items by shapes alone; who does which item never shows in a result.
 * A step of a network is thousands of short loops, so these are threads of our own: a loop ends when its items are done,
 * not when every thread has come by (OpenMP's barrier waits for a thread that the system has taken off its core), and
 * who waits looks for work for some microseconds and then sleeps. */
#ifndef MW_LEARN_THREAD_POOL_H
#define MW_LEARN_THREAD_POOL_H

#include "exec/tile.h"

/* Bytes that grow and never shrink, aligned to 64. */
typedef struct mw_room {
  unsigned char *bytes;
  size_t size;
} mw_room;

/* What one thread works with: its tile machine, and memory that items use as they like. */
typedef struct mw_hand {
  const mw_kernels *kernels;
  mw_tile tile;
  mw_room work;           /* of the operation */
  mw_room reading, products; /* of a formula: what it reads and binds; what it adds up */
} mw_hand;

enum { MW_TEAM_BLOCK = 64 << 10 }; /* elements of a block of a sum */

/* At least `bytes` of a room, not cleared, valid until it is asked for more. NULL: out of memory. */
void *mw_team_room(mw_room *room, size_t bytes, mw_error *err);

typedef bool mw_team_work(void *context, size_t item, mw_hand *hand, mw_error *err);

typedef struct mw_team {
  int threads;
  mw_hand *hands;          /* one a thread; the caller's is the first */
  struct mw_team_pool *pool;
} mw_team;

bool mw_team_new(mw_team *team, int threads, mw_error *err);
void mw_team_free(mw_team *team);
/* Runs work(context, item, hand) for items 0 .. count - 1; the caller works too. False if one failed: the others may not
 * have run. */
bool mw_team_run(mw_team *team, size_t count, mw_team_work *work, void *context, mw_error *err);

#endif
