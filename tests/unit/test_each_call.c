/* test_each_call.c: one call of the system, or one request for memory, fails: the first, then the second, and so on, until one run
 * meets none. After each failure the output is absent, the old one or complete; nothing that was opened or allocated stays; and the
 * same work, done again, succeeds. */
#include "memory.h"
#include "calls.h"
#include "format/folder.h"
#include "format/sync.h"
#include "output/publish.h"
#include "output/writer.h"
#include "toys.h"
#include <sys/resource.h>
#include <time.h>

typedef struct scenario {
  const char *name, *out;
  bool replaces, plain, keeps, seals, begun; /* begun: a run of the same plan was stopped */
  bool ranked, parted;                       /* made by two processes; with a part that has a writer of its own */
  bool deep, few, loose;                     /* weights in a folder, a file each; few files may be open; without sync */
} scenario;

static const uint64_t shape[] = {4}, rows[] = {2, 300};
static const mw_tensor tensors[] = {{.name = "v", .shape = rows, .rank = 2, .dtype = MW_DTYPE_BF16},
                                    {.name = "w", .shape = shape, .rank = 1, .dtype = MW_DTYPE_F32}};
static char data[1200];
static mw_layout plain, of_folders, layout; /* layout: that of the scenario */
static const mw_layout nothing;

static bool complete(const mw_writer *writer, mw_error *err) {
  for (size_t s = 0; s < layout.shard_count; s++) {
    mw_file_checksum *sums = mw_writer_checksum(writer, s);
    for (size_t i = 0; i < mw_file_checksum_count(sums); i++) MW_TRY(mw_file_checksum_complete(sums, i, err));
  }
  return true;
}

static bool write_one(mw_writer *writer, size_t i, mw_error *err) {
  const mw_tensor *t = &layout.tensors[i];
  return mw_writer_has(writer, i) || (mw_writer_write(writer, t->file, t->offset, data, mw_tensor_bytes(t), err) && mw_writer_done(writer, i, err));
}

static bool write_all(mw_writer *writer, mw_error *err) {
  for (size_t i = 0; i < layout.count; i++) MW_TRY(write_one(writer, i, err));
  return true;
}

static bool put_lock(mw_writer *writer, mw_error *err) { return mw_writer_file(writer, "merge.lock.json", "{\"moonweld\": \"0.1.0\"}", 21, err); }

/* Gives it its name, or stops before that. */
static bool publish(mw_writer *writer, bool stops, mw_error *err) {
  return stops ? mw_error_set(err, MW_INTERRUPTED, "stopped") : mw_publish_output(writer, err);
}

/* The second process writes the last tensor and keeps a journal of its own; of what an earlier run has left rank 0 tells it. */
static bool by_two(const scenario *s, const char *note, bool stops, mw_error *err) {
  mw_writer *ranks[2] = {NULL, NULL};
  mw_writer_how how = {.force = true, .sync = !s->loose, .plan = "what: this\n"};
  bool ok = true;
  for (; how.rank < 2 && ok; how.rank++) ok = mw_writer_open(s->out, &layout, &how, &ranks[how.rank], err);
  for (size_t i = 0; i < layout.count && ok; i++) {
    if (mw_writer_has(ranks[0], i)) mw_writer_found(ranks[1], i);
    ok = write_one(ranks[i % 2], i, err);
  }
  ok = ok && mw_writer_settle(ranks[1], err) && put_lock(ranks[0], err) && mw_writer_file(ranks[0], "sub/note", note, strlen(note), err) &&
       publish(ranks[0], stops, err);
  if (!ok && ranks[1]) mw_writer_record(ranks[1]);
  if (!ok && ranks[0]) mw_writer_keep(ranks[0], err);
  for (size_t i = 0; i < 2; i++) mw_writer_close(ranks[i]);
  return ok;
}

