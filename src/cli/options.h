/* options.h: the words of a merge's command line, read by the recipe's signature. The same words are read twice: first
 * without a recipe, which finds what loading it needs (--help, --recipe-seconds, --log-json) and passes over what is not
 * ours; then with the recipe's arguments, when every word must have its place. `cli.md` is the contract:
 * --opt=value and --opt value, lists as several words or several options, --x and --no-x, '-' for '_', `--` ends
 * options, and a word that reads as a number is never an option. */
#ifndef MW_CLI_OPTIONS_H
#define MW_CLI_OPTIONS_H

#include "moonweld.h"

typedef struct mw_command_line {
  mw_options options;
  bool help, json, quiet, log_json;
  const char **data;       /* what options.data points to; owned */
  const char **judges;     /* likewise, of options.score_data */
  mw_binding *bindings;    /* what was typed for the recipe's arguments; owned, with their words */
  size_t count;
} mw_command_line;

/* Reads `count` words. `signature` may be NULL: options that are not ours are passed over with their words. The
 * line borrows the words; free it also after a failure. */
bool mw_options_parse(mw_command_line *line, char *const *words, size_t count, const mw_recipe *signature,
                      mw_error *err);
/* The same for a command without a recipe, which knows the options in `names` (NULL-terminated) alone. */
bool mw_options_only(mw_command_line *line, char *const *words, size_t count, const char *const *names, mw_error *err);
void mw_options_free(mw_command_line *line);

/* For commands without a recipe: takes the named flag out of the words (as --x) if it is there. */
bool mw_options_take(char **words, size_t *count, const char *flag);
/* Takes `--x VALUE` or `--x=VALUE` out of the words; *value stays as it was where it is not there. */
bool mw_options_take_value(char **words, size_t *count, const char *option, const char **value, mw_error *err);
/* What is left must be no option. Takes out a `--`, after which a word may begin with '-'. */
bool mw_options_rest(char **words, size_t *count, const char *command, const char *usage, mw_error *err);

/* One argument's option as one types it ("--recipe-seconds"). */
typedef struct mw_option_name { char text[80]; } mw_option_name;
const char *mw_options_spell(mw_option_name *room, const char *name);

#endif
