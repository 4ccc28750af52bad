/* shared_search.h: a search by several processes (cluster/cluster.h). Rank 0 evaluates the recipe, runs the commands and keeps the scores;
 * what it asks for, a candidate's folder or its loss, all make together. For example, greedy_soup by two processes:
 *
 *   rank 0: evaluates; "make this graph in OUT.scoring-x/candidate"      rank 1: waits
 *           writes its files of the candidate                                    decodes the graph, writes its own
 *           runs the command of the score; "make this one"                       waits
 *           ...
 *           "this is the result"                                                 makes it, as of any merge
 *
 * No other process forks: of a network whose loss is measured they get the graph, too. */
#ifndef MW_MERGE_SHARED_SEARCH_H
#define MW_MERGE_SHARED_SEARCH_H

#include "merge/plan.h"

typedef enum mw_shared_search_what { MW_SHARED_FOLDER = 1, MW_SHARED_LOSS, MW_SHARED_RESULT } mw_shared_search_what;

typedef struct mw_shared_search_request {
  mw_shared_search_what what; /* write the candidate, measure its loss, or make it as the result */
  const char *folder;         /* to be written into; in the candidate's arena */
  mw_recipe_candidate made;
} mw_shared_search_request;

/* Rank 0: has the others make this candidate in the folder, or, where that is NULL, measure its loss. */
bool mw_shared_search_ask(const mw_recipe_candidate *made, const char *folder, mw_error *err);
/* Rank 0: there are no more candidates; the plan's result is what all make now. */
bool mw_shared_search_done(const mw_plan *plan, mw_error *err);
/* The others: does what is asked for by these, until there is a result, which is in the plan then. */
bool mw_shared_search_follow(mw_plan *plan, mw_search_make make, mw_search_loss loss, void *context, mw_error *err);

/* The two ends of a request: what rank 0 tells, and what another makes of `count` bytes of which it believes nothing. */
bool mw_shared_search_put(const mw_shared_search_request *request, mw_text *out, mw_error *err);
bool mw_shared_search_take(mw_plan *plan, const char *bytes, size_t count, mw_shared_search_request *out, mw_error *err);

#endif
