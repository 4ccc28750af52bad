/* cmd_repl.c: a conversation about models, in the language of recipes. What it says and does is lua/moonweld/prompt/prompt.lua. */
#include "commands.h"
#include "line_editor.h"
#include "module/console.h"
#include "print.h"

#include <signal.h>
#include <string.h>

static const mw_options_doc options[] = {
  { "base", "C", "the model that the others come from: then it is `base`, and they are `experts` too" },
  { NULL, NULL, NULL },
};

static char *read_line(void *context, const char *prompt) {
  (void)context;
  return mw_line_editor_read(prompt);
}

/* Line by line: what steers a terminal is escaped, the ends of lines are not. */
static void say(void *context, const char *text) {
  (void)context;
  char line[4096];
  for (size_t n; *text; text += n + (text[n] == '\n')) {
    n = strcspn(text, "\n");
    for (size_t at = 0, part; at < n; at += part) {
      part = n - at < sizeof line - 1 ? n - at : sizeof line - 1;
      while (part < n - at && part > 1 && ((unsigned char)text[at + part] & 0xc0) == 0x80) part--; /* not within a character */
      memcpy(line, text + at, part);
      line[part] = 0;
      mw_print_plain(stdout, line);
    }
    putchar('\n');
  }
  fflush(stdout);
}

static bool stopped(void *context) {
  (void)context;
  return mw_line_editor_stopped();
}

/* Whether all models can be opened: said before the conversation, in the words and with the exit code of other commands. */
static bool can_open(const mw_options_line *line, mw_error *err) {
  const char *base = mw_options_text(line, "base");
  for (size_t i = 0; i < line->operand_count + (base != NULL); i++) {
    mw_inspection *inspection;
    if (!mw_inspect_open(i < line->operand_count ? line->operands[i] : base, false, &inspection, err)) return false;
    mw_inspect_free(inspection);
  }
  return true;
}

static int run(mw_term *term, const mw_options_line *line) {
  mw_console console = { .read = read_line, .say = say, .stopped = stopped, .typed = mw_line_editor_typed() };
  mw_error err = { .status = MW_OK };
  if (!can_open(line, &err)) return mw_term_error(term, &err);
  mw_line_editor_open(mw_console_complete);
  bool good = mw_console_run(&console, mw_options_text(line, "base"), line->operands, line->operand_count, &err);
  mw_line_editor_close();
  if (!console.typed && mw_line_editor_stopped()) return 128 + SIGINT;
  return good ? 0 : mw_term_error(term, &err);
}

const mw_command mw_cmd_repl = { "repl", "MODEL... [--base C]",
                                 "try a method line by line, and save it as a recipe; "
                                 "lines of a pipe or file end at the first error, with its exit code",
                                 "one model or more", 1, 16, options, run };
