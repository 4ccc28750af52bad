/* divide.h: one step of a training by several processes (exec/ranks.h). Each runs the networks on the windows of some data sets; then all
 * add what these give to the gradients of coefficients, in the order in which one process adds it. So losses, gradients and
 * coefficients are the same bits for any number of processes.
 *
 * The method. A loss is mostly a sum of terms, each of a network on one data set, and the tape goes forward and back through one after the
 * other (steps.c). Slots of activations that read each other are a unit; a unit is one rank's, with all windows of its batch: so a sum over
 * tokens is never split. Only scalars and gradients of coefficients leave it. These a rank notes while it goes back. For example, with
 * a term for each of three experts, by two ranks, and a coefficient c that all terms propagate to:
 *
 *   rank 0: c forms the weights; term 1; term 2: notes c += a1, c += a2      rank 1: c forms the weights; term 3: notes c += a3
 *           -- they meet: all know the three losses --
 *           c = 0 + a1 + a2, and tells it                                            takes it
 *           takes it                                                                 c = c + a3, and tells it
 *           -- all know the gradient of c, and take the same step of the optimiser --
 *
 * Not divided, but done by each rank, is a loss with one unit, one that is not linear in its terms (its gradients wait for all of them),
 * and one whose coefficients are as large as the tensors, an element each. */
#ifndef MW_LEARN_DIVIDE_H
#define MW_LEARN_DIVIDE_H

#include "learn/tape.h"

/* Sets the rank of every step of a training's tape, where its world has several. */
bool mw_divide_steps(mw_tape *tape, mw_error *err);
void mw_divide_free(mw_tape *tape);
/* Whether this process runs the step. */
bool mw_divide_is_own(const mw_tape *tape, const mw_tape_step *step);
/* Before a step that adds at most `count` numbers to gradients of coefficients. */
bool mw_divide_reserve(mw_tape *tape, size_t count, mw_error *err);
/* Adds to the gradient of a slot, element `at` of a tensor: now, or when the ranks meet. */
void mw_divide_add(mw_tape *tape, mw_tape_slot *slot, size_t at, double value);
/* The step at which the ranks meet. */
bool mw_divide_meet(mw_tape *tape, mw_error *err);

#endif
