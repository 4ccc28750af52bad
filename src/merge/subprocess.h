/* subprocess.h: runs a command of the user, and finds the last number that it prints. */
#ifndef MW_MERGE_SUBPROCESS_H
#define MW_MERGE_SUBPROCESS_H

#include "base/text.h"

/* When a running command is ended. */
typedef struct mw_subprocess_watch {
  double seconds;                 /* the time that it may take; 0: any time */
  bool (*go_on)(void *context);   /* asked ten times a second; false ends it with MW_INTERRUPTED. May be NULL */
  void *context;
} mw_subprocess_watch;

/* Runs `command` by /bin/sh in a process group of its own, which does not outlive the call. Its input is empty, what it says on its
 * standard error goes to ours, made safe for a terminal, and the last 64 KiB of its output are appended to `output`. MW_DATA where
 * it fails, by a code, a signal or the time; `what` names it in the message. */
bool mw_subprocess_run(const char *what, const char *command, mw_subprocess_watch watch, mw_text *output, mw_error *err);
/* The last number among the words of the text: "accuracy: 0.81 (n=5)" gives 5. False where there is none, or where the
 * last is nan or infinite. */
bool mw_subprocess_number(const char *text, double *value);

#endif
