/* test_writer.c: what may be an output, and that OUT is at every moment absent, the old one, or complete. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "output/publish.h"
#include "output/target.h"
#include "output/writer.h"
#include "toys.h"

static const uint64_t shape[] = {4};
static const mw_tensor one = {.name = "w", .shape = shape, .rank = 1, .dtype = MW_DTYPE_F32};

/* A folder, or a lone file where `out` ends as one. */
static bool make(const char *out, bool force, bool sync, const char *note, mw_error *err) {
  const char *text = mw_text_ends_with(out, ".safetensors") ? "README.md" : "sub/note";
  mw_layout layout;
  mw_writer *writer = NULL;
  CHECK(mw_layout_make(&one, 1, 1000, &(mw_layout_names){.stem = "model"}, &layout, err));
  bool done = mw_writer_open(out, &layout, &(mw_writer_how){.force = force, .sync = sync}, &writer, err) &&
              mw_writer_write(writer, 0, layout.tensors[0].offset, "0123456789abcdef", 16, err) &&
              mw_writer_file(writer, "merge.lock.json", "{\"moonweld\": \"0.1.0\"}", 21, err) &&
              mw_writer_file(writer, text, note, strlen(note), err) && mw_publish_output(writer, err);
  mw_writer_close(writer);
  mw_layout_free(&layout);
  return done;
}

static mw_status allowed(const char *out, bool force, const char *input, uint64_t bytes) {
  mw_error err = {0};
  if (mw_writer_allowed(out, force, &input, input ? 1 : 0, bytes, &err)) return MW_OK;
  CHECK(err.text[0] != 0);
  return err.status;
}

static void test_publish(void) {
  mw_error err = {0};
  struct stat status;
  CHECK(make("out", false, false, "first", &err));
  CHECK(entries("out") == 3 && entries(".") == 1 && holds("out/sub/note", "first"));
  CHECK(stat("out/model.safetensors", &status) == 0 && (status.st_mode & 0777) == 0644);
  CHECK(status.st_size % 8 == 0 && status.st_size > 16);
  CHECK(!make("out", false, false, "second", &err) && err.status == MW_CANNOT_CREATE);
  CHECK(holds("out/sub/note", "first") && entries(".") == 1);
  CHECK(make("out/", true, false, "second", &err) && holds("out/sub/note", "second") && entries(".") == 1);
  CHECK(make("durable", false, true, "third", &err) && entries(".") == 2);
}

static void test_rules(void) {
  mkdir("foreign", 0777);
  put_text("foreign/thesis.txt", "mine");
  mkdir("empty", 0777);
  put_text("file", "mine");
  CHECK(symlink("out", "link") == 0);
  CHECK(allowed("foreign", true, NULL, 0) == MW_CANNOT_CREATE && allowed("foreign", false, NULL, 0) == MW_CANNOT_CREATE);
  CHECK(allowed("empty", false, NULL, 0) == MW_CANNOT_CREATE && allowed("empty", true, NULL, 0) == MW_OK);
  CHECK(allowed("file", true, NULL, 0) == MW_CANNOT_CREATE && allowed("link", true, NULL, 0) == MW_CANNOT_CREATE);
  CHECK(allowed("absent/out", false, NULL, 0) == MW_CANNOT_CREATE);
  CHECK(symlink("loop", "loop") == 0 && allowed("loop/out", false, NULL, 0) == MW_CANNOT_CREATE);
  CHECK(allowed("a-name-of-240-bytes-----------------------------------------------------------------------------------------------------"
                "------------------------------------------------------------------------------------------------------------------------",
                false, NULL, 0) == MW_CANNOT_CREATE);
  CHECK(allowed("", false, NULL, 0) == MW_USAGE && allowed(".", true, NULL, 0) == MW_USAGE);
  CHECK(allowed("/", true, NULL, 0) == MW_USAGE && allowed("out/..", true, NULL, 0) == MW_USAGE);
  CHECK(allowed("new", false, NULL, UINT64_MAX) == MW_CANNOT_CREATE && allowed("new", false, NULL, 1) == MW_OK);
  CHECK(allowed("out", true, "foreign", 0) == MW_OK && allowed("outer", false, "out", 0) == MW_OK);
  CHECK(allowed("/proc", true, NULL, 0) == MW_CANNOT_CREATE); /* a mount point */
  mw_error err = {0};
  CHECK(!make("foreign", true, false, "x", &err) && holds("foreign/thesis.txt", "mine") && entries("foreign") == 1);
  CHECK(make("empty", true, false, "x", &err) && holds("empty/sub/note", "x"));
}

