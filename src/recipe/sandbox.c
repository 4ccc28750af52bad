/* sandbox.c: forks a child, which locks itself, works, and ends without returning. The door of libseccomp.
 *
 * What the child gives up, in this order: the environment; all files but its socket; processor time, memory, file sizes, new files,
 * processes (limits that it cannot raise again); and all system calls but about a dozen, which only compute and use open files. Any
 * other call ends the process. Everything that a recipe needs is in memory before that: the interpreter, the prelude, names and shapes.
 *
 * fork() copies only the calling thread. That is safe here: the child never enters an OpenMP region, and the C library keeps its
 * allocator usable after a fork.
 *
 * Time. Four clocks end a recipe that does not end itself. With --recipe-seconds 2:
 *
 *   child, after 2 s of CPU time    a timer's signal lets Lua raise an error at its next instruction, which has the recipe's line
 *   child, after 3 s of CPU time    the kernel ends the process (RLIMIT_CPU): it was in one long call of a C function
 *   parent, 90 s of the wall clock  in which the child did not work: it waits for something that never comes. Time in which the
 *                                   child runs, or would run if the machine gave it a processor, is not counted.
 *   parent, sending                 the same 90 s for an answer that the child does not read
 *
 * So a busy machine makes no recipe fail, and none can keep the program for ever.
 *
 * Errors of the child are a message with status, text and hint. The parent takes them for text from a stranger: a status that no
 * recipe can cause becomes "bad data", and what could steer a terminal becomes spaces. If the child ends without a message, the
 * signal that ended it tells why: SIGXCPU and SIGKILL are the limits, SIGSYS a system call that is not allowed. */
#include "recipe/sandbox.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef MW_SECCOMP
#include <seccomp.h>
#endif

enum { LARGEST_MESSAGE = 512 << 20, CHATTER = 64 << 10, HARD_EXIT = 99 };

const char *mw_sandbox_wall(void) {
#ifdef MW_SECCOMP
  return "seccomp";
#else
  return "resource limits";
#endif
}

/* ---- the lock ---- */

/* A lower hard limit, from `ulimit` for example, stays: nobody may raise it. */
static bool limit(int resource, rlim_t soft, rlim_t hard) {
  struct rlimit now;
  if (getrlimit(resource, &now) != 0) return false;
  if (hard > now.rlim_max) hard = now.rlim_max;
  if (soft > hard) soft = hard;
  return setrlimit(resource, &(struct rlimit){soft, hard}) == 0;
}

/* A build with SAN=1 is allowed a little more: a sanitizer's shadow memory is larger than any limit, it writes reports to stderr, and
 * it asks where the stack ends. */
#ifdef MW_SANITIZED
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* Limits that cannot be raised again. CPU time: the timer below comes first, and can name the recipe's line. Data: a gigabyte more
 * than Lua may take, for the graph and messages. No file may grow, be opened, and no process be made. */
static bool lock_resources(mw_sandbox_limits limits) {
  rlim_t cpu = (rlim_t)ceil(limits.seconds) + 1, data;
  if (SANITIZED || __builtin_add_overflow(limits.memory, (rlim_t)1 << 30, &data)) data = RLIM_INFINITY;
  return limit(RLIMIT_CPU, cpu, cpu + 1) && limit(RLIMIT_DATA, data, data) && limit(RLIMIT_FSIZE, 0, 0) &&
         limit(RLIMIT_NOFILE, 0, 0) && limit(RLIMIT_NPROC, 0, 0) && limit(RLIMIT_CORE, 0, 0);
}

/* Closes all files from `first` to `last`. Where the call is missing (Linux before 5.9, some containers' filters), the system
 * lists what is open; where it does not, nothing may run. */
