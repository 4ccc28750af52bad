/* kept_scores.h: the scores that a search has measured, in a journal (output/journal.h) in the folder of its candidates, so that the same
 * command measures none of them again after a run that was killed or stopped. A record is the identity of a candidate (SHA-256, 32
 * bytes) and its score (f64). */
#ifndef MW_MERGE_KEPT_SCORES_H
#define MW_MERGE_KEPT_SCORES_H

#include "output/journal.h"

typedef struct mw_kept_scores {
  mw_journal journal;
  bool sync;      /* brought to the disk every 10 seconds, and at the end */
  double synced;  /* when it was */
} mw_kept_scores;

/* Opens the journal in the folder, or makes one for a search that `text` tells. *other: there was one of another search, which is
 * removed. `kept` is zeroed, but for `sync`; the arena must stay. */
bool mw_kept_scores_open(mw_kept_scores *kept, int folder, const char *text, mw_arena *arena, bool *other, mw_error *err);
/* The score of a candidate that an earlier run has measured. `identity` is 64 hex digits. */
bool mw_kept_scores_find(const mw_kept_scores *kept, const char *identity, double *value);
bool mw_kept_scores_add(mw_kept_scores *kept, const char *identity, double value, mw_error *err);
/* Brings the scores to the disk and closes the journal. */
void mw_kept_scores_close(mw_kept_scores *kept);
/* The journal's name. */
extern const char mw_kept_scores_name[];

#endif
