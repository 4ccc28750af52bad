/* cost.h: what running a tape takes, computed from its slots, weights and planned buffers before memory is allocated. */
#ifndef MW_LEARN_COST_H
#define MW_LEARN_COST_H

#include "learn/tape.h"

/* `coefficients` are those that are trained, for which the optimiser needs memory. */
mw_train_cost mw_cost_of(const mw_tape *tape, const mw_node *coefficients, size_t count);

#endif
