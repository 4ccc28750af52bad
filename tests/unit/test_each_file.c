/* test_each_file.c: what reads headers and journals and makes folders, where one call of the system or one request for memory fails: the
 * first, then the second, and so on, until a run meets none. Each failure has its words and leaves nothing open or allocated. Every piece
 * of an arena is a request of its own here. */
#include "memory.h"
#include "calls.h"
#include "format/folder.h"
#include "format/safetensors.h"
#include "format/sync.h"
#include "output/journal.h"
#include "output/target.h"
#include "toys.h"

static int files_open(void) { return entries("/proc/self/fd"); }

/* One run of an attempt in which the n-th call fails with this error, or, of 0, the n-th request for memory. False: it met none. */
static bool struck(bool (*attempt)(mw_error *), const char *name, long n, int number) {
  mw_error err = {0};
  size_t held = memory_held;
  int open = files_open();
  if (number) calls_left = n, calls_error = number;
  else memory_left = n, memory_once = n % 2;
  bool done = attempt(&err);
  bool met = number ? calls_struck : memory_left == 0 || (memory_once && memory_left < 0);
  memory_left = -1;
  calls_end();
  if (memory_held != held || files_open() != open) printf("%s: call %ld, error %d: %s\n", name, n, number, done ? "" : err.text);
  CHECK(memory_held == held && files_open() == open);
  CHECK(done || (err.status != MW_OK && err.status != MW_BUG && err.text[0]));
  if (!done && !number) CHECK(err.status == MW_MEMORY);
  return met;
}

static void each(bool (*attempt)(mw_error *), const char *name, bool calls) {
  static const int numbers[] = {0, EIO, ENOSPC, EDQUOT, EINTR, ENOENT, EACCES, EMFILE, ENOMEM, EOPNOTSUPP};
  mw_error err = {0};
  CHECK(attempt(&err)); /* libraries keep what they allocate at first */
  for (size_t i = 0; i < (calls ? COUNT(numbers) : 1); i++) {
    long n = 0;
    while (n < 2000 && struck(attempt, name, n, numbers[i])) n++;
    CHECK((n > 0 && n < 2000) || !CALLS_COUNTED);
  }
  CHECK(attempt(&err));
}

/* The same where requests for memory are thousands. */
static void each_now_and_then(bool (*attempt)(mw_error *), const char *name) {
  mw_error err = {0};
  CHECK(attempt(&err));
  long n = 0;
  while (n < 60 && struck(attempt, name, n, EIO)) n++;
  CHECK((n > 0 && n < 60) || !CALLS_COUNTED);
  for (n = 0; struck(attempt, name, n, 0); n += n < 40 ? 1 : n / 3) continue;
  CHECK(attempt(&err));
}

/* ---- headers ---- */

/* Names that are escaped, a hash in the metadata, tensors in another order than their names. */
static const char header[] = "{\"__metadata__\":{\"format\":\"pt\",\"sha\\u0032_hash\":\"x\",\"a\":\"\\u00e4\"},"
                             "\"w\\u0031\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},"
                             "\"v\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
                             "\"e\":{\"dtype\":\"I64\",\"shape\":[0,3],\"data_offsets\":[8,8]}}";

static void put_header(const char *path) {
  uint64_t length = sizeof header - 1;
  char bytes[8 + sizeof header + 8] = {0};
  memcpy(bytes, &length, 8), memcpy(bytes + 8, header, sizeof header - 1);
  put(path, bytes, 8 + length + 8);
}

static bool read_header(mw_error *err) {
  mw_file file;
  mw_arena arena = {0};
  mw_tensor_list list = {0};
  uint64_t bytes;
  unsigned char value[4];
  MW_TRY(mw_file_open(&file, "m.safetensors", err));
  bool ok = mw_tensor_find(&file, 0, &arena, &list, err) && mw_tensor_head(&file, &bytes, err) &&
            mw_tensor_read(&file, &list.tensors[0], 0, value, 0, err);
  if (ok) CHECK(list.count == 3 && bytes == 8 + sizeof header - 1 && list.metadata);
  free(list.tensors);
  mw_mem_release(&arena);
  mw_file_close(&file);
  return ok;
}

static bool finds(const char *path, mw_error *err) {
  mw_file file;
  mw_arena arena = {0};
  mw_tensor_list list = {0};
  MW_TRY(mw_file_open(&file, path, err));
  bool ok = mw_tensor_find(&file, 0, &arena, &list, err);
  free(list.tensors);
  mw_mem_release(&arena);
  mw_file_close(&file);
  return ok;
}

/* A header of several pieces, with spaces behind it. */
static bool read_long_header(mw_error *err) { return finds("long.safetensors", err); }

/* One that is refused is read as a whole, to say where it is no JSON. */
static bool read_bad_header(mw_error *err) {
  CHECK(!finds("bad.safetensors", err));
  if (err->status != MW_DATA) return false;
  CHECK_TEXT(err->text, "bad.safetensors: header: duplicate key \"e\"");
  return true;
}

