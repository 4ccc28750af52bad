/* checkpoint.h: a training under way, kept beside the output as OUT.learning: what was learned so far, the optimiser's
 * memory and the curve, so that the same command goes on from there bit for bit. It is written whole in the output's
 * temporary folder and renamed, so that it is the old one or the new one; it carries the identity of the run and a hash of
 * itself. Whoever reads or writes it holds the lock of that folder; what else lies under its name is never touched. */
#ifndef MW_TRAIN_CHECKPOINT_H
#define MW_TRAIN_CHECKPOINT_H

#include "train/training_log.h"
#include "learn/train.h"

/* The parts of a training that a checkpoint holds. */
typedef struct mw_checkpoint {
  const char *path, *part; /* where it is kept, where it is written first */
  bool ours;         /* what lies at `path` was read or written by this run */
  char identity[65]; /* of everything that decides about the result: hexadecimal SHA-256 */
  size_t count;      /* trainings */
  size_t current;    /* the one under way: those before it are done */
  mw_train_state *states; /* [count] */
  mw_training_log *curves;       /* [count]: a point a step */
} mw_checkpoint;

/* MW_CANNOT_CREATE where something else took its name meanwhile. */
bool mw_checkpoint_write(mw_checkpoint *checkpoint, mw_error *err);
/* Fills current, states and curves from the file, if there is one. A file of another run, one that is damaged, and whatever
 * else has its name is MW_CANNOT_CREATE: nothing that somebody waited for is thrown away. */
bool mw_checkpoint_read(mw_checkpoint *checkpoint, mw_error *err);
/* The file goes, if it is of this run. */
void mw_checkpoint_remove(const mw_checkpoint *checkpoint);

#endif