/* A lone file has company: a lock, a card and a seal of others are not written over. */
static void test_lone_rules(void) {
  static const char *const company[] = {"taken.lock.json", "taken.md", "taken.seal.json", "taken.safetensors"};
  mw_error err = {0};
  CHECK(mkdir("folder.safetensors", 0777) == 0 && symlink("file", "link.safetensors") == 0);
  CHECK(allowed("folder.safetensors", true, NULL, 0) == MW_CANNOT_CREATE && allowed("link.safetensors", true, NULL, 0) == MW_CANNOT_CREATE);
  for (size_t i = 0; i < COUNT(company); i++) {
    put_text(company[i], "mine");
    CHECK(allowed("taken.safetensors", true, NULL, 0) == MW_CANNOT_CREATE && unlink(company[i]) == 0);
  }
  CHECK(make("ours.safetensors", false, false, "x", &err));
  CHECK(allowed("ours.safetensors", false, NULL, 0) == MW_CANNOT_CREATE && allowed("ours.safetensors", true, NULL, 0) == MW_OK);
  CHECK(unlink("ours.safetensors") == 0 && unlink("ours.lock.json") == 0 && unlink("ours.md") == 0);
}

/* What a power cut leaves of a lock; a folder that may not be listed. */
static void test_spoiled(void) {
  mw_error err = {0};
  CHECK(mkdir("wreck", 0777) == 0 && mkdir("closed", 0) == 0);
  put("wreck/merge.lock.json", "\0\0\0\0", 4);
  CHECK(!mw_writer_allowed("wreck", false, NULL, 0, 0, &err) && strstr(err.text, "what a power cut leaves"));
  bool root = geteuid() == 0;
  CHECK(chmod(".", 0777) == 0 && (!root || seteuid(65534) == 0));
  CHECK(!mw_writer_allowed("closed", true, NULL, 0, 0, &err) && strstr(err.text, "closed: exists and cannot be read"));
  CHECK(!mw_writer_allowed("closed/out", true, NULL, 0, 0, &err) && err.status == MW_CANNOT_CREATE);
  CHECK(!root || seteuid(0) == 0);
  CHECK(rmdir("closed") == 0 && unlink("wreck/merge.lock.json") == 0 && rmdir("wreck") == 0);
}

/* Stands in for the C library's: what a file system says of its room. */
static struct statvfs disk;
static bool disk_told = false, disk_fails = false;
int statvfs(const char *path, struct statvfs *out) {
  if (!disk_told) return statvfs64(path, (struct statvfs64 *)out);
  *out = disk;
  return disk_fails ? errno = ENOSYS, -1 : 0;
}