/* A folder of which the folder "mid" is made first, by a writer of its own: where `stops`, until that is complete. */
static bool with_part(const scenario *s, const char *note, bool stops, mw_error *err) {
  static const char *const parts[] = {"other", "mid"};
  const mw_writer_how how = {.force = true, .sync = !s->loose, .plan = "the whole: this\n", .parts = parts, .part_count = COUNT(parts)};
  const mw_writer_how how_part = {.sync = !s->loose, .plan = "what: this\n", .part = true};
  mw_writer *folder = NULL, *part = NULL;
  char path[4096], *name = path;
  bool ok = mw_writer_open(s->out, &nothing, &how, &folder, err);
  if (ok) {
    snprintf(path, sizeof path, "%s/mid", mw_writer_folder(folder));
    ok = mw_writer_open(path, &layout, &how_part, &part, err) && write_all(part, err) && mw_writer_file(part, "note", note, strlen(note), err) &&
         mw_publish_output(part, err);
    if (ok) snprintf(path, sizeof path, "%s", mw_writer_folder(part)), name = strrchr(path, '/') + 1;
    else if (part) mw_writer_keep(part, err);
    mw_writer_close(part);
    ok = ok && (stops || (mw_publish_part(folder, name, "mid", err) && put_lock(folder, err))) && publish(folder, stops, err);
    if (!ok) mw_writer_keep(folder, err);
  }
  mw_writer_close(folder);
  return ok;
}

static bool alone(const scenario *s, const char *note, bool stops, mw_error *err) {
  mw_file_checksum_memory memory = {1 << 20};
  mw_writer *writer = NULL;
  const char *inputs[] = {"/proc/self/exe", "input"}, *text = s->seals || strchr(s->out, '.') ? "README.md" : "sub/note";
  mw_writer_how how = {.force = true, .sync = true, .plan = s->keeps ? "what: this\n" : NULL};
  bool ok = mw_writer_allowed(s->out, true, inputs, COUNT(inputs), 1000, err) && mw_writer_open(s->out, &layout, &how, &writer, err) &&
            mw_writer_count(writer, &layout, &memory, err) && write_all(writer, err) && complete(writer, err) &&
            put_lock(writer, err) && mw_writer_file(writer, text, note, strlen(note), err) &&
            (!s->seals || mw_writer_file(writer, MW_WRITER_SEAL, "{}", 2, err)) && mw_writer_verify(writer, err) &&
            publish(writer, stops, err);
  if (!ok && writer) mw_writer_keep(writer, err);
  mw_writer_close(writer);
  return ok;
}

/* Makes the output, or where `stops` all of it but its name. */
static bool make(const scenario *s, const char *note, bool stops, mw_error *err) {
  return (s->ranked ? by_two : s->parted ? with_part : alone)(s, note, stops, err);
}

/* Whether the output has this note, and its weights. */
static bool is(const scenario *s, const char *note) {
  char text[64], weights[64];
  struct stat st;
  bool lone = strchr(s->out, '.') != NULL;
  snprintf(text, sizeof text, lone ? "%.*s.md" : s->parted ? "%.*s/mid/note" : "%.*s/sub/note", (int)strcspn(s->out, "."), s->out);
  snprintf(weights, sizeof weights, lone ? "%s" : s->parted ? "%s/mid/model.safetensors" : "%s/%s", s->out, layout.shards[0].name);
  return holds(text, note) && stat(weights, &st) == 0 && (uint64_t)st.st_size == layout.shards[0].size;
}

static bool is_absent(const scenario *s) {
  struct stat st;
  return lstat(s->out, &st) != 0 && errno == ENOENT;
}

static void prepare(const scenario *s) {
  mw_error err;
  struct rlimit files;
  CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0);
  files.rlim_cur = s->few ? 11 : files.rlim_max;
  CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
  layout = s->deep || s->few ? of_folders : plain;
  CHECK(mw_folder_remove(AT_FDCWD, "room", &err) && mkdir("room", 0777) == 0 && chdir("room") == 0);
  if (s->replaces) CHECK(make(s, "old", false, &err));
  if (s->begun) CHECK(!make(s, "new", true, &err) && entries(".") == 1 + s->replaces);
}

