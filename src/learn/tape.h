/* tape.h: a network and its loss as a list of steps over whole tensors. The list is made once from the graph and run for
 * every batch: forward in the graph's order, which gives the loss, then backward, which gives the gradient of the loss for
 * every trained coefficient (reverse mode of automatic differentiation).
 *
 * There are three kinds of values:
 *   slots    what a step computes: activations (all that depends on the tokens), coefficients and what is made of them, scalars
 *   weights  what a NET operation reads that is not an activation (weights.h): an expression over models and coefficients
 *   tokens   the batches of the data sets
 *
 * For example, one trained coefficient c, a vector with one element for each column, mixes two models; the loss compares the
 * output y of the mix with the output t of a teacher, which is another network and has slots of its own:
 *
 *   W = base + columns(expert - base, c)     a weight
 *   x = EMBED(tokens, E)                     a slot; E, a tensor of a model, is a weight too
 *   y = LINEAR(x, W)                         a slot
 *   loss = KL(t, y)                          a slot, a scalar
 *
 *   step 1   FORM          W, since c has changed since the last batch
 *   step 2   FORWARD x     rows of E
 *   step 3   FORWARD y     x times W transposed
 *   step 4   FORWARD loss  and saves the logarithm of each row's sum
 *   step 5   BACK loss     propagates to y: gradient of y, by the rule of KL
 *   step 6   BACK y        propagates to W: its gradient is dy transposed times x, made panel by panel (some rows at a time).
 *                          Each panel is at once reduced to the gradient of c: g * (expert - base), summed over the rows.
 *                          Nothing is propagated to x: there is no trained coefficient below it.
 *
 * The gradient of a slot is d loss / d slot, as large as the slot. BACK of a slot multiplies it with the derivatives of the
 * slot's operation, and adds the products to the gradients of the operands. The steps go back in descending order of slots,
 * so when a slot's turn comes, all its users have added their part.
 *
 * Memory. Activations, their gradients, and what a step saves for its way back lie in one arena, planned by their lifetimes
 * (buffer_plan.h): in the example y is alive in steps 3 to 5, its gradient in 5 and 6. If the loss is a sum of terms, each
 * term goes forward and back before the next begins, so that only one term's activations are alive (steps.c).
 *
 * How things are computed:
 *   NET operations        by functions forward and back for each (net.h)
 *   elementwise ones      by formulas: small graphs that are compiled for the tile machine; the derivatives are found by
 *                         symbolic rules (formula.h, elements.h, expr/derive.h)
 *   scalars of scalars    by the same rules, on numbers */
#ifndef MW_LEARN_TAPE_H
#define MW_LEARN_TAPE_H

#include "learn/formula.h"
#include "learn/buffer_plan.h"
#include "learn/train.h"

typedef struct mw_tape_slot {
  mw_node node;
  mw_graph_node_facts facts;      /* operands borrowed from the graph */
  size_t elements;
  bool wants;               /* a gradient: there is a trained coefficient below it */
  bool constant;            /* a sum or selection over models only: computed once, by exec */
  bool given;               /* it has no steps: the activation with which a part of a network begins, whose values are the caller's, or
                               a tensor of a model whose gradient is wanted, which has no values here */
  bool touched;             /* while the steps are made: some step has propagated to it */
  double scalar, scalar_gradient;
  float *values, *gradient; /* of a tensor; `gradient` is NULL if it wants none */
  float *saved;             /* what the operation saved forward and needs back */
  mw_buffer_plan_buffer value_buffer, gradient_buffer, saved_buffer; /* of activations */
} mw_tape_slot;

typedef struct mw_tape_weight mw_tape_weight;

/* MEET: the processes of a training tell each other what their networks have given (divide.h). */
typedef enum mw_tape_step_kind { MW_STEP_FORWARD, MW_STEP_FORM, MW_STEP_BACK, MW_STEP_MEET } mw_tape_step_kind;

/* What a BACK step propagates to one slot: an expression of the step's operands and gradient.
 *   STORE     the slot is a tensor of the same shape: each element gets its own
 *   TOTAL     the slot is a scalar: it gets the sum
 *   COLUMNS   the slot is the vector of COLUMNS: each element gets the sum of its column */
typedef struct mw_tape_propagation {
  uint32_t slot;
  enum { MW_PROPAGATE_STORE, MW_PROPAGATE_TOTAL, MW_PROPAGATE_COLUMNS } how;
  bool clear;         /* STORE: set the gradient to 0 first; nothing was propagated before, and the formula adds */
  mw_node derivative; /* while it is built */
  mw_formula formula;
} mw_tape_propagation;

