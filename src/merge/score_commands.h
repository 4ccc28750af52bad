/* score_commands.h: measures candidates by the command of --score, side by side: each is made as a folder, then its command is started, and
 * while that runs the next folder is made. A command may itself start a job on other machines, by srun for example. */
#ifndef MW_MERGE_SCORE_COMMANDS_H
#define MW_MERGE_SCORE_COMMANDS_H

#include "merge/search.h"

/* A candidate to be measured, the `number`-th of its search. */
typedef struct mw_score_commands_one {
  const mw_recipe_candidate *candidate;
  char identity[65];
  size_t number;
} mw_score_commands_one;

/* Measures at most MW_SUBPROCESS_MOST candidates, and keeps each score as it comes (mw_search_keep). The first error ends all commands;
 * it names its candidate. */
bool mw_score_commands_run(mw_search *search, const mw_score_commands_one *all, size_t count, mw_error *err);

#endif
