/* weights.c: a weight is made in three steps. For example W = base + s * columns(expert - base, c), with trained s and c:
 *
 *   copy            the expression's cone is copied from the main graph into the scratch graph: base and expert as they are, s and c
 *                   as leaves that stand for their slots. A node wants a gradient if s or c is below it.
 *   differentiate   from W down to the leaves, in reverse mode; g, the panel of W's gradient, is the gradient of W itself:
 *                     of s * columns(...)      g                          (the derivative of a sum)
 *                     of s                     g * columns(...)           a SCALAR leaf: the sum of all elements
 *                     of columns(...)          g * s
 *                     of c                     g * s * (expert - base)    a COLUMNS leaf: the sums of the columns
 *                     of base, expert          nothing: no coefficient is below them
 *   compile         the expression of W, and that of each leaf, become formulas
 *
 * In a batch, mw_weights_form runs the expression of W on panels, which the threads share. On the way back, an operation that has
 * computed a panel g calls mw_weights_propagate, which runs the leaves' formulas on it and adds their sums to the item's own
 * partial results. mw_weights_end adds these in the order of the items, so threads do not change the result. */
#include "learn/weights.h"
#include "learn/divide.h"
#include "expr/cone.h"
#include "expr/derive.h"
#include <stdlib.h>
#include <string.h>

enum { PANEL_ELEMENTS = 128 << 10 };

/* ---- building ---- */

typedef struct builder {
  mw_tape *tape;
  mw_tape_weight *weight;
  mw_cone cone;
  mw_node *copies, *gradient; /* of every cone node, in the scratch graph */
  uint8_t *wants;             /* of every cone node */
  mw_error *err;
} builder;

static mw_graph_node_facts facts_of(const mw_tape *tape, mw_node node) { return mw_graph_facts(tape->world->graph, node); }

static bool is_moved(mw_op op) {
  mw_graph_class class = mw_graph_op_class(op);
  return class == MW_CLASS_VIEW || class == MW_CLASS_ROW || class == MW_CLASS_SPREAD || op == MW_OP_FILL;
}
static bool is_matrix(mw_op op) { return mw_graph_op_class(op) == MW_CLASS_MATRIX; }
static bool is_known(mw_op op) { return op == MW_OP_COEFFICIENT || op == MW_OP_LEARNED || mw_graph_op_class(op) == MW_CLASS_DATA; }
/* A tensor whose gradient is wanted, for which it has a slot without values. */
static bool is_trained_tensor(const mw_tape *tape, mw_node node) {
  return tape->trained[node] && facts_of(tape, node).op != MW_OP_COEFFICIENT;
}

bool mw_weights_no_statistics(mw_error *err) {
  mw_error_set(err, MW_DATA, "a network is made of what is found from data (gram, fisher ...)");
  return mw_error_hint(err, "`moonweld stats` writes it to a file, which a recipe takes as a model");
}

/* A cone is what must be computed element by element for a weight: its nodes, operands before their users, ending with the weight.
 * Its edges are what it reads that is no tensor of elements: scalars, vectors, numbers. */
bool mw_weights_leaves(const mw_tape *tape, mw_node node, bool (*need)(void *context, mw_node node, mw_error *err),
                       void *context, mw_error *err) {
  mw_cone cone = {0};
  bool ok = mw_cone_add(&cone, tape->world->graph, node, err);
  for (size_t i = 0; i < cone.count && ok; i++)
    if (is_moved(facts_of(tape, cone.nodes[i]).op))
      ok = mw_error_set(err, MW_DATA, "what is learned reads no slices and joins, nothing along rows, and no filled tensors");
    else if (is_matrix(facts_of(tape, cone.nodes[i]).op))
      ok = mw_error_set(err, MW_DATA, "what is learned reads no functions of whole matrices (svd, matmul ...)");
    else if (is_known(facts_of(tape, cone.nodes[i]).op) || tape->trained[cone.nodes[i]]) ok = need(context, cone.nodes[i], err);
  for (size_t i = 0; i < cone.edge_count && ok; i++) {
    mw_graph_node_facts facts = facts_of(tape, cone.edges[i]);
    if (facts.op == MW_OP_VECTOR) ok = need(context, facts.operand[0], err);
    else if (facts.op != MW_OP_NUMBER) ok = need(context, cone.edges[i], err);
  }
  mw_cone_free(&cone);
  return ok;
}

