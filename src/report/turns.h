/* turns.h: the progress of several comparisons, one behind the other, as that of one: it never goes back. */
#ifndef MW_REPORT_TURNS_H
#define MW_REPORT_TURNS_H

#include "moonweld.h"

typedef struct mw_turns {
  mw_progress progress; /* or NULL */
  void *context;
  size_t left;          /* comparisons that are not done, the running one included */
  uint64_t before, own; /* bytes of those that are done, and of the running one */
} mw_turns;

/* The mw_progress of the running comparison. */
bool mw_turns_follow(void *turns, uint64_t done, uint64_t total, unsigned pass);
/* The next comparison begins. */
void mw_turns_next(mw_turns *turns);

#endif
