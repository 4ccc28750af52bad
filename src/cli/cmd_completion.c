/* cmd_completion.c: completion of words in a shell. `moonweld completion bash` prints the few lines by which the shell asks the program
 * itself, `moonweld completion --words -- WORD...`: what may stand in the place of the last word? So a shell knows what this very
 * program does, with the arguments of own recipes and files too:
 *
 *   moonweld completion --words -- lerp --dt        --dtype  <tab>  of the output; keep (default): ...
 *   moonweld completion --words -- lerp --dtype b   bf16
 *   moonweld completion --words -- lerp --a ./mo    nothing: the shell completes names of files
 */
#include "commands.h"
#include "base/option_table.h"
#include "print.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

static const char bash_script[] =
    "# moonweld: completion for bash; eval \"$(moonweld completion bash)\"\n"
    "_moonweld() {\n"
    "  local IFS=$'\\n' line\n"
    "  COMPREPLY=()\n"
    "  while IFS= read -r line; do COMPREPLY+=(\"${line%%$'\\t'*}\"); done \\\n"
    "    < <(\"${COMP_WORDS[0]}\" completion --words -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2> /dev/null)\n"
    "}\n"
    "complete -o default -o bashdefault -F _moonweld moonweld\n";

static const char zsh_script[] =
    "#compdef moonweld\n"
    "# moonweld: completion for zsh; in a folder of $fpath as _moonweld, or eval \"$(moonweld completion zsh)\"\n"
    "_moonweld() {\n"
    "  local -a found\n"
    "  local line\n"
    "  while IFS= read -r line; do found+=(\"${line/$'\\t'/:}\"); done \\\n"
    "    < <(\"${words[1]}\" completion --words -- \"${(@)words[2,CURRENT]}\" 2> /dev/null)\n"
    "  if (( $#found )); then _describe moonweld found; else _files; fi\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _moonweld ]; then _moonweld \"$@\"; else compdef _moonweld moonweld; fi\n";

static const char fish_script[] =
    "# moonweld: completion for fish; moonweld completion fish | source\n"
    "function __moonweld_words\n"
    "  set -l words (commandline -opc)\n"
    "  set -l last (commandline -ct)\n"
    "  set -l found ($words[1] completion --words -- $words[2..-1] \"$last\" 2> /dev/null)\n"
    "  if set -q found[1]; printf '%s\\n' $found; else; __fish_complete_path \"$last\"; end\n"
    "end\n"
    "complete -c moonweld -f -a '(__moonweld_words)'\n";

static const struct { const char *shell, *script; } scripts[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};

/* ---- what may stand there ---- */

/* A candidate with what it means, if it begins as the word does. */
static void offer(const char *word, const char *candidate, const char *meaning) {
  if (strncmp(candidate, word, strlen(word)) != 0) return;
  mw_print_plain(stdout, candidate);
  if (*meaning) putchar('\t'), fprintf(stdout, "%.*s", (int)strcspn(meaning, "\n"), meaning);
  putchar('\n');
}

static void offer_option(const char *word, const char *name, const char *meaning) {
  mw_options_name spelt;
  offer(word, mw_options_spell(&spelt, name), meaning);
}

/* Of "f32|f16|keep..." each word; what is in capitals stands for something that only its user knows. */
static void offer_values(const char *word, const char *value) {
  for (const char *at = value; *at;) {
    char choice[32];
    size_t length = strcspn(at, "|. ");
    snprintf(choice, sizeof choice, "%.*s", (int)length, at);
    if (length && !isupper((unsigned char)*choice)) offer(word, choice, "");
    at += length + strspn(at + length, "|. ");
  }
}

/* The value that an option of the merge or of a command takes: "" for none, NULL for no such option. */
static const char *value_of(const char *option, const mw_options_doc *own) {
  mw_options_name spelt;
  for (; own && own->name; own++)
    if (strcmp(mw_options_spell(&spelt, own->name), option) == 0) return own->value;
  for (const mw_option_table_row *row = mw_option_table; !own && row->name; row++)
    if (strcmp(mw_options_spell(&spelt, row->name), option) == 0) return row->value;
  return NULL;
}

static bool takes_words(const mw_arg *arg) { return arg->kind == MW_ARG_CHOICE || arg->kind == MW_ARG_WORDS; }
static bool is_typed(const mw_arg *arg) {
  return arg->kind != MW_ARG_SEED && arg->kind != MW_ARG_SCORE && arg->kind != MW_ARG_CALIBRATION;
}

static const mw_arg *arg_of(const mw_recipe *recipe, const char *option) {
  mw_options_name spelt;
  const mw_arg *args = NULL;
  size_t count = recipe ? mw_recipe_args(recipe, &args) : 0;
  for (size_t i = 0; i < count; i++)
    if (is_typed(&args[i]) && strcmp(mw_options_spell(&spelt, args[i].name), option) == 0) return &args[i];
  return NULL;
}

