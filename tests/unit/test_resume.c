/* test_resume.c: what a run that was stopped leaves beside its output, what a later run of the same plan takes of it, and what one of
 * another plan, or `clean`, does with it. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/aside.h"
#include "output/left_overs.h"
#include "output/publish.h"
#include "output/resume.h"
#include "unit.h"

enum { TENSORS = 6, BYTES = 64 };
static const uint64_t shape[] = {BYTES / 4};
static const char *const names[TENSORS] = {"a", "b", "c", "d", "e", "f"};
static mw_layout layout;
static const char plan[] = "the version: 1\nthe recipe: r\n", other[] = "the version: 1\nthe recipe: s\n";
static char folder[4096]; /* of the last writer */
static bool syncs = true;

/* Stands in for the library's: time passes as a test says. */
static double now;
double mw_clock_now(void) { return now; }

/* Entries of the folder whose name has `part`. */
static int entries(const char *part) {
  int count = 0;
  DIR *stream = opendir(".");
  for (struct dirent *e; (e = readdir(stream));) count += strstr(e->d_name, part) != NULL;
  closedir(stream);
  return count;
}

static mw_writer *begin(const char *what, mw_warning *warnings, mw_error *err) {
  mw_writer *writer = NULL;
  mw_writer_how how = {.sync = syncs, .plan = what, .warnings = warnings};
  if (!mw_writer_open("out", &layout, &how, &writer, err)) return NULL;
  snprintf(folder, sizeof folder, "%s", mw_writer_folder(writer));
  return writer;
}

/* Writes tensors [0, count) that are not there, and says so. */
static void make(mw_writer *writer, int count) {
  char bytes[BYTES];
  mw_error err = {0};
  for (int i = 0; i < count; i++) {
    if (mw_writer_has(writer, (size_t)i)) continue;
    memset(bytes, 'A' + i, BYTES);
    CHECK(mw_writer_write(writer, layout.tensors[i].file, layout.tensors[i].offset, bytes, BYTES, &err));
    CHECK(mw_writer_done(writer, (size_t)i, &err) && mw_writer_done(writer, (size_t)i, &err));
  }
}

static int there(const mw_writer *writer) {
  int count = 0;
  for (size_t i = 0; i < TENSORS; i++) count += mw_writer_has(writer, i);
  return count;
}

/* A run of `plan` that is stopped when it has made `count` tensors. */
static void stop_after(int count) {
  mw_error err = {0}, stopped = {0};
  mw_writer *writer = begin(plan, NULL, &err);
  CHECK(writer != NULL);
  make(writer, count);
  mw_error_set(&stopped, MW_INTERRUPTED, "stopped");
  mw_writer_keep(writer, &stopped);
  CHECK(strstr(stopped.hint, count == 0 ? "the same command begins anew" : "the same command goes on from there") != NULL);
  mw_writer_close(writer);
}

static void publish(mw_writer *writer) {
  mw_error err = {0};
  char bytes[2048];
  make(writer, TENSORS);
  CHECK(mw_writer_file(writer, "merge.lock.json", "{\"moonweld\": \"0.1.0\"}", 21, &err) && mw_publish_output(writer, &err));
  mw_writer_close(writer);
  for (int i = 0; i < TENSORS; i++) {
    char path[256];
    snprintf(path, sizeof path, "out/%s", layout.shards[layout.tensors[i].file].name);
    int fd = open(path, O_RDONLY);
    CHECK(pread(fd, bytes, BYTES, (off_t)layout.tensors[i].offset) == BYTES);
    for (int k = 0; k < BYTES; k++) CHECK(bytes[k] == 'A' + i);
    close(fd);
  }
  CHECK(entries("out") == 1 && access("out/moonweld.journal", F_OK) != 0);
  CHECK(system("rm -r out") == 0);
}

static void test_goes_on(void) {
  mw_error err = {0};
  for (int count = 0; count <= TENSORS; count++) {
    stop_after(count);
    CHECK(entries(".partial-") == (count > 0) && entries("out") == (count > 0));
    mw_writer *writer = begin(plan, NULL, &err);
    CHECK(writer && there(writer) == count);
    publish(writer);
  }
}

