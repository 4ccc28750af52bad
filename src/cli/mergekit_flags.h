/* mergekit_flags.h: the options of mergekit's own programs, for who gives a mergekit file and types what was always typed. */
#ifndef MW_CLI_MERGEKIT_FLAGS_H
#define MW_CLI_MERGEKIT_FLAGS_H

#include "term.h"

/* Whether a recipe of this name is a mergekit file. */
bool mw_mergekit_flags_apply(const char *name);
/* Copies the words: flags that mean something here get our names, a first word without hyphens is the output, flags that change nothing
 * are left out and named in `note`, or that is "". The words are freed by mw_mergekit_flags_free, also after a failure. */
bool mw_mergekit_flags_translate(char *const *words, size_t count, char ***out, size_t *out_count, char note[400], mw_error *err);
void mw_mergekit_flags_free(char **words);

#endif
