/* batch.h: token windows, and the order in which a training takes them. A window holds up to length + 1 ids: the network reads the
 * first `length`, and the last one is only predicted. Positions after the end of a short window are padding: no token attends
 * to them, since attention is causal, and no loss counts them. */
#ifndef MW_LEARN_BATCH_H
#define MW_LEARN_BATCH_H

#include "base/mem.h"
#include "text/dataset.h"

/* One batch of a data set: `windows` windows of `length` positions, row w * length + p for position p of window w. */
typedef struct mw_batch {
  size_t windows, length;
  uint32_t *ids;       /* [windows * (length + 1)]; padding holds 0 */
  uint32_t *counts;    /* [windows]: ids of each window, at most length + 1; 0: no window */
  uint64_t tokens;     /* rows that hold a token: KL, ENTROPY and MSE are means over these */
  uint64_t predicted;  /* rows whose next token is there too: CROSS_ENTROPY is a mean over these */
} mw_batch;

bool mw_batch_new(mw_batch *batch, size_t windows, size_t length, mw_error *err);
void mw_batch_free(mw_batch *batch);

/* Fills a batch with windows [first, first + windows) of the data set in file order; windows beyond its end are empty. */
void mw_batch_fill(mw_batch *batch, const mw_dataset *set, size_t first);
/* Fills it with the windows of training step `step` (from 0): places [step * windows, (step + 1) * windows) of an endless sequence
 * that goes through the data set epoch after epoch, each epoch in an order of its own: a Fisher-Yates shuffle by the uniform
 * draws of the stream (seed, "windows", index of the data set, epoch) of rng.h. It depends on nothing else. */
bool mw_batch_draw(mw_batch *batch, const mw_dataset *set, uint64_t index, uint64_t seed, uint64_t step,
                   mw_error *err);
/* The largest id of the data set within windows of `length`, and how many rows a pass over all of it predicts. */
void mw_batch_survey(const mw_dataset *set, size_t length, uint32_t *largest, uint64_t *predicted);

#endif
