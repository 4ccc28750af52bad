/* test_writer.c: what may be an output, and that OUT is at every moment absent, the old one, or complete. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "output/publish.h"
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
  CHECK(allowed("", false, NULL, 0) == MW_USAGE && allowed(".", true, NULL, 0) == MW_USAGE);
  CHECK(allowed("/", true, NULL, 0) == MW_USAGE && allowed("out/..", true, NULL, 0) == MW_USAGE);
  CHECK(allowed("new", false, NULL, UINT64_MAX) == MW_CANNOT_CREATE && allowed("new", false, NULL, 1) == MW_OK);
  CHECK(allowed("out", true, "foreign", 0) == MW_OK && allowed("outer", false, "out", 0) == MW_OK);
  CHECK(allowed("/proc", true, NULL, 0) == MW_CANNOT_CREATE); /* a mount point */
  mw_error err = {0};
  CHECK(!make("foreign", true, false, "x", &err) && holds("foreign/thesis.txt", "mine") && entries("foreign") == 1);
  CHECK(make("empty", true, false, "x", &err) && holds("empty/sub/note", "x"));
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
  CHECK(mw_writer_verify(writer, &err));
  snprintf(path, sizeof path, "%s/note", mw_writer_folder(writer));
  put_text(path, "test");
  CHECK(!mw_writer_verify(writer, &err) && err.status == MW_IO && strstr(err.text, "/note: what is read back is not what was written"));
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
  CHECK(!mw_writer_file(one_run, "../escape", "x", 1, &err) && err.status == MW_BUG);
  CHECK(!mw_writer_file(one_run, "a/b/c", "x", 1, &err) && !mw_writer_file(one_run, "/x", "x", 1, &err));
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
  RUN(test_apart());
  RUN(test_read_back());
  RUN(test_partial());
  RUN(test_taken());
  RUN(test_taken_at_last());
  toys_end();
  UNIT_END();
}
