/* checkpoint.h: a training under way, kept beside the output as OUT.learning: what was learned so far, the optimiser's
 * memory and the curve, so that the same command goes on from there bit for bit. It is written whole under another name
 * and renamed, so that it is the old one or the new one; it carries the identity of the run and a hash of itself. */
#ifndef MW_BIND_CHECKPOINT_H
#define MW_BIND_CHECKPOINT_H

#include "bind/curve.h"
#include "learn/train.h"

/* The parts of a study that a checkpoint holds; `states` and `points` have room for all trainings. */
typedef struct mw_checkpoint {
  const char *path;
  char identity[65]; /* of everything that decides about the result: hexadecimal SHA-256 */
  size_t count;      /* trainings */
  size_t current;    /* the one under way: those before it are done */
  mw_train_state *states;
  mw_curve_point **points; /* [count]: a point a step */
  const uint64_t *steps;   /* [count] */
} mw_checkpoint;

bool mw_checkpoint_write(const mw_checkpoint *checkpoint, mw_error *err);
/* Fills current, states and points from the file; *found says whether there was one. A file of another run, or one that is
 * damaged, is MW_CANNOT_CREATE: nothing that somebody waited for is thrown away. */
bool mw_checkpoint_read(mw_checkpoint *checkpoint, bool *found, mw_error *err);
void mw_checkpoint_remove(const mw_checkpoint *checkpoint);

#endif
