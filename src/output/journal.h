/* journal.h: an append-only file that tells a later run what an earlier one has finished. All numbers are little-endian:
 *
 *   "MWJRNL1\n"                          8 bytes
 *   length of the text                   u64
 *   the text                             which work this is: readers compare it with theirs
 *   seal                                 16 bytes
 *   then for everything that is finished a record:
 *     payload                            40 bytes, as the writer of the record likes
 *     seal                               16 bytes
 *
 * A seal is the XXH3-128 of the seal before it (none at first) and of all bytes between the two. So a record that is torn, has a
 * flipped bit, was put in another place or belongs to another journal is known, and the file is cut behind the last good one. */
#ifndef MW_OUTPUT_JOURNAL_H
#define MW_OUTPUT_JOURNAL_H

#include "base/checksum.h"
#include "base/mem.h"

enum { MW_JOURNAL_PAYLOAD = 40 };

typedef struct mw_journal {
  int fd;             /* -1: not open */
  const char *name;   /* borrowed */
  mw_checksum seal;   /* the last one */
  uint64_t end;       /* bytes of the file */
  const char *text;   /* in the arena */
  const uint8_t (*records)[MW_JOURNAL_PAYLOAD]; /* those that were read, in the arena */
  size_t count;
} mw_journal;

/* Makes a new one in the open folder, where there must be none of that name. */
bool mw_journal_new(int folder, const char *name, const char *text, mw_journal *journal, mw_error *err);
/* Opens the one in the folder. It is left closed (fd -1), which is no error, if there is none, if its header is damaged, or if it is
 * nothing that we would have written (a link, another user's). */
bool mw_journal_open(int folder, const char *name, mw_arena *arena, mw_journal *journal, mw_error *err);
/* Adds a record behind the others. It counts when the file was synced: mw_sync_file(journal->fd ...). */
bool mw_journal_add(mw_journal *journal, const uint8_t payload[MW_JOURNAL_PAYLOAD], mw_error *err);
void mw_journal_close(mw_journal *journal);

#endif
