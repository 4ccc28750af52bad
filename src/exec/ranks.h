/* ranks.h: one merge by several processes, which may be on several machines. As MPI calls them, each is a rank, from 0 on. How they
 * reach each other is not known here (cluster/cluster.h is the door of MPI); only what each of them does, and what they tell each other.
 *
 * The method. Every rank has the same graph, the same schedule and the same inputs. A task of the schedule, which is all elements of
 * one tensor, is computed by one rank as a whole, in blocks and threads as ever. So a sum has its terms in the same order as in one
 * process, and its bits: nothing is ever added to a part of a sum that another rank has made. After a pass the ranks tell each other
 * what each of them found. Then all know the same values, decide the same, and begin the next pass.
 *
 * Who does what. A rank writes whole files of the output, neighbours in their order, of about as many bytes as the others; so no file has
 * two writers. With fewer files than ranks, a rank writes neighbouring tensors, and some files have several writers: the file system
 * must then keep apart bytes that two machines write into one file (README.md, "On a cluster"). A task with an output is that rank's
 * whose the output is. A batch of the schedule whose outputs are all one rank's is done by it without a word to the others, sums and
 * selections included. Only in a batch with outputs of several ranks is there something to tell: its reductions are dealt out by their
 * elements. Such batches come first, while all ranks begin together; then each does those of its own.
 *
 * For example, a merge of four tensors in two files by two ranks. Every tensor is thinned by its own threshold (batches 1 and 2), but
 * norm.weight and lm_head have one threshold in common (batch 3):
 *
 *   file 1, of rank 0:  embed (batch 1)  norm.weight (batch 3)       file 2, of rank 1:  up_proj (batch 2)  lm_head (batch 3)
 *
 *   rank 0: batch 3: counts magnitudes of norm.weight            rank 1: batch 3: counts those of lm_head
 *           -- both add up their counts, so both find the threshold; again if it takes another pass --
 *           writes norm.weight; batch 1: finds the threshold             writes lm_head; batch 2: likewise for up_proj
 *           of embed, writes embed
 *           -- each tells the others the checksums that it has; rank 0 publishes -- */
#ifndef MW_EXEC_RANKS_H
#define MW_EXEC_RANKS_H

#include "base/mem.h"
#include "expr/schedule.h"
#include "output/layout.h"

/* How numbers of all ranks become one. */
typedef enum mw_ranks_how {
  MW_RANKS_ADD,
  MW_RANKS_LEAST,
  MW_RANKS_UNITE /* their bits: who has nothing to tell gives 0 */
} mw_ranks_how;

typedef struct mw_ranks {
  uint32_t rank, count;
  /* All ranks call it with as many numbers, and all have the result. Fails too if another rank has failed. */
  bool (*combine)(mw_ranks_how how, uint64_t *numbers, size_t count, mw_error *err);
  /* All have what each gives: piece r of `all`, of `bytes` bytes, is the `own` of rank r. */
  bool (*gather)(const void *own, void *all, size_t bytes, mw_error *err);
  /* Each gives a piece to each: piece r of `own` goes to rank r, and piece r of `all` has come from it. */
  bool (*trade)(const void *own, void *all, size_t bytes, mw_error *err);
  bool (*goes_on)(void); /* false: another rank has failed */
} mw_ranks;

enum { MW_RANKS_EVERY = UINT32_MAX };

/* The rank of a thing of this size that begins at `at` in a row of `all`, which is cut into `count` equal parts: by its middle. */
uint32_t mw_ranks_at(uint64_t at, uint64_t size, uint64_t all, uint32_t count);
/* Decides which rank writes each tensor of the layout: owners[layout->count]. `bytes`: what is to be written of each. */
bool mw_ranks_share(const mw_layout *layout, const uint64_t *bytes, uint32_t count, uint32_t *owners, mw_error *err);
/* Sets the rank of every task and stage of the schedule, whose output i is tensor places[i] of the layout, and the order of tasks in
 * stages that all ranks do: each has as much of its work done as the others at any time. `known`: all ranks must know every value when
 * the run has ended, so no batch is done by one alone. */
bool mw_ranks_divide(mw_schedule *schedule, const uint32_t *places, const uint32_t *owners, uint32_t count, bool known, mw_error *err);

#endif
