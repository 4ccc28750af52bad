/* line_editor.h: lines that somebody types, with history and completion where libedit is installed and a terminal is there; else as they
 * come, from a pipe or a file. */
#ifndef MW_CLI_LINE_EDITOR_H
#define MW_CLI_LINE_EDITOR_H

#include <stdbool.h>

/* Begins, once. `complete` gives the words that could stand in the place of the last one of a line (module/console.h). */
void mw_line_editor_open(char *(*complete)(const char *line));
/* A line without its end, to be freed; NULL: there are no more. `prompt` is printed for a terminal only. */
char *mw_line_editor_read(const char *prompt);
/* Whether somebody types the lines at a terminal. */
bool mw_line_editor_typed(void);
/* Whether Ctrl-C was pressed since the last line was read. */
bool mw_line_editor_stopped(void);
/* Writes the history, for the next conversation. */
void mw_line_editor_close(void);

#endif