static uint32_t slot_index(const mw_tape *tape, mw_node node) { return (uint32_t)(mw_tape_find(tape, node) - tape->slots); }

/* The node of the scratch graph for an operand, and whether it wants a gradient. */
static bool operand_in_scratch(builder *b, mw_node operand, mw_node *out, bool *wants) {
  long at = mw_cone_find(&b->cone, operand);
  mw_graph_node_facts facts = facts_of(b->tape, operand);
  *wants = false;
  if (at >= 0 && b->copies[at]) { /* what gives its shape only may come behind what reads it */
    *out = b->copies[at];
    *wants = b->wants[at];
    return true;
  }
  if (facts.op == MW_OP_NUMBER) return mw_formula_leaf(b->tape, operand, out, b->err);
  if (facts.shape && facts.op != MW_OP_VECTOR) return mw_formula_panel(b->tape, facts.shape, out, b->err); /* CHANCE: a shape */
  mw_tape_slot *slot = mw_tape_find(b->tape, operand);
  *wants = slot->wants;
  uint32_t index = slot_index(b->tape, operand);
  return facts.op == MW_OP_VECTOR ? mw_formula_vector(b->tape, index, out, b->err)
                                  : mw_formula_slot(b->tape, index, false, out, b->err);
}

/* Copies the cone into the scratch graph, operands before their users. */
static bool copy(builder *b) {
  for (size_t i = 0; i < b->cone.count; i++) {
    mw_node node = b->cone.nodes[i];
    mw_graph_node_facts facts = facts_of(b->tape, node);
    if (facts.op == MW_OP_INPUT) MW_TRY(mw_formula_leaf(b->tape, node, &b->copies[i], b->err));
    else if (is_known(facts.op)) {
      b->wants[i] = mw_tape_find(b->tape, node)->wants;
      MW_TRY(mw_formula_slot(b->tape, slot_index(b->tape, node), false, &b->copies[i], b->err));
    } else {
      mw_node operands[3];
      if (facts.operands > 3) return mw_error_set(b->err, MW_BUG, "an elementwise operation of %u operands", facts.operands);
      for (uint32_t o = 0; o < facts.operands; o++) {
        bool wants;
        MW_TRY(operand_in_scratch(b, facts.operand[o], &operands[o], &wants));
        b->wants[i] |= wants && o >= mw_graph_op_first(facts.op);
      }
      MW_TRY(mw_graph_apply(b->tape->scratch, facts.op, operands, facts.operands, facts.extra, &b->copies[i], b->err));
    }
    b->wants[i] |= is_trained_tensor(b->tape, node);
  }
  return true;
}

/* Adds `derivative` to what is propagated to the leaf. */
static bool propagate(builder *b, mw_node leaf, int kind, mw_node derivative) {
  mw_tape_weight *w = b->weight;
  uint32_t slot = slot_index(b->tape, leaf);
  size_t i = 0;
  while (i < w->leaf_count && (w->leaves[i].slot != slot || (int)w->leaves[i].kind != kind)) i++;
  if (i == w->leaf_count) {
    MW_TRY(mw_mem_grow(&w->leaves, &w->leaf_capacity, i + 1, sizeof *w->leaves, b->err));
    w->leaves[w->leaf_count++] = (mw_weight_leaf){.slot = slot, .kind = kind};
  }
  return mw_derive_add(b->tape->scratch, w->leaves[i].derivative, derivative, &w->leaves[i].derivative, b->err);
}

/* Adds `derivative` to the gradient of an operand: within the cone to its expression, else (a scalar) to what its leaf gets. */
static bool propagate_operand(builder *b, mw_node operand, mw_node derivative) {
  long at = mw_cone_find(&b->cone, operand);
  if (!derivative) return true;
  if (at < 0) return propagate(b, operand, MW_LEAF_SCALAR, derivative);
  return mw_derive_add(b->tape->scratch, b->gradient[at], derivative, &b->gradient[at], b->err);
}