static bool close_files(unsigned first, unsigned last) {
  if (close_range(first, last, 0) == 0) return true;
  DIR *list = opendir("/proc/self/fd");
  if (!list) return false;
  for (const struct dirent *entry; errno = 0, (entry = readdir(list));) {
    unsigned long fd = strtoul(entry->d_name, NULL, 10);
    if (*entry->d_name != '.' && fd >= first && fd <= last && fd != (unsigned)dirfd(list)) close((int)fd);
  }
  return (errno == 0) & (closedir(list) == 0);
}

/* Leaves only system calls that compute: memory, time, random numbers, read and write of open files, exit. */
static bool lock_calls(void) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
#ifdef MW_SECCOMP
  static const int allowed[] = {SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(sendto), SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap),
                                SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(clock_gettime),
                                SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(getrandom),
                                SANITIZED ? SCMP_SYS(sigaltstack) : SCMP_SYS(read)};
  static const struct scmp_arg_cmp written = {.arg = 2, .op = SCMP_CMP_EQ, .datum_a = PROT_READ | PROT_WRITE}; /* of mprotect */
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
  bool ok = filter != NULL;
  for (size_t i = 0; ok && i < sizeof allowed / sizeof *allowed; i++)
    ok = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0) == 0;
  /* So does the C library let memory grow that another thread of the parent had taken: it may be written, never run. */
  ok = ok && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, written) == 0;
  ok = ok && seccomp_load(filter) == 0;
  seccomp_release(filter);
  return ok;
#else
  return true;
#endif
}

/* As an emulator, a kernel or a container answers that takes no filter. */
static bool refuse_calls(mw_error *err) {
  mw_error_set(err, MW_UNAVAILABLE, "the recipe's sandbox cannot be set up: this system takes no filter of system calls: %s",
               strerror(errno));
  return mw_error_hint(err, "of a build with `make SECCOMP=` limits alone hold a recipe: for recipes that you trust");
}

/* ---- time ---- */

/* When the time is over, a signal handler sets a hook in Lua, and the hook raises an error at the next instruction: so the error
 * has the line of the recipe. If the recipe is in a long C function (a pattern that backtracks), the hook never runs, and a second
 * later the same signal ends the process; after that the limit of CPU time would. */

static lua_State *running; /* for the signal handler, which gets no argument; the child has only one state */

static void too_long(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  mw_interpreter_interrupt(L, MW_DATA, "the recipe takes too long (--recipe-seconds allows more)");
}

static void on_timer(int number) {
  (void)number;
  if (running) lua_sethook(running, too_long, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static void start_clock(double seconds) {
  struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
  sigaction(SIGPROF, &action, NULL);
  struct itimerval timer = {.it_value = {(time_t)seconds, (suseconds_t)((seconds - floor(seconds)) * 1e6)}, .it_interval = {1, 0}};
  setitimer(ITIMER_PROF, &timer, NULL);
}

/* ---- the child ---- */

extern char **environ;

/* A recipe needs nothing of the environment, where tokens and passwords may be. */
static void forget_environment(void) {
  for (char **word = environ; word && *word; word++) explicit_bzero(*word, strlen(*word));
  clearenv();
}

static void send_error(int fd, const mw_error *err, bool line_hidden) {
  mw_text text = {0};
  mw_message_put_u32(&text, err->status);
  mw_message_put_u32(&text, line_hidden);
  mw_message_put_text(&text, err->text, strlen(err->text));
  mw_message_put_text(&text, err->hint, strlen(err->hint));
  mw_message_send(fd, MW_MESSAGE_ERROR, text.bytes, text.length);
}

/* The order matters: files are closed before the interpreter begins, since nothing is opened after that; the interpreter begins
 * before the lock, since it may allocate as it likes; work comes last. */
static _Noreturn void child(const mw_interpreter *template, mw_sandbox_limits limits, mw_sandbox_work work, void *context, int fd) {
  mw_error err;
  mw_interpreter state = *template;
  state.limit = (size_t)limits.memory;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  forget_environment();
  signal(SIGINT, SIG_IGN); /* the parent decides */
  signal(SIGPIPE, SIG_DFL);
  uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0)); /* Lua asks it for letters and the decimal point */
  if (fd != 3 && dup2(fd, 3) < 0) _exit(HARD_EXIT);
  /* What a recipe prints is a message, and it reads nothing. */
  bool ok = (close_files(4, ~0u) && close_files(0, SANITIZED ? 1 : 2)) ||
            mw_error_set(&err, MW_UNAVAILABLE, "the recipe's sandbox cannot be set up: its files cannot be closed: %s", strerror(errno));
  ok = ok && mw_interpreter_begin(&state, &err);
  running = state.L;
  if (ok) {
    start_clock(limits.seconds);
    ok = lock_resources(limits) ||
         mw_error_set(&err, MW_UNAVAILABLE, "the recipe's sandbox cannot be set up: its limits: %s", strerror(errno));
    ok = ok && (lock_calls() || refuse_calls(&err));
  }
  ok = ok && work(&state, context, 3, &err);
  if (!ok) send_error(3, &err, state.line_hidden);
  _exit(0);
}

