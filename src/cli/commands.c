/* commands.c: the list of commands, and what all of them do alike: reading words, --help, suggestions. */
#include "commands.h"

#include <string.h>

const mw_command *const mw_commands_all[] = {
#define MW_COMMAND(name) &mw_cmd_##name,
#include "commands.def"
#undef MW_COMMAND
  NULL
};

/* Whether the usage names an option already: "--inputs" does not name --input, and --output is called -o. */
static bool names(const char *usage, const mw_options_doc *option, mw_options_name *spelt) {
  const char *name = mw_options_spell(spelt, option->name);
  for (const char *at = usage; (at = strstr(at, name)); at++)
    if (at[strlen(name)] == ' ' || at[strlen(name)] == ']') return true;
  return strcmp(option->name, "output") == 0 && strstr(usage, "-o ");
}

const char *mw_commands_usage(mw_commands_buffer *buffer, const mw_command *command) {
  mw_options_name spelt;
  size_t used = (size_t)snprintf(buffer->text, sizeof buffer->text, "moonweld %s%s%s", command->word,
                                 *command->usage ? " " : "", command->usage);
  for (const mw_options_doc *o = command->options; o->name && used < sizeof buffer->text; o++)
    if (!names(buffer->text, o, &spelt))
      used += (size_t)snprintf(buffer->text + used, sizeof buffer->text - used, " [%s%s%s]", spelt.text, *o->value ? " " : "", o->value);
  return buffer->text;
}

static bool check_operands(const mw_command *command, const mw_options_line *line, mw_error *err) {
  mw_commands_buffer buffer;
  size_t count = line->operand_count;
  if (count >= command->least && count <= command->most) return true;
  mw_commands_usage(&buffer, command);
  if (!command->most) return mw_term_fail(err, MW_USAGE, "%s takes no '%s'\n%s", command->word, line->operands[0], buffer.text);
  return mw_term_fail(err, MW_USAGE, "%s takes %s, not %zu\n%s", command->word, command->takes, count, buffer.text);
}

int mw_commands_run(const mw_command *command, mw_term *term, char **words, size_t count) {
  mw_error err = { .status = MW_OK };
  mw_options_line line = { 0 };
  int code = 0;
  bool good = mw_options_command(&line, words, count, command->options, &err);
  term->quiet = line.quiet || term->mute;
  term->json = line.log_json && !term->mute;
  if (line.help) mw_cmd_help_command(stdout, command);
  else if (good && check_operands(command, &line, &err)) code = command->run(term, &line);
  else code = mw_term_error(term, &err);
  mw_options_free(&line);
  return code;
}
