/* option.h: one component of tokenizer.json (a normalizer, pre-tokenizer, post-processor, the model) and its options,
 * read strictly: an option of another kind than ours is MW_DATA, one that we do not know MW_UNAVAILABLE, and both say
 * where it stands. */
#ifndef MW_TEXT_OPTION_H
#define MW_TEXT_OPTION_H

#include "format/json.h"

typedef struct mw_option {
  char where[300]; /* "tokenizer.json: pre_tokenizer: Split" */
  char type[48];   /* "" where there is none */
  mw_json json;    /* an object */
  mw_arena *arena; /* where texts are kept */
  mw_error *err;
} mw_option;

/* The component that `json` describes; `what` says where it stands. Its `type` may be left out only where `fallback` is
 * not NULL. */
bool mw_option_open(mw_option *option, const char *what, mw_json json, const char *fallback, mw_arena *arena, mw_error *err);
/* Refuses every key but "type" and those listed (separated by spaces). */
bool mw_option_only(const mw_option *option, const char *keys);
/* A boolean; `fallback` where it is absent or null. */
bool mw_option_flag(const mw_option *option, const char *key, bool fallback, bool *out);
/* A text that must be there. */
bool mw_option_text(const mw_option *option, const char *key, const char **text, size_t *length);
/* The member, which must be of this kind. */
bool mw_option_member(const mw_option *option, const char *key, mw_json_kind kind, mw_json *out);
/* One of the words (separated by spaces) by its place from 0; `fallback` where it is absent or null. Another word is
 * MW_UNAVAILABLE. */
bool mw_option_word(const mw_option *option, const char *key, const char *words, unsigned fallback, unsigned *out);
/* Refuses what has a value that is neither null, false, nor "". */
bool mw_option_absent(const mw_option *option, const char *key);
/* "WHERE: KEY: found SPELLING, expected EXPECTED" as MW_DATA; returns false. */
bool mw_option_refuse(const mw_option *option, const char *key, mw_json found, const char *expected);
/* "WHERE: this TYPE is not implemented" as MW_UNAVAILABLE; returns false. */
bool mw_option_unknown(const mw_option *option);

#endif
