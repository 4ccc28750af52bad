/* provenance.h: what the lock file and the model card tell of a merge, composed from the recipe and what was typed. */
#ifndef MW_MERGE_PROVENANCE_H
#define MW_MERGE_PROVENANCE_H

#include "base/text.h"
#include "recipe/recipe.h"
#include "output/side_files.h"

typedef struct mw_story_texts {
  mw_text arguments; /* JSON object: every argument, as typed or by default */
  mw_text command;   /* a command line for a shell, without -o */
} mw_story_texts;

bool mw_story_compose(mw_story_texts *texts, const mw_recipe *recipe, const mw_binding *bindings, size_t count,
                      const mw_options *options, mw_error *err);
/* The story itself; everything in it is borrowed from the arguments. `scores` is NULL where nothing was scored. */
mw_story mw_story_of(const mw_story_texts *texts, const mw_recipe *recipe, const mw_host_result *result,
                     const mw_score *scores, const mw_options *options);
void mw_story_free(mw_story_texts *texts);

#endif
