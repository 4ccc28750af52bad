/* journal.c: reads the whole file at once, and checks seal after seal. */
#include "output/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/file.h"

enum { MAGIC = 8, SEAL = sizeof(mw_checksum), RECORD = MW_JOURNAL_PAYLOAD + SEAL, LARGEST = 256 << 20 };
static const char magic[MAGIC + 1] = "MWJRNL1\n";

static bool fail(mw_error *err, const char *name) {
  int number = errno;
  mw_text_escaped shown;
  return mw_error_set(err, MW_IO, "%s: %s", mw_text_escape_z(&shown, name), strerror(number));
}

/* The seal of `bytes` behind the seal `before`, or at the beginning (NULL). */
static mw_checksum seal_of(const mw_checksum *before, const void *bytes, size_t length) {
  mw_checksum_state state;
  mw_checksum_begin(&state);
  if (before) mw_checksum_add(&state, before->bytes, SEAL);
  mw_checksum_add(&state, bytes, length);
  return mw_checksum_end(&state);
}

bool mw_journal_new(int folder, const char *name, const char *text, mw_journal *journal, mw_error *err) {
  uint64_t length = strlen(text);
  mw_text header = {0};
  *journal = (mw_journal){.name = name, .end = MAGIC + sizeof length + length + SEAL};
  mw_text_add(&header, magic, MAGIC);
  mw_text_add(&header, (const char *)&length, sizeof length);
  mw_text_add(&header, text, (size_t)length);
  bool ok = mw_text_check(&header, err);
  if (ok) {
    journal->seal = seal_of(NULL, header.bytes, header.length);
    mw_text_add(&header, (const char *)journal->seal.bytes, SEAL);
    ok = mw_text_check(&header, err);
  }
  journal->fd = ok ? openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666) : -1;
  if (ok && journal->fd < 0) ok = fail(err, name);
  ok = ok && mw_file_write(journal->fd, name, 0, header.bytes, header.length, err);
  mw_text_free(&header);
  if (!ok) mw_journal_close(journal);
  return ok;
}

/* Takes the header and all records up to the first that is not good. False: the header is damaged. */
static bool take(mw_journal *journal, uint8_t *bytes, size_t size, mw_arena *arena, mw_error *err) {
  uint64_t length;
  const size_t before = MAGIC + sizeof length;
  if (size < before + SEAL || memcmp(bytes, magic, MAGIC) != 0) return false;
  memcpy(&length, bytes + MAGIC, sizeof length);
  if (length > size - before - SEAL) return false;
  size_t at = before + (size_t)length;
  journal->seal = seal_of(NULL, bytes, at);
  if (memcmp(bytes + at, journal->seal.bytes, SEAL) != 0) return false;
  if (!(journal->text = mw_mem_copy(arena, (const char *)bytes + before, (size_t)length, err))) return false;
  at += SEAL;
  uint8_t(*records)[MW_JOURNAL_PAYLOAD] = (uint8_t(*)[MW_JOURNAL_PAYLOAD])(bytes + at); /* they move up, over the seals */
  for (; size - at >= RECORD; at += RECORD, journal->count++) {
    mw_checksum seal = seal_of(&journal->seal, bytes + at, MW_JOURNAL_PAYLOAD);
    if (memcmp(bytes + at + MW_JOURNAL_PAYLOAD, seal.bytes, SEAL) != 0) break;
    journal->seal = seal;
    memmove(records[journal->count], bytes + at, MW_JOURNAL_PAYLOAD);
  }
  journal->records = (const uint8_t(*)[MW_JOURNAL_PAYLOAD])records;
  journal->end = at;
  return true;
}

/* Whether the open file is one that we may have written: nobody else can change it behind our back. */
static bool is_own(int fd, uint64_t *size) {
  struct stat st;
  if (fstat(fd, &st) != 0) return false;
  *size = (uint64_t)st.st_size;
  return S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_nlink == 1 && *size <= LARGEST;
}

bool mw_journal_open(int folder, const char *name, mw_arena *arena, mw_journal *journal, mw_error *err) {
  uint64_t size;
  *journal = (mw_journal){.name = name, .fd = openat(folder, name, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)};
  if (journal->fd < 0) return errno == ENOENT || errno == ELOOP || errno == EISDIR || errno == EACCES || fail(err, name);
  *err = (mw_error){0};
  uint8_t *bytes = NULL;
  bool good = is_own(journal->fd, &size) && (bytes = mw_mem_take(arena, (size_t)size + 1, err)) != NULL;
  good = good && mw_file_read(&(mw_file){.fd = journal->fd, .path = (char *)name, .size = size}, 0, bytes, (size_t)size, err) &&
         take(journal, bytes, (size_t)size, arena, err);
  if (good && journal->end < size && ftruncate(journal->fd, (off_t)journal->end) != 0) good = fail(err, name);
  if (good) return true;
  mw_journal_close(journal);
  return err->status == MW_OK;
}

bool mw_journal_add(mw_journal *journal, const uint8_t payload[MW_JOURNAL_PAYLOAD], mw_error *err) {
  uint8_t record[RECORD];
  mw_checksum seal = seal_of(&journal->seal, payload, MW_JOURNAL_PAYLOAD);
  memcpy(record, payload, MW_JOURNAL_PAYLOAD);
  memcpy(record + MW_JOURNAL_PAYLOAD, seal.bytes, SEAL);
  MW_TRY(mw_file_write(journal->fd, journal->name, journal->end, record, RECORD, err));
  journal->seal = seal;
  journal->end += RECORD;
  return true;
}

void mw_journal_close(mw_journal *journal) {
  if (journal->fd >= 0) close(journal->fd);
  journal->fd = -1;
}