/* A run that is killed has no chance to keep anything but what it has recorded. */
static void test_killed(void) {
  mw_error err = {0};
  setenv("MOONWELD_JOURNAL", "100", 1);
  mw_writer *writer = begin(plan, NULL, &err);
  make(writer, 5); /* recorded after the second and the fourth; after the sixth nothing would be, since the publication follows */
  char copy[8300];
  snprintf(copy, sizeof copy, "cp -a %s killed", folder);
  CHECK(system(copy) == 0);
  mw_writer_close(writer);
  unsetenv("MOONWELD_JOURNAL");
  snprintf(copy, sizeof copy, "mv killed %s", folder);
  CHECK(entries("out") == 0 && system(copy) == 0);
  writer = begin(plan, NULL, &err);
  CHECK(writer && there(writer) == 4);
  publish(writer);
}

static bool has_journal(void) {
  char path[4200];
  snprintf(path, sizeof path, "%s/moonweld.journal", folder);
  return access(path, F_OK) == 0;
}

/* What is finished is recorded every ten seconds, or where that many bytes were written. */
static void test_late(void) {
  mw_error err = {0};
  setenv("MOONWELD_JOURNAL", "no number", 1); /* as if it were not set */
  mw_writer *writer = begin(plan, NULL, &err);
  make(writer, 1);
  CHECK(!has_journal());
  now += 10;
  make(writer, 2);
  CHECK(has_journal());
  unsetenv("MOONWELD_JOURNAL");
  mw_writer_close(writer);
}

/* While one thread writes records another does not wait for it. */
static void test_at_once(void) {
  mw_error err = {0};
  mw_resume resume = {.layout = &layout, .plan = plan, .root = -1, .parent = -1, .journal = {.fd = -1}, .recording = true};
  setenv("MOONWELD_JOURNAL", "0", 1);
  CHECK(mw_resume_begin(&resume, &err) && mw_resume_done(&resume, 0, &err) && resume.recording && resume.journal.fd < 0);
  unsetenv("MOONWELD_JOURNAL");
  mw_resume_end(&resume);
}

/* Records of a tensor that there is not are passed over, and a journal of another plan is none. */
static void test_foreign_journals(void) {
  static const char *const left[] = {"moonweld.journal", "moonweld.journal-1", "moonweld.journal-2"};
  mw_error err = {0}, stopped = {.status = MW_INTERRUPTED};
  mw_arena arena = {0};
  mw_journal journal;
  const uint8_t payload[MW_JOURNAL_PAYLOAD] = {TENSORS};
  stop_after(2);
  int fd = open(folder, O_RDONLY | O_DIRECTORY);
  CHECK(mw_journal_open(fd, left[0], &arena, &journal, &err) && journal.count == 2 && mw_journal_add(&journal, payload, &err));
  mw_journal_close(&journal);
  CHECK(mw_journal_new(fd, left[1], plan, &journal, &err) && mw_journal_add(&journal, payload, &err));
  mw_journal_close(&journal);
  CHECK(mw_journal_new(fd, left[2], other, &journal, &err));
  mw_journal_close(&journal);
  mw_writer *writer = begin(plan, NULL, &err);
  CHECK(writer && there(writer) == 2);
  mw_writer_keep(writer, &stopped);
  mw_writer_close(writer);
  CHECK(unlinkat(fd, left[0], 0) == 0 && unlinkat(fd, left[1], 0) == 0 && mw_journal_new(fd, left[0], other, &journal, &err));
  mw_journal_close(&journal);
  close(fd);
  writer = begin(plan, NULL, &err);
  CHECK(writer && there(writer) == 0);
  publish(writer);
  mw_mem_release(&arena);
  CHECK(mw_resume_is_journal("moonweld.journal-7") && !mw_resume_is_journal("moonweld.journals") && !mw_resume_is_journal("moonweld"));
}

/* Where nothing is kept, nothing is found and nothing recorded; another process joins all the same. */
static void test_no_plan(void) {
  mw_error err = {0}, stopped;
  mw_writer *writer = begin(NULL, NULL, &err), *second = NULL;
  CHECK(writer && mw_writer_open("out", &layout, &(mw_writer_how){.rank = 1}, &second, &err));
  mw_writer_found(writer, 0);
  mw_writer_record(writer);
  CHECK(there(writer) == 0 && mw_writer_settle(second, &err));
  mw_writer_close(second);
  mw_error_set(&stopped, MW_INTERRUPTED, "stopped");
  mw_writer_keep(writer, &stopped);
  mw_writer_close(writer);
  CHECK(!*stopped.hint && entries("out") == 0);
}

