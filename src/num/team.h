/* team.h: how the computations of this room share their pieces among threads that somebody else owns. Pieces are cut by the shapes of
 * tensors alone, and no piece reads what another one writes, so that a result does not depend on who does which. */
#ifndef MW_NUM_TEAM_H
#define MW_NUM_TEAM_H

#include <stddef.h>

typedef void mw_team_work(void *context, size_t item);

typedef struct mw_team {
  void (*share)(void *owner, size_t count, mw_team_work *work, void *context); /* NULL: the caller does all items itself */
  void *owner;
} mw_team;

/* The team, where about so many operations are to be shared that it is worth waking its threads; else the caller alone. */
static inline mw_team mw_team_for(const mw_team *team, double operations) { return operations < 1e6 ? (mw_team){0} : *team; }

/* Does work(context, i) for i of 0 .. count - 1, in any order; it returns when all are done. */
static inline void mw_team_share(const mw_team *team, size_t count, mw_team_work *work, void *context) {
  if (team->share && count > 1) team->share(team->owner, count, work, context);
  else for (size_t i = 0; i < count; i++) work(context, i);
}

#endif