typedef struct mw_tape_step {
  mw_tape_step_kind kind;
  uint32_t slot;
  uint32_t rank;      /* whose it is, where steps are divided (divide.h) */
  unsigned fresh;     /* BACK: bit i: nothing was propagated to operand i before, so write its gradient, do not add */
  mw_formula formula; /* FORWARD, of elementwise operations and sums */
  mw_tape_propagation *propagations; /* BACK, of the same */
  size_t propagation_count, propagation_capacity;
} mw_tape_step;

/* Cosines and sines of ROPE for one list of frequencies: [length, half] cosines, then as many sines. */
typedef struct mw_tape_rotations {
  const mw_node *frequencies; /* `half` NUMBER nodes, borrowed */
  size_t half, length;
  float *table;
} mw_tape_rotations;

typedef struct mw_tape {
  const mw_train_world *world;
  mw_job job;            /* where INPUT nodes lie */
  mw_thread_pool *pool;
  mw_graph *scratch;     /* the graph in which formulas are built */
  mw_tape_slot *slots;
  size_t slot_count, slot_capacity;
  uint32_t *slot_of;     /* of every node: 1 + its slot, or 0 */
  uint8_t *trained;      /* of every node: its gradient is wanted */
  float *kept;           /* values and gradients of slots that are not activations: they stay from batch to batch */
  size_t kept_size;      /* in floats */
  mw_tape_weight *weights;
  size_t weight_count, weight_capacity;
  uint32_t *weight_of;   /* likewise */
  mw_batch *batches;     /* of every TOKENS node that is used */
  mw_node *tokens;
  size_t batch_count, batch_capacity, token_capacity;
  mw_tape_step *steps;
  size_t step_count, step_capacity;
  mw_tape_rotations *rotations;
  size_t rotation_count, rotation_capacity;
  float *arena;          /* of activations */
  size_t arena_size;     /* in floats */
  struct mw_divide *divided; /* NULL: this process runs all steps */
  bool together;             /* as all others do, and products are divided (divide.h) */
  bool constants_known;  /* weights without a trained coefficient have been formed */
  mw_node loss;
  mw_node last;          /* of a part of a network: the activation with which it ends, whose gradient the caller gives; or 0 */
} mw_tape;

/* What a tape is for. A part of a network begins with an activation that is `given` and ends with those that are kept, so that a
 * network can be run piece by piece: a part on all batches, then the next one (statistics.c). */
typedef struct mw_tape_aim {
  mw_node loss;             /* the scalar that gradients are of; 0: none */
  const mw_node *kept;      /* scalars and activations that are wanted: these are there until the next run */
  size_t kept_count;
  const mw_node *trained;   /* coefficients, or tensors that are weights or that these are made of, whose gradients are wanted */
  size_t trained_count;
  mw_node given;            /* an activation whose values the caller puts into its slot before each run, or 0 */
  bool given_wants;         /* its gradient is wanted, too */
  mw_node last;             /* one whose gradient the caller puts there, or 0 */
} mw_tape_aim;
bool mw_tape_make(const mw_train_world *world, const mw_tape_aim *aim, mw_thread_pool *pool, mw_tape **out, mw_error *err);

/* The tape of a training. Makes the steps that compute `loss` and the scalars of `also`, and the gradients of `coefficients` (none:
 * forward only). MW_DATA if an operation has no derivative or cannot be computed here; the error names it. Allocates no arena. */
bool mw_tape_new(const mw_train_world *world, mw_node loss, const mw_node *also, size_t also_count,
                 const mw_node *coefficients, size_t coefficient_count, mw_thread_pool *pool, mw_tape **out, mw_error *err);
void mw_tape_free(mw_tape *tape);
/* At the first call: allocates the slots' memory, gives coefficients their initial or learned values and computes what no
 * batch changes. To be called before coefficients are set. */
bool mw_tape_ready(mw_tape *tape, mw_error *err);
/* Runs all steps on the batches and the values of the coefficients' slots. */
bool mw_tape_run(mw_tape *tape, mw_error *err);

/* The slot of a node, or NULL. A VECTOR has its operand's. */
mw_tape_slot *mw_tape_find(const mw_tape *tape, mw_node node);
mw_tape_weight *mw_tape_weight_of(const mw_tape *tape, mw_node node);
mw_batch *mw_tape_batch(const mw_tape *tape, mw_node tokens);

/* steps.c: makes the list of steps of a tape that has its slots, weights and batches, and plans from which step to which each value
 * must be kept, and so the arena. */
bool mw_steps_make(mw_tape *tape, const mw_tape_aim *aim, mw_error *err);
/* cost.c: what running a tape takes, known before memory is allocated. `coefficients` are those that are trained, for which the
 * optimiser needs memory. */
mw_train_cost mw_cost_of(const mw_tape *tape, const mw_node *coefficients, size_t count);
/* About how long a slot's steps take, in floating-point operations of matrix products. */
double mw_cost_of_slot(const mw_tape *tape, const mw_tape_slot *slot);

#endif