/* Finds what is propagated to each leaf: reverse mode over the cone, from the panel of the weight's gradient. */
static bool differentiate(builder *b) {
  mw_graph *scratch = b->tape->scratch;
  mw_graph_node_facts whole = facts_of(b->tape, b->weight->node);
  MW_TRY(mw_formula_panel(b->tape, whole.shape, &b->gradient[b->cone.count - 1], b->err));
  for (size_t i = b->cone.count; i-- > 0;) {
    mw_node g = b->gradient[i];
    mw_graph_node_facts facts = facts_of(b->tape, b->cone.nodes[i]);
    if (!g || !b->wants[i]) continue;
    if (is_known(facts.op) || is_trained_tensor(b->tape, b->cone.nodes[i])) {
      MW_TRY(propagate(b, b->cone.nodes[i], MW_LEAF_ELEMENTS, g));
      continue;
    }
    mw_node operands[3], out[3] = {0};
    bool wants[3];
    unsigned wanted = 0;
    for (uint32_t o = 0; o < facts.operands; o++) {
      MW_TRY(operand_in_scratch(b, facts.operand[o], &operands[o], &wants[o]));
      wanted |= (unsigned)wants[o] << o;
    }
    if (facts.op == MW_OP_COLUMNS) {
      if (wants[0]) MW_TRY(mw_graph_apply(scratch, MW_OP_COLUMNS, (mw_node[]){g, operands[1]}, 2, NULL, &out[0], b->err));
      MW_TRY(propagate_operand(b, facts.operand[0], out[0]));
      if (!wants[1]) continue;
      MW_TRY(mw_graph_apply(scratch, MW_OP_MUL, (mw_node[]){g, operands[0]}, 2, NULL, &out[1], b->err));
      MW_TRY(propagate(b, facts.operand[1], MW_LEAF_COLUMNS, out[1]));
      continue;
    }
    MW_TRY(mw_derive(scratch, facts.op, operands, b->copies[i], g, wanted, out, b->err));
    for (uint32_t o = 0; o < facts.operands; o++) MW_TRY(propagate_operand(b, facts.operand[o], out[o]));
  }
  return true;
}

/* Compiles the weight and its leaves, and gives each leaf its place in a partial result. */
static bool compile(builder *b) {
  mw_tape_weight *w = b->weight;
  MW_TRY(mw_formula_make(b->tape, b->copies[b->cone.count - 1], &w->formula, b->err));
  for (size_t i = 0; i < w->leaf_count; i++) {
    mw_weight_leaf *leaf = &w->leaves[i];
    mw_node value = leaf->derivative;
    if (leaf->kind == MW_LEAF_SCALAR) MW_TRY(mw_graph_apply(b->tape->scratch, MW_OP_TOTAL, &value, 1, NULL, &value, b->err));
    MW_TRY(mw_formula_make(b->tape, value, &leaf->formula, b->err));
    leaf->place = w->partial_size;
    w->partial_size += leaf->kind == MW_LEAF_COLUMNS ? w->columns : leaf->kind == MW_LEAF_SCALAR ? 2 : 0;
  }
  w->partial_size += w->partial_size % 2; /* scalars are doubles */
  return true;
}

bool mw_weights_add(mw_tape *tape, mw_node node, mw_error *err) {
  if (tape->weight_of[node]) return true;
  MW_TRY(mw_mem_grow(&tape->weights, &tape->weight_capacity, tape->weight_count + 1, sizeof *tape->weights, err));
  mw_graph_node_facts facts = facts_of(tape, node);
  const uint64_t *dims = mw_graph_dims(tape->world->graph, facts.shape);
  unsigned rank = mw_graph_rank(tape->world->graph, facts.shape);
  mw_tape_weight *w = &tape->weights[tape->weight_count++];
  tape->weight_of[node] = (uint32_t)tape->weight_count;
  *w = (mw_tape_weight){.node = node, .rows = rank == 2 ? dims[0] : 1, .columns = dims[rank - 1],
                   .plain = rank == 2 && facts.op == MW_OP_INPUT};
  builder b = {.tape = tape, .weight = w, .err = err};
  bool ok = mw_cone_add(&b.cone, tape->world->graph, node, err);
  b.copies = ok ? mw_mem_new(b.cone.count, sizeof *b.copies, err) : NULL;
  b.gradient = b.copies ? mw_mem_new(b.cone.count, sizeof *b.gradient, err) : NULL;
  b.wants = b.gradient ? mw_mem_new(b.cone.count, 1, err) : NULL;
  ok = b.wants && copy(&b);
  if (ok) w->wants = b.wants[b.cone.count - 1];
  ok = ok && (!w->wants || differentiate(&b)) && compile(&b);
  mw_cone_free(&b.cone);
  free(b.copies);
  free(b.gradient);
  free(b.wants);
  return ok;
}