/* What an error says already stays, and what is published is not kept. */
static void test_hints(void) {
  mw_error err = {0}, stopped;
  mw_error_set(&stopped, MW_INTERRUPTED, "stopped");
  mw_error_hint(&stopped, "mine");
  mw_writer *writer = begin(plan, NULL, &err);
  mw_writer_found(writer, 0);
  mw_writer_found(writer, 0);
  CHECK(there(writer) == 1);
  mw_writer_close(writer);
  writer = begin(plan, NULL, &err);
  mw_writer_keep(writer, &stopped);
  CHECK_TEXT(stopped.hint, "mine");
  make(writer, TENSORS);
  CHECK(mw_writer_file(writer, "merge.lock.json", "{\"moonweld\": \"0.1.0\"}", 21, &err) && mw_publish_output(writer, &err));
  mw_writer_keep(writer, &stopped);
  CHECK_TEXT(stopped.hint, "mine");
  mw_writer_close(writer);
  CHECK(entries("out") == 1 && system("rm -r out") == 0);
}

/* Any change of any byte of the shards costs the tensor that it lies in, and no other. */
static void test_damaged(void) {
  mw_error err = {0};
  stop_after(4);
  for (int i = 0; i < 4; i++) {
    char path[8300], byte;
    off_t at = (off_t)layout.tensors[i].offset + i * 7;
    snprintf(path, sizeof path, "%s/%s", folder, layout.shards[layout.tensors[i].file].name);
    int fd = open(path, O_RDWR);
    CHECK(fd >= 0 && pread(fd, &byte, 1, at) == 1);
    byte ^= 16;
    CHECK(pwrite(fd, &byte, 1, at) == 1);
    mw_error stopped = {.status = MW_INTERRUPTED};
    mw_writer *writer = begin(plan, NULL, &err);
    CHECK(writer && there(writer) == 3 && !mw_writer_has(writer, (size_t)i));
    make(writer, 4);
    mw_writer_keep(writer, &stopped);
    mw_writer_close(writer);
    close(fd);
  }
  /* The whole shard is gone, short, or a link to something of the user's, which is not written to. */
  char command[9000];
  snprintf(command, sizeof command, "rm %s/model-00001*; echo mine > mine; ln -s $PWD/mine %s/%s", folder, folder, layout.shards[0].name);
  CHECK(system(command) == 0);
  mw_writer *writer = begin(plan, NULL, &err);
  CHECK(writer && there(writer) == 2); /* of the second shard */
  publish(writer);
  CHECK(system("[ \"$(cat mine)\" = mine ] && rm mine") == 0);
}

/* Left-overs of other plans are named and removed; so are side files that a run which nearly ended has left. */
static void test_other_plan(void) {
  mw_error err = {0};
  mw_warning warnings = {0};
  stop_after(3);
  char command[13000], part[9];
  snprintf(command, sizeof command, "echo stale > %s/config.json; mkdir %s/sub; echo stale > %s/sub/x", folder, folder, folder);
  CHECK(system(command) == 0);
  mw_error stopped = {.status = MW_INTERRUPTED};
  mw_writer *writer = begin(plan, &warnings, &err);
  snprintf(command, sizeof command, "[ $(ls %s | wc -l) = 4 ]", folder);
  CHECK(writer && there(writer) == 3 && warnings.count == 0 && system(command) == 0);
  mw_writer_keep(writer, &stopped);
  mw_writer_close(writer);
  snprintf(part, sizeof part, "%s", strrchr(folder, '-') + 1);
  writer = begin(other, &warnings, &err);
  CHECK(writer && there(writer) == 0 && entries(".partial-") == 1 && warnings.count == 1);
  CHECK(strstr(warnings.lines[0], part) && strstr(warnings.lines[0], "what differs: the recipe") != NULL);
  publish(writer);
  mw_warning_free(&warnings);
}

/* Two runs of one output meet, whatever their plans are. */
static void test_in_use(void) {
  mw_error err = {0};
  mw_writer *first = begin(plan, NULL, &err);
  CHECK(first && !begin(plan, NULL, &err) && err.status == MW_CHANGED);
  CHECK(!begin(other, NULL, &err) && err.status == MW_CHANGED && strstr(err.text, "is being written by another run"));
  CHECK(entries(".partial-") == 1);
  publish(first);
}

