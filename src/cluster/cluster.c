/* cluster.c: the only file that knows of MPI. All calls come from the thread that called the library. MPI is one for a process, and so
 * is what is kept here.
 *
 * Nothing here waits inside of MPI: what takes a while is begun, and asked for in turns with whether another process has failed or a
 * signal has come. So a process that is not busy sleeps, and one that nobody answers can end. Numbers are combined in memory of this
 * file's own, since what was begun and is given up may still be written to. */
#include "cluster/cluster.h"

static struct {
  mw_ranks ranks;
  int (*caught)(void); /* the signal that has come, or 0 */
  bool begun, started, open; /* MPI has started; and both of its rooms are there */
  bool heard;          /* another process has failed */
  bool ended;          /* it is known that it has failed somewhere */
  bool silent;         /* not all have answered */
  mw_error error;      /* and by which error */
  mw_cluster_told told;
} self;

mw_cluster_told mw_cluster_has_told(void) { return self.told; }

const mw_ranks *mw_cluster_ranks(void) { return self.begun ? &self.ranks : NULL; }

#ifndef MW_MPI

#include <time.h>

/* If all are such programs, rank 0 tells it, and the launcher ends the others within the 3 seconds that they wait. Else rank 0 may be one
 * with MPI, which would wait for this one, so this one tells it. */
bool mw_cluster_begin(int (*caught)(void), mw_error *err) {
  (void)caught;
  mw_launcher told = mw_launcher_told();
  if (told.count == 1) return true;
  if (told.rank) {
    nanosleep(&(struct timespec){3, 0}, NULL);
    mw_error_set(err, MW_UNAVAILABLE, "process %u of %u is a program that is built without MPI", told.rank, told.count);
    return mw_error_hint(err, "all must be one program, which make MPI=1 builds");
  }
  mw_error_set(err, MW_UNAVAILABLE, "started as %u processes that would each make the same output: this program is built without MPI",
               told.count);
  return mw_error_hint(err, "make MPI=1 builds one that divides the merge among them");
}

bool mw_cluster_start(mw_error *err) { return mw_error_set(err, MW_BUG, "there is no MPI"); }
bool mw_cluster_tell(mw_text *text, mw_error *err) { return (void)text, mw_cluster_start(err); }
bool mw_cluster_meet(mw_error *err) { return mw_cluster_start(err); }
bool mw_cluster_agree(bool good, mw_error *err) { return (void)err, good; }
void mw_cluster_end(bool good) { (void)good; }

#else

#include <mpi.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#ifdef OPEN_MPI
#define FOR_SRUN "--mpi=pmix"
#else
#define FOR_SRUN "--mpi=pmi2"
#endif

enum { FAILED = 1, LEAVE = 2 }; /* messages of one byte */
/* Seconds to wait for others when the end is known: after a signal the launcher's next one ends the process. */
static const double patience_of_error = 30, patience_of_signal = 0.5;
static MPI_Comm work, ends; /* two rooms of all processes: what is given up in the first may not disturb the second */

static bool failed(int code, const char *what, mw_error *err) {
  char text[MPI_MAX_ERROR_STRING] = "";
  int length;
  if (code == MPI_SUCCESS) return false;
  MPI_Error_string(code, text, &length);
  for (char *c = text; *c; c++)
    if (*c == '\n') *c = ' ';
  mw_error_set(err, MW_IO, "MPI: %s: %s", what, text);
  return true;
}

/* ---- waiting ---- */

/* Whether a message of that kind has come. */
static bool has_come(int kind) {
  int there = 0;
  unsigned char byte;
  MPI_Status status;
  if (MPI_Iprobe(MPI_ANY_SOURCE, kind, ends, &there, &status) != MPI_SUCCESS || !there) return false;
  MPI_Recv(&byte, 1, MPI_BYTE, status.MPI_SOURCE, kind, ends, MPI_STATUS_IGNORE);
  return true;
}

static bool hears(void) { return self.heard = self.heard || has_come(FAILED); }

static void rest(double waited) {
  long pause = waited < 1e-3 ? 0 : waited < 0.1 ? 50000 : 1000000;
  nanosleep(&(struct timespec){0, pause}, NULL);
}

/* Waits for what was begun on `work`, in which this process tells `bytes` bytes. */
static bool await(MPI_Request *request, size_t bytes, const char *what, mw_error *err) {
  double since = mw_clock_now();
  self.told.times++;
  self.told.bytes += bytes;
  for (int done = 0;;) {
    if (failed(MPI_Test(request, &done, MPI_STATUS_IGNORE), what, err)) return false;
    if (done) return true;
    if (hears()) return mw_error_set(err, MW_INTERRUPTED, "another process of the merge has failed");
    if (self.caught()) return mw_error_set(err, MW_INTERRUPTED, "interrupted; nothing was published");
    rest(mw_clock_now() - since);
  }
}

static bool goes_on(void) {
  static double asked;
  double time = mw_clock_now();
  if (time - asked < 0.01) return !self.heard;
  asked = time;
  return !hears();
}