void mw_weights_free(mw_tape *tape) {
  for (size_t i = 0; i < tape->weight_count; i++) {
    mw_tape_weight *w = &tape->weights[i];
    for (size_t l = 0; l < w->leaf_count; l++) mw_formula_free(&w->leaves[l].formula);
    mw_formula_free(&w->formula);
    free(w->leaves);
    free(w->values);
    free(w->partials);
  }
  free(tape->weights);
}

size_t mw_weights_size(const mw_tape *tape) {
  size_t size = 0;
  for (size_t i = 0; i < tape->weight_count; i++)
    if (!tape->weights[i].plain) size += tape->weights[i].rows * tape->weights[i].columns;
  return size;
}

/* ---- forward ---- */

/* Rows of a panel when a weight is formed: about PANEL_ELEMENTS elements. */
static size_t panel_rows(const mw_tape_weight *w) { return w->columns < PANEL_ELEMENTS ? PANEL_ELEMENTS / w->columns : 1; }

static size_t panels(const mw_tape_weight *w) { return (w->rows + panel_rows(w) - 1) / panel_rows(w); }

/* Forming all weights is one loop of the pool: its items are the panels of one weight after the other. With weights of 3, 0 and 2
 * panels, `first` is 0, 3, 3, 5: item 3 is the first panel of the third weight, which the search below finds as the last weight
 * that does not begin after the item. */
typedef struct forming {
  mw_tape *tape;
  size_t *first; /* of every weight: its first item; a weight that has no items has the same as the next one */
} forming;

static bool form_panel(void *context, size_t item, mw_thread_pool_worker *worker, mw_error *err) {
  const forming *f = context;
  size_t low = 0, high = f->tape->weight_count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (f->first[middle] <= item) low = middle;
    else high = middle;
  }
  mw_tape_weight *w = &f->tape->weights[low];
  size_t row = (item - f->first[low]) * panel_rows(w), rows = w->rows - row < panel_rows(w) ? w->rows - row : panel_rows(w);
  return mw_formula_run(f->tape, &w->formula, worker, NULL, row * w->columns, rows * w->columns, w->values + row * w->columns,
                        NULL, err);
}

/* A weight without a trained coefficient is formed once; `plain` ones, which are tensors of a model, are read where they are used. */
bool mw_weights_form(mw_tape *tape, mw_error *err) {
  forming f = {tape, mw_mem_new(tape->weight_count + 1, sizeof *f.first, err)};
  if (!f.first) return false;
  size_t items = 0;
  bool ok = true;
  for (size_t i = 0; i < tape->weight_count && ok; i++) {
    mw_tape_weight *w = &tape->weights[i];
    f.first[i] = items;
    if (w->plain || ((!w->wants || tape->world->finding) && tape->constants_known)) continue;
    if (!w->values) ok = (w->values = mw_mem_new(w->rows * w->columns, sizeof *w->values, err)) != NULL;
    items += panels(w);
  }
  ok = ok && mw_thread_pool_run(tape->pool, items, form_panel, &f, err);
  free(f.first);
  if (ok) tape->constants_known = true;
  return ok;
}

bool mw_weights_rows(const mw_tape *tape, const mw_tape_weight *w, mw_thread_pool_worker *worker, float *work, uint64_t first, size_t count,
                     const float **out, mw_error *err) {
  *out = w->values ? w->values + first * w->columns : work;
  return w->values ||
         mw_formula_run(tape, &w->formula, worker, NULL, first * w->columns, count * w->columns, work, NULL, err);
}

/* ---- backward ---- */

