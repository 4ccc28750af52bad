/* found.h: the statistics of data that the outputs of a merge are made of. They are found before anything streams, and lie in a file
 * without a name beside the output, which is mapped: so they take the disk's space and not the memory's, and are gone with the
 * process. A run that was stopped finds them again, with the same bits. */
#ifndef MW_TRAIN_FOUND_H
#define MW_TRAIN_FOUND_H

#include "train/training.h"
#include "learn/statistics.h"

typedef struct mw_found mw_found;

/* The DATA nodes that the outputs and the losses of trainings need, ascending, from the arena. */
bool mw_found_nodes(const mw_training_job *job, mw_arena *arena, mw_node **nodes, size_t *count, mw_error *err);
/* What finding them takes: all 0 where there are none. */
bool mw_found_measure(const mw_training_job *job, mw_statistics_cost *cost, mw_error *err);
/* Finds them all. *out is NULL where there are none. */
bool mw_found_make(const mw_training_job *job, mw_found **out, mw_error *err);
/* In the form that the executor reads (job.h). `found` may be NULL. */
const mw_job_statistic *mw_found_statistics(const mw_found *found, size_t *count);
void mw_found_free(mw_found *found);

#endif
