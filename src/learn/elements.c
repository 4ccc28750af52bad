/* elements.c: builds and runs formulas (formula.h). A formula runs on blocks of a tensor, which the threads share. A sum is the
 * sum of its blocks' sums, added in order; blocks are whole units of reductions (MW_UNIT), so the terms are always added in the
 * same order, whatever the threads.
 *
 * BACK of a step builds, for each operand that wants a gradient, the expression derivative * gradient by the rules of
 * expr/derive.h. If two operands are the same slot, their expressions are added before they are compiled. For example y = x * s,
 * a tensor times a scalar, and z = x * x:
 *
 *   y to x   gradient of x + (gradient of y) * s          STORE: element by element
 *   y to s   total of (gradient of y) * x                 TOTAL: one sum over all blocks
 *   z to x   gradient of x + (gradient of z) * x + (gradient of z) * x
 *
 * If y is the first that propagates to x, the formula does not read the gradient of x, and writes it. A scalar of scalars has no
 * formula: its derivative is computed by the same rules in a graph of numbers, where every expression folds to a number. */
#include "learn/elements.h"
#include "learn/divide.h"
#include "expr/derive.h"
#include "expr/compute.h"
#include <stdlib.h>
#include <string.h>

/* COLUMN_ROWS: rows of an item that adds up columns. STORE_BLOCK: elements of an item that gives no sum. */
enum { COLUMN_ROWS = 32, STORE_BLOCK = 16 << 10 };

static bool is_sum(mw_op op) { return mw_graph_op_class(op) == MW_CLASS_SUM; }

/* ---- making ---- */

/* The node of the scratch graph that stands for an operand of a slot. */
static bool operand_in_scratch(mw_tape *tape, mw_node operand, mw_node *out, mw_error *err) {
  mw_graph_node_facts facts = mw_graph_facts(tape->world->graph, operand);
  if (facts.op == MW_OP_NUMBER) return mw_formula_leaf(tape, operand, out, err);
  mw_tape_slot *slot = mw_tape_find(tape, operand);
  if (!slot) return mw_formula_panel(tape, facts.shape, out, err); /* of CHANCE, which reads only a shape */
  uint32_t index = (uint32_t)(slot - tape->slots);
  return facts.op == MW_OP_VECTOR ? mw_formula_vector(tape, index, out, err) : mw_formula_slot(tape, index, false, out, err);
}

static bool operands_in_scratch(mw_tape *tape, mw_graph_node_facts facts, mw_node operands[3], mw_error *err) {
  for (uint32_t i = 0; i < facts.operands; i++) MW_TRY(operand_in_scratch(tape, facts.operand[i], &operands[i], err));
  return true;
}

/* The FORWARD step of y = op(a, b, c): the same operation on leaves that stand for the slots. */
static bool make_forward(mw_tape *tape, mw_tape_step *step, mw_error *err) {
  mw_tape_slot *slot = &tape->slots[step->slot];
  mw_node operands[3], value;
  if (slot->facts.op == MW_OP_INPUT)
    return mw_formula_leaf(tape, slot->node, &value, err) && mw_formula_make(tape, value, &step->formula, err);
  return operands_in_scratch(tape, slot->facts, operands, err) &&
         mw_graph_apply(tape->scratch, slot->facts.op, operands, slot->facts.operands, slot->facts.extra, &value, err) &&
         mw_formula_make(tape, value, &step->formula, err);
}

/* What a SUM operation propagates to operand i. TOTAL: g. DOT: g times the other operand. PEAK: g with the sign of x where |x| is
 * the peak, else 0. */
static bool derive_sum(mw_graph *scratch, mw_op op, const mw_node *o, mw_node y, mw_node g, uint32_t i, mw_node *out, mw_error *err) {
  if (op == MW_OP_TOTAL) return *out = g, true;
  if (op == MW_OP_DOT) return mw_graph_apply(scratch, MW_OP_MUL, (mw_node[]){o[1 - i], g}, 2, NULL, out, err);
  mw_node magnitude, at, sign, zero;
  return mw_graph_number(scratch, 0, &zero, err) && mw_graph_apply(scratch, MW_OP_ABS, o, 1, NULL, &magnitude, err) &&
         mw_graph_apply(scratch, MW_OP_EQ, (mw_node[]){magnitude, y}, 2, NULL, &at, err) &&
         mw_graph_apply(scratch, MW_OP_SIGN, o, 1, NULL, &sign, err) &&
         mw_graph_apply(scratch, MW_OP_MUL, (mw_node[]){sign, g}, 2, NULL, &sign, err) &&
         mw_graph_apply(scratch, MW_OP_WHERE, (mw_node[]){at, sign, zero}, 3, NULL, out, err);
}

