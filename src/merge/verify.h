/* verify.h: what verify, seal and rebuild share: files held against what a lock recorded of them. See mw_verify in moonweld.h. */
#ifndef MW_MERGE_VERIFY_H
#define MW_MERGE_VERIFY_H

#include "output/record.h"

typedef struct mw_verify_run {
  mw_record *record;
  const mw_verify_options *options;
  mw_verified *facts;
  uint64_t total; /* bytes to read, for progress */
} mw_verify_run;

/* MW_UNAVAILABLE where the lock holds no checksums. */
bool mw_verify_can(const mw_record *record, mw_error *err);
/* Tells of a finding. `text` must be safe to show. */
void mw_verify_find(mw_verify_run *run, const char *path, const char *state, const char *text);
/* Counts bytes for progress. False if whoever is told of it says no. */
bool mw_verify_go_on(mw_verify_run *run, uint64_t bytes, mw_error *err);
/* Reads a file and compares its size and checksum, if that is recorded. False only where no finding can tell what is wrong: memory, an
 * interruption, an error of the disk. */
bool mw_verify_file(mw_verify_run *run, const char *path, const mw_record_file *recorded, mw_error *err);

/* The files of an output folder, by their names in it, but for what other tools keep there (mw_verify_foreign: git's files, the hub's
 * cache, a signature). free() the names, whose texts are in the record's arena. */
typedef struct mw_verify_list {
  const char **names;
  size_t count, capacity;
} mw_verify_list;
bool mw_verify_files(mw_record *record, mw_verify_list *out, mw_error *err);
extern const char *const mw_verify_foreign[]; /* ends with NULL */

/* The lock, every file of the output, and none beside them. */
bool mw_verify_outputs(mw_verify_run *run, mw_error *err);

#endif
