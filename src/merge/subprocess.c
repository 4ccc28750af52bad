/* subprocess.c: starts commands by posix_spawn (not fork, since our process may have threads), and polls: for output, for its end, for
 * the time limit, and for the user's wish to stop. At the end a command's whole process group is killed, with all that the command has
 * started. */
#include "merge/subprocess.h"
#include "base/clock.h"
#include "base/utf8.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEPT = 64 << 10 };
/* The process groups that run now, 0 where a place is free, and whether one is being started: a signal handler has no other way to know. */
static volatile sig_atomic_t running[MW_SUBPROCESS_MOST], starting;
extern char **environ;

/* The new process has `out` and `said` as its standard output and error, an empty input, and default handling of the signals that we
 * ignore. */
static int spawn(const char *command, int out, int said, pid_t *pid) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t plain;
  sigemptyset(&plain);
  sigaddset(&plain, SIGPIPE);
  sigaddset(&plain, SIGXFSZ);
  int failed = posix_spawn_file_actions_init(&files);
  if (failed) return failed;
  failed = posix_spawnattr_init(&attributes);
  if (!failed) {
    failed = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!failed) failed = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    if (!failed) failed = posix_spawn_file_actions_adddup2(&files, said, STDERR_FILENO);
    if (!failed) failed = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    if (!failed) failed = posix_spawnattr_setsigdefault(&attributes, &plain);
    char *const words[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)command, NULL};
    if (!failed) failed = posix_spawn(pid, "/bin/sh", &files, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&files);
  return failed;
}

/* Reads the output that is there; false at its end. Only the last bytes are kept. A NUL becomes a space, since it would end the text. */
static bool drain(int fd, mw_text *output) {
  char buffer[4096];
  ssize_t n;
  while ((n = read(fd, buffer, sizeof buffer)) > 0) {
    for (ssize_t i = 0; i < n; i++)
      if (!buffer[i]) buffer[i] = ' ';
    mw_text_add(output, buffer, (size_t)n);
    if (output->failed || output->length < 2 * KEPT) continue;
    memmove(output->bytes, output->bytes + output->length - KEPT, KEPT + 1);
    output->length = KEPT;
  }
  return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Passes them on to our own. What would change a terminal is escaped, since commands often show bytes of models and data; a carriage
 * return begins a line, as a progress bar means it. The first bytes of a character wait for its others, but not at the `end`. */
static void pass_on(mw_subprocess_relay *said, bool end) {
  mw_text shown = {0};
  mw_error ignored; /* whether somebody reads it is not what a score depends on */
  size_t i = 0;
  for (size_t step; i < said->length; i += step) {
    char escaped[16], c = said->bytes[i];
    if (!end && said->length - i < mw_utf8_length(c)) break;
    step = mw_text_character(said->bytes + i, said->length - i, escaped);
    bool plain = !*escaped || c == '\n' || c == '\t';
    if (c == '\r') mw_text_add(&shown, "\n", 1);
    else mw_text_add(&shown, plain ? said->bytes + i : escaped, plain ? step : strlen(escaped));
  }
  said->length -= i;
  memmove(said->bytes, said->bytes + i, said->length);
  for (size_t at = 0; mw_text_check(&shown, &ignored) && at < shown.length;) {
    ssize_t put = write(STDERR_FILENO, shown.bytes + at, shown.length - at);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) break;
    at += (size_t)put;
  }
  mw_text_free(&shown);
}