/* ---- the parent ---- */

/* What may not be shown becomes spaces, or question marks where it is no UTF-8: the text stays one line of the same length. */
static void make_plain(char *text) {
  char escaped[16];
  for (size_t n; *text; text += n) {
    n = mw_text_character(text, strlen(text), escaped);
    if (*escaped) memset(text, n == 1 && (unsigned char)*text >= 0x80 ? '?' : ' ', n);
  }
}

static bool take_error(const char *bytes, size_t length, bool *line_hidden, mw_error *err) {
  mw_message in = {bytes, bytes + length, false};
  uint32_t status = mw_message_u32(&in), hidden = mw_message_u32(&in);
  size_t text_length, hint_length;
  const char *text = mw_message_text(&in, &text_length), *hint = mw_message_text(&in, &hint_length);
  bool known = status == MW_USAGE || status == MW_DATA || status == MW_MEMORY || status == MW_UNAVAILABLE || status == MW_BUG ||
               status == MW_MISSING;
  mw_error_set(err, known ? (mw_status)status : MW_DATA, "%.*s", (int)text_length, text);
  if (hint_length) mw_error_hint(err, "%.*s", (int)hint_length, hint);
  make_plain(err->text);
  make_plain(err->hint);
  *line_hidden = hidden;
  return false;
}

/* A child that waits and asks nothing is stuck. */
static double patience(mw_sandbox_limits limits) { return limits.patience > 0 ? limits.patience : 30 + 30 * limits.seconds; }

/* Whether a child runs, or would if it got a processor (R) or its memory (D): how much of that it may do is limited by its
 * CPU time, and a busy machine is not its fault. Where the system does not tell, all time counts. */
static bool works(pid_t child) {
  char path[40], line[256] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", (int)child);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? 0 : read(fd, line, sizeof line - 1);
  if (fd >= 0) close(fd);
  const char *name_end = length > 0 ? strrchr(line, ')') : NULL; /* pid (name) state ... */
  return name_end && name_end[1] == ' ' && (name_end[2] == 'R' || name_end[2] == 'D');
}

/* No recipe takes a year; more does not fit the system's times. */
static mw_sandbox_limits within_reason(mw_sandbox_limits limits) {
  static const double year = 3e7;
  limits.seconds = fmin(limits.seconds, year); /* also where it is no number */
  limits.patience = fmin(limits.patience, year);
  return limits;
}

/* How the child ended without a result, as an error. */
static bool explain_end(int status, mw_sandbox_limits limits, mw_error *err) {
  int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (number == SIGXCPU || number == SIGKILL || number == SIGPROF)
    return mw_error_set(err, MW_DATA,
                        "the recipe takes too long: more than %g s of CPU time (--recipe-seconds allows more)",
                        limits.seconds);
  if (number == SIGSYS) return mw_error_set(err, MW_DATA, "the recipe tried what a recipe may not do and was ended");
  if (number) return mw_error_set(err, MW_DATA, "the recipe's process was ended by signal %d", number);
  return mw_error_set(err, MW_DATA, "the recipe's process ended without a result");
}

