/* resume.h: what makes a merge go on where an earlier run of the same plan was stopped. The unit is a tensor of the output.
 *
 * While a merge runs: tensors are reported as they are finished. Every 10 seconds or 1 GiB, whichever is first, the shards are
 * synced, and then a record of each finished tensor, with its checksum, is added to the journal in the temporary folder, and
 * the journal synced. So after a power cut the disk has all that the journal tells of. A short merge never has a journal, and
 * after the last tensor the publication follows instead.
 *
 * When the same plan is run again: each tensor that the journal tells of is read and held against its checksum. Those that are
 * as they were are not computed again; all others are. */
#ifndef MW_OUTPUT_RESUME_H
#define MW_OUTPUT_RESUME_H

#include "output/journal.h"
#include "output/layout.h"

/* Everything but `journal` and `state` is borrowed. */
typedef struct mw_resume {
  const mw_layout *layout;
  const int *shards;               /* [layout->shard_count] open files */
  const char *const *shard_paths;
  int parent, root;                /* open: the folder in which the temporary folder lies, and that one */
  const char *plan;                /* what the work is: the journal's text; NULL: nothing is kept */
  bool sync;
  mw_journal journal;
  uint8_t *state;                  /* [layout->count] */
  size_t left;                     /* tensors that are not finished */
  uint64_t finished;               /* bytes of tensors that are finished and have no record */
  uint64_t recorded;               /* when records were last written, in milliseconds */
  bool recording, failed;          /* a thread writes records now; the disk did not take something: no record may follow */
} mw_resume;

/* The journal's name in the temporary folder. */
extern const char mw_resume_journal[];

/* Begins with what the journal, if it is open, tells: checks it against the shards. `resume` has everything else by now. */
bool mw_resume_begin(mw_resume *resume, mw_error *err);
/* Whether tensor `index` of the layout was made by an earlier run. */
bool mw_resume_has(const mw_resume *resume, size_t index);
/* Tensor `index` is finished: its last byte was written and none will be written again. Any thread may tell, more than once. */
bool mw_resume_done(mw_resume *resume, size_t index, mw_error *err);
/* The run ends before its time: records what is finished. *kept: how many tensors a later run will find. */
bool mw_resume_keep(mw_resume *resume, size_t *kept, mw_error *err);
void mw_resume_end(mw_resume *resume);

#endif