/* The same with what there is to read; false at its end. */
static bool hear(int fd, mw_subprocess_relay *said) {
  ssize_t n;
  while ((n = read(fd, said->bytes + said->length, sizeof said->bytes - said->length)) > 0) {
    said->length += (size_t)n;
    pass_on(said, false);
  }
  return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static bool judge(const char *what, int status, mw_error *err) {
  if (WIFSIGNALED(status)) return mw_error_set(err, MW_DATA, "%s was ended by signal %d", what, WTERMSIG(status));
  return !WEXITSTATUS(status) || mw_error_set(err, MW_DATA, "%s ended with code %d", what, WEXITSTATUS(status));
}

bool mw_subprocess_start(mw_subprocess *p, const char *what, const char *command, mw_error *err) {
  int ends[2], said[2];
  size_t place = 0;
  pid_t pid;
  while (place < MW_SUBPROCESS_MOST && running[place]) place++;
  if (place == MW_SUBPROCESS_MOST) return mw_error_set(err, MW_BUG, "more than %d commands at once", MW_SUBPROCESS_MOST);
  if (pipe2(ends, O_CLOEXEC) != 0) return mw_error_set(err, MW_UNAVAILABLE, "no pipe for %s: %s", what, strerror(errno));
  if (pipe2(said, O_CLOEXEC) != 0) {
    close(ends[0]), close(ends[1]);
    return mw_error_set(err, MW_UNAVAILABLE, "no pipe for %s: %s", what, strerror(errno));
  }
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  fcntl(said[0], F_SETFL, O_NONBLOCK);
  starting = true;
  int failed = spawn(command, ends[1], said[1], &pid);
  if (!failed) running[place] = pid;
  starting = false;
  close(ends[1]), close(said[1]);
  if (failed) {
    close(ends[0]), close(said[0]);
    return mw_error_set(err, MW_UNAVAILABLE, "no process for %s: %s", what, strerror(failed));
  }
  *p = (mw_subprocess){.what = what, .pid = pid, .place = place, .out = ends[0], .said = said[0], .open = true, .speaks = true,
                       .begun = mw_clock_now()};
  return true;
}

/* Kills the whole group, also what the command has started, and reaps the command: its status. */
static int reap(mw_subprocess *p) {
  int status = 0;
  kill(-p->pid, SIGKILL);
  running[p->place] = 0; /* before it is reaped, and its number another's */
  while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR) continue;
  close(p->out), close(p->said);
  p->pid = 0;
  return status;
}

void mw_subprocess_end(mw_subprocess *p) {
  if (p->pid) reap(p);
  mw_text_free(&p->output);
}

/* Sleeps until one of them says something, or a moment. */
static void rest(mw_subprocess *const *all, size_t count) {
  struct pollfd ready[2 * MW_SUBPROCESS_MOST];
  nfds_t used = 0;
  bool silent = false; /* one that can say nothing more is asked whether it has ended */
  for (size_t i = 0; i < count; i++) {
    if (!all[i]->pid) continue;
    if (all[i]->open) ready[used++] = (struct pollfd){.fd = all[i]->out, .events = POLLIN};
    if (all[i]->speaks) ready[used++] = (struct pollfd){.fd = all[i]->said, .events = POLLIN};
    silent |= !all[i]->open && !all[i]->speaks;
  }
  poll(ready, used, silent ? 10 : 100);
}

/* Takes what it says. Whether it has ended: until it is reaped no other process can have its number, so its group can be killed safely. */
static bool look(mw_subprocess *p, mw_subprocess_watch watch, bool *ended, mw_error *err) {
  siginfo_t info = {0};
  *ended = false;
  if (watch.seconds > 0 && mw_clock_now() - p->begun > watch.seconds)
    return mw_error_set(err, MW_DATA, "%s took more than %g s and was ended (--score-timeout)", p->what, watch.seconds);
  if (p->open) p->open = drain(p->out, &p->output);
  if (p->speaks) p->speaks = hear(p->said, &p->relay);
  if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno != EINTR)
    return mw_error_set(err, MW_IO, "%s: lost its process: %s", p->what, strerror(errno));
  *ended = info.si_pid == p->pid;
  return true;
}

bool mw_subprocess_wait(mw_subprocess *const *all, size_t count, mw_subprocess_watch watch, size_t *which, mw_error *err) {
  for (;; rest(all, count)) {
    if (watch.go_on && !watch.go_on(watch.context)) return mw_error_set(err, MW_INTERRUPTED, "interrupted; nothing was published");
    for (*which = 0; *which < count; ++*which) {
      mw_subprocess *p = all[*which];
      bool ended;
      if (!p->pid) continue;
      MW_TRY(look(p, watch, &ended, err));
      if (!ended) continue;
      drain(p->out, &p->output);
      hear(p->said, &p->relay);
      pass_on(&p->relay, true);
      return judge(p->what, reap(p), err) && mw_text_check(&p->output, err);
    }
  }
}

