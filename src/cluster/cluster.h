/* cluster.h: the door of MPI: several processes of this program, started by mpirun or srun, that make one merge together. Who does what
 * is in exec/ranks.h; here is only how they reach each other, and how they end together. In a build without MPI (`make MPI=1` has it)
 * a process that was started as one of several says so and does nothing.
 *
 * MPI starts late. A recipe runs in children, and where networks send memory of a process by themselves it should not fork while MPI
 * runs. So before that every process reads the command line and the recipe's signature, and opens the inputs; rank 0 alone evaluates the
 * recipe. Then MPI starts, and the others get the graph from rank 0, decode it as if it came from a stranger (recipe/message.h), and plan
 * as rank 0 has done. What each has planned, and what it has found of the inputs' files, must be the same before anything is written. What
 * evaluates recipes later, candidates of a search and further components of a pipeline, is rank 0 alone, and outside of any call of MPI.
 *
 * How they end. Each process comes to mw_cluster_agree, with an error or without. One that has failed tells all others at once: whoever
 * computes hears of it after its block, and whoever waits for numbers (combine) goes on waiting no more. Then all know the first error,
 * and rank 0 tells it. For example, of three processes rank 2 finds its disk full while rank 1 is slow and rank 0 waits:
 *
 *   rank 0: combine ...                  rank 1: computes          rank 2: error; tells 0 and 1
 *           hears of it: combine fails           hears of it               agree(error)
 *           agree(stopped)                       agree(stopped)
 *           "process 2 on node7: OUT...: No space left on device", and the temporary folder goes, or is kept to go on from
 *
 * A process that is killed cannot tell. Then the launcher ends the others (mpirun does, srun with --kill-on-bad-exit): they get a
 * signal, and so a chance of a second to tell and to tidy up. */
#ifndef MW_CLUSTER_CLUSTER_H
#define MW_CLUSTER_CLUSTER_H

#include "base/text.h"
#include "cluster/launcher.h"
#include "exec/ranks.h"

/* From now on merges are made by all the processes that this one was started with (launcher.h): each makes the same calls. To be called
 * before a recipe is loaded. `caught`: not 0 once a signal has come, which ends what waits for the others. MW_UNAVAILABLE where there are
 * others and the build has no MPI: for any rank to tell. */
bool mw_cluster_begin(int (*caught)(void), mw_error *err);
/* Whether it is good everywhere; if not, `err` is the error of the first process that failed. Every process comes here when a merge has
 * ended, with an error or without, and at its end. Once one has failed, all have: from then on a call tells the same again, but leaves
 * an error as it is. Alone it returns `good`. */
bool mw_cluster_agree(bool good, mw_error *err);
/* The last call, when rank 0 has told its user how it ended. */
void mw_cluster_end(bool good);

/* How often this process has told the others something, and how many bytes. */
typedef struct mw_cluster_told {
  uint64_t times, bytes;
} mw_cluster_told;
mw_cluster_told mw_cluster_has_told(void);

/* NULL: this process makes its merges alone. Else what it is among the others, from mw_cluster_begin on. */
const mw_ranks *mw_cluster_ranks(void);
/* Starts MPI, if it has not started. All processes call it. */
bool mw_cluster_start(mw_error *err);
/* Gives all the text that rank 0 has. Theirs is to be freed too. All processes call it. */
bool mw_cluster_tell(mw_text *text, mw_error *err);
/* Waits until all are here. */
bool mw_cluster_meet(mw_error *err);

#endif
