/* test_sandbox.c: however a locked child ends, its parent says so in one line and never waits for long. Each case is work
 * that no recipe could get done from Lua: the child of a Lua that somebody has broken out of. */
#include "base/clock.h"
#include "recipe/prelude_core.h"
#include "recipe/sandbox.h"
#include "unit.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef MW_SANITIZED
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* A coverage build lets children write what they have executed (tests/coverage/let_through.c): limits of files are not set there, and
 * a child that ends writes first, for which the wall of calls ends it. */
__attribute__((weak)) void __gcov_dump(void);

/* ---- what children do ---- */

static bool waits(mw_interpreter *state, void *context, int fd, mw_error *err) {
  char byte;
  (void)state, (void)context, (void)err;
  while (read(fd, &byte, 1) > 0) continue;
  return true;
}

static bool trickles(mw_interpreter *state, void *context, int fd, mw_error *err) {
  uint64_t head[2] = {MW_MESSAGE_GRAPH, 1 << 20};
  (void)state, (void)context;
  if (write(fd, head, sizeof head) != sizeof head) return false;
  return waits(state, context, fd, err);
}

static bool asks_and_never_reads(mw_interpreter *state, void *context, int fd, mw_error *err) {
  (void)state, (void)context, (void)err;
  for (int i = 0; i < 100; i++)
    if (!mw_message_send(fd, MW_MESSAGE_REQUIRE, "x", 1)) break;
  for (volatile bool more = true; more;) continue;
  return true;
}

static bool opens_a_file(mw_interpreter *state, void *context, int fd, mw_error *err) {
  (void)state, (void)context, (void)fd, (void)err;
  return open("/etc/hostname", O_RDONLY) >= 0;
}