/* What may be found: of a folder that is replaced by two renames, an aside, until the next command names it. */
static void look(const scenario *s, bool made, const mw_error *err) {
  mw_error other;
  bool sound = is(s, "new") || (!made && (s->replaces ? is(s, "old") : is_absent(s)));
  if (!sound && s->plain && !made) sound = is_absent(s) && entries(".") > 0;
  /* A lone file's lock and card follow its weights: the next command that names it finishes them. */
  if (!sound && !made && strchr(s->out, '.')) sound = !is_absent(s);
  bool told = made || err->status == MW_IO || err->status == MW_CANNOT_CREATE || err->status == MW_MEMORY || err->status == MW_CHANGED ||
              err->status == MW_MISSING; /* what is read back */
  if (!sound || !told) printf("%s: made %d, sound %d, %d: %s\n", s->name, made, sound, made ? 0 : (int)err->status, made ? "" : err->text);
  CHECK(sound && told);
  bool again = make(s, "new", false, &other);
  if (!again) printf("%s: again: %s\n  after: %s\n", s->name, other.text, made ? "made" : err->text);
  CHECK(again && is(s, "new"));
}

static int files_open(void) { return entries("/proc/self/fd"); }

static void each(const scenario *s, int number, bool lasting) {
  mw_error err = {0};
  long failures = 0;
  bool more = number ? CALLS_COUNTED : MEMORY_COUNTED;
  CASE("%s: %s%s", s->name, number ? strerror(number) : "memory", lasting ? " from then on" : "");
  for (long n = 0; more; n++) {
    prepare(s);
    size_t held = memory_held;
    int open = files_open();
    calls_plain = s->plain;
    calls_lasting = lasting;
    if (number) calls_left = n, calls_error = number;
    else memory_left = n;
    bool made = make(s, "new", false, &err);
    more = (number ? calls_struck : memory_left == 0) && n < 2000;
    memory_left = -1;
    calls_end();
    if (memory_held != held) printf("%s: %ld: %ld bytes stay: %s\n", s->name, n, (long)(memory_held - held), made ? "" : err.text);
    CHECK(memory_held == held);
    if (files_open() != open) printf("%s: %ld: files stay open: %s\n", s->name, n, made ? "" : err.text);
    CHECK(files_open() == open);
    look(s, made, &err);
    calls_plain = false;
    CHECK(chdir("..") == 0);
    failures += !made;
  }
  CHECK(failures > 5 || !CALLS_COUNTED);
}

/* A large file is written back behind its writers, window by window; where the system cannot, all is left to the last sync. */
static void behind(void) {
  mw_sync_behind behind = {0};
  mw_error err = {0};
  if (!CALLS_COUNTED) return;
  CHECK(mw_sync_behind_written(&behind, 15 << 20, 0, "w", &err));
  calls_left = 0, calls_error = ENOSYS;
  CHECK(mw_sync_behind_written(&behind, 2 << 20, 0, "w", &err) && calls_struck);
  static const int lost[] = {ENOSPC, EDQUOT, EIO};
  for (size_t i = 0; i < COUNT(lost); i++) {
    calls_left = 0, calls_error = lost[i];
    CHECK(!mw_sync_behind_written(&behind, 16 << 20, 0, "w", &err) && err.status == MW_IO);
  }
  CHECK_TEXT(err.text, "w: cannot be brought to the disk: Input/output error");
  calls_end();
}

/* Each call of one kind fails in ways of its own. Some mean that the file system lacks it, and the work goes on; no right to what was made
 * just now, an output that somebody made meanwhile, and a disk that is full are told. */
