/* score_words.h: what the words of --score say: one score without a name, or several, NAME=COMMAND and NAME=loss:FILE..., which a recipe
 * tells apart as a.score.NAME. For example, math="./math {dir}" text=loss:a.txt b.txt:
 *
 *   0   math   command "./math {dir}"
 *   1   text   loss on files 0 and 1 of a.txt, b.txt */
#ifndef MW_RECIPE_SCORE_WORDS_H
#define MW_RECIPE_SCORE_WORDS_H

#include "base/mem.h"

typedef struct mw_score_words_one {
  const char *name;    /* NULL of the only one, which has none */
  const char *command; /* NULL: the loss on data */
  size_t first, count; /* its files, among those of all */
} mw_score_words_one;

typedef struct mw_score_words {
  mw_score_words_one *all;
  const char **files;
  size_t count, file_count;
} mw_score_words;

/* None without --score. Names are in the arena, all else is the options'. MW_USAGE: words that make no scores. */
bool mw_score_words_read(const mw_options *options, mw_arena *arena, mw_score_words *out, mw_error *err);

#endif
