/* sections.c: the walk starts at the roots' cones. A leaf that reads along rows names a ROW or a vector, whose own cone is walked in
 * turn, until nothing new is met. Operands have lower ids than their users, so in the order of ids each one's phase follows from
 * those before it: a ROW takes one more sweep over the elements than what it is made of, a vector none.
 *
 * A stretch is made of whole runs of every length that is read so: the least common multiple of these, and at least
 * MW_SECTIONS_STRETCH elements. It depends on shapes alone, and so do the sums over stretches (exec/tile.c). */
#include "expr/sections.h"
#include <stdlib.h>

enum { MW_SECTIONS_STRETCH = 2048 };

static mw_graph_class class_of(const mw_graph *graph, mw_node node) { return mw_graph_op_class(mw_graph_facts(graph, node).op); }

mw_node mw_sections_read(const mw_graph *graph, mw_node leaf) {
  mw_graph_class class = class_of(graph, leaf);
  if (class != MW_CLASS_SPREAD) return class == MW_CLASS_ROW ? leaf : 0;
  mw_node vector = mw_graph_facts(graph, leaf).operand[0];
  return class_of(graph, vector) == MW_CLASS_CROSS ? 0 : vector;
}

long mw_sections_kept(const mw_program *p, mw_node node) {
  for (size_t i = 0; i < p->kept_count; i++)
    if (p->kept[i].node == node) return (long)i;
  return -1;
}

static bool keep(mw_program *p, const mw_graph *graph, mw_node node, mw_error *err) {
  if (!node || mw_sections_kept(p, node) >= 0) return true;
  if (p->kept_count >= MW_PROGRAM_MOST_KEPT)
    return mw_error_set(err, MW_DATA, "a recipe's expression for one tensor keeps more than %d values of each row", MW_PROGRAM_MOST_KEPT);
  MW_TRY(mw_mem_grow(&p->kept, &p->kept_capacity, p->kept_count + 1, sizeof *p->kept, err));
  p->kept[p->kept_count++] = (mw_program_kept){.node = node, .run = mw_graph_run(graph, mw_graph_facts(graph, node))};
  return true;
}

/* The cone that computes a kept value. */
static bool cone_of(mw_cone *cone, const mw_graph *graph, mw_node node, mw_error *err) {
  mw_graph_node_facts facts = mw_graph_facts(graph, node);
  mw_cone_clear(cone);
  if (mw_graph_op_class(facts.op) != MW_CLASS_ROW) return mw_cone_add(cone, graph, node, err);
  for (uint32_t i = 0; i < facts.operands; i++) MW_TRY(mw_cone_add(cone, graph, mw_graph_facts(graph, node).operand[i], err));
  return true;
}

static bool keep_leaves(mw_program *p, const mw_graph *graph, const mw_cone *cone, mw_error *err) {
  for (size_t i = 0; i < cone->count; i++) MW_TRY(keep(p, graph, mw_sections_read(graph, cone->nodes[i]), err));
  return true;
}

static int by_node(const void *a, const void *b) {
  mw_node x = ((const mw_program_kept *)a)->node, y = ((const mw_program_kept *)b)->node;
  return (x > y) - (x < y);
}

/* `quantum` becomes a multiple of `run`, too. Runs that have none below 2^40 are refused: a stretch would be larger than memory. */
static bool include(mw_program *p, uint64_t run, mw_error *err) {
  uint64_t x = p->quantum ? p->quantum : 1, y = run, all;
  while (y) {
    uint64_t rest = x % y;
    x = y, y = rest;
  }
  if (__builtin_mul_overflow((p->quantum ? p->quantum : 1) / x, run, &all) || all >> 40)
    return mw_error_set(err, MW_DATA, "rows of lengths that have no common multiple below 2^40 are computed together");
  p->quantum = all;
  return true;
}

static bool order(mw_program *p, const mw_graph *graph, mw_cone *cone, mw_error *err) {
  if (p->kept_count) qsort(p->kept, p->kept_count, sizeof *p->kept, by_node);
  for (size_t k = 0; k < p->kept_count; k++) {
    mw_program_kept *kept = &p->kept[k];
    MW_TRY(cone_of(cone, graph, kept->node, err));
    for (size_t i = 0; i < cone->count; i++) {
      long at = mw_sections_kept(p, mw_sections_read(graph, cone->nodes[i]));
      if (at >= 0 && p->kept[at].phase > kept->phase) kept->phase = p->kept[at].phase;
    }
    kept->phase += class_of(graph, kept->node) == MW_CLASS_ROW;
    MW_TRY(include(p, kept->run, err));
    if (class_of(graph, kept->node) == MW_CLASS_ROW) MW_TRY(include(p, mw_graph_facts(graph, kept->node).extra[0], err));
  }
  return true;
}

bool mw_sections_find(mw_program *p, const mw_graph *graph, const mw_program_root *roots, size_t count, mw_cone *cone, mw_error *err) {
  p->kept_count = 0;
  p->quantum = 0;
  p->run = 1;
  p->columns = 0;
  mw_node values[2];
  bool rowed = false;
  for (size_t r = 0; r < count; r++) {
    mw_cone_values(graph, roots[r], values);
    mw_graph_node_facts root = mw_graph_facts(graph, roots[r].node);
    rowed |= root.rowed;
    if (!roots[r].store && mw_graph_sums_columns(root.op))
      p->columns = mw_graph_elements(graph, root.shape) > p->columns ? mw_graph_elements(graph, root.shape) : p->columns;
    p->run = mw_graph_run(graph, mw_graph_facts(graph, values[0]));
  }
  if (!rowed) return true;
  mw_cone_clear(cone);
  for (size_t r = 0; r < count; r++)
    for (unsigned i = 0, n = mw_cone_values(graph, roots[r], values); i < n; i++) MW_TRY(mw_cone_add(cone, graph, values[i], err));
  MW_TRY(keep_leaves(p, graph, cone, err));
  for (size_t k = 0; k < p->kept_count; k++) MW_TRY(cone_of(cone, graph, p->kept[k].node, err) && keep_leaves(p, graph, cone, err));
  MW_TRY(order(p, graph, cone, err));
  if (p->quantum && p->quantum < MW_SECTIONS_STRETCH) p->quantum *= (MW_SECTIONS_STRETCH + p->quantum - 1) / p->quantum;
  return true;
}