static void each_kind(const scenario *s) {
  static const struct { long call; int numbers[6]; } kinds[] = {
    {SYS_fsync, {EINVAL, ENOTSUP, EROFS}}, {SYS_fallocate, {EOPNOTSUPP, ENOSYS, ENOSPC}}, {SYS_flock, {EINTR, ENOLCK}},
    {SYS_renameat2, {EINVAL, ENOSYS, EOPNOTSUPP, EEXIST, ENOTEMPTY, ENOTDIR}}, {SYS_mkdirat, {EEXIST, ENOSPC, EDQUOT, EACCES}},
    {SYS_openat, {ENOMEM, EMFILE, ENOENT, EISDIR, EACCES, ELOOP}}, {SYS_unlinkat, {ENOENT, EPERM, EISDIR}}, {SYS_fdatasync, {ENOSPC}}, {SYS_newfstatat, {ENOENT, EACCES}}, {SYS_close, {EIO}},
  };
  mw_error err = {0};
  CASE("%s: each kind of call in its own ways", s->name);
  for (size_t k = 0; k < COUNT(kinds) && CALLS_COUNTED; k++)
    for (size_t i = 0; i < COUNT(kinds[k].numbers) && kinds[k].numbers[i]; i++) {
      bool struck = true;
      for (long n = 0; struck && n < 200; n++) {
        prepare(s);
        int open = files_open();
        size_t held = memory_held;
        calls_only = kinds[k].call, calls_error = kinds[k].numbers[i], calls_left = n;
        bool made = make(s, "new", false, &err);
        struck = calls_struck;
        calls_end();
        CHECK(files_open() == open && memory_held == held);
        look(s, made, &err);
        CHECK(chdir("..") == 0);
      }
      CHECK(!struck);
    }
}

/* What a disk does not take is told while it is written, not at the end. */
static void behind_a_writer(void) {
  static const uint64_t large[] = {17 << 20};
  static char bytes[17 << 20];
  const mw_tensor tensor = {.name = "w", .shape = large, .rank = 1, .dtype = MW_DTYPE_U8};
  mw_error err = {0};
  mw_layout one;
  mw_writer *writer;
  if (!CALLS_COUNTED) return;
  CHECK(mw_layout_make(&tensor, 1, 1 << 30, &(mw_layout_names){.stem = "model"}, &one, &err));
  CHECK(mw_writer_open("large", &one, &(mw_writer_how){.sync = true}, &writer, &err));
  calls_only = SYS_sync_file_range, calls_error = EIO, calls_left = 0;
  CHECK(!mw_writer_write(writer, 0, one.tensors[0].offset, bytes, sizeof bytes, &err) && err.status == MW_IO && calls_struck);
  calls_end();
  CHECK(mw_writer_write(writer, 0, one.tensors[0].offset, bytes, sizeof bytes, &err));
  mw_writer_close(writer);
  mw_layout_free(&one);
}

/* Stands in for the C library's: nobody waits. */
int nanosleep(const struct timespec *wanted, struct timespec *left) { return (void)wanted, (void)left, 0; }

/* A process that joins waits for the folder of rank 0, for ten seconds. One that makes a folder tries again where its name comes and goes. */
static void waits(void) {
  mw_error err = {0};
  mw_writer *writer;
  int fd;
  CHECK(!mw_writer_open("nowhere", &plain, &(mw_writer_how){.rank = 1}, &writer, &err) && err.status == MW_IO);
  CHECK(strstr(err.hint, "a file system that all processes share") != NULL);
  if (!CALLS_COUNTED) return;
  calls_only = SYS_mkdirat, calls_error = EEXIST, calls_left = 0, calls_lasting = true;
  CHECK(!mw_folder_make(AT_FDCWD, "nowhere", "out", &fd, NULL, &err) && err.status == MW_CHANGED);
  calls_end();
}

/* A process that cannot record what it has finished says nothing of it: the error that ended it stays. */
static void records_without_memory(void) {
  layout = plain;
  mw_writer *ranks[2];
  mw_error err = {0};
  for (long n = 0; n < 40 && MEMORY_COUNTED; n++) {
    for (uint32_t r = 0; r < 2; r++) CHECK(mw_writer_open("out", &plain, &(mw_writer_how){.plan = "this", .sync = n % 2, .rank = r}, &ranks[r], &err));
    CHECK(write_one(ranks[1], 1, &err));
    memory_left = n / 2;
    mw_writer_record(ranks[1]);
    memory_left = -1;
    for (uint32_t r = 0; r < 2; r++) mw_writer_close(ranks[r]);
  }
}

