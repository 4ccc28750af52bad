/* pretokenizer.h: the `pre_tokenizer` of tokenizer.json, which cuts a text into pieces; tokens are merged only within a piece:
 * ByteLevel, Metaspace, Split, Digits, WhitespaceSplit, CharDelimiterSplit, and Sequence of them. */
#ifndef MW_TEXT_PRETOKENIZER_H
#define MW_TEXT_PRETOKENIZER_H

#include "text/option.h"
#include "text/pattern.h"

enum { MW_PRETOKENIZER_MOST = 16 };

typedef enum mw_pretokenizer_behavior {
  MW_PRETOKENIZER_ISOLATED, MW_PRETOKENIZER_REMOVED, MW_PRETOKENIZER_WITH_PREVIOUS, MW_PRETOKENIZER_WITH_NEXT,
  MW_PRETOKENIZER_CONTIGUOUS
} mw_pretokenizer_behavior;

typedef struct mw_pretokenizer_step {
  enum {
    MW_PRETOKENIZER_SPLIT,  /* cuts at the matches of a pattern */
    MW_PRETOKENIZER_BYTES,  /* every byte becomes its printable stand-in */
    MW_PRETOKENIZER_SPACES, /* every space becomes `mark` */
    MW_PRETOKENIZER_PREFIX  /* `mark` is put before a piece that does not begin with it */
  } kind;
  mw_pattern *pattern;
  mw_pretokenizer_behavior behavior;
  bool invert;     /* the text between matches counts as the match */
  bool first_only; /* PREFIX: only before a piece that begins the text */
  const char *mark;
  size_t length;
  mw_text scratch;
} mw_pretokenizer_step;

typedef struct mw_pretokenizer {
  mw_pretokenizer_step steps[MW_PRETOKENIZER_MOST];
  size_t count;
} mw_pretokenizer;

/* Called for every piece, in order; no piece is empty. */
typedef bool (*mw_pretokenizer_sink)(void *context, const char *piece, size_t length, mw_error *err);

/* Reads the pre-tokenizer. `json` may be null or absent: then a text is one piece. Strings are in the arena. Free it also after a
 * failure. */
bool mw_pretokenizer_read(mw_pretokenizer *pretokenizer, const char *what, mw_json json, mw_arena *arena, mw_error *err);
/* `first`: the text is the beginning of what was given to the tokenizer. */
bool mw_pretokenizer_run(mw_pretokenizer *pretokenizer, const char *text, size_t length, bool first,
                         mw_pretokenizer_sink sink, void *context, mw_error *err);
void mw_pretokenizer_free(mw_pretokenizer *pretokenizer);

#endif