bool mw_weights_shares_rows(const mw_tape_weight *w) {
  for (size_t i = 0; i < w->leaf_count; i++)
    if (w->leaves[i].kind == MW_LEAF_ELEMENTS) return false;
  return true;
}

/* Every item has a partial result of its own, so that no two threads add to the same number. */
bool mw_weights_begin(mw_tape_weight *w, size_t items, mw_error *err) {
  MW_TRY(mw_mem_grow(&w->partials, &w->partial_capacity, items * w->partial_size + 1, sizeof *w->partials, err));
  memset(w->partials, 0, items * w->partial_size * sizeof *w->partials);
  return true;
}

/* Propagates to all COLUMNS leaves, some rows at a time: the first formula reads these rows from memory, the others from the
 * cache. */
static bool propagate_columns(const mw_tape *tape, mw_tape_weight *w, mw_thread_pool_worker *worker, float *partial,
                         uint64_t first, size_t count,
                         const float *gradient, mw_error *err) {
  size_t step = mw_formula_rows(w->columns);
  for (size_t r = 0; r < count; r += step)
    for (size_t i = 0; i < w->leaf_count; i++)
      if (w->leaves[i].kind == MW_LEAF_COLUMNS)
        MW_TRY(mw_formula_columns(tape, &w->leaves[i].formula, worker, gradient + r * w->columns, first + r,
                                  count - r < step ? count - r : step, w->columns, partial + w->leaves[i].place, err));
  return true;
}

/* Rows [first, first + count) of the weight's gradient are known: adds what they give to each leaf. A SCALAR's sum is a double that
 * lies in two floats of the partial result; an ELEMENTS leaf has a gradient of the weight's own shape, of which no other item
 * has these rows, so it is added to at once. */
bool mw_weights_propagate(const mw_tape *tape, mw_tape_weight *w, mw_thread_pool_worker *worker, size_t item, uint64_t first,
                          size_t count, const float *gradient, mw_error *err) {
  float *partials = w->partials + item * w->partial_size;
  MW_TRY(propagate_columns(tape, w, worker, partials, first, count, gradient, err));
  for (size_t i = 0; i < w->leaf_count; i++) {
    const mw_weight_leaf *leaf = &w->leaves[i];
    float *partial = partials + leaf->place;
    if (leaf->kind == MW_LEAF_COLUMNS) continue;
    if (leaf->kind == MW_LEAF_SCALAR) {
      double total, sum;
      MW_TRY(mw_formula_run(tape, &leaf->formula, worker, gradient, first * w->columns, count * w->columns, NULL, &sum, err));
      memcpy(&total, partial, sizeof total);
      total += sum;
      memcpy(partial, &total, sizeof total);
    } else {
      size_t n = count * w->columns;
      float *found = mw_thread_pool_reserve(&worker->products, n * sizeof *found, err);
      if (!found) return false;
      MW_TRY(mw_formula_run(tape, &leaf->formula, worker, gradient, first * w->columns, n, found, NULL, err));
      worker->kernels->rows.add(tape->slots[leaf->slot].gradient + first * w->columns, found, 1, n);
    }
  }
  return true;
}

bool mw_weights_end(mw_tape *tape, mw_tape_weight *w, size_t items, mw_error *err) {
  for (size_t i = 0; i < w->leaf_count; i++) {
    const mw_weight_leaf *leaf = &w->leaves[i];
    mw_tape_slot *slot = &tape->slots[leaf->slot];
    MW_TRY(mw_divide_reserve(tape, items > w->columns ? items : w->columns, err));
    if (leaf->kind == MW_LEAF_SCALAR)
      for (size_t k = 0; k < items; k++) {
        double total;
        memcpy(&total, w->partials + k * w->partial_size + leaf->place, sizeof total);
        mw_divide_add(tape, slot, 0, total);
      }
    if (leaf->kind != MW_LEAF_COLUMNS) continue;
    for (size_t c = 0; c < w->columns; c++) {
      double total = 0;
      for (size_t k = 0; k < items; k++) total += (double)w->partials[k * w->partial_size + leaf->place + c];
      mw_divide_add(tape, slot, c, total);
    }
  }
  return true;
}
