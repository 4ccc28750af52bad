/* term.h: messages on standard error: errors, warnings, progress and the last line of a merge. There are three forms: lines for a
 * person; only errors (--quiet); and lines of JSON, one for each event (--log-json). Results go to standard output, not here. */
#ifndef MW_CLI_TERM_H
#define MW_CLI_TERM_H

#include "moonweld.h"

typedef struct mw_term {
  bool quiet, json;
  bool mute;           /* of several processes that make one merge: another one speaks for all */
  bool live;           /* standard error is a terminal: progress is one line, drawn again and again */
  bool colour;         /* and it shows colours, which the user has not forbidden (NO_COLOR, no-color.org) */
  bool drawn;          /* that line is on the screen now */
  double begun, shown; /* seconds on the monotonic clock: of the start, of the last progress shown */
  double stretch;      /* and of the begin of what progress is shown of: the merge, or a candidate of a search */
  double learning;     /* when the first step of the current training was reported, or 0 */
  uint64_t learned;    /* which step that was */
  size_t warned;       /* warnings already shown */
} mw_term;

void mw_term_init(mw_term *term);

/* Shows the error with its hint and returns the exit code: 128 + signal for an interruption, else the status. */
int mw_term_error(mw_term *term, const mw_error *err);
/* Shows the warnings that were not shown before. */
void mw_term_warnings(mw_term *term, const char *const *lines, size_t count);

/* Starts the clock of progress. */
void mw_term_begin(mw_term *term);
void mw_term_start(mw_term *term, const char *recipe, const char *output, mw_plan_facts facts);
void mw_term_progress(mw_term *term, uint64_t done, uint64_t total, unsigned pass, unsigned passes);
/* A callback of what reads files in passes whose number nobody knows before: shows how far it is; false once a signal has come. */
bool mw_term_follow(void *term, uint64_t done, uint64_t total, unsigned pass);
/* A line that the recipe prints. */
void mw_term_printed(mw_term *term, const char *line);
void mw_term_scored(mw_term *term, const mw_scored *scored);
/* A step of a training: its loss and how long the rest of it will take. */
void mw_term_learning(mw_term *term, const mw_learning_facts *facts);
/* How far an evaluation is. */
void mw_term_evaluating(mw_term *term, const mw_learning_facts *facts);
/* Removes a line that shows progress. */
void mw_term_clear(mw_term *term);
void mw_term_done(mw_term *term, const mw_options *options, mw_plan_facts facts);

/* Sets an error from a formatted text and returns false; what follows a newline in the text is the hint. */
bool mw_term_fail(mw_error *err, mw_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