static void put_long_headers(void) {
  enum { PIECES = 3000, ENTRY = 60, LENGTH = PIECES * ENTRY + 300000 };
  char *bytes = malloc(8 + LENGTH), *at = bytes + 8;
  uint64_t length = LENGTH;
  memset(bytes, ' ', 8 + LENGTH);
  memcpy(bytes, &length, 8);
  for (int i = 0; i < PIECES; i++) {
    int n = sprintf(at, "%c\"\\u0065%d\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}", i ? ',' : '{', i);
    at[n] = ' ', at += n;
  }
  *at = '}';
  put("long.safetensors", bytes, 8 + LENGTH);
  static const char twice[] = "{\"e\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},\"e\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}";
  length = sizeof twice - 1;
  memcpy(bytes, &length, 8);
  memcpy(bytes + 8, twice, length);
  put("bad.safetensors", bytes, 8 + length);
  free(bytes);
}

static bool write_header(mw_error *err) {
  static const uint64_t shape[] = {3};
  mw_tensor one = {.name = "a\"\\\x01", .shape = shape, .rank = 1, .dtype = MW_DTYPE_F32}, two = {.name = "b", .dtype = MW_DTYPE_BF16};
  mw_tensor *order[] = {&one, &two};
  mw_text out = {0};
  bool ok = mw_safetensors_header(order, 2, "{\"modelspec.hash_sha256\":\"x\",\"k\":\"v\"}", &out, err);
  mw_text_free(&out);
  return ok;
}

/* ---- journals ---- */

static bool keep_journal(mw_error *err) {
  mw_journal journal, again;
  mw_arena arena = {0};
  const uint8_t payload[MW_JOURNAL_PAYLOAD] = {7};
  syscall(SYS_unlinkat, AT_FDCWD, "journal", 0);
  MW_TRY(mw_journal_new(AT_FDCWD, "journal", "what: this\n", &journal, err));
  bool ok = mw_journal_add(&journal, payload, err) && mw_journal_add(&journal, payload, err);
  uint64_t end = journal.end;
  mw_journal_close(&journal);
  if (!ok) return false;
  CHECK(syscall(SYS_truncate, "journal", end - 1) == 0); /* torn: opening it cuts the second record off */
  again.fd = -1;
  ok = mw_journal_open(AT_FDCWD, "journal", &arena, &again, err);
  /* One that cannot be looked at is none: the run begins anew. */
  if (ok && again.fd >= 0) CHECK(again.count == 1), ok = mw_journal_add(&again, payload, err);
  if (again.fd >= 0) mw_journal_close(&again);
  mw_mem_release(&arena);
  return ok;
}

/* ---- folders ---- */

/* Makes one that a killed run has left, with something in it, and removes it. */
static bool make_folder(mw_error *err) {
  int fd = -1;
  bool left = false;
  CHECK(system("rm -rf made && mkdir -p made/below/more && touch made/file made/below/file") == 0);
  bool ok = mw_folder_make(AT_FDCWD, "made", "out", &fd, NULL, err);
  if (fd >= 0) syscall(SYS_close, fd), fd = -1;
  ok = ok && mw_folder_make(AT_FDCWD, "made", "out", &fd, &left, err) && mw_sync_folder(fd, "made", err) &&
       mw_sync_folder_of("made/x", err) && mw_sync_folder_of("x", err) && mw_sync_folder_of("/x", err);
  if (fd >= 0) syscall(SYS_close, fd), fd = -1;
  ok = ok && mw_folder_claim(AT_FDCWD, "made", "out", &fd, err) && mw_folder_remove(AT_FDCWD, "made", err);
  if (fd >= 0) syscall(SYS_close, fd);
  return ok;
}

static bool resolve_target(mw_error *err) {
  static const char *const outs[] = {"new", "x/../new/", "new.safetensors"}, *const inputs[] = {"m.safetensors", "x"};
  bool ok = true, exists;
  for (size_t i = 0; i < COUNT(outs) && ok; i++) {
    mw_arena arena = {0};
    mw_target target;
    ok = mw_target_resolve(outs[i], &arena, &target, err) && mw_target_apart(&target, inputs, 2, err) && mw_target_free(&target, false, &exists, err) &&
         mw_target_room(&target, 1000, 0, err);
    mw_mem_release(&arena);
  }
  return ok;
}

int main(void) {
  toys_begin();
  umask(022);
  mw_mem_largest_block = 1;
  put_header("m.safetensors");
  put_long_headers();
  CHECK(mkdir("x", 0777) == 0);
  RUN(each(read_header, "read_header", true));
  RUN(each_now_and_then(read_long_header, "read_long_header"));
  RUN(each(read_bad_header, "read_bad_header", true));
  RUN(each(keep_journal, "keep_journal", true));
  RUN(each(make_folder, "make_folder", true));
  RUN(each(resolve_target, "resolve_target", true));
  RUN(each(write_header, "write_header", false));
  toys_end();
  UNIT_END();
}
