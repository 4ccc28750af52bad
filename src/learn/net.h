/* net.h: the operations of networks, one entry each: how to compute it forward, how to propagate its gradient, and what it must
 * save for that. A new operation is a line of ops.def, its rule in rules.c, its entry in net.c and a case of
 * test_learn_gradients.c, which compares every entry with finite differences. */
#ifndef MW_LEARN_NET_H
#define MW_LEARN_NET_H

#include "learn/weights.h"

/* One step of a tape. */
typedef struct mw_net_call {
  mw_tape *tape;
  mw_tape_slot *y;        /* the operation's own slot */
  const mw_kernel_rows *k;
  unsigned fresh;    /* BACK: bit i: the gradient of operand i is to be written, not added to */
} mw_net_call;

/* One operation. Bit i of `weights` says that operand i is a weight; the others are slots or tokens. When `back` is called,
 * y->gradient (or y->scalar_gradient) is complete; it propagates that to every operand that wants a gradient. */
typedef struct mw_net_entry {
  bool (*forward)(const mw_net_call *call, mw_error *err);
  bool (*back)(const mw_net_call *call, mw_error *err);
  uint8_t weights;
  uint8_t reads;      /* bit i: `back` reads the values of operand i */
  bool reads_result;  /* `back` reads the values of y */
  /* How many floats `forward` saves for `back`, where operand 0 has the shape [rows, columns]; NULL: none. */
  size_t (*saves)(mw_graph_node_facts facts, size_t rows, size_t columns);
} mw_net_entry;

const mw_net_entry *mw_net_entry_of(mw_op op);

/* Rows and columns of a slot of rank 2. */
size_t mw_net_rows(const mw_net_call *call, const mw_tape_slot *slot);
size_t mw_net_columns(const mw_net_call *call, const mw_tape_slot *slot);
/* Operand i as a slot, a weight, or the batch of its tokens. */
mw_tape_slot *mw_net_slot(const mw_net_call *call, unsigned i);
mw_tape_weight *mw_net_weight(const mw_net_call *call, unsigned i);
const mw_batch *mw_net_batch(const mw_net_call *call, unsigned i);
/* `n` floats of operand i's gradient from `at` on, ready to be added to: set to 0 first if it is fresh. NULL: it wants none. */
float *mw_net_gradient(const mw_net_call *call, unsigned i, size_t at, size_t n);
/* The double whose bits are in extra[0]. */
double mw_net_number(const mw_net_call *call);

/* Work on rows [0, rows), in items of MW_NET_ROWS rows that the threads share; small work is done at once by the caller. */
enum { MW_NET_ROWS = 16 };
typedef struct mw_net_rows_work {
  const mw_net_call *call;
  size_t rows, columns;
  void *context;
  bool (*work)(const struct mw_net_rows_work *w, size_t item, size_t first, size_t rows, mw_thread_pool_worker *worker, mw_error *err);
} mw_net_rows_work;
bool mw_net_by_rows(mw_net_rows_work *work, mw_error *err);
/* Propagates the gradient of a weight that is a vector of `n` floats: the sum of `rows` partial gradients, in order. */
bool mw_net_propagate_vector(const mw_net_call *call, unsigned operand, const float *partials, size_t rows, size_t n, mw_error *err);

#endif
