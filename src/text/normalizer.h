/* normalizer.h: the `normalizer` of tokenizer.json: NFC, Prepend, Replace, and Sequence of them. */
#ifndef MW_TEXT_NORMALIZER_H
#define MW_TEXT_NORMALIZER_H

#include "text/option.h"
#include "text/pattern.h"

enum { MW_NORMALIZER_MOST = 16 };

typedef struct mw_normalizer_step {
  enum { MW_NORMALIZER_NFC, MW_NORMALIZER_PREPEND, MW_NORMALIZER_REPLACE } kind;
  mw_pattern *pattern; /* of REPLACE */
  const char *text;    /* what is prepended, or put in the place of a match */
  size_t length;
} mw_normalizer_step;

typedef struct mw_normalizer {
  mw_normalizer_step steps[MW_NORMALIZER_MOST];
  size_t count;
  mw_text scratch[2];
} mw_normalizer;

/* Reads the normalizer. `json` may be null or absent: then texts are not changed. Strings are in the arena. Free it also after a
 * failure. */
bool mw_normalizer_read(mw_normalizer *normalizer, const char *what, mw_json json, mw_arena *arena, mw_error *err);
/* The normalised text, borrowed until the next call; it may be `text` itself. */
bool mw_normalizer_run(mw_normalizer *normalizer, const char **text, size_t *length, mw_error *err);
void mw_normalizer_free(mw_normalizer *normalizer);

#endif
