/* tape.h: a network and its loss as a list of steps over whole tensors, made once from the graph and run for every
 * batch: forward in the graph's order, then backward from the loss (reverse mode). Three kinds of values:
 *   slots    what a step computes: activations, coefficients and what is made of them, scalars
 *   weights  tensors without an activation in them that a NET operation reads (weights.h): computed panel by panel
 *   tokens   the batches of the data sets
 * Activations, their gradients and what steps save for their way back share one arena, planned by their lifetimes. Where
 * the loss is a sum of terms, each term goes forward and back before the next begins. Nothing here decides on threads. */
#ifndef MW_LEARN_TAPE_H
#define MW_LEARN_TAPE_H

#include "learn/formula.h"
#include "learn/buffer_plan.h"
#include "learn/train.h"

typedef struct mw_tape_slot {
  mw_node node;
  mw_graph_node_facts facts;      /* operands borrowed from the graph */
  size_t elements;
  bool wants;               /* a trained coefficient is below it, so its gradient is asked for */
  bool constant;            /* a sum or selection over models alone: computed once, by exec */
  bool touched;             /* building: something has handed it a gradient */
  double scalar, scalar_gradient;
  float *values, *gradient; /* of a tensor; `gradient` only where it wants one */
  float *saved;             /* what the operation keeps for its way back */
  mw_buffer_plan_piece value_piece, gradient_piece, saved_piece; /* of activations */
} mw_tape_slot;

typedef struct mw_tape_weight mw_tape_weight;

typedef enum mw_tape_step_kind { MW_STEP_FORWARD, MW_STEP_FORM, MW_STEP_BACK } mw_tape_step_kind;

/* What a step hands to one of its slot's operands. */
typedef struct mw_tape_propagation {
  uint32_t slot;
  enum { MW_HAND_STORE, MW_HAND_TOTAL, MW_HAND_COLUMNS } how;
  bool clear;         /* STORE: the gradient begins here, but the formula adds to it */
  mw_node derivative; /* while it is built */
  mw_formula formula;
} mw_tape_propagation;

typedef struct mw_tape_step {
  mw_tape_step_kind kind;
  uint32_t slot;
  unsigned fresh;     /* BACK: a bit for every operand whose gradient begins here */
  mw_formula formula; /* FORWARD, of elementwise operations and sums */
  mw_tape_propagation *ons;    /* BACK, of the same */
  size_t on_count, on_capacity;
} mw_tape_step;

/* Cosines and sines of ROPE, [length, half] each, for one list of frequencies. */
typedef struct mw_tape_turns {
  const mw_node *frequencies; /* `half` NUMBER nodes, borrowed */
  size_t half, length;
  float *table;
} mw_tape_turns;

typedef struct mw_tape {
  const mw_train_world *world;
  mw_job job;            /* where INPUT nodes lie */
  mw_thread_pool *team;
  mw_graph *lab;         /* where formulas are written */
  mw_tape_slot *slots;
  size_t slot_count, slot_capacity;
  uint32_t *slot_of;     /* of every node: 1 + its slot, or 0 */
  float *kept;           /* values, and gradients, of slots without an activation in them */
  size_t kept_size;      /* in floats */
  mw_tape_weight *weights;
  size_t weight_count, weight_capacity;
  uint32_t *weight_of;   /* likewise */
  mw_batch *batches;     /* of every TOKENS node that is used */
  mw_node *tokens;
  size_t batch_count, batch_capacity, token_capacity;
  mw_tape_step *steps;
  size_t step_count, step_capacity;
  mw_tape_turns *turns;
  size_t turn_count, turn_capacity;
  float *arena;          /* of activations */
  size_t arena_size;     /* in floats */
  bool constants_known;  /* weights that no step changes have been formed */
  mw_node loss;
} mw_tape;

/* Makes the steps for `loss` and the other scalars of `also`, going back to `coefficients` (none: forward only). MW_DATA
 * where something has no derivative or cannot be computed here, naming the operation. Allocates no arena. */
bool mw_tape_new(const mw_train_world *world, mw_node loss, const mw_node *also, size_t also_count,
                 const mw_node *coefficients, size_t coefficient_count, mw_thread_pool *team, mw_tape **out, mw_error *err);
void mw_tape_free(mw_tape *tape);
/* Allocates the slots' memory, gives coefficients their initial or learned values and computes what no step changes, if
 * that is still to be done: before somebody else sets coefficients. */
bool mw_tape_ready(mw_tape *tape, mw_error *err);
/* Runs all steps on what the batches and the coefficients' slots hold. */
bool mw_tape_run(mw_tape *tape, mw_error *err);

/* The slot of a node; of a VECTOR that of its operand. NULL: it has none. */
mw_tape_slot *mw_tape_find(const mw_tape *tape, mw_node node);
mw_tape_weight *mw_tape_weight_of(const mw_tape *tape, mw_node node);
mw_batch *mw_tape_batch(const mw_tape *tape, mw_node tokens);

#endif