/* ---- numbers ---- */

/* In pieces of memory that is never freed where it is given up. */
static bool combine(mw_ranks_how how, uint64_t *numbers, size_t count, mw_error *err) {
  const MPI_Op operation = how == MW_RANKS_ADD ? MPI_SUM : how == MW_RANKS_LEAST ? MPI_MIN : MPI_BOR;
  enum { PIECE = 1 << 20 };
  for (size_t at = 0; at < count || at == 0; at += PIECE) {
    size_t n = count - at < PIECE ? count - at : PIECE;
    MPI_Request request;
    uint64_t *copy = mw_mem_new(2 * n + 1, sizeof *copy, err);
    if (!copy) return false;
    if (n) memcpy(copy, numbers + at, n * sizeof *copy);
    if (failed(MPI_Iallreduce(copy, copy + n, (int)n, MPI_UINT64_T, operation, work, &request), "numbers of all", err)) return false;
    MW_TRY(await(&request, n * sizeof *copy, "numbers of all", err));
    if (n) memcpy(numbers + at, copy + n, n * sizeof *copy);
    free(copy);
  }
  return true;
}

/* Pieces of `bytes` bytes, one for each process where they differ, and as many that come. Of large pieces a part at a time. */
static bool swap(const void *own, void *all, size_t bytes, bool differ, mw_error *err) {
  enum { PART = 8 << 20 };
  size_t count = self.ranks.count, given = differ ? count : 1;
  for (size_t at = 0; at < bytes; at += PART) {
    size_t n = bytes - at < PART ? bytes - at : PART;
    MPI_Request request;
    char *copy = mw_mem_new(given + count, n, err), *come = copy ? copy + given * n : NULL;
    if (!copy) return false;
    for (size_t i = 0; i < given; i++) memcpy(copy + i * n, (const char *)own + i * bytes + at, n);
    int code = differ ? MPI_Ialltoall(copy, (int)n, MPI_BYTE, come, (int)n, MPI_BYTE, work, &request)
                      : MPI_Iallgather(copy, (int)n, MPI_BYTE, come, (int)n, MPI_BYTE, work, &request);
    if (failed(code, "what all have found", err)) return false;
    MW_TRY(await(&request, given * n, "what all have found", err));
    for (size_t i = 0; i < count; i++) memcpy((char *)all + i * bytes + at, come + i * n, n);
    free(copy);
  }
  return true;
}

static bool gather_all(const void *own, void *all, size_t bytes, mw_error *err) { return swap(own, all, bytes, false, err); }
static bool trade(const void *own, void *all, size_t bytes, mw_error *err) { return swap(own, all, bytes, true, err); }

bool mw_cluster_meet(mw_error *err) {
  uint64_t nothing = 0;
  return combine(MW_RANKS_ADD, &nothing, 1, err);
}

bool mw_cluster_tell(mw_text *text, mw_error *err) {
  enum { PIECE = 64 << 20 };
  uint64_t length = text->length;
  MW_TRY(combine(MW_RANKS_UNITE, &length, 1, err));
  if (length > PTRDIFF_MAX / 2) return mw_error_set(err, MW_DATA, "process 0 tells of a text that is too long");
  char *copy = mw_mem_new((size_t)length + 1, 1, err);
  if (!copy) return false;
  if (!self.ranks.rank && length) memcpy(copy, text->bytes, (size_t)length);
  for (size_t at = 0; at < length; at += PIECE) {
    MPI_Request request;
    size_t n = length - at < PIECE ? (size_t)length - at : PIECE;
    if (failed(MPI_Ibcast(copy + at, (int)n, MPI_BYTE, 0, work, &request), "a text for all", err)) return false;
    MW_TRY(await(&request, self.ranks.rank ? 0 : n, "a text for all", err));
  }
  if (self.ranks.rank) mw_text_add(text, copy, (size_t)length);
  free(copy);
  return mw_text_check(text, err);
}

/* ---- beginning ---- */

bool mw_cluster_begin(int (*caught)(void), mw_error *err) {
  (void)err;
  mw_launcher told = mw_launcher_told();
  self.caught = caught;
  self.begun = told.count > 1;
  self.ranks = (mw_ranks){told.rank, told.count, combine, gather_all, trade, goes_on};
  return true;
}

/* MPI tells its launcher short messages by TCP, of which each waits until the one before was acknowledged, 40 ms later: so the end takes
 * 50 ms. Not so where the sockets that it has opened send at once. */