/* Adds `derivative` to what the step propagates to an operand in this way (STORE, TOTAL, COLUMNS): one propagation for each pair of
 * slot and way, so that z = x * x propagates to x once, with the sum of both derivatives. */
static bool propagate(mw_tape *tape, mw_tape_step *step, mw_node operand, int how, mw_node derivative, mw_error *err) {
  if (!derivative) return true;
  uint32_t slot = (uint32_t)(mw_tape_find(tape, operand) - tape->slots);
  size_t i = 0;
  while (i < step->propagation_count && (step->propagations[i].slot != slot || (int)step->propagations[i].how != how)) i++;
  if (i == step->propagation_count) {
    MW_TRY(mw_mem_grow(&step->propagations, &step->propagation_capacity, i + 1, sizeof *step->propagations, err));
    step->propagations[step->propagation_count++] = (mw_tape_propagation){.slot = slot, .how = how};
  }
  return mw_derive_add(tape->scratch, step->propagations[i].derivative, derivative, &step->propagations[i].derivative, err);
}

/* Compiles a propagation: with the sum, or the addition to what the gradient was before, that it needs. */
static bool finish(mw_tape *tape, mw_tape_propagation *p, bool sum, mw_error *err) {
  mw_tape_slot *slot = &tape->slots[p->slot];
  mw_node value = p->derivative, before;
  if (p->how == MW_PROPAGATE_TOTAL) MW_TRY(mw_graph_apply(tape->scratch, MW_OP_TOTAL, &value, 1, NULL, &value, err));
  if (p->how == MW_PROPAGATE_STORE && (sum || slot->touched || !slot->facts.whole)) {
    p->clear = slot->facts.whole && !slot->touched;
    MW_TRY(mw_formula_slot(tape, p->slot, true, &before, err));
    MW_TRY(mw_graph_apply(tape->scratch, MW_OP_ADD, (mw_node[]){before, value}, 2, NULL, &value, err));
  }
  slot->touched = true;
  return mw_formula_make(tape, value, &p->formula, err);
}

/* The BACK step of y = op(a, b, c): for each operand that wants a gradient, its derivative as an expression of a, b, c, y and g, the
 * gradient of y; then how it gets there: to a tensor element by element, to a scalar as a sum, to the vector of COLUMNS as the
 * sums of the columns. */
static bool make_back(mw_tape *tape, mw_tape_step *step, mw_error *err) {
  mw_tape_slot *slot = &tape->slots[step->slot];
  mw_graph_node_facts facts = slot->facts;
  mw_node operands[3], y, g, out[3] = {0};
  unsigned wanted = 0;
  MW_TRY(operands_in_scratch(tape, facts, operands, err));
  MW_TRY(mw_formula_slot(tape, step->slot, false, &y, err) && mw_formula_slot(tape, step->slot, true, &g, err));
  for (uint32_t i = 0; i < facts.operands; i++) {
    const mw_tape_slot *operand = mw_tape_find(tape, facts.operand[i]);
    if (operand && operand->wants) wanted |= 1u << i;
  }
  if (facts.op == MW_OP_COLUMNS) {
    if (wanted & 1) MW_TRY(mw_graph_apply(tape->scratch, MW_OP_COLUMNS, (mw_node[]){g, operands[1]}, 2, NULL, &out[0], err));
    if (wanted & 2) MW_TRY(mw_graph_apply(tape->scratch, MW_OP_MUL, (mw_node[]){g, operands[0]}, 2, NULL, &out[1], err));
  } else if (is_sum(facts.op)) {
    for (uint32_t i = 0; i < facts.operands; i++)
      if (wanted >> i & 1) MW_TRY(derive_sum(tape->scratch, facts.op, operands, y, g, i, &out[i], err));
  } else MW_TRY(mw_derive(tape->scratch, facts.op, operands, y, g, wanted, out, err));
  for (uint32_t i = 0; i < facts.operands; i++) {
    int how = facts.op == MW_OP_COLUMNS && i == 1                               ? MW_PROPAGATE_COLUMNS
              : mw_graph_facts(tape->world->graph, facts.operand[i]).shape == 0 ? MW_PROPAGATE_TOTAL
                                                                                : MW_PROPAGATE_STORE;
    MW_TRY(propagate(tape, step, facts.operand[i], how, out[i], err));
  }
  for (size_t i = 0; i < step->propagation_count; i++) MW_TRY(finish(tape, &step->propagations[i], is_sum(facts.op), err));
  return true;
}

