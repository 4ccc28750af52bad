/* manual.c: a build tool: manual > moonweld.1 writes the manual page out of what help is made of: the commands, options.def and
 * the statuses of moonweld.h. */
#include "base/option_table.h"
#include "cli/commands.h"
#include <string.h>

/* Text for roff: `-` is a hyphen unless it is escaped, and a line that begins with a point would be a request. */
static void put(const char *text) {
  if (*text == '.' || *text == '\'') fputs("\\&", stdout);
  for (; *text; text++) {
    if (*text == '\\') fputs("\\e", stdout);
    else if (*text == '-') fputs("\\-", stdout);
    else putchar(*text);
  }
}

static void put_line(const char *text) {
  put(text);
  putchar('\n');
}

static void begin_item(void) { puts(".TP"); }

static void put_bold(const char *text) {
  fputs("\\fB", stdout);
  put(text);
  fputs("\\fR", stdout);
}

/* An option and what it does. A further line of the text is an option as well, "  --score loss:FILE...   or ...". */
static void put_option(const mw_options_doc *option) {
  mw_options_name spelt;
  begin_item();
  if (strcmp(option->name, "output") == 0) put_bold("-o"), fputs(", ", stdout);
  put_bold(mw_options_spell(&spelt, option->name));
  if (*option->value) putchar(' '), put(option->value);
  putchar('\n');
  char text[1000];
  snprintf(text, sizeof text, "%s", option->doc);
  char *more = strchr(text, '\n');
  if (more) *more++ = 0;
  put_line(text);
  if (!more) return;
  more += strspn(more, " ");
  char *meaning = strstr(more, "  ");
  if (meaning) *meaning = 0, meaning += 1 + strspn(meaning + 1, " ");
  begin_item();
  put_bold(more);
  putchar('\n');
  put_line(meaning ? meaning : "");
}

static void put_synopsis(const char *words) {
  fputs(".br\n\\fBmoonweld\\fR ", stdout);
  put_line(words);
}

static void put_command(const mw_command *command) {
  mw_commands_buffer buffer;
  puts(".SS");
  put_line(command->word);
  put_line(command->summary);
  puts(".P");
  put_line(mw_commands_usage(&buffer, command));
  for (const mw_options_doc *option = command->options; option->name; option++) put_option(option);
}

static void put_status(const char *meaning, int code) {
  begin_item();
  printf("\\fB%d\\fR\n", code);
  put_line(meaning);
}

int main(void) {
  const mw_command_text *text = &mw_cmd_help_texts;
  printf(".\\\" made by src/tools/manual.c\n.TH MOONWELD 1 \"\" \"moonweld %s\" \"User Commands\"\n.SH NAME\nmoonweld \\- ", MW_VERSION);
  put_line(text->what);
  puts(".SH SYNOPSIS");
  for (size_t i = 0; i < 2; i++) put_synopsis(text->merge[i].words);
  for (size_t i = 0; mw_commands_all[i]; i++) {
    char words[200];
    snprintf(words, sizeof words, "%s %s", mw_commands_all[i]->word, mw_commands_all[i]->usage);
    put_synopsis(words);
  }
  for (size_t i = 0; i < 2; i++) put_synopsis(text->others[i].words);
  puts(".SH DESCRIPTION");
  put_line(text->models);
  put_line(text->lists);
  puts(".SH RECIPES");
  for (const char *const *name = mw_recipe_builtins(); *name; name++) put_bold(*name), puts(name[1] ? "," : ".");
  put_line("`moonweld list` says what each does, `moonweld RECIPE --help` what it takes.");
  puts(".SH OPTIONS OF EVERY MERGE");
  for (const mw_option_table_row *row = mw_option_table; row->name; row++) put_option(&(mw_options_doc){row->name, row->value, row->doc});
  for (size_t i = 0; i < 2; i++) put_option(&text->options[i]);
  puts(".SH COMMANDS");
  for (size_t i = 0; mw_commands_all[i]; i++) put_command(mw_commands_all[i]);
  puts(".SH EXIT STATUS");
#define MW_STATUS(name, code, meaning) put_status(meaning, code);
  MW_STATUS_MAP(MW_STATUS)
#undef MW_STATUS
  puts(".SH EXAMPLES");
  put_line(text->example);
  return fflush(stdout) == 0 ? 0 : 74;
}
