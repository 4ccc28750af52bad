/* options.h: reads the words of a merge's command line. They are read twice: first without knowing the recipe's arguments, for the
 * options that are needed to load it (--help, --recipe-seconds, --log-json), when unknown options are passed over; then with its
 * arguments, when every word must be understood. The rules: --opt=value and --opt value; lists as several words or several
 * options; --x and --no-x; '-' for '_'; `--` ends options; a word that is a number is never an option. Commands without a recipe
 * are read by the same rules. */
#ifndef MW_CLI_OPTIONS_H
#define MW_CLI_OPTIONS_H

#include "moonweld.h"

typedef struct mw_options_line {
  mw_options options;      /* its lists are owned, their words are not */
  bool help, json, explain, quiet, log_json;
  const char **operands;     /* a command's words that belong to no option; owned */
  size_t operand_count;
  mw_binding *bindings;    /* what was typed for the recipe's arguments, or a command's own options; owned, with their words */
  size_t count;
} mw_options_line;

/* Reads `count` words. If `signature` is NULL, options that are not ours are passed over, with their words. The line borrows the
 * words; free it also after a failure. */
bool mw_options_parse(mw_options_line *line, char *const *words, size_t count, const mw_recipe *signature,
                      mw_error *err);
void mw_options_free(mw_options_line *line);

/* An option of a command without a recipe, as its help shows it. An option of merges, and --json, sets its field of the line. Any
 * other is the command's own: a switch if its value is "", a list if that ends with "...", else it takes one word. */
typedef struct mw_options_doc {
  const char *name, *value, *doc;
} mw_options_doc;
/* Reads the words of a command that has these options (the list ends with one without a name) and --help. Words that belong to no
 * option are its operands; after `--` all are. */
bool mw_options_command(mw_options_line *line, char *const *words, size_t count, const mw_options_doc *options, mw_error *err);
/* What was typed for a command's own option: of a switch; of one that takes one word, or NULL. */
bool mw_options_flag(const mw_options_line *line, const char *name);
const char *mw_options_text(const mw_options_line *line, const char *name);
/* The words of a list, and how many there are. */
size_t mw_options_texts(const mw_options_line *line, const char *name, const char *const **words);

/* The option of an argument as it is typed ("--recipe-seconds"). */
typedef struct mw_options_name { char text[80]; } mw_options_name;
const char *mw_options_spell(mw_options_name *buffer, const char *name);

#endif
