/* steps.h: makes the list of a tape's steps, and plans from which step to which each value must be kept. */
#ifndef MW_LEARN_STEPS_H
#define MW_LEARN_STEPS_H

#include "learn/tape.h"

/* Makes the steps of a tape that has its slots, weights and batches, and plans its arena. */
bool mw_steps_make(mw_tape *tape, mw_error *err);

#endif
