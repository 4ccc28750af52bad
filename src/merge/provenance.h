/* provenance.h: how an output was made, for its lock file and model card: from the recipe, and what was typed. */
#ifndef MW_MERGE_PROVENANCE_H
#define MW_MERGE_PROVENANCE_H

#include "base/text.h"
#include "merge/search.h"
#include "output/side_files.h"

typedef struct mw_provenance_texts {
  mw_text arguments; /* JSON object: every argument, as typed or by default */
  mw_text typed;     /* JSON object: the words of "arguments" and "options" as they were typed, from which a plan can be made again */
  mw_text command;   /* a command line for a shell, without -o */
  mw_text drawn;     /* JSON list: what an evaluation of the recipe has drawn by a seed */
  mw_text told;      /* the same for people, of the output alone and where it is few numbers: "seed/m3:beta(0.5, 0.5) = 0.31" */
  mw_text required;  /* JSON list: the recipes that it required, with their texts and hashes */
} mw_provenance_texts;

bool mw_provenance_compose(mw_provenance_texts *texts, const mw_recipe *recipe, const mw_binding *bindings, size_t count,
                      const mw_options *options, mw_error *err);
/* What an evaluation has drawn and required, in the place of what another one had. `made` are the draws that made the output: those of the
 * chosen candidate, or all. */
bool mw_provenance_take(mw_provenance_texts *texts, const mw_recipe_result *result, mw_recipe_draws made, mw_error *err);
/* The provenance itself; everything in it is borrowed from the arguments. `scores` is NULL where nothing was scored. */
mw_side_files_provenance mw_provenance_of(const mw_provenance_texts *texts, const mw_recipe *recipe, const mw_search *scores,
                     const mw_options *options);
void mw_provenance_free(mw_provenance_texts *texts);

#endif
