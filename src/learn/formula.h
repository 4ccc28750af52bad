/* formula.h: elementwise arithmetic as a tile program of its own (exec/tile.h). It may read slots, their gradients, a panel of
 * a weight's gradient, and tensors of models; it gives floats, or their sum. Forward steps, derivatives and merged weights
 * are all formulas.
 *
 * A formula is first built as an expression in the tape's scratch graph, where the graph's rewrites and the rules of
 * expr/derive.h work as on any graph. Leaves of the scratch graph stand for memory. For example, y = a * b of slots a, b and y:
 *
 *   forward           MUL(value of a, value of b)
 *   back to a         ADD(gradient of a, MUL(gradient of y, value of b))
 *
 * The second one is compiled to the program
 *
 *   r0 <- INPUT gradient of y;  r1 <- INPUT value of b;  r2 <- INPUT gradient of a;  r2 <- MUL_ADD r0, r1, r2;  STORE r2
 *
 * and run on the gradient of a in place. */
#ifndef MW_LEARN_FORMULA_H
#define MW_LEARN_FORMULA_H

#include "learn/thread_pool.h"

struct mw_tape;

typedef struct mw_formula {
  mw_program program;
  bool sums;      /* it gives a sum instead of floats */
  mw_node tensor; /* or 0; the formula is only this tensor of a model, or it times the panel: run without the tile machine */
} mw_formula;

/* Leaves of the scratch graph: a slot's value or gradient, tensor or scalar; a slot as the vector of COLUMNS; the panel, with the
 * shape of the main graph. */
bool mw_formula_slot(struct mw_tape *tape, uint32_t slot, bool gradient, mw_node *out, mw_error *err);
bool mw_formula_vector(struct mw_tape *tape, uint32_t slot, mw_node *out, mw_error *err);
bool mw_formula_panel(struct mw_tape *tape, uint32_t shape_of_main, mw_node *out, mw_error *err);
/* A tensor of a model, or a number, copied from the main graph. */
bool mw_formula_leaf(struct mw_tape *tape, mw_node main, mw_node *out, mw_error *err);

/* Compiles the expression `value` of the scratch graph: a tensor, or a SUM operation. */
bool mw_formula_make(struct mw_tape *tape, mw_node value, mw_formula *out, mw_error *err);
void mw_formula_free(mw_formula *formula);
/* Calls note(context, slot, gradient) for each slot that the formula reads. */
void mw_formula_reads(const struct mw_tape *tape, const mw_formula *formula,
                      void (*note)(void *context, uint32_t slot, bool gradient), void *context);

/* Runs the formula on elements [start, start + count) of its tensors. `panel` points to the panel's element `start`. If the
 * formula sums, *sum becomes the sum of these elements (of a PEAK, the largest), else out[0 .. count) is written; `out` may
 * be the memory of a slot that the formula reads, at the same elements. */
bool mw_formula_run(const struct mw_tape *tape, const mw_formula *formula, mw_thread_pool_worker *worker, const float *panel,
                    uint64_t start, size_t count, float *out, double *sum, mw_error *err);
/* How many rows of `columns` elements stay in the cache: several formulas of one panel are run on so many rows at a time. */
size_t mw_formula_rows(size_t columns);
/* Adds rows [first, first + rows) of the formula's tensor, of `columns` elements each, to sums[columns]. */
bool mw_formula_columns(const struct mw_tape *tape, const mw_formula *formula, mw_thread_pool_worker *worker, const float *panel,
                        uint64_t first, size_t rows, size_t columns, float *sums, mw_error *err);

#endif
