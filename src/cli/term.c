/* term.c: on a terminal, progress is one line that is drawn again ten times a second. Elsewhere it is a new line every ten seconds: the
 * log of a long job stays short, that of a short job has none. */
#include "term.h"
#include "base/clock.h"
#include "base/text.h"
#include "cluster/launcher.h"
#include "event_log.h"
#include "print.h"
#include "signals.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const double live_interval = 0.1, event_interval = 0.5, line_interval = 10;

void mw_term_init(mw_term *term) {
  /* A line is written in one piece, so that nothing comes into its middle of what a launcher or a command of a score says. */
  static char line[4096];
  setvbuf(stderr, line, _IOLBF, sizeof line);
  bool mute = mw_launcher_told().rank > 0, live = isatty(STDERR_FILENO) == 1;
  const char *none = getenv("NO_COLOR"), *kind = getenv("TERM");
  bool colour = live && (!none || !*none) && kind && strcmp(kind, "dumb") != 0;
  *term = (mw_term){ .live = live, .colour = colour, .mute = mute, .quiet = mute };
}

/* "moonweld: error: TEXT"; the word in a colour, as compilers have them: "1;31" is bold and red. */
static void say(const mw_term *term, const char *colour, const char *word, const char *text) {
  fprintf(stderr, term->colour ? "moonweld: \033[%sm%s:\033[m " : "moonweld: %.0s%s: ", colour, word);
  mw_print_plain(stderr, text);
  putc('\n', stderr);
}

/* Removes the progress line before something else is printed. */
void mw_term_clear(mw_term *term) {
  if (term->drawn) {
    fputs("\r\033[K", stderr);
    fflush(stderr);
  }
  term->drawn = false;
}

int mw_term_error(mw_term *term, const mw_error *err) {
  int code = (int)err->status;
  if (err->status == MW_INTERRUPTED) code = 128 + (err->signal ? err->signal : mw_signals_caught());
  mw_term_clear(term);
  if (term->mute) return code;
  if (term->json) {
    mw_event_log_error(err, code);
    return code;
  }
  say(term, "1;31", "error", err->text);
  if (err->hint[0]) say(term, "1;36", "hint", err->hint);
  return code;
}

void mw_term_warnings(mw_term *term, const char *const *lines, size_t count) {
  for (; term->warned < count; term->warned++) {
    const char *line = lines[term->warned];
    if (term->json) {
      mw_event_log_text("warning", line);
    } else if (!term->quiet) {
      mw_term_clear(term);
      say(term, "1;35", "warning", line);
    }
  }
}

void mw_term_begin(mw_term *term) { term->begun = term->shown = term->stretch = mw_clock_now(); }

void mw_term_start(mw_term *term, const char *recipe, const char *output, mw_plan_facts facts) {
  mw_term_begin(term);
  if (term->json) mw_event_log_start(recipe, output, facts);
}

/* Shows how far the work is. A form of it stands on each line of the text, the longest first: the first that the terminal has
 * columns for is drawn, where the one before was; what is wider would start a new line each time. Elsewhere the first is a line. */
static __attribute__((format(printf, 2, 3))) void show(mw_term *term, const char *format, ...) {
  char forms[512];
  struct winsize window;
  size_t columns = sizeof forms, length;
  va_list args;
  va_start(args, format);
  vsnprintf(forms, sizeof forms, format, args);
  va_end(args);
  if (term->live && ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col) columns = window.ws_col - 1u;
  const char *form = forms;
  while ((length = strcspn(form, "\n")) > columns && form[length]) form += length + 1;
  if (term->live) fputs("\r\033[K", stderr);
  fprintf(stderr, "%.*s%s", (int)(length < columns ? length : columns), form, term->live ? "" : "\n");
  if (term->live) fflush(stderr);
  term->drawn = term->live;
}

void mw_term_progress(mw_term *term, uint64_t done, uint64_t total, unsigned pass, unsigned passes) {
  double interval = term->json ? event_interval : term->live ? live_interval : line_interval;
  double time = mw_clock_now(), elapsed = time - term->stretch;
  bool last = term->json && done == total;
  if ((time - term->shown < interval && !last) || (term->quiet && !term->json)) return;
  term->shown = time;
  if (term->json) {
    mw_event_log_progress(done, total, pass);
    return;
  }
  char size[32], rate[32];
  double speed = elapsed > 0 ? (double)done / elapsed : 0;
  double left = speed > 0 && total > done ? (double)(total - done) / speed : 0;
  double share = total ? 100.0 * (double)done / (double)total : 100.0;
  mw_text_size(size, (double)total);
  show(term, "moonweld: %3.0f %% of %s, pass %u of %u, %s/s, %.0f s left\n%.0f %% of %s, pass %u of %u, %.0f s left\n"
       "%.0f %%, %.0f s left\n%.0f %%",
       share, size, pass, passes, mw_text_size(rate, speed), left, share, size, pass, passes, left, share, left, share);
}

