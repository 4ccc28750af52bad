/* steps.h: the order of a tape's steps, and when each value lives. */
#ifndef MW_LEARN_STEPS_H
#define MW_LEARN_STEPS_H

#include "learn/tape.h"

/* Makes the steps of a tape whose slots, weights and batches are there, and plans its arena. */
bool mw_steps_make(mw_tape *tape, mw_error *err);

#endif