static void test_room(void) {
  static const struct { struct statvfs disk; uint64_t bytes; mw_status status; } cases[] = {
    {{.f_frsize = 0, .f_bsize = 4096, .f_bavail = 1, .f_blocks = 9}, 4097, MW_CANNOT_CREATE},
    {{.f_frsize = 512, .f_bsize = 4096, .f_bavail = 8, .f_blocks = 9}, 4096, MW_OK},
    {{.f_frsize = 512, .f_bavail = UINT64_MAX, .f_blocks = 9}, UINT64_MAX, MW_OK}, /* more than can be counted */
    {{.f_frsize = 512, .f_bavail = 0, .f_blocks = 0}, 4096, MW_OK},                /* it tells nothing */
  };
  disk_told = true;
  for (size_t i = 0; i < COUNT(cases); i++) {
    disk = cases[i].disk;
    CHECK(allowed("new", false, NULL, cases[i].bytes) == cases[i].status);
  }
  mw_error err = {0};
  mw_arena arena = {0};
  mw_target target;
  disk = (struct statvfs){.f_frsize = 1, .f_bavail = UINT64_MAX, .f_blocks = 9};
  CHECK(mw_target_resolve("new", &arena, &target, &err) && mw_target_room(&target, UINT64_MAX, 1, &err)); /* with what is there already */
  mw_mem_release(&arena);
  disk_fails = true;
  CHECK(allowed("new", false, NULL, UINT64_MAX) == MW_OK);
  disk_told = disk_fails = false;
  /* The disk has been filled since that was looked at. */
  static const uint64_t large[] = {UINT64_C(1) << 50};
  const mw_tensor tensor = {.name = "w", .shape = large, .rank = 1, .dtype = MW_DTYPE_F32};
  mw_layout layout;
  mw_writer *writer;
  CHECK(mw_layout_make(&tensor, 1, UINT64_MAX, &(mw_layout_names){.stem = "model"}, &layout, &err));
  CHECK(!mw_writer_open("new", &layout, &(mw_writer_how){.force = false}, &writer, &err) && strstr(err.text, "the disk needs"));
  CHECK(entries("new") == -1);
  mw_layout_free(&layout);
}

/* What the disk gives back is not what was written: nothing is published. */
static void test_read_back(void) {
  mw_error err = {0};
  mw_layout layout;
  mw_writer *writer = NULL;
  mw_file_checksum_memory memory = {1 << 20};
  char path[4096];
  CHECK(mw_layout_make(&one, 1, 1000, &(mw_layout_names){.stem = "model"}, &layout, &err));
  CHECK(mw_writer_open("twisted", &layout, &(mw_writer_how){.sync = false}, &writer, &err) && mw_writer_count(writer, &layout, &memory, &err));
  CHECK(mw_writer_write(writer, 0, layout.tensors[0].offset, "0123456789abcdef", 16, &err) && mw_writer_file(writer, "note", "text", 4, &err));
  CHECK(mw_writer_verify(writer, &err) && mw_writer_is_counted(writer));
  const mw_writer_small *small;
  CHECK(mw_writer_files(writer, &small) == 1 && small->bytes == 4);
  CHECK_TEXT(small->name, "note");
  snprintf(path, sizeof path, "%s/note", mw_writer_folder(writer));
  put_text(path, "test");
  CHECK(!mw_writer_verify(writer, &err) && err.status == MW_IO && strstr(err.text, "/note: what is read back is not what was written"));
  put_text(path, "tex");
  CHECK(!mw_writer_verify(writer, &err) && err.status == MW_IO);
  put_text(path, "text");
  snprintf(path, sizeof path, "%s/model.safetensors", mw_writer_folder(writer));
  int fd = open(path, O_WRONLY);
  CHECK(pwrite(fd, "x", 1, (off_t)layout.tensors[0].offset + 3) == 1 && close(fd) == 0);
  CHECK(!mw_writer_verify(writer, &err) && err.status == MW_IO && strstr(err.text, "model.safetensors: what is read back"));
  mw_writer_close(writer);
  mw_layout_free(&layout);
  CHECK(entries("twisted") == -1);
}

static void test_apart(void) {
  CHECK(allowed("out", true, "out", 0) == MW_USAGE);
  CHECK(allowed("out", true, "link", 0) == MW_USAGE && allowed("link", true, "out", 0) == MW_USAGE);
  CHECK(allowed("out/new", false, "out", 0) == MW_USAGE && allowed("link/new", false, "out", 0) == MW_USAGE);
  CHECK(allowed("out", true, "out/model.safetensors", 0) == MW_USAGE);
  CHECK(allowed("out", true, "out/sub", 0) == MW_USAGE);
  CHECK(allowed("./empty/../out/new", false, "out/", 0) == MW_USAGE);
}