bool mw_subprocess_run(const char *what, const char *command, mw_subprocess_watch watch, mw_text *output, mw_error *err) {
  mw_subprocess process;
  size_t which;
  MW_TRY(mw_subprocess_start(&process, what, command, err));
  bool ok = mw_subprocess_wait((mw_subprocess *[]){&process}, 1, watch, &which, err);
  if (ok && process.output.length) mw_text_add(output, process.output.bytes, process.output.length);
  mw_subprocess_end(&process);
  return ok && mw_text_check(output, err);
}

bool mw_plan_abandon(void) {
  bool any = false;
  for (size_t i = 0; i < MW_SUBPROCESS_MOST; i++)
    if (running[i]) any = true, kill(-(pid_t)running[i], SIGKILL);
  return any || !starting;
}

/* ---- the last number ---- */

/* Digits of a path are no number: neither those of "/tmp/42/x" nor of "run-8e7". */
static bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '/';
}

static bool starts_word(const char *text, const char *at) {
  return at == text || !(is_word(at[-1]) || (at[-1] == '-' && at - text > 1 && is_word(at[-2])));
}

/* The length of a decimal number at `at`, or 0. */
static size_t number_at(const char *at) {
  static const char digits[] = "0123456789";
  size_t sign = *at == '+' || *at == '-', whole = strspn(at + sign, digits), length = sign + whole, part = 0;
  if (at[length] == '.') {
    part = strspn(at + length + 1, digits);
    if (whole || part) length += 1 + part;
  }
  if (!whole && !part) return 0;
  if (at[length] == 'e' || at[length] == 'E') {
    size_t more = length + 1 + (at[length + 1] == '+' || at[length + 1] == '-'), power = strspn(at + more, digits);
    if (power) length = more + power;
  }
  return length;
}

/* Whether a word is "nan", "-inf", "Infinity" or the like: no number. */
static size_t nonfinite_at(const char *at) {
  static const char *const words[] = {"nan", "infinity", "inf"};
  size_t sign = *at == '+' || *at == '-';
  for (size_t i = 0; i < 3; i++)
    if (strncasecmp(at + sign, words[i], strlen(words[i])) == 0) return sign + strlen(words[i]);
  return 0;
}

/* The length of what sets a terminal's colours, title and the like, at `at`, or 0: its numbers are none of the text. */
static size_t escape_at(const char *at) {
  if (*at != '\033') return 0;
  if (at[1] == '[') { /* ESC [ 0;32 m */
    size_t length = 2 + strspn(at + 2, " !\"#$%&'()*+,-./0123456789:;<=>?");
    return length + (at[length] != 0);
  }
  if (at[1] == ']') { /* ESC ] 0;title BEL */
    size_t length = 2 + strcspn(at + 2, "\a\033");
    return length + (at[length] == '\a');
  }
  size_t length = 1 + strspn(at + 1, " !\"#$%&'()*+,-./"); /* ESC ( 0 */
  return length + (at[length] != 0);
}

static bool is_control(char c) { return (unsigned char)c < 7 || ((unsigned char)c > 13 && (unsigned char)c < 32) || c == 127; }

bool mw_subprocess_number(const char *text, double *value) {
  bool found = false;
  for (const char *at = text; *at;) {
    size_t escape = escape_at(at);
    if (escape) {
      text = at += escape;
      continue;
    }
    if (is_control(*at)) return false;
    bool starts = starts_word(text, at), minus = at - text >= 3 && memcmp(at - 3, "\u2212", 3) == 0;
    size_t length = starts ? number_at(at) : 0, skip = length || !starts ? length : nonfinite_at(at);
    if (!skip || (is_word(at[skip]) && (at[skip] != '.' || is_word(at[skip + 1])))) {
      at++;
      continue;
    }
    char buffer[64];
    found = length && length < sizeof buffer;
    if (found) {
      memcpy(buffer, at, length);
      buffer[length] = 0;
      found = mw_text_parse_number(buffer + (*buffer == '+'), value);
      if (found && minus) *value = -*value;
    }
    at += skip;
  }
  return found;
}