bool mw_term_follow(void *term, uint64_t done, uint64_t total, unsigned pass) {
  if (total) mw_term_progress(term, done, total, pass, pass);
  return mw_signals_caught() == 0;
}

void mw_term_printed(mw_term *term, const char *line) {
  if (term->json) {
    mw_event_log_text("print", line);
  } else if (!term->quiet) {
    mw_term_clear(term);
    fputs("recipe: ", stderr);
    mw_print_plain(stderr, line);
    putc('\n', stderr);
  }
}

void mw_term_scored(mw_term *term, const mw_scored *scored) {
  term->stretch = mw_clock_now();
  if (term->json) {
    mw_event_log_score(scored);
  } else if (!term->quiet) {
    mw_term_clear(term);
    fprintf(stderr, "moonweld: candidate %zu (", scored->candidate);
    mw_print_plain(stderr, scored->made_of);
    fprintf(stderr, ") scores %.9g%s%s", scored->score, scored->by ? " by " : "", scored->by ? scored->by : "");
    fprintf(stderr, " in %.2f s\n", scored->seconds);
  }
}

void mw_term_learning(mw_term *term, const mw_learning_facts *facts) {
  double interval = term->json ? event_interval : term->live ? live_interval : line_interval;
  double time = mw_clock_now();
  bool last = facts->step == facts->steps;
  if (term->learning == 0) term->learning = time, term->learned = facts->step;
  uint64_t taken = facts->step - term->learned;
  double left = taken ? (time - term->learning) / (double)taken * (double)(facts->steps - facts->step) : 0;
  if (last) term->learning = 0; /* another training may follow */
  if ((time - term->shown < interval && !(term->json && last)) || (term->quiet && !term->json)) return;
  term->shown = time;
  if (term->json) {
    mw_event_log_learning(facts, left);
    return;
  }
  unsigned long long step = facts->step, steps = facts->steps;
  if (!facts->trainings)
    show(term, "moonweld: statistics of data, batch %llu of %llu, %.0f s left\nbatch %llu of %llu, %.0f s left\n"
         "%llu of %llu, %.0f s left\n%llu", step, steps, left, step, steps, left, step, steps, left, step);
  else show(term, "moonweld: learning, step %llu of %llu, loss %.5g, %.0f s left\nstep %llu of %llu, loss %.5g, %.0f s left\n"
       "%llu of %llu, %.0f s left\n%llu",
       step, steps, facts->loss, left, step, steps, facts->loss, left, step, steps, left, step);
}

void mw_term_evaluating(mw_term *term, const mw_learning_facts *facts) {
  double time = mw_clock_now();
  if (term->quiet || term->json || !term->live || time - term->shown < live_interval) return;
  term->shown = time;
  unsigned long long window = facts->step, windows = facts->steps;
  show(term, "moonweld: evaluating, data %u of %u, window %llu of %llu\ndata %u of %u, window %llu of %llu\n%llu of %llu\n%llu",
       facts->training, facts->trainings, window, windows, facts->training, facts->trainings, window, windows, window, windows, window);
}

void mw_term_done(mw_term *term, const mw_options *options, mw_plan_facts facts) {
  double seconds = mw_clock_now() - term->begun;
  mw_term_clear(term);
  if (term->json) {
    mw_event_log_done(options, facts, seconds);
  } else if (!term->quiet) {
    char size[32], rate[32];
    double speed = (double)(facts.bytes_read + facts.bytes_written) / (seconds > 0 ? seconds : 1e-9);
    fputs("moonweld: ", stderr);
    mw_print_plain(stderr, options->output);
    fprintf(stderr, ": %s in %.2f s, read and written at %s/s; donor: ", mw_text_size(size, (double)facts.bytes_written), seconds,
            mw_text_size(rate, speed));
    mw_print_plain(stderr, facts.donor);
    if (facts.carried) {
      fputs("; carried from it: ", stderr);
      mw_print_plain(stderr, facts.carried);
    }
    if (facts.adapters) {
      fputs("; adapters: ", stderr);
      mw_print_plain(stderr, facts.adapters);
    }
    if (facts.drawn) {
      fputs("; drawn: ", stderr);
      mw_print_plain(stderr, facts.drawn);
    }
    if (facts.resumed) fprintf(stderr, "; %zu of %zu tensors were there from an earlier run", facts.resumed, facts.tensors);
    fprintf(stderr, "%s\n", options->no_sync ? "; not synced to the disk" : "");
  }
}

bool mw_term_fail(mw_error *err, mw_status status, const char *format, ...) {
  char line[sizeof err->text + sizeof err->hint];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  char *hint = strchr(line, '\n');
  if (hint) *hint++ = '\0';
  *err = (mw_error){ .status = status };
  snprintf(err->text, sizeof err->text, "%.*s", (int)sizeof err->text - 1, line);
  snprintf(err->hint, sizeof err->hint, "%.*s", (int)sizeof err->hint - 1, hint ? hint : "");
  return false;
}
