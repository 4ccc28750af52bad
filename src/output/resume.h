/* resume.h: what makes a merge go on where an earlier run of the same plan was stopped. The unit is a tensor of the output.
 *
 * While a merge runs: tensors are reported as they are finished. Every 10 seconds or 1 GiB, whichever is first, the shards are
 * synced, and then a record of each finished tensor, with its checksum, is added to the journal in the temporary folder, and
 * the journal synced. So after a power cut the disk has all that the journal tells of. A short merge never has a journal, and
 * after the last tensor the publication follows instead.
 *
 * When the same plan is run again: each tensor that the journal tells of is read and held against its checksum. Those that are
 * as they were are not computed again; all others are.
 *
 * Of several processes that make one output (exec/ranks.h) each has a journal of its own, for the tensors that it finishes. A later run,
 * of however many, reads all of them: that is done by its rank 0, which then tells the others. */
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
  const char *folder;              /* the path of `root` */
  uint32_t rank;                   /* whose journal this process has */
  const char *plan;                /* what the work is: the journal's text; NULL: nothing is kept */
  bool sync;
  mw_journal journal;              /* this process's own */
  mw_journal *others;              /* of an earlier run, closed */
  size_t other_count, other_capacity;
  mw_arena arena;
  uint8_t *state;                  /* [layout->count] */
  size_t left;                     /* tensors that are not finished */
  uint64_t finished;               /* bytes of tensors that are finished and have no record */
  uint64_t recorded;               /* when records were last written, in milliseconds */
  bool recording, failed;          /* a thread writes records now; the disk did not take something: no record may follow */
} mw_resume;

/* The journal's name in the temporary folder; those of ranks from 1 on have "-1" behind it. */
extern const char mw_resume_journal[];
bool mw_resume_is_journal(const char *name);

/* Opens the journals of an earlier run in `root`, if they are of this plan; *found: whether there is any. Needs root, folder, rank and
 * plan. What rank 0 does not find is removed with the folder, before others come. */
bool mw_resume_open(mw_resume *resume, bool *found, mw_error *err);
/* Begins; on rank 0 with what the journals tell: checks it against the shards. `resume` has everything else by now. */
bool mw_resume_begin(mw_resume *resume, mw_error *err);
/* Makes the journal now, before anything is finished: of a folder whose parts have journals of their own (writer.h). */
bool mw_resume_start(mw_resume *resume, mw_error *err);
/* Tensor `index` was made by an earlier run, as rank 0 has found. */
void mw_resume_found(mw_resume *resume, size_t index);
/* Whether tensor `index` of the layout was made by an earlier run. */
bool mw_resume_has(const mw_resume *resume, size_t index);
/* Tensor `index` is finished: its last byte was written and none will be written again. Any thread may tell, more than once. */
bool mw_resume_done(mw_resume *resume, size_t index, mw_error *err);
/* The run ends before its time: records what is finished. */
bool mw_resume_record(mw_resume *resume, mw_error *err);
/* How many tensors a later run will find, when all processes have recorded theirs. */
bool mw_resume_keep(mw_resume *resume, size_t *kept, mw_error *err);
void mw_resume_end(mw_resume *resume);
/* Removes all journals of the folder. */
bool mw_resume_remove(mw_resume *resume, mw_error *err);

#endif