static bool makes_a_socket(mw_interpreter *state, void *context, int fd, mw_error *err) {
  (void)state, (void)context, (void)fd, (void)err;
  return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool forks(mw_interpreter *state, void *context, int fd, mw_error *err) {
  (void)state, (void)context, (void)fd, (void)err;
  return fork() >= 0;
}

static bool leaves(mw_interpreter *state, void *context, int fd, mw_error *err) {
  (void)state, (void)context, (void)fd, (void)err;
  _exit(0);
}

static bool works_for_ever(mw_interpreter *state, void *context, int fd, mw_error *err) {
  (void)state, (void)context, (void)fd, (void)err;
  for (volatile bool more = true; more;) continue;
  return true;
}

static bool sends_too_large_a_message(mw_interpreter *state, void *context, int fd, mw_error *err) {
  uint64_t head[2] = {MW_MESSAGE_GRAPH, UINT64_MAX};
  (void)state, (void)context, (void)err;
  return write(fd, head, sizeof head) == sizeof head;
}

static bool floods(mw_interpreter *state, void *context, int fd, mw_error *err) {
  (void)state, (void)context, (void)err;
  for (int i = 0; i < 10000; i++)
    if (!mw_message_send(fd, MW_MESSAGE_PRINT, "0123456789", 10)) break;
  return true;
}

static bool describes_without_end(mw_interpreter *state, void *context, int fd, mw_error *err) {
  (void)state, (void)context, (void)err;
  while (mw_message_send(fd, MW_MESSAGE_SIGNATURE, "result", 6)) continue;
  return true;
}

/* Works for so long that a starved child needs seconds for it. */
static bool works_a_little(mw_interpreter *state, void *context, int fd, mw_error *err) {
  struct timespec used = {0};
  (void)state, (void)context, (void)err;
  while (used.tv_sec == 0 && used.tv_nsec < 10000000) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return mw_message_send(fd, MW_MESSAGE_SIGNATURE, "result", 6);
}

/* Neither the words of the environment nor their bytes are left. */
static const char *secret;
static bool finds_no_environment(mw_interpreter *state, void *context, int fd, mw_error *err) {
  (void)state, (void)context;
  if (getenv("MOONWELD_SECRET") || *secret) return mw_error_set(err, MW_DATA, "the environment is still there");
  return mw_message_send(fd, MW_MESSAGE_SIGNATURE, "result", 6);
}

/* What a child may write to is open; only the way to its parent is. */
static bool finds_files_closed(mw_interpreter *state, void *context, int fd, mw_error *err) {
  (void)state, (void)context;
  for (int other = 0; other < 300; other++)
    if (other != fd && (write(other, "", 0) == 0 || errno != EBADF)) {
#ifdef MW_SANITIZED
      if (other == 2) continue;
#endif
      return mw_error_set(err, MW_DATA, "file %d is open", other);
    }
  return mw_message_send(fd, MW_MESSAGE_SIGNATURE, "result", 6);
}

/* A program that loads the module may have any locale. */
static bool writes_numbers_plainly(mw_interpreter *state, void *context, int fd, mw_error *err) {
  char room[16];
  (void)state, (void)context;
  snprintf(room, sizeof room, "%g", 0.5);
  return strcmp(room, "0.5") == 0 ? mw_message_send(fd, MW_MESSAGE_SIGNATURE, "result", 6) : mw_error_set(err, MW_DATA, "%s", room);
}

static bool sends_a_result(mw_interpreter *state, void *context, int fd, mw_error *err) {
  (void)state, (void)context, (void)err;
  return mw_message_send(fd, MW_MESSAGE_SIGNATURE, "result", 6);
}

/* The second wall, where calls of the system are let through: no file can be opened or grow, no process begin, and memory and
 * time have an end. */
static bool is_limited(mw_interpreter *state, void *context, int fd, mw_error *err) {
  static const int limits[] = {RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_CORE, RLIMIT_CPU, RLIMIT_DATA};
  enum { NONE = 4, LIMITED = SANITIZED ? 5 : 6 }; /* the first ones leave nothing; a sanitizer's memory has no end */
  for (int i = 0; i < LIMITED; i++) {
    struct rlimit found;
    if (getrlimit(limits[i], &found) != 0 || found.rlim_max > (i < NONE ? 0 : RLIM_INFINITY - 1))
      return mw_error_set(err, MW_DATA, "limit %d is not set", limits[i]);
  }
  return sends_a_result(state, context, fd, err);
}

/* Stands in for the library's: without it, calls are let through. */
static bool lets_calls_through;
int seccomp_load(void *filter) {
  static int (*load)(void *);
  if (lets_calls_through) return 0;
  if (!load) *(void **)&load = dlsym(RTLD_NEXT, "seccomp_load");
  return load ? load(filter) : -1;
}

/* ---- the parent ---- */

static bool on_message(void *context, int fd, uint32_t kind, char *bytes, size_t length, mw_error *err) {
  static char large[256 << 10];
  (void)length;
  *(int *)context += kind == MW_MESSAGE_SIGNATURE && strcmp(bytes, "result") == 0;
  if (kind == MW_MESSAGE_REQUIRE && !mw_message_send(fd, kind, large, sizeof large))
    return mw_error_set(err, MW_DATA, "the recipe's process is gone");
  return true;
}

static void refuse(mw_sandbox_work work, double patience, const char *says) {
  mw_sandbox_limits limits = {0.3, 64 << 20, patience};
  mw_interpreter state;
  mw_error err = {0};
  int results = 0;
  double begun = mw_clock_now();
  CHECK(mw_interpreter_open(&state, &mw_prelude_core, &err));
  CHECK(!mw_sandbox_run(&state, limits, work, on_message, &results, NULL, &err));
  CHECK(err.status == MW_DATA);
  if (!strstr(err.text, says)) CHECK_TEXT(err.text, says);
  CHECK(mw_clock_now() - begun < 300);
  mw_interpreter_close(&state);
}

/* Whether a child's result is taken; `starve` (may be NULL) comes before it starts. */
static bool is_taken(mw_sandbox_work work, mw_sandbox_limits limits, void (*starve)(void)) {
  mw_interpreter state;
  mw_error err = {0};
  int results = 0;
  bool opened = mw_interpreter_open(&state, &mw_prelude_core, &err);
  if (starve) starve();
  bool ok = opened && mw_sandbox_run(&state, limits, work, on_message, &results, NULL, &err) && results == 1;
  if (!ok) CHECK_TEXT(err.text, "");
  if (opened) mw_interpreter_close(&state);
  return ok;
}

/* Keeps this process on the first of its processors. */
static void pin(void) {
  cpu_set_t all, one;
  CPU_ZERO(&one);
  int first = 0;
  sched_getaffinity(0, sizeof all, &all);
  while (first < CPU_SETSIZE - 1 && !CPU_ISSET(first, &all)) first++;
  CPU_SET(first, &one);
  sched_setaffinity(0, sizeof one, &one);
}

static void come_last(void) {
  pin();
  CHECK(nice(19) >= 0);
}

/* A child on a processor that two others keep busy, at the lowest priority, gets a hundredth of it: it works all the same,
 * and its parent, which would wait 0.1 s for one that sleeps, waits. */
static void starved(void) {
  pid_t busy[2], subject;
  int status = 1;
  fflush(NULL);
  for (int i = 0; i < 2; i++)
    if ((busy[i] = fork()) == 0) {
      pin();
      alarm(120);
      for (volatile bool more = true; more;) continue;
    }
  bool taken = false;
  for (int attempt = 0; attempt < 4 && !taken; attempt++) { /* a machine full of tests may starve the parent, too */
    fflush(NULL);
    if ((subject = fork()) == 0) _exit(is_taken(works_a_little, (mw_sandbox_limits){5, 64 << 20, 0.1 * (1 << attempt)}, come_last) ? 0 : 1);
    taken = subject > 0 && waitpid(subject, &status, 0) == subject && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  CHECK(taken);
  for (int i = 0; i < 2; i++)
    if (busy[i] > 0) kill(busy[i], SIGKILL), waitpid(busy[i], &status, 0);
}

/* A system without the call: ours stands in for it. */
static bool call_is_missing;
int close_range(unsigned first, unsigned last, int flags) {
  if (call_is_missing) return errno = ENOSYS, -1;
  return (int)syscall(SYS_close_range, first, last, flags);
}

static void closes_files(void) {
  int file = open("/dev/null", O_WRONLY | O_CLOEXEC), far = fcntl(file, F_DUPFD, 250);
  CHECK(file >= 0 && far >= 250);
  for (int missing = 0; missing < 2; missing++) {
    call_is_missing = missing;
    CHECK(is_taken(finds_files_closed, (mw_sandbox_limits){1, 64 << 20, 0}, NULL));
  }
  call_is_missing = false;
  close(file), close(far);
}

static void forgets_environment(void) {
  CHECK(setenv("MOONWELD_SECRET", "hush", 1) == 0);
  secret = getenv("MOONWELD_SECRET");
  CHECK(is_taken(finds_no_environment, (mw_sandbox_limits){1, 64 << 20, 0}, NULL));
  CHECK_TEXT(getenv("MOONWELD_SECRET"), "hush");
}

/* Memory of another thread of the parent, of which the child may have pieces: to let them grow the C library makes more of it readable. */
enum { PIECES = 64, SMALL = 2000, GROWN = 100000 };
static void *pieces[PIECES];

static void *takes_pieces(void *context) {
  for (int i = 0; i < PIECES; i++) pieces[i] = malloc(SMALL);
  return context;
}

static bool grows_pieces(mw_interpreter *state, void *context, int fd, mw_error *err) {
  (void)state, (void)context;
  for (int i = 0; i < PIECES; i++) {
    void *grown = realloc(pieces[i], GROWN);
    if (!grown) return mw_error_memory(err, GROWN);
    memset(grown, 1, GROWN);
  }
  return mw_message_send(fd, MW_MESSAGE_SIGNATURE, "result", 6);
}

static void grows_memory_of_threads(void) {
  CASE("memory of another thread grows");
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, takes_pieces, NULL) == 0 && pthread_join(thread, NULL) == 0);
  CHECK(is_taken(grows_pieces, (mw_sandbox_limits){1, 64 << 20, 0}, NULL));
  for (int i = 0; i < PIECES; i++) free(pieces[i]);
}