bool mw_elements_make(mw_tape *tape, mw_tape_step *step, mw_error *err) {
  mw_tape_slot *slot = &tape->slots[step->slot];
  if (!slot->facts.shape && !is_sum(slot->facts.op)) { /* a scalar of scalars */
    if (step->kind == MW_STEP_BACK)
      for (uint32_t i = 0; i < slot->facts.operands; i++) {
        mw_tape_slot *operand = mw_tape_find(tape, slot->facts.operand[i]);
        if (operand) operand->touched = true;
      }
    return true;
  }
  return step->kind == MW_STEP_FORWARD ? make_forward(tape, step, err) : make_back(tape, step, err);
}

/* ---- running ---- */

typedef struct blocks {
  mw_tape *tape;
  const mw_formula *formula;
  size_t elements, columns, block;
  float *out;
  double *sums; /* of every block */
  float *partials;
} blocks;

static bool run_block(void *context, size_t item, mw_thread_pool_worker *worker, mw_error *err) {
  const blocks *b = context;
  size_t first = item * b->block, left = b->elements - first, n = left < b->block ? left : b->block;
  return mw_formula_run(b->tape, b->formula, worker, NULL, first, n, b->out ? b->out + first : NULL,
                        b->sums ? &b->sums[item] : NULL, err);
}

static size_t block_count(const blocks *b) { return (b->elements + b->block - 1) / b->block; }

/* Writes the formula's elements to `out`. */
static bool store(mw_tape *tape, const mw_formula *formula, size_t elements, float *out, mw_error *err) {
  blocks b = {.tape = tape, .formula = formula, .elements = elements, .block = STORE_BLOCK, .out = out};
  return mw_thread_pool_run(tape->pool, block_count(&b), run_block, &b, err);
}

/* The formula's sum, or the largest of its blocks' peaks. Every block has a place of its own, and they are added in their order. */
static bool add_up(mw_tape *tape, const mw_formula *formula, size_t elements, bool peak, double *sum, mw_error *err) {
  blocks b = {.tape = tape, .formula = formula, .elements = elements, .block = MW_THREAD_POOL_BLOCK};
  size_t count = block_count(&b);
  if (!(b.sums = mw_mem_new(count + 1, sizeof *b.sums, err))) return false;
  bool ok = mw_thread_pool_run(tape->pool, count, run_block, &b, err);
  *sum = 0;
  for (size_t i = 0; i < count; i++) *sum = !peak ? *sum + b.sums[i] : b.sums[i] > *sum ? b.sums[i] : *sum;
  free(b.sums);
  return ok;
}

static bool run_columns(void *context, size_t item, mw_thread_pool_worker *worker, mw_error *err) {
  const blocks *b = context;
  size_t first = item * COLUMN_ROWS, left = b->elements / b->columns - first;
  return mw_formula_columns(b->tape, b->formula, worker, NULL, first, left < COLUMN_ROWS ? left : COLUMN_ROWS, b->columns,
                            b->partials + item * b->columns, err);
}

