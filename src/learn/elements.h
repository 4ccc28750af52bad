/* elements.h: steps of elementwise operations and sums, by formulas, and of scalars, by the graph's own arithmetic. */
#ifndef MW_LEARN_ELEMENTS_H
#define MW_LEARN_ELEMENTS_H

#include "learn/tape.h"

/* Makes the formula of a FORWARD step, or the hand-ons of a BACK step: slots that are touched are added to, the others
 * begin here and become touched. Scalars need none. */
bool mw_elements_make(mw_tape *tape, mw_tape_step *step, mw_error *err);
bool mw_elements_forward(mw_tape *tape, const mw_tape_step *step, mw_error *err);
/* `numbers` is where derivatives of scalars are written. */
bool mw_elements_back(mw_tape *tape, const mw_tape_step *step, mw_graph *numbers, mw_error *err);

#endif
