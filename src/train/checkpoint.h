/* checkpoint.h: the state of a training that has not ended, in the file OUT.learning beside the output: coefficients, the optimiser's
 * averages and the curve. The same command continues from it and gives the same bits. It is written to the output's temporary
 * folder and then renamed, so it is always complete. It has the identity of the run, and a hash of itself. Only the process that
 * has locked that folder reads or writes it. A file of that name that is no checkpoint of this run is never changed. */
#ifndef MW_TRAIN_CHECKPOINT_H
#define MW_TRAIN_CHECKPOINT_H

#include "train/training_log.h"
#include "learn/train.h"

/* A checkpoint, and the data that it keeps. */
typedef struct mw_checkpoint {
  const char *path, *part; /* its place; where it is written before the rename */
  bool ours;         /* the file at `path` was read or written by this run */
  char identity[65]; /* SHA-256, in hexadecimal, of everything on which the result depends */
  size_t count;      /* how many trainings */
  size_t current;    /* the training that has not ended: those before it are done */
  mw_train_state *states; /* [count] */
  mw_training_log *curves;       /* [count]: a point for each step */
} mw_checkpoint;

/* Writes the checkpoint. MW_CANNOT_CREATE if another file has taken its name meanwhile. */
bool mw_checkpoint_write(mw_checkpoint *checkpoint, mw_error *err);
/* Fills current, states and curves from the file, if there is one. A file of another run, a damaged one, or anything else of that
 * name is MW_CANNOT_CREATE: it may have cost hours, so it is not overwritten. */
bool mw_checkpoint_read(mw_checkpoint *checkpoint, mw_error *err);
/* Removes the file, if it belongs to this run. */
void mw_checkpoint_remove(const mw_checkpoint *checkpoint);

#endif