/* Adds the sums of the columns of a tensor of `elements` to the slot's gradient. */
static bool add_columns(mw_tape *tape, const mw_formula *formula, size_t elements, mw_tape_slot *slot, mw_error *err) {
  size_t items = (elements / slot->elements + COLUMN_ROWS - 1) / COLUMN_ROWS;
  blocks b = {.tape = tape, .formula = formula, .elements = elements, .columns = slot->elements,
              .partials = mw_mem_new(items * slot->elements, sizeof *b.partials, err)};
  if (!b.partials) return false;
  bool ok = mw_divide_reserve(tape, slot->elements, err) && mw_thread_pool_run(tape->pool, items, run_columns, &b, err);
  for (size_t c = 0; c < slot->elements && ok; c++) {
    double sum = 0;
    for (size_t i = 0; i < items; i++) sum += (double)b.partials[i * slot->elements + c];
    mw_divide_add(tape, slot, c, sum);
  }
  free(b.partials);
  return ok;
}

static double scalar_of(const mw_tape *tape, mw_node node) {
  double value;
  return mw_graph_is_number(tape->world->graph, node, &value) ? value : mw_tape_find(tape, node)->scalar;
}

bool mw_elements_forward(mw_tape *tape, const mw_tape_step *step, mw_error *err) {
  mw_tape_slot *slot = &tape->slots[step->slot];
  mw_graph_node_facts facts = slot->facts;
  if (facts.shape) return store(tape, &step->formula, slot->elements, slot->values, err);
  if (is_sum(facts.op)) {
    size_t elements = mw_tape_find(tape, facts.operand[0])->elements;
    return add_up(tape, &step->formula, elements, facts.op == MW_OP_PEAK, &slot->scalar, err);
  }
  double operands[3] = {0};
  for (uint32_t i = 0; i < facts.operands; i++) operands[i] = scalar_of(tape, facts.operand[i]);
  slot->scalar = mw_compute(facts.op, operands);
  return true;
}

/* The derivative of a scalar operation: in a graph of numbers, the expression that the rule gives folds to a number. */
static bool back_scalar(mw_tape *tape, mw_tape_slot *slot, mw_graph *numbers, mw_error *err) {
  mw_graph_node_facts facts = slot->facts;
  mw_node operands[3], y, g, out[3];
  unsigned wanted = 0;
  for (uint32_t i = 0; i < facts.operands; i++) {
    const mw_tape_slot *operand = mw_tape_find(tape, facts.operand[i]);
    wanted |= (unsigned)(operand && operand->wants) << i;
    MW_TRY(mw_graph_number(numbers, scalar_of(tape, facts.operand[i]), &operands[i], err));
  }
  MW_TRY(mw_graph_number(numbers, slot->scalar, &y, err) && mw_graph_number(numbers, slot->scalar_gradient, &g, err));
  MW_TRY(mw_derive(numbers, facts.op, operands, y, g, wanted, out, err));
  for (uint32_t i = 0; i < facts.operands; i++) {
    double value;
    if (out[i] && mw_graph_is_number(numbers, out[i], &value)) mw_tape_find(tape, facts.operand[i])->scalar_gradient += value;
  }
  return true;
}

/* Runs the propagations that make_back has made. `clear`: the gradient is added to here, but nobody has written it before. */
bool mw_elements_back(mw_tape *tape, const mw_tape_step *step, mw_graph *numbers, mw_error *err) {
  mw_tape_slot *slot = &tape->slots[step->slot];
  if (!slot->facts.shape && !is_sum(slot->facts.op)) return back_scalar(tape, slot, numbers, err);
  size_t elements = slot->facts.shape ? slot->elements : mw_tape_find(tape, slot->facts.operand[0])->elements;
  for (size_t i = 0; i < step->propagation_count; i++) {
    const mw_tape_propagation *p = &step->propagations[i];
    mw_tape_slot *to = &tape->slots[p->slot];
    double sum;
    if (p->how == MW_PROPAGATE_STORE) {
      if (p->clear) memset(to->gradient, 0, elements * sizeof *to->gradient);
      MW_TRY(store(tape, &p->formula, elements, to->gradient, err));
    } else if (p->how == MW_PROPAGATE_COLUMNS) {
      MW_TRY(add_columns(tape, &p->formula, elements, to, err));
    } else {
      MW_TRY(mw_divide_reserve(tape, 1, err) && add_up(tape, &p->formula, elements, false, &sum, err));
      mw_divide_add(tape, to, 0, sum);
    }
  }
  return true;
}
