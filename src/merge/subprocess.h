/* subprocess.h: runs commands of the user, one or several side by side, and finds the last number that one prints. */
#ifndef MW_MERGE_SUBPROCESS_H
#define MW_MERGE_SUBPROCESS_H

#include "base/text.h"
#include <sys/types.h>

/* When a running command is ended. */
typedef struct mw_subprocess_watch {
  double seconds;                 /* the time that it may take; 0: any time */
  bool (*go_on)(void *context);   /* asked ten times a second; false ends it with MW_INTERRUPTED. May be NULL */
  void *context;
} mw_subprocess_watch;

enum { MW_SUBPROCESS_MOST = 64 }; /* commands at once */

/* Bytes of a command's standard error that are not passed on yet. */
typedef struct mw_subprocess_relay {
  char bytes[4096];
  size_t length;
} mw_subprocess_relay;

/* A command that runs, or with pid 0 has ended. */
typedef struct mw_subprocess {
  const char *what;
  pid_t pid;
  size_t place; /* among all that run */
  int out, said; /* its standard output and error */
  bool open, speaks;
  double begun;
  mw_text output; /* its last 64 KiB */
  mw_subprocess_relay relay;
} mw_subprocess;

/* Starts `command` by /bin/sh in a process group of its own. Its input is empty, and what it says on its standard error goes to ours, made
 * safe for a terminal. `what` names it in messages, and must stay. */
bool mw_subprocess_start(mw_subprocess *process, const char *what, const char *command, mw_error *err);
/* Waits until one of those that run has ended, which *which then says. MW_DATA where it has failed, by a code, a signal or the time. */
bool mw_subprocess_wait(mw_subprocess *const *all, size_t count, mw_subprocess_watch watch, size_t *which, mw_error *err);
/* Ends it, with all that it has started, if it runs; frees its output. */
void mw_subprocess_end(mw_subprocess *process);
/* All three for one command, whose last 64 KiB are appended to `output`. */
bool mw_subprocess_run(const char *what, const char *command, mw_subprocess_watch watch, mw_text *output, mw_error *err);
/* The last number among the words of the text: "accuracy: 0.81 (n=5)" gives 5; colours of a terminal are no words. False where there
 * is none, where the last is nan or infinite, or where other control characters say that it is no text. */
bool mw_subprocess_number(const char *text, double *value);

#endif