/* After an error of the data, or of an input that has changed, nothing is worth to be kept. */
static void test_not_kept(void) {
  static const mw_status statuses[] = {MW_DATA, MW_CHANGED, MW_USAGE, MW_BUG};
  mw_error err = {0};
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
    mw_error ended = {.status = statuses[i]};
    mw_writer *writer = begin(plan, NULL, &err);
    make(writer, 4);
    mw_writer_keep(writer, &ended);
    mw_writer_close(writer);
    CHECK(!*ended.hint && entries("out") == 0);
  }
}

static void count(void *context, const char *path, uint64_t bytes) {
  int *counts = context;
  CHECK(strstr(path, "/out.") != NULL && bytes <= 1 << 20);
  ++*counts;
}

static void test_clean(void) {
  mw_error err = {0};
  int counts = 0;
  stop_after(2);
  CHECK(system("mkdir -p out.replaced-01234567 out.scoring-0123abcd/candidate out.partial-zzzzzzzz outer.partial-01234567;"
               "echo x > out.learning; echo x > out.scoring-0123abcd/candidate/model.safetensors; echo mine > out.txt") == 0);
  mkdir("out", 0777);
  CHECK(mw_clean_output("out", count, &counts, &err) && counts == 4);
  CHECK(entries("") == 2 + 4 && access("out.txt", F_OK) == 0 && access("outer.partial-01234567", F_OK) == 0);
  CHECK(mw_clean_output("./out/", count, &counts, &err) && counts == 4);
  CHECK(system("rm -r out out.* outer.*") == 0);
  mw_writer *living = begin(plan, NULL, &err);
  CHECK(living && !mw_clean_output("out", count, &counts, &err) && err.status == MW_CHANGED);
  publish(living);
}

/* A run that was killed between the two renames that replace a folder has left no OUT: the next command that names it finds the old
 * one aside. */
static void test_aside(void) {
  mw_error err = {0};
  mw_arena arena = {0};
  mw_target target;
  CHECK(mw_target_resolve("out", &arena, &target, &err));
  const char *aside = mw_aside_name("out", &arena, &err);
  publish(begin(plan, NULL, &err));
  CHECK(mkdir(aside, 0777) == 0 && mw_aside_mend("out", &err) && access("out", F_OK) == 0 && access(aside, F_OK) != 0);
  CHECK(mkdir(aside, 0777) == 0 && mw_aside_mend("out", &err) && access(aside, F_OK) == 0); /* OUT is there */
  CHECK(rmdir("out") == 0);
  int fd = open(aside, O_RDONLY | O_DIRECTORY);
  CHECK(fd >= 0 && flock(fd, LOCK_EX) == 0 && mw_aside_mend("out", &err) && access("out", F_OK) != 0); /* another run is at it */
  close(fd);
  CHECK(mw_target_resolve("out/", &arena, &target, &err) && access("out", F_OK) == 0 && rmdir("out") == 0);
  CHECK(mw_aside_mend("absent/out", &err) && mw_aside_mend("/", &err) && mw_aside_mend("", &err));
  mw_mem_release(&arena);
}

int main(void) {
  char work[] = "/tmp/mw_resume_XXXXXX", command[64];
  mw_tensor tensors[TENSORS];
  mw_error err = {0};
  umask(022);
  CHECK(mkdtemp(work) != NULL && chdir(work) == 0);
  for (int i = 0; i < TENSORS; i++) tensors[i] = (mw_tensor){.name = names[i], .shape = shape, .rank = 1, .dtype = MW_DTYPE_F32};
  CHECK(mw_layout_make(tensors, TENSORS, 2 * BYTES, &(mw_layout_names){.stem = "model"}, &layout, &err) && layout.shard_count == 3);
  RUN(test_goes_on());
  syncs = false;
  RUN(test_goes_on());
  syncs = true;
  RUN(test_late());
  RUN(test_at_once());
  RUN(test_foreign_journals());
  RUN(test_no_plan());
  RUN(test_hints());
  RUN(test_killed());
  RUN(test_damaged());
  RUN(test_other_plan());
  RUN(test_in_use());
  RUN(test_not_kept());
  RUN(test_clean());
  RUN(test_aside());
  mw_layout_free(&layout);
  CHECK(chdir("/") == 0);
  snprintf(command, sizeof command, "rm -rf %s", work);
  CHECK(system(command) == 0);
  UNIT_END();
}