/* A second run meets the lock of the first; what a killed run left is removed, and links in it are not followed. */
static void test_partial(void) {
  mw_error err = {0};
  mw_layout layout;
  mw_writer *one_run = NULL, *another = NULL;
  char partial[4096];
  CHECK(mw_layout_make(&one, 1, 1000, &(mw_layout_names){.stem = "model"}, &layout, &err));
  CHECK(mw_writer_open("late", &layout, &(mw_writer_how){.force = false, .sync = false}, &one_run, &err));
  CHECK(strstr(mw_writer_folder(one_run), "/late.partial-") != NULL && entries("late") == -1);
  CHECK(!mw_writer_open("./late", &layout, &(mw_writer_how){.force = false, .sync = false}, &another, &err) && err.status == MW_CHANGED && !another);
  CHECK(strstr(err.text, "is being written by another run") != NULL);
  static const char *const unsound[] = {"../escape", "./x", "a/b/c", "/x", "", "a/", ".", "..", "a/.", "a/.."};
  for (size_t i = 0; i < COUNT(unsound); i++) CHECK(!mw_writer_file(one_run, unsound[i], "x", 1, &err) && err.status == MW_BUG);
  CHECK(!mw_writer_is_counted(one_run) && !mw_writer_checksum(one_run, 0) && mw_writer_verify(one_run, &err));
  snprintf(partial, sizeof partial, "%s", mw_writer_folder(one_run));
  mw_writer_close(one_run);
  CHECK(entries(partial) == -1 && entries("late") == -1);
  mkdir(partial, 0700);
  CHECK(chdir(partial) == 0 && mkdir("deep", 0777) == 0 && symlink("../../foreign", "deep/link") == 0);
  put_text("deep/model.safetensors", "stale");
  CHECK(symlink("../foreign", "link") == 0 && chdir("..") == 0);
  CHECK(make("late", false, false, "x", &err) && entries("late") == 3 && entries(partial) == -1);
  CHECK(holds("foreign/thesis.txt", "mine") && entries("foreign") == 1);
  mw_layout_free(&layout);
}

/* A name taken between opening and publishing is not overwritten. */
static void test_taken(void) {
  mw_error err = {0};
  mw_layout layout;
  mw_writer *writer = NULL;
  CHECK(mw_layout_make(&one, 1, 1000, &(mw_layout_names){.stem = "model"}, &layout, &err) && mw_writer_open("race", &layout, &(mw_writer_how){.force = true, .sync = false}, &writer, &err));
  mkdir("race", 0777);
  put_text("race/thesis.txt", "mine");
  CHECK(!mw_publish_output(writer, &err) && err.status == MW_CANNOT_CREATE);
  mw_writer_close(writer);
  CHECK(holds("race/thesis.txt", "mine") && entries("race") == 1);
  mw_layout_free(&layout);
}

/* Stands in for the C library's: somebody takes the name between the last look at it and the renaming, with an empty folder or a
 * file, which a plain rename replaces. */
static const char *meanwhile;
static bool with_file;
int renameat2(int from, const char *old, int to, const char *new, unsigned flags) {
  if (meanwhile && with_file) put_text(meanwhile, "mine");
  else if (meanwhile) CHECK(mkdir(meanwhile, 0777) == 0);
  meanwhile = NULL;
  return (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

static void test_taken_at_last(void) {
  mw_error err = {0};
  int before = entries(".");
  meanwhile = "last";
  CHECK(!make("last", true, false, "x", &err) && err.status == MW_CHANGED && meanwhile == NULL);
  CHECK_TEXT(err.text, "last: something else took its name meanwhile");
  CHECK(entries("last") == 0 && entries(".") == before + 1);
  with_file = true;
  meanwhile = "last.safetensors";
  CHECK(!make("last.safetensors", true, false, "x", &err) && err.status == MW_CHANGED && meanwhile == NULL);
  CHECK_TEXT(err.text, "last.safetensors: something else took its name meanwhile");
  CHECK(holds("last.safetensors", "mine") && entries(".") == before + 2);
  CHECK(make("lone.safetensors", false, false, "x", &err) && holds("lone.md", "x") && entries(".") == before + 5);
}

int main(void) {
  umask(022);
  toys_begin();
  RUN(test_publish());
  RUN(test_rules());
  RUN(test_lone_rules());
  RUN(test_spoiled());
  RUN(test_room());
  RUN(test_apart());
  RUN(test_read_back());
  RUN(test_partial());
  RUN(test_taken());
  RUN(test_taken_at_last());
  toys_end();
  UNIT_END();
}
