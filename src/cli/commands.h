/* commands.h: the commands of the program. What a command declares here is used to read its words and to write its help, so all
 * commands take --help, read options in the same way and suggest what was meant. */
#ifndef MW_CLI_COMMANDS_H
#define MW_CLI_COMMANDS_H

#include "options.h"
#include "term.h"

#include <stdio.h>

typedef struct mw_command {
  const char *word, *usage, *summary; /* usage without "moonweld" and the word; options that it does not name are added */
  const char *takes;                  /* "two models" */
  size_t least, most;                 /* operands */
  const mw_options_doc *options;       /* up to one without a name */
  int (*run)(mw_term *term, const mw_options_line *line);
} mw_command;

#define MW_COMMAND(name) extern const mw_command mw_cmd_##name;
#include "commands.def"
#undef MW_COMMAND
/* All commands, NULL-terminated, in the order of the help; `plan` too, whose words cmd_merge.c reads. */
extern const mw_command *const mw_commands_all[];

/* The command's usage line, in `buffer`. */
typedef struct mw_commands_buffer { char text[256]; } mw_commands_buffer;
const char *mw_commands_usage(mw_commands_buffer *buffer, const mw_command *command);
/* Reads the words after the command's name, and runs it or shows its help. Returns the exit code. */
int mw_commands_run(const mw_command *command, mw_term *term, char **words, size_t count);

int mw_cmd_merge(mw_term *term, char **words, size_t count); /* the recipe is the first word */
/* Plans and runs a merge whose words have been read. */
bool mw_cmd_merge_run(mw_term *term, const mw_recipe *recipe, const mw_options_line *line, mw_error *err);
int mw_cmd_merge_dry(mw_term *term, char **words, size_t count);
int mw_cmd_sweep_words(mw_term *term, char **words, size_t count);
int mw_cmd_script_words(mw_term *term, char **words, size_t count); /* the file, then words that are the script's own, options too */

/* What help and the manual page (src/tools/manual.c) say beside what commands, options and recipes declare. */
typedef struct mw_command_text {
  const char *what, *models, *lists, *example;
  struct { const char *words, *meaning; } merge[2], others[2];
  mw_options_doc options[2]; /* of a merge, beside options.def */
} mw_command_text;
extern const mw_command_text mw_cmd_help_texts;

void mw_cmd_help(FILE *out);
void mw_cmd_help_command(FILE *out, const mw_command *command);
void mw_cmd_help_recipe(FILE *out, const mw_recipe *recipe);
/* "--t NUMBER" in `buffer`; NULL for an argument that is bound to options of every merge, which stand in mw_cmd_help_bound. */
const char *mw_cmd_help_option(mw_options_name *buffer, const mw_arg *arg);
/* " (default 0.5, with mergekit 1; 0 to 1)", or nothing. `profile`: mw_cmd_help_profile. */
void mw_cmd_help_limits(FILE *out, const mw_arg *arg, const mw_arg *profile);
typedef struct mw_command_bound { mw_arg_kind kind; const char *words, *meaning; } mw_command_bound;
extern const mw_command_bound mw_cmd_help_bound[]; /* up to one without words */

/* An argument's kind in list --json ("number"). */
const char *mw_cmd_list_type(mw_arg_kind kind);
/* The argument `profile`, whose words may change other defaults, or NULL. */
const mw_arg *mw_cmd_help_profile(const mw_arg *args, size_t count);

#endif
