/* formula.h: a piece of elementwise arithmetic as a tile program of its own: it reads slots, their gradients, a panel of
 * somebody's gradient and tensors of models, and gives floats or a sum. Forward steps, derivatives and merged weights are
 * all formulas. They are written in a graph of the tape's, the lab, whose leaves stand for memory. */
#ifndef MW_LEARN_FORMULA_H
#define MW_LEARN_FORMULA_H

#include "learn/thread_pool.h"

struct mw_tape;

typedef struct mw_formula {
  mw_program program;
  bool sums;      /* gives a sum instead of floats */
  mw_node tensor; /* it is this tensor of a model, or that times the panel: such formulas run without the tile machine */
} mw_formula;

/* Leaves of the lab. A slot's value or gradient, tensor or scalar; a slot as the vector of COLUMNS; the panel. */
bool mw_formula_slot(struct mw_tape *tape, uint32_t slot, bool gradient, mw_node *out, mw_error *err);
bool mw_formula_vector(struct mw_tape *tape, uint32_t slot, mw_node *out, mw_error *err);
bool mw_formula_panel(struct mw_tape *tape, uint32_t shape_of_main, mw_node *out, mw_error *err);
/* A tensor of a model, or a number, as it stands in the graph. */
bool mw_formula_leaf(struct mw_tape *tape, mw_node main, mw_node *out, mw_error *err);

/* Compiles what gives the tensor `value`, or a SUM operation's result. */
bool mw_formula_make(struct mw_tape *tape, mw_node value, mw_formula *out, mw_error *err);
void mw_formula_free(mw_formula *formula);
/* Which slots it reads: calls note(context, slot, gradient) for each. */
void mw_formula_reads(const struct mw_tape *tape, const mw_formula *formula,
                      void (*note)(void *context, uint32_t slot, bool gradient), void *context);

/* Elements [start, start + count) of a tensor of `elements`. `panel` points to the panel's element `start`. Where the
 * formula sums, *sum is what these elements give (a PEAK: their peak), else out[0 .. count) is written; out may be the
 * memory of a slot that it reads at the same place. */
bool mw_formula_run(const struct mw_tape *tape, const mw_formula *formula, mw_thread_pool_worker *worker, const float *panel,
                    uint64_t start, size_t count, float *out, double *sum, mw_error *err);
/* Rows of `columns` elements that stay in the cache: several formulas of one panel are run on so many at a time. */
size_t mw_formula_rows(size_t columns);
/* Adds the columns of rows [first, first + rows), of `columns` each, to sums[columns]. */
bool mw_formula_columns(const struct mw_tape *tape, const mw_formula *formula, mw_thread_pool_worker *worker, const float *panel,
                        uint64_t first, size_t rows, size_t columns, float *sums, mw_error *err);

#endif