static bool makes_code(mw_interpreter *state, void *context, int fd, mw_error *err) {
  (void)state, (void)context, (void)fd, (void)err;
  static _Alignas(4096) char page[4096];
  return mprotect(page, sizeof page, PROT_READ | PROT_EXEC) == 0;
}

int main(void) {
  int results = 0;
  mw_interpreter state;
  mw_error err = {0};
  CASE("a result, twice from one state");
  CHECK(mw_interpreter_open(&state, &mw_prelude_core, &err));
  for (int times = 1; times <= 2; times++)
    CHECK(mw_sandbox_run(&state, (mw_sandbox_limits){1, 64 << 20, 0}, sends_a_result, on_message, &results, NULL, &err) && results == times);
  if (__gcov_dump) puts("skipped: three cases of children's limits and ends in a coverage build, which does not lock them");
  else {
    CASE("limits, without the wall of calls");
    lets_calls_through = true;
    if (!mw_sandbox_run(&state, (mw_sandbox_limits){1, 64 << 20, 0}, is_limited, on_message, &results, NULL, &err)) CHECK_TEXT(err.text, "");
    CHECK(results == 3);
    lets_calls_through = false;
  }
  mw_interpreter_close(&state);
  RUN(refuse(waits, 0.5, "does nothing: no answer in 0.5 s"));
  RUN(refuse(trickles, 0.5, "does nothing"));
  RUN(refuse(asks_and_never_reads, 0.5, "is gone"));
  RUN(refuse(works_for_ever, 40, "more than 0.3 s of CPU"));
  if (!__gcov_dump) {
    RUN(refuse(leaves, 40, "without a result"));
    RUN(refuse(sends_too_large_a_message, 40, "without a result"));
  }
  RUN(refuse(floods, 40, "says too much"));
  CASE("the first result is taken, and the child ended that goes on");
  CHECK(is_taken(describes_without_end, (mw_sandbox_limits){1, 64 << 20, 0}, NULL));
  mw_sandbox_settle();
  CHECK(waitpid(-1, NULL, WNOHANG) < 0); /* no child is left */
  RUN(closes_files());
  RUN(forgets_environment());
  RUN(starved());
  RUN(grows_memory_of_threads());
  CASE("a locale with a decimal comma, if this machine has one");
  if (setlocale(LC_ALL, "de_DE.UTF-8") || setlocale(LC_ALL, "fr_FR.UTF-8"))
    CHECK(is_taken(writes_numbers_plainly, (mw_sandbox_limits){1, 64 << 20, 0}, NULL));
  setlocale(LC_ALL, "C");
  CASE("limits beyond every clock and memory");
  CHECK(is_taken(sends_a_result, (mw_sandbox_limits){1e300, UINT64_MAX, 1e300}, NULL));
  if (strcmp(mw_sandbox_wall(), "seccomp") == 0) {
    RUN(refuse(opens_a_file, 40, "may not do"));
    RUN(refuse(makes_a_socket, 40, "may not do"));
    RUN(refuse(forks, 40, "may not do"));
    RUN(refuse(makes_code, 40, "may not do"));
  }
  UNIT_END();
}
