/* fuzz_journal.c: whatever lies at the place of a journal, only sealed records count; it goes on behind them, and is read again as it
 * was written. */
#include "folder.h"
#include "output/journal.h"

static mw_journal *begin(int folder, mw_journal *journal) {
  mw_error err;
  unlinkat(folder, "new", 0);
  REQUIRE(mw_journal_new(folder, "new", "the plan", journal, &err));
  return journal;
}

static int open_folder(void) {
  static int folder = -1;
  if (folder < 0) folder = open(fuzz_make_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  REQUIRE(folder >= 0);
  return folder;
}

/* Journals of 0, 1, 2 and 5 records. */
size_t fuzz_seed(unsigned number, uint8_t *room, size_t size) {
  static const unsigned counts[] = {0, 1, 2, 5};
  mw_journal journal;
  mw_error err;
  uint8_t payload[MW_JOURNAL_PAYLOAD];
  if (number >= sizeof counts / sizeof *counts) return 0;
  int folder = open_folder();
  begin(folder, &journal);
  for (unsigned i = 0; i < counts[number]; i++) {
    memset(payload, (int)i, sizeof payload);
    REQUIRE(mw_journal_add(&journal, payload, &err));
  }
  ssize_t length = pread(journal.fd, room, size, 0);
  REQUIRE(length > 0);
  mw_journal_close(&journal);
  return (size_t)length;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  mw_arena arena = {0};
  mw_journal journal, again;
  mw_error err;
  uint8_t payload[MW_JOURNAL_PAYLOAD] = {1, 2, 3};
  int folder = open_folder();
  fuzz_write("journal", bytes, length);
  REQUIRE(mw_journal_open(folder, "journal", &arena, &journal, &err));
  if (journal.fd >= 0) {
    REQUIRE(journal.text && journal.end <= length && (!journal.count || journal.records));
    size_t count = journal.count;
    REQUIRE(mw_journal_add(&journal, payload, &err));
    mw_journal_close(&journal);
    REQUIRE(mw_journal_open(folder, "journal", &arena, &again, &err) && again.fd >= 0);
    REQUIRE(again.count == count + 1 && strcmp(again.text, journal.text) == 0 && memcmp(again.records[count], payload, sizeof payload) == 0);
    for (size_t i = 0; i < count; i++) REQUIRE(memcmp(again.records[i], journal.records[i], sizeof payload) == 0);
    mw_journal_close(&again);
  }
  mw_mem_release(&arena);
  return 0;
}
