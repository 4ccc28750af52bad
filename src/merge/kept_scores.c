/* kept_scores.c: see kept_scores.h. */
#include "merge/kept_scores.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "format/sync.h"

enum { IDENTITY = 32, SECONDS = 10 };
const char mw_kept_scores_name[] = "scores.journal";

bool mw_kept_scores_open(mw_kept_scores *kept, int folder, const char *text, mw_arena *arena, bool *other, mw_error *err) {
  kept->synced = mw_clock_now();
  MW_TRY(mw_journal_open(folder, mw_kept_scores_name, arena, &kept->journal, err));
  *other = kept->journal.fd >= 0 && strcmp(kept->journal.text, text) != 0;
  if (kept->journal.fd >= 0 && !*other) return true;
  mw_journal_close(&kept->journal);
  if (unlinkat(folder, mw_kept_scores_name, 0) != 0 && errno != ENOENT)
    return mw_error_set(err, MW_IO, "%s: cannot be removed: %s", mw_kept_scores_name, strerror(errno));
  return mw_journal_new(folder, mw_kept_scores_name, text, &kept->journal, err) &&
         (!kept->sync || mw_sync_folder(folder, mw_kept_scores_name, err));
}

static int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

static void pack(const char *identity, uint8_t bytes[IDENTITY]) {
  for (size_t i = 0; i < IDENTITY; i++) bytes[i] = (uint8_t)(digit(identity[2 * i]) << 4 | digit(identity[2 * i + 1]));
}

bool mw_kept_scores_find(const mw_kept_scores *kept, const char *identity, double *value) {
  uint8_t bytes[IDENTITY];
  pack(identity, bytes);
  for (size_t i = 0; kept->journal.fd >= 0 && i < kept->journal.count; i++) {
    if (memcmp(kept->journal.records[i], bytes, IDENTITY) != 0) continue;
    memcpy(value, kept->journal.records[i] + IDENTITY, sizeof *value);
    return true;
  }
  return false;
}

bool mw_kept_scores_add(mw_kept_scores *kept, const char *identity, double value, mw_error *err) {
  uint8_t payload[MW_JOURNAL_PAYLOAD];
  pack(identity, payload);
  memcpy(payload + IDENTITY, &value, sizeof value);
  MW_TRY(mw_journal_add(&kept->journal, payload, err));
  if (!kept->sync || mw_clock_now() - kept->synced < SECONDS) return true;
  kept->synced = mw_clock_now();
  return mw_sync_file(kept->journal.fd, mw_kept_scores_name, err);
}

void mw_kept_scores_close(mw_kept_scores *kept) {
  mw_error ignored; /* the run has ended for another reason: a score that did not reach the disk is measured again */
  if (kept->journal.fd >= 0 && kept->sync) mw_sync_file(kept->journal.fd, mw_kept_scores_name, &ignored);
  mw_journal_close(&kept->journal);
}