/* A child whose result is there has nothing more to say, and ends by itself; the parent goes on meanwhile, and buries it when the next
 * one has its result, or when nobody needs the recipe any more. */
static atomic_int ending;

static void bury(pid_t pid) {
  if (pid) kill(pid, SIGKILL);
  while (pid && waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
}

void mw_sandbox_settle(void) { bury(atomic_exchange(&ending, 0)); }

/* The parent's side: forks, takes messages until a result is there, the socket is closed or one is refused, and explains how a child
 * without a result ended. Results have no limit but that of a message; all else that a child says is limited in sum, so that it cannot
 * fill the parent's memory. */
bool mw_sandbox_run(const mw_interpreter *state, mw_sandbox_limits limits, mw_sandbox_work work, mw_sandbox_message message,
                    void *context, bool *line_hidden, mw_error *err) {
  int ends[2];
  bool hidden = false;
  if (line_hidden) *line_hidden = false;
  else line_hidden = &hidden;
  limits = within_reason(limits);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return mw_error_set(err, MW_UNAVAILABLE, "no pipe for the recipe's process: %s", strerror(errno));
  fflush(NULL);
  /* Our process may have OpenMP's threads by now (a score or an evaluation runs between two recipes). The child has only the
   * thread that forks: it may allocate, since glibc keeps malloc sound over a fork, and it must never enter a parallel region,
   * whose other threads it would wait for. It runs Lua and builds a graph, which is all in one thread. */
  pid_t pid = fork();
  if (pid < 0) {
    close(ends[0]), close(ends[1]);
    return mw_error_set(err, MW_UNAVAILABLE, "no process for the recipe: %s", strerror(errno));
  }
  if (pid == 0) child(state, limits, work, context, ends[1]);
  close(ends[1]);
  bool ok = true, result = false;
  uint32_t kind;
  char *bytes;
  size_t length, chatter = 0;
  mw_message_patience left = {patience(limits), works, pid, 0};
  /* The same limit for an answer that the child does not read. */
  struct timeval sending = {.tv_sec = (time_t)left.seconds, .tv_usec = (suseconds_t)((left.seconds - floor(left.seconds)) * 1e6)};
  setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &sending, sizeof sending);
  while (ok && !result && mw_message_hear(ends[0], LARGEST_MESSAGE, &left, &kind, &bytes, &length)) {
    bool is_result = kind == MW_MESSAGE_SIGNATURE || kind == MW_MESSAGE_GRAPH || kind == MW_MESSAGE_CONVERTED;
    bool has_own_limit = kind == MW_MESSAGE_SCORE || kind == MW_MESSAGE_EXPLAINED || kind == MW_MESSAGE_DRAWN ||
                         kind == MW_MESSAGE_PROMPTS; /* recipe.c */
    if (kind == MW_MESSAGE_ERROR) ok = take_error(bytes, length, line_hidden, err);
    else if (!is_result && !has_own_limit && (chatter += length + 16) > CHATTER)
      ok = mw_error_set(err, MW_DATA, "the recipe says too much: more than %d bytes", CHATTER);
    else ok = message(context, ends[0], kind, bytes, length, err);
    result |= is_result;
    free(bytes);
  }
  if (ok && result) {
    close(ends[0]);
    bury(atomic_exchange(&ending, pid));
    return true;
  }
  if (ok && errno == ENOMEM)
    ok = mw_error_set(err, MW_MEMORY, "out of memory for what the recipe's process says");
  if (ok && left.seconds <= 0)
    ok = mw_error_set(err, MW_DATA, "the recipe's process does nothing: no answer in %g s (--recipe-seconds allows more)",
                      patience(limits));
  if (!ok) kill(pid, SIGKILL);
  close(ends[0]);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return ok && explain_end(status, limits, err);
}
