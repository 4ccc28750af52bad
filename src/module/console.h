/* console.h: the conversation of `moonweld repl`: lua/moonweld/prompt/prompt.lua, in a Lua of its own, with what it needs of a terminal. */
#ifndef MW_MODULE_CONSOLE_H
#define MW_MODULE_CONSOLE_H

#include "base/error.h"
#include <stddef.h>

/* The terminal, as whoever runs the conversation has it. */
typedef struct mw_console {
  char *(*read)(void *context, const char *prompt); /* a line without its end, to be freed; NULL: there are no more */
  void (*say)(void *context, const char *text);     /* prints a text, whose bytes may be a stranger's */
  bool (*stopped)(void *context);                   /* whether Ctrl-C was pressed since the last line */
  bool typed;                                       /* somebody types: an error is said, and the conversation goes on */
  void *context;
} mw_console;

/* Talks about models until there are no more lines, or until the user has had enough. `base` may be NULL. False where the models cannot be
 * opened, and at the first error (MW_DATA) of lines that nobody types: those after it stand on it. */
bool mw_console_run(const mw_console *console, const char *base, const char *const *models, size_t count, mw_error *err);

/* The words that could stand in the place of the last one of `line`, one text behind the other, an empty one last; to be freed. NULL where
 * there is no conversation, or no memory. */
char *mw_console_complete(const char *line);

#endif
