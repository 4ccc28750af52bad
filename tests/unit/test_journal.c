/* test_journal.c: a journal is cut behind its last good record, wherever it is torn or a bit is flipped. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/journal.h"
#include "unit.h"

enum { COUNT = 5, RECORD = MW_JOURNAL_PAYLOAD + 16 };
static const char text[] = "what: this\n";
enum { HEADER = 8 + 8 + sizeof text - 1 + 16 };

static char whole[HEADER + COUNT * RECORD];

static void fill(uint8_t payload[MW_JOURNAL_PAYLOAD], int number) { memset(payload, 'a' + number, MW_JOURNAL_PAYLOAD); }

static void put(const char *bytes, size_t length) {
  int fd = open("journal", O_WRONLY | O_CREAT | O_TRUNC, 0666);
  CHECK(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
  close(fd);
}

/* How many records the file has, -1: it is no journal. All that is there must be what was written. */
static int records(void) {
  mw_arena arena = {0};
  mw_journal journal;
  mw_error err = {0};
  uint8_t expected[MW_JOURNAL_PAYLOAD];
  struct stat st;
  CHECK(mw_journal_open(AT_FDCWD, "journal", &arena, &journal, &err));
  int count = journal.fd < 0 ? -1 : (int)journal.count;
  for (int i = 0; i < count; i++) {
    fill(expected, i);
    CHECK(memcmp(journal.records[i], expected, sizeof expected) == 0);
  }
  if (count >= 0) CHECK(strcmp(journal.text, text) == 0 && fstat(journal.fd, &st) == 0 && st.st_size == HEADER + count * RECORD);
  mw_journal_close(&journal);
  mw_mem_release(&arena);
  return count;
}

static void test_whole(void) {
  mw_journal journal;
  mw_arena arena = {0};
  mw_error err = {0};
  uint8_t payload[MW_JOURNAL_PAYLOAD];
  CHECK(mw_journal_open(AT_FDCWD, "journal", &arena, &journal, &err) && journal.fd < 0);
  CHECK(mw_journal_new(AT_FDCWD, "journal", text, &journal, &err));
  for (int i = 0; i < 3; i++) {
    fill(payload, i);
    CHECK(mw_journal_add(&journal, payload, &err));
  }
  mw_journal_close(&journal);
  CHECK(!mw_journal_new(AT_FDCWD, "journal", text, &journal, &err) && err.status == MW_IO);
  CHECK(records() == 3);
  /* It goes on behind them. */
  CHECK(mw_journal_open(AT_FDCWD, "journal", &arena, &journal, &err) && journal.count == 3);
  for (int i = 3; i < COUNT; i++) {
    fill(payload, i);
    CHECK(mw_journal_add(&journal, payload, &err));
  }
  mw_journal_close(&journal);
  CHECK(records() == COUNT);
  int fd = open("journal", O_RDONLY);
  CHECK(fd >= 0 && read(fd, whole, sizeof whole) == (ssize_t)sizeof whole && read(fd, payload, 1) == 0);
  close(fd);
  mw_mem_release(&arena);
}

static void test_torn(void) {
  for (size_t length = 0; length <= sizeof whole; length++) {
    put(whole, length);
    int expected = length < HEADER ? -1 : (int)((length - HEADER) / RECORD);
    CHECK(records() == expected);
  }
  char longer[sizeof whole + RECORD];
  memcpy(longer, whole, sizeof whole);
  memset(longer + sizeof whole, 0, RECORD); /* a file that was made longer, and whose bytes never came */
  put(longer, sizeof longer);
  CHECK(records() == COUNT);
}

static void test_flipped(void) {
  char bytes[sizeof whole];
  for (size_t at = 0; at < sizeof whole; at++) {
    memcpy(bytes, whole, sizeof whole);
    bytes[at] = (char)(bytes[at] ^ 1 << at % 8);
    put(bytes, sizeof bytes);
    int expected = at < HEADER ? -1 : (int)((at - HEADER) / RECORD);
    CHECK(records() == expected);
  }
  /* Two good records that have changed places, and one that stands twice. */
  memcpy(bytes, whole, sizeof whole);
  memcpy(bytes + HEADER + RECORD, whole + HEADER + 2 * RECORD, RECORD);
  memcpy(bytes + HEADER + 2 * RECORD, whole + HEADER + RECORD, RECORD);
  put(bytes, sizeof bytes);
  CHECK(records() == 1);
  memcpy(bytes + HEADER + RECORD, whole + HEADER, RECORD);
  put(bytes, sizeof bytes);
  CHECK(records() == 1);
}

/* What others may have put there is not taken. */
static void test_foreign(void) {
  mw_arena arena = {0};
  mw_journal journal;
  mw_error err = {0};
  put(whole, sizeof whole);
  CHECK(link("journal", "second") == 0 && records() == -1 && unlink("second") == 0 && records() == COUNT);
  CHECK(symlink("journal", "link") == 0 && mw_journal_open(AT_FDCWD, "link", &arena, &journal, &err) && journal.fd < 0);
  CHECK(mkdir("folder", 0777) == 0 && mw_journal_open(AT_FDCWD, "folder", &arena, &journal, &err) && journal.fd < 0);
  CHECK(close(creat("large", 0666)) == 0 && truncate("large", 300 << 20) == 0);
  CHECK(mw_journal_open(AT_FDCWD, "large", &arena, &journal, &err) && journal.fd < 0 && unlink("large") == 0);
  if (geteuid() == 0) {
    CHECK(close(creat("another's", 0666)) == 0 && chown("another's", 65534, 65534) == 0);
    CHECK(mw_journal_open(AT_FDCWD, "another's", &arena, &journal, &err) && journal.fd < 0 && unlink("another's") == 0);
  }
  CHECK(mkfifo("fifo", 0666) == 0 && mw_journal_open(AT_FDCWD, "fifo", &arena, &journal, &err) && journal.fd < 0);
  mw_mem_release(&arena);
}

int main(void) {
  char folder[] = "/tmp/mw_journal_XXXXXX", command[64];
  CHECK(mkdtemp(folder) != NULL && chdir(folder) == 0);
  RUN(test_whole());
  RUN(test_torn());
  RUN(test_flipped());
  RUN(test_foreign());
  CHECK(chdir("/") == 0);
  snprintf(command, sizeof command, "rm -rf %s", folder);
  CHECK(system(command) == 0);
  UNIT_END();
}
