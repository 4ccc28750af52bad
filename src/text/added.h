/* added.h: the `added_tokens` of tokenizer.json: texts that become one token wherever they occur, before anything else is done:
 * leftmost first, and the longest if several begin at the same place. Those with `normalized` are searched in the normalised
 * text. */
#ifndef MW_TEXT_ADDED_H
#define MW_TEXT_ADDED_H

#include "text/normalizer.h"
#include "text/vocab.h"

typedef struct mw_added_token {
  const char *text; /* what is searched; normalised, if it is searched in normalised text */
  size_t length;
  uint32_t id;
  bool left, right; /* it also takes the white space before it; after it */
  bool single;      /* it is found only where it is no part of a longer word */
} mw_added_token;

typedef struct mw_added_list {
  mw_added_token *tokens; /* sorted by bytes */
  size_t count, capacity;
  bool begins[256];       /* some token begins with this byte */
} mw_added_list;

typedef struct mw_added {
  mw_added_list raw, normalized;
  uint32_t count; /* one more than the greatest id; 0 where there is none */
} mw_added;

/* Whether the text ends, or begins, with a character of a word. */
bool mw_added_ends_word(const char *text, size_t length);
bool mw_added_begins_word(const char *text, size_t length);

/* Reads the list. A token that the vocabulary has too must have the same id. Free it also after a failure. */
bool mw_added_read(mw_added *added, const char *what, mw_json json, const mw_vocab *vocab, mw_normalizer *normalizer,
                   mw_arena *arena, mw_error *err);
void mw_added_free(mw_added *added);

/* A walk over a text: each step gives the part before the next token (empty if begin == end) and that token's id. */
typedef struct mw_added_walk {
  const char *text;
  size_t length, at, from; /* the search goes on at `at`; the next plain part begins at `from` */
  size_t begin, end;       /* the plain part of this step */
  bool has_token;          /* false at the end of the text */
  uint32_t id;
} mw_added_walk;

mw_added_walk mw_added_enter(const char *text, size_t length);
/* False at the end. */
bool mw_added_next(const mw_added_list *list, mw_added_walk *walk);

#endif