static void hurry(void) {
  enum { FIRST = STDERR_FILENO + 1, MOST = 256 };
  for (int fd = FIRST; fd < MOST; fd++) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

/* Open MPI looks for networks, which takes longer than all else of its start; processes of one machine need none. What the user has
 * chosen stays, and commands that are started later do not see it. */
static int init(void) {
  const char *const name = "OMPI_MCA_pml";
  bool own = mw_launcher_told().one_machine && !getenv(name) && setenv(name, "ob1", 0) == 0;
  int level, code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
  if (own) unsetenv(name);
  hurry();
  return code;
}

bool mw_cluster_start(mw_error *err) {
  int rank = 0, count = 0;
  if (self.started) return self.open || mw_error_set(err, MW_IO, "MPI has not started");
  if (failed(init(), "it cannot start", err)) return false;
  self.started = true;
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &count);
  if ((uint32_t)count != self.ranks.count || (uint32_t)rank != self.ranks.rank) {
    mw_error_set(err, MW_UNAVAILABLE, "MPI says that this is process %d of %d, its launcher that it is %u of %u", rank, count,
                 self.ranks.rank, self.ranks.count);
    return mw_error_hint(err, "mpirun and the MPI that this program is built with must be of one kind; of srun, " FOR_SRUN);
  }
  self.open = !failed(MPI_Comm_dup(MPI_COMM_WORLD, &work), "it cannot start", err) &&
              !failed(MPI_Comm_dup(MPI_COMM_WORLD, &ends), "it cannot start", err);
  return self.open;
}

/* ---- the end ---- */

typedef struct verdict {
  int32_t failed, follows; /* it failed since another one did */
  char host[64];
  mw_error error;
} verdict;

static unsigned char byte;

static void send_all(int kind) {
  MPI_Request request;
  for (uint32_t i = 0; i < self.ranks.count; i++)
    if (i != self.ranks.rank && MPI_Isend(&byte, 1, MPI_BYTE, (int)i, kind, ends, &request) == MPI_SUCCESS) MPI_Request_free(&request);
}

/* Waits for all verdicts; once somebody has failed not for ever. */
static bool gather(const verdict *own, verdict *all) {
  MPI_Request request;
  double since = mw_clock_now(), ended = own->failed ? since : 0;
  if (MPI_Iallgather(own, sizeof *own, MPI_BYTE, all, sizeof *all, MPI_BYTE, ends, &request) != MPI_SUCCESS) return false;
  for (int done = 0;;) {
    double time = mw_clock_now();
    if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return false;
    if (done) return true;
    if (!ended && (hears() || self.caught())) ended = time;
    if (ended && time - ended > (self.caught() ? patience_of_signal : patience_of_error)) return false;
    rest(time - since);
  }
}

/* The first process that failed by itself, else the first that failed; NULL: none has. */
static const verdict *first_of(const verdict *all) {
  const verdict *first = NULL;
  for (uint32_t i = self.ranks.count; i-- > 0;)
    if (all[i].failed && (!first || !all[i].follows || first->follows)) first = &all[i];
  return first;
}

bool mw_cluster_agree(bool good, mw_error *err) {
  mw_error later = {0};
  if (!self.begun) return good;
  if (!self.started && !mw_cluster_start(&later) && good) *err = later, good = false;
  if (!self.open) return good;
  if (self.ended) {
    if (good) *err = self.error;
    return false;
  }
  verdict *all = mw_mem_new(self.ranks.count + 1u, sizeof *all, &later), *own = all ? &all[self.ranks.count] : NULL;
  if (own) *own = (verdict){.failed = !good, .follows = self.heard};
  if (own) gethostname(own->host, sizeof own->host - 1);
  if (own && !good) own->error = *err;
  if (own && !good && err->status == MW_INTERRUPTED && !err->signal) own->error.signal = self.caught();
  if (!good) send_all(FAILED);
  bool known = all && gather(own, all);
  const verdict *first = known ? first_of(all) : NULL;
  self.ended = first || !known;
  self.silent = !known;
  if (first && first != &all[self.ranks.rank]) {
    *err = first->error;
    mw_error_wrap(err, "process %u on %s", (unsigned)(first - all), first->host);
  } else if (!known && good) {
    mw_error_set(err, MW_INTERRUPTED, "another process of the merge has failed, and does not say why");
  } else if (!known && err->status == MW_INTERRUPTED) { /* the launcher ends the others where one is lost */
    const int signal = err->signal;
    mw_error_set(err, MW_INTERRUPTED, "interrupted, and not all processes answer: one is lost, or busy; nothing was published");
    err->signal = signal;
  }
  if (self.ended) self.error = *err;
  if (known) free(all); /* else it may still be written to */
  return !self.ended;
}

/* The launcher ends all processes when one has ended badly: rank 0 first tells what it has to tell. It may be the one that is lost. */
void mw_cluster_end(bool good) {
  double since = mw_clock_now();
  mw_error ignored;
  if (!good && self.begun && !self.started) mw_cluster_start(&ignored); /* so that others may wait for rank 0 */
  if (!self.open) return;
  if (good) {
    MPI_Finalize();
    return;
  }
  if (!self.ranks.rank) send_all(LEAVE);
  const double patience = self.ranks.rank && !self.silent ? patience_of_error : 0.1;
  while (!has_come(LEAVE) && mw_clock_now() - since < patience) rest(mw_clock_now() - since);
}

#endif
