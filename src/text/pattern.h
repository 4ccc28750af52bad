/* pattern.h: what a tokenizer looks for in a text: a regular expression, run by PCRE2, or a literal. Patterns come from
 * strangers, so their size, their memory and their time are bounded: one that needs too many steps for a text is an
 * error, never a hang. */
#ifndef MW_TEXT_PATTERN_H
#define MW_TEXT_PATTERN_H

#include "text/option.h"

typedef struct mw_pattern mw_pattern;

/* A regular expression in the reference's dialect (text/syntax.h). */
bool mw_pattern_regex(const char *text, size_t length, mw_pattern **out, mw_error *err);
/* A text that stands for itself; not empty. */
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
  bool later;         /* the text holds characters that PCRE2's own classes may lack */
  uint64_t steps;     /* taken so far */
} mw_pattern_walk;

mw_pattern_walk mw_pattern_enter(const mw_pattern *pattern, const char *text, size_t length);
/* The next match; *found is false at the end. An empty match is found too, but not right behind the one before. One walk
 * at a time. */
bool mw_pattern_next(mw_pattern *pattern, mw_pattern_walk *walk, bool *found, mw_error *err);

#endif
