/* look_ahead.h: which candidates a recipe will ask for next, whatever those score that are not measured yet. So they can be measured
 * side by side (--score-jobs N), while the recipe asks one by one as ever, and gets the same answers in the same order.
 *
 * The method. The recipe is evaluated twice more, with the scores that are known and with inventions for the others: once each is worse
 * than all before it, once better. What both ask for in common, from the first unknown one on, depends on none of these, or so it seems:
 * a candidate that is measured and then not asked for has cost its time, and changes nothing. For example, greedy_soup of models 1 to 3:
 *
 *   worse:   1?  2?  3?  then the mean of 3, 2 ...        all three are measured at once, and from then on
 *   better:  1?  2?  3?  then the mean of 1, 2 ...        each mean alone, since it depends on the one before
 *
 * Random draws, sweeps, and a generation of an evolution strategy are found as a whole, without a word of the recipe. */
#ifndef MW_MERGE_LOOK_AHEAD_H
#define MW_MERGE_LOOK_AHEAD_H

#include "merge/score_commands.h"

typedef struct mw_look_ahead {
  mw_score_commands_one *all; /* the candidate that is asked for now, and those after it */
  mw_recipe_candidate *owned; /* of all but the first */
  size_t count;
} mw_look_ahead;

/* At most as many candidates as --score-jobs says, of which `asked` is the first. */
bool mw_look_ahead_find(mw_search *search, const mw_recipe_candidate *asked, const char *identity, mw_look_ahead *out, mw_error *err);
void mw_look_ahead_free(mw_look_ahead *ahead);

#endif
