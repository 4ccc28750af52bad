/* pattern.h: the patterns of tokenizers: a regular expression, which PCRE2 runs, or a literal text. A pattern may be hostile, so its
 * size, memory and time are limited: one that needs too many steps is an error. */
#ifndef MW_TEXT_PATTERN_H
#define MW_TEXT_PATTERN_H

#include "text/option.h"

typedef struct mw_pattern mw_pattern;

/* A regular expression in the reference's dialect (text/syntax.h). */
bool mw_pattern_regex(const char *text, size_t length, mw_pattern **out, mw_error *err);
/* A literal text, not empty. */
bool mw_pattern_literal(const char *text, size_t length, mw_pattern **out, mw_error *err);
/* The option "pattern" of a component: {"Regex": "x"} or {"String": "x"}. */
bool mw_pattern_read(const mw_option *option, mw_pattern **out);
void mw_pattern_free(mw_pattern *pattern);

/* A walk over the matches of a text, from left to right. */
typedef struct mw_pattern_walk {
  const char *text; /* UTF-8 */
  size_t length, at;
  size_t begin, end;  /* the last match */
  bool matched;       /* there was one */
  bool later;         /* the text has characters that PCRE2's classes may not know */
  uint64_t steps;     /* taken so far */
} mw_pattern_walk;

mw_pattern_walk mw_pattern_enter(const mw_pattern *pattern, const char *text, size_t length);
/* The next match; *found is false at the end. Empty matches are found too, but not directly after another match. Only one walk over
 * a pattern at a time. */
bool mw_pattern_next(mw_pattern *pattern, mw_pattern_walk *walk, bool *found, mw_error *err);

#endif
