/* term.h: everything that is said about the work, on standard error: errors, warnings, progress and the last line of a
 * merge. It has three voices: lines for a person, nothing but errors (--quiet), and one JSON event a line (--log-json).
 * Results are not its business: they go to standard output. */
#ifndef MW_CLI_TERM_H
#define MW_CLI_TERM_H

#include "moonweld.h"

typedef struct mw_term {
  bool quiet, json;
  bool live;           /* standard error is a terminal: progress is one line, drawn again and again */
  bool drawn;          /* that line is on the screen now */
  double begun, shown; /* seconds on the monotonic clock: of the start, of the last progress shown */
  double stretch;      /* and of what the progress is about: the merge, or one candidate of a search */
  double learning;     /* when the training under way was first heard of, or 0 */
  uint64_t learned;    /* at which step that was */
  size_t warned;       /* warnings already shown */
} mw_term;

void mw_term_init(mw_term *term);

/* Shows the error with its hint and returns the exit code: 128 + signal for an interruption, else the status. */
int mw_term_error(mw_term *term, const mw_error *err);
/* Shows those of the lines that were not shown before. */
void mw_term_warnings(mw_term *term, const char *const *lines, size_t count);

/* The clock of progress starts. */
void mw_term_begin(mw_term *term);
void mw_term_start(mw_term *term, const char *recipe, const char *output, mw_plan_facts facts);
void mw_term_progress(mw_term *term, uint64_t done, uint64_t total, unsigned pass, unsigned passes);
/* A line that the recipe prints. */
void mw_term_printed(mw_term *term, const char *line);
void mw_term_scored(mw_term *term, const mw_scored *scored);
/* A step of a training: its loss and how long the rest of it will take. */
void mw_term_learning(mw_term *term, const mw_learning_facts *facts);
/* How far an evaluation is. */
void mw_term_evaluating(mw_term *term, const mw_learning_facts *facts);
/* Removes a line that shows progress. */
void mw_term_clear(mw_term *term);
void mw_term_done(mw_term *term, const char *output, mw_plan_facts facts);

/* Fills an error with one formatted line and returns false; the hint is set apart by a newline in the text. */
bool mw_term_fail(mw_error *err, mw_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
