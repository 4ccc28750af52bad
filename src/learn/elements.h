/* elements.h: the steps of elementwise operations and sums, which are formulas, and of scalars, which are computed as numbers. */
#ifndef MW_LEARN_ELEMENTS_H
#define MW_LEARN_ELEMENTS_H

#include "learn/tape.h"

/* Makes the formula of a FORWARD step, or the propagations of a BACK step. Gradients of slots that are touched are added to, those
 * of others are written first here; then they are touched too. A scalar of scalars needs no formula. */
bool mw_elements_make(mw_tape *tape, mw_tape_step *step, mw_error *err);
bool mw_elements_forward(mw_tape *tape, const mw_tape_step *step, mw_error *err);
/* `numbers` is a graph in which derivatives of scalars are computed. */
bool mw_elements_back(mw_tape *tape, const mw_tape_step *step, mw_graph *numbers, mw_error *err);

#endif
