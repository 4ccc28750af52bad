/* cost.h: what running a tape takes, told from its slots, weights and pieces before any of them has memory. */
#ifndef MW_LEARN_COST_H
#define MW_LEARN_COST_H

#include "learn/tape.h"

/* `coefficients`: those that are trained, which have an optimiser's memory. */
mw_train_cost mw_cost_of(const mw_tape *tape, const mw_node *coefficients, size_t count);

#endif
