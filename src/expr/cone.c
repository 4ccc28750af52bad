/* cone.c: an iterative depth-first walk. What it has met is in a small hash set, so the cost depends on the size of the cone, not
 * on that of the graph. */
#include "expr/cone.h"
#include <stdlib.h>
#include <string.h>

enum { FIRST_TABLE = 64 };

static size_t slot_of(const mw_cone *cone, mw_node node) {
  size_t mask = cone->table_size - 1, slot = (node * 0x9e3779b1u) & mask;
  while (cone->table[slot] && cone->nodes[cone->table[slot] - 1] != node) slot = (slot + 1) & mask;
  return slot;
}

long mw_cone_find(const mw_cone *cone, mw_node node) {
  return cone->table_size ? (long)cone->table[slot_of(cone, node)] - 1 : -1;
}

static bool widen(mw_cone *cone, mw_error *err) {
  size_t size = cone->table_size ? cone->table_size * 2 : FIRST_TABLE;
  uint32_t *table = mw_mem_new(size, sizeof *table, err);
  if (!table) return false;
  free(cone->table);
  cone->table = table;
  cone->table_size = size;
  for (size_t i = 0; i < cone->count; i++) table[slot_of(cone, cone->nodes[i])] = (uint32_t)i + 1;
  return true;
}

static bool append(mw_cone *cone, mw_node node, mw_error *err) {
  if (cone->count * 2 >= cone->table_size) MW_TRY(widen(cone, err));
  MW_TRY(mw_mem_grow(&cone->nodes, &cone->capacity, cone->count + 1, sizeof *cone->nodes, err));
  MW_TRY(mw_mem_grow(&cone->uses, &cone->uses_capacity, cone->count + 1, sizeof *cone->uses, err));
  size_t slot = slot_of(cone, node);
  cone->nodes[cone->count] = node;
  cone->uses[cone->count++] = 0;
  cone->table[slot] = (uint32_t)cone->count;
  return true;
}

bool mw_cone_add(mw_cone *cone, const mw_graph *graph, mw_node value, mw_error *err) {
  if (mw_cone_find(cone, value) < 0) {
    size_t depth = 0;
    MW_TRY(mw_mem_grow(&cone->stack, &cone->stack_capacity, 1, sizeof *cone->stack, err));
    cone->stack[depth++] = value;
    while (depth) {
      mw_node node = cone->stack[depth - 1];
      mw_graph_node_facts facts = mw_graph_facts(graph, node);
      const uint32_t operands = cone->known && cone->known[node] ? 0 : mw_cone_operands(facts);
      if (mw_cone_find(cone, node) >= 0) {
        depth--;
        continue;
      }
      size_t before = depth;
      for (uint32_t i = operands; i-- > mw_graph_op_first(facts.op);) {
        mw_node operand = facts.operand[i];
        if (!mw_cone_goes_on(graph, operand) || mw_cone_find(cone, operand) >= 0) continue;
        MW_TRY(mw_mem_grow(&cone->stack, &cone->stack_capacity, depth + 1, sizeof *cone->stack, err));
        cone->stack[depth++] = operand;
      }
      if (depth > before) continue; /* operands first */
      for (uint32_t i = mw_graph_op_first(facts.op); i < operands; i++) {
        long at = mw_cone_find(cone, facts.operand[i]);
        if (at >= 0) {
          cone->uses[at]++;
          continue;
        }
        MW_TRY(mw_mem_grow(&cone->edges, &cone->edge_capacity, cone->edge_count + 1, sizeof *cone->edges, err));
        cone->edges[cone->edge_count++] = facts.operand[i];
      }
      MW_TRY(append(cone, node, err));
      depth--;
    }
  }
  cone->uses[mw_cone_find(cone, value)]++;
  return true;
}

void mw_cone_clear(mw_cone *cone) {
  if (cone->table) memset(cone->table, 0, cone->table_size * sizeof *cone->table);
  cone->count = cone->edge_count = 0;
}

void mw_cone_free(mw_cone *cone) {
  free(cone->nodes);
  free(cone->uses);
  free(cone->edges);
  free(cone->stack);
  free(cone->table);
  memset(cone, 0, sizeof *cone);
}

unsigned mw_cone_values(const mw_graph *graph, mw_program_root root, mw_node values[2]) {
  mw_graph_node_facts facts = mw_graph_facts(graph, root.node);
  if (root.store || root.remember) {
    values[0] = root.node;
    return 1;
  }
  values[0] = facts.operand[root.part];
  if (facts.op != MW_OP_DOT && facts.op != MW_OP_ROW_DOT && facts.op != MW_OP_COLUMN_DOT) return 1;
  values[1] = facts.operand[1];
  return 2;
}