/* What somebody has put between the weights that a stopped run left is removed, or not written to. */
static void swept(void) {
  static const scenario s = {.name = "swept", .out = "out", .deep = true, .keeps = true, .begun = true};
  mw_error err;
  prepare(&s);
  CHECK(system("cd out.partial-*; echo x > model.safe; mkdir 1_Dense/x 1_Dense/x/y; ln 1_Dense/model.safetensors ../mine; rm 1_Dense2/*; mkdir 1_Dense2/model.safetensors") == 0);
  CHECK(make(&s, "new", false, &err) && is(&s, "new") && system("rm mine && [ $(find out -type f | wc -l) = 5 ] && [ $(find out -type d | wc -l) = 4 ]") == 0);
  CHECK(chdir("..") == 0);
}

/* A folder in which nothing can be made. */
static void no_right(void) {
  mw_error err = {0};
  if (!CALLS_COUNTED) return;
  CHECK(mw_writer_allowed("new", false, NULL, 0, 0, &err));
  long calls = 0;
  for (bool refused = false; !refused && calls < 50; calls++) {
    calls_left = calls, calls_error = EROFS;
    refused = !mw_writer_allowed("new", false, NULL, 0, 0, &err) && strstr(err.text, "nothing can be made in the folder it lies in: Read-only");
  }
  CHECK(calls < 50 && err.status == MW_CANNOT_CREATE);
  calls_end();
}

int main(void) {
  static const scenario all[] = {
    {.name = "a new folder", .out = "out"},
    {.name = "a folder that is replaced", .out = "out", .replaces = true},
    {.name = "a folder that is replaced without exchange", .out = "out", .replaces = true, .plain = true},
    {.name = "a new file", .out = "out.safetensors", .seals = true},
    {.name = "a file that is replaced", .out = "out.safetensors", .replaces = true, .keeps = true},
    {.name = "a folder that is gone on with", .out = "out", .keeps = true, .begun = true},
    {.name = "a folder made by two", .out = "out", .ranked = true},
    {.name = "a folder made by two that is gone on with", .out = "out", .ranked = true, .begun = true},
    {.name = "a folder with a part", .out = "out", .parted = true, .replaces = true},
    {.name = "a folder with a part that is gone on with", .out = "out", .parted = true, .begun = true},
    {.name = "a folder with a part, without sync", .out = "out", .parted = true, .begun = true, .loose = true},
    {.name = "a folder made by two, without sync", .out = "out", .ranked = true, .begun = true, .loose = true},
    {.name = "weights in a folder", .out = "out", .deep = true, .keeps = true, .begun = true},
    {.name = "few open files", .out = "out", .few = true, .keeps = true},
  };
  static const char *const folders[] = {"1_Dense", "1_Dense2"};
  const mw_tensor apart[] = {{.name = "1_Dense/v", .shape = rows, .rank = 2, .dtype = MW_DTYPE_BF16},
                             {.name = "1_Dense2/v", .shape = shape, .rank = 1, .dtype = MW_DTYPE_F32}, tensors[1]};
  mw_error err;
  umask(022);
  toys_begin();
  CHECK(mw_layout_make(tensors, 2, 100000, &(mw_layout_names){.stem = "model"}, &plain, &err));
  CHECK(mw_layout_make(apart, 3, 100000, &(mw_layout_names){.stem = "model", .parts = folders, .part_count = 2}, &of_folders, &err));
  prepare(&all[0]); /* what libraries keep from their first use */
  CHECK(make(&all[0], "new", false, &err) && chdir("..") == 0);
  RUN(swept());
  RUN(behind());
  RUN(behind_a_writer());
  RUN(waits());
  mw_mem_largest_block = 1;
  RUN(records_without_memory());
  mw_mem_largest_block = 0;
  RUN(no_right());
  for (size_t i = 0; i < COUNT(all); i++) {
    each_kind(&all[i]);
    each(&all[i], EIO, false);
    if (all[i].plain || all[i].deep || all[i].few) each(&all[i], EIO, true);
    mw_mem_largest_block = 1; /* every piece of an arena can fail */
    each(&all[i], 0, false);
  }
  mw_layout_free(&plain);
  mw_layout_free(&of_folders);
  toys_end();
  UNIT_END();
}
