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
 * Not so divided is a loss with one unit, one that is not linear in its terms (its gradients wait for all of them), and one whose
 * coefficients are as large as the tensors, an element each. There all ranks run all steps together, and divide within the products of
 * matrices, in which nearly all time goes: a product is made panel by panel (linear.c), and a panel has the same bits whoever makes it.
 * For example, y = x W^T with 1024 columns in four panels, by two ranks:
 *
 *   rank 0: columns 0 to 511 of y                      rank 1: columns 512 to 1023
 *           -- each gives the other its columns: both have y --
 *
 * Back it is the same with dx, and with the sums of panels of dW, which every rank then adds in their order. So windows of one data set
 * are divided too: not a rank its windows, since then a sum over tokens would have other bits, but a rank its columns of all windows. */
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

/* Of `items` panels of a product, in all of so many floating-point operations, those that this process makes. */
typedef struct mw_divide_panels {
  size_t first, count;
  bool shared; /* the others make the others */
} mw_divide_panels;
mw_divide_panels mw_divide_product(const mw_tape *tape, size_t items, double operations);
/* Gives all what each has made: `items` panels of a matrix [rows, columns], each of `panel` columns but the last. */
bool mw_divide_gather(const mw_tape *tape, float *matrix, size_t rows, size_t columns, size_t panel, size_t items, mw_error *err);

#endif