static void offer_options(const char *word, const mw_options_doc *own, const mw_recipe *recipe) {
  const mw_arg *args = NULL;
  size_t count = recipe ? mw_recipe_args(recipe, &args) : 0;
  for (size_t i = 0; i < count; i++)
    if (is_typed(&args[i])) offer_option(word, args[i].name, args[i].doc);
  for (const mw_options_doc *o = own; o && o->name; o++) offer_option(word, o->name, o->doc);
  for (const mw_option_table_row *row = mw_option_table; !own && row->name; row++) offer_option(word, row->name, row->doc);
  for (size_t i = 0; !own && i < 2; i++) offer_option(word, mw_cmd_help_texts.options[i].name, mw_cmd_help_texts.options[i].doc);
  offer_option(word, "help", "");
}

/* The last of `count` words, behind a command's or a recipe's name. `own`: the options of a command, NULL for those of merges. */
static void offer_rest(char *const *words, size_t count, const mw_options_doc *own, const mw_recipe *recipe) {
  const char *word = words[count - 1], *option = NULL;
  size_t before = count - 1;
  if (strcmp(word, "=") == 0) word = ""; /* bash cuts --dtype=bf16 into three words */
  while (before && words[before - 1][0] != '-') before--; /* a list may have several words */
  if (before) option = words[before - 1];
  if (word[0] == '-') offer_options(word, own, recipe);
  else if (option) {
    const mw_arg *arg = arg_of(recipe, option);
    const char *value = arg ? NULL : value_of(option, own);
    for (const char *const *c = arg && takes_words(arg) ? arg->choices : NULL; c && *c; c++) offer(word, *c, "");
    if (value) offer_values(word, value);
  }
}

/* ---- the first word ---- */

static void offer_recipes(const char *word) {
  const char *const *names = mw_recipe_builtins(), *const *paths;
  mw_recipe_homes *homes;
  mw_error err;
  for (; *names; names++) offer(word, *names, mw_recipe_builtin_summary(*names));
  if (!mw_recipe_homes_open(&homes, &err)) return;
  for (size_t i = 0, count = mw_recipe_homes_own(homes, &names, &paths); i < count; i++) offer(word, names[i], paths[i]);
  mw_recipe_homes_free(homes);
}

static void offer_first(const char *word) {
  for (size_t i = 0; mw_commands_all[i]; i++) offer(word, mw_commands_all[i]->word, mw_commands_all[i]->summary);
  offer(word, "help", "");
  if (*word == '-') offer(word, "--help", ""), offer(word, "--version", "");
  offer_recipes(word);
}

static const mw_command *command_of(const char *word) {
  for (size_t i = 0; mw_commands_all[i]; i++)
    if (strcmp(mw_commands_all[i]->word, word) == 0) return mw_commands_all[i];
  return NULL;
}

/* What a command takes first: a recipe, or one of "bash|zsh|fish". */
static void offer_operand(const char *word, const mw_command *command) {
  if (strncmp(command->usage, "RECIPE", strlen("RECIPE")) == 0) offer_recipes(word);
  else if (islower((unsigned char)*command->usage)) offer_values(word, command->usage);
}

static void complete(char *const *words, size_t count, const mw_options *given) {
  const mw_command *command = count < 2 ? NULL : command_of(words[0]);
  bool merge = command == &mw_cmd_merge_plan || command == &mw_cmd_sweep; /* a merge's words follow */
  mw_recipe *recipe = NULL;
  mw_error err;
  if (count > 1 && strcmp(words[0], "help") == 0) words++, count--;
  if (count < 2) {
    offer_first(count ? words[0] : "");
    return;
  }
  if (count == 2 && command && *words[1] != '-') offer_operand(words[1], command);
  if (merge) words++, count--, command = NULL;
  if (count < 2) return;
  bool known = !command && mw_recipe_is_known(words[0], NULL, 0, &err) && mw_recipe_load(words[0], given, &recipe, &err);
  offer_rest(words + 1, count - 1, command ? command->options : NULL, known ? recipe : NULL);
  mw_recipe_free(known ? recipe : NULL);
}

static int run(mw_term *term, const mw_options_line *line) {
  mw_error err;
  if (mw_options_flag(line, "words")) {
    complete((char *const *)line->operands, line->operand_count, &line->options);
    return 0;
  }
  for (size_t i = 0; line->operand_count == 1 && i < sizeof scripts / sizeof *scripts; i++)
    if (strcmp(line->operands[0], scripts[i].shell) == 0) return fputs(scripts[i].script, stdout) < 0;
  mw_term_fail(&err, MW_USAGE, "completion takes a shell: bash, zsh or fish\nfor bash: eval \"$(moonweld completion bash)\"");
  return mw_term_error(term, &err);
}

static const mw_options_doc options[] = {
  { "words", "", "what may stand in the place of the last of the words behind --, as a shell asks" },
  { NULL, NULL, NULL },
};

const mw_command mw_cmd_completion = { "completion", "bash|zsh|fish", "the lines by which a shell completes words", "a shell", 0, SIZE_MAX,
                                       options, run };
