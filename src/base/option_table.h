/* option_table.h: options.def as a table, by which the command line and Lua read the options of a merge by their names, the library
 * checks their ranges, and a plan copies them. */
#ifndef MW_BASE_OPTION_TABLE_H
#define MW_BASE_OPTION_TABLE_H

#include "base/mem.h"

/* The forms of options.def. */
typedef enum mw_option_table_form {
  MW_OPTION_SWITCH, MW_OPTION_WORD, MW_OPTION_TEXT, MW_OPTION_COUNT, MW_OPTION_SIZE, MW_OPTION_SECONDS, MW_OPTION_TEXTS,
  MW_OPTION_SCORE
} mw_option_table_form;

/* A line of options.def. */
typedef struct mw_option_table_row {
  const char *name;        /* as it is typed, with '_' for '-' */
  mw_option_table_form form;
  size_t at, size;         /* the field's offset and size; not for TEXTS */
  size_t list, count;      /* TEXTS and SCORE: offsets of the list and of its length */
  const char *value;       /* what help calls the value; one of several words is typed where it has '|' between words */
  uint64_t least, most;    /* COUNT and SIZE: the range, both included; SECONDS: above `least` up to `most` */
  const char *doc;
} mw_option_table_row;

extern const mw_option_table_row mw_option_table[]; /* ends with a row without a name */

/* The option typed as `name`, or NULL. */
const mw_option_table_row *mw_option_table_find(const char *name);
/* Sets a COUNT or SIZE, or a SECONDS; false if the value is out of range, and nothing is set. */
bool mw_option_table_set_count(const mw_option_table_row *row, mw_options *options, uint64_t value);
bool mw_option_table_set_seconds(const mw_option_table_row *row, mw_options *options, double value);
/* Whether a TEXT, WORD or TEXTS takes the word: one of those that `value` shows, or any that is not empty. */
bool mw_option_table_takes(const mw_option_table_row *row, const char *word);
/* Sets a TEXT, or the text of a SCORE, or that a WORD was given. */
void mw_option_table_set_text(const mw_option_table_row *row, mw_options *options, const char *text);
/* Where TEXTS or SCORE keep their list, and its length. */
const char ***mw_option_table_list(const mw_option_table_row *row, mw_options *options, size_t **count);
/* The length of NAME in a --score's word "NAME=...", a word of small letters, digits and '_'; 0 where there is none. */
size_t mw_option_table_score_name(const char *word);
/* "a whole number from 1 to 1024": what a number's option takes. Returns buffer. */
const char *mw_option_table_expected(const mw_option_table_row *row, char buffer[96]);

/* Whether every number is 0 or in its range, and every word one of those that help shows; else MW_USAGE. */
bool mw_option_table_check(const mw_options *options, mw_error *err);
/* Replaces all texts and lists by copies in the arena. */
bool mw_option_table_keep(mw_options *options, mw_arena *arena, mw_error *err);

#endif
