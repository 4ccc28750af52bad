/* commands.h: what the program can do, one function a command. Each is given the words after its own and returns the
 * exit code. */
#ifndef MW_CLI_COMMANDS_H
#define MW_CLI_COMMANDS_H

#include "term.h"

#include <stdio.h>

int mw_cmd_merge(mw_term *term, char **words, size_t count); /* the recipe is the first word */
int mw_cmd_merge_dry(mw_term *term, char **words, size_t count);
int mw_cmd_list(mw_term *term, char **words, size_t count);
int mw_cmd_eval(mw_term *term, char **words, size_t count);
int mw_cmd_inspect(mw_term *term, char **words, size_t count);
int mw_cmd_diff(mw_term *term, char **words, size_t count);
int mw_cmd_tokenize(mw_term *term, char **words, size_t count);

void mw_cmd_help(FILE *out);
void mw_cmd_help_recipe(FILE *out, const mw_recipe *recipe);

/* What is typed for an argument ("NUMBER"), and its kind in list --json ("number"). */
const char *mw_cmd_help_value(const mw_arg *arg);
const char *mw_cmd_list_type(mw_arg_kind kind);
/* The argument `profile`, under whose words other defaults may hold, or NULL. */
const mw_arg *mw_cmd_help_profile(const mw_arg *args, size_t count);

#endif
