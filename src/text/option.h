/* option.h: reads a component of tokenizer.json (a normalizer, pre-tokenizer, post-processor, the model) and its options strictly:
 * an option with a value of the wrong kind is MW_DATA, an option that we do not know MW_UNAVAILABLE; the error tells the place. */
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

/* The component that `json` describes; `what` is its place, for errors. Its `type` may be absent only if there is a `fallback`. */
bool mw_option_open(mw_option *option, const char *what, mw_json json, const char *fallback, mw_arena *arena, mw_error *err);
/* Refuses every key but "type" and those listed (separated by spaces). */
bool mw_option_only(const mw_option *option, const char *keys);
/* A boolean; `fallback` if it is absent or null. */
bool mw_option_flag(const mw_option *option, const char *key, bool fallback, bool *out);
/* A text, which must not be absent. */
bool mw_option_text(const mw_option *option, const char *key, const char **text, size_t *length);
/* The member, which must be of this kind. */
bool mw_option_member(const mw_option *option, const char *key, mw_json_kind kind, mw_json *out);
/* Which of the words (separated by spaces) the value is, from 0; `fallback` if it is absent or null. Another word is MW_UNAVAILABLE. */
bool mw_option_word(const mw_option *option, const char *key, const char *words, unsigned fallback, unsigned *out);
/* Refuses the option unless it is absent, null, false or "". */
bool mw_option_absent(const mw_option *option, const char *key);
/* "WHERE: KEY: found SPELLING, expected EXPECTED" as MW_DATA; returns false. */
bool mw_option_refuse(const mw_option *option, const char *key, mw_json found, const char *expected);
/* "WHERE: this TYPE is not implemented" as MW_UNAVAILABLE; returns false. */
bool mw_option_unknown(const mw_option *option);

#endif
