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

/* Rank 0: has the others make this candidate in the folder, or, where that is NULL, measure its loss. */
bool mw_shared_search_ask(const mw_recipe_candidate *made, const char *folder, mw_error *err);
/* Rank 0: there are no more candidates; the plan's result is what all make now. */
bool mw_shared_search_done(const mw_plan *plan, mw_error *err);
/* The others: does what is asked for by these, until there is a result, which is in the plan then. */
bool mw_shared_search_follow(mw_plan *plan, mw_search_make make, mw_search_loss loss, void *context, mw_error *err);

#endif
