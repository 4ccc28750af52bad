/* node.h: where the nodes of a graph lie, and a hash table by which equal ones are one. What a node may be is not asked here
 * (rules.h). */
#ifndef MW_EXPR_NODE_H
#define MW_EXPR_NODE_H

#include "base/mem.h"
#include <string.h>

typedef uint32_t mw_node; /* 0 is no node */

/* The flags are those of mw_graph_node_facts. */
typedef struct mw_node_table_entry {
  uint8_t op, dtype;
  bool f64 : 1, learned : 1, whole : 1, factor : 1, turned : 1, matrices : 1, rowed : 1, column : 1;
  uint8_t nested : 7;    /* views in views */
  uint8_t has_extra : 1;
  uint32_t shape, first, count, over; /* first, count: its operands */
  mw_node variable;
} mw_node_table_entry;

typedef struct mw_node_table {
  mw_node_table_entry *nodes; /* [0] stands for no node */
  size_t count, capacity;
  mw_node *operands; /* of all nodes, one after the other; before those of one that has it its extra, two u64 */
  size_t operand_count, operand_capacity;
  uint64_t *slots; /* a power of two: a part of the hash above the node's id; 0 is empty */
  size_t size;
  mw_node last; /* the node that was asked for last, and its hash */
  uint64_t last_hash;
} mw_node_table;

bool mw_node_table_new(mw_node_table *table, mw_error *err);
/* So many nodes will be there: memory is taken at once. */
bool mw_node_table_expect(mw_node_table *table, size_t count, mw_error *err);
void mw_node_table_free(mw_node_table *table);
/* The node equal to `node` with these operands and extra (NULL: none, which is two zeros), made if there is none. */
bool mw_node_table_intern(mw_node_table *table, mw_node_table_entry node, const mw_node *operands, const uint64_t extra[2], mw_node *out,
                          mw_error *err);
/* The same of a node that is like `like`, which has no extra, but for its shape and operands. `next`: each of these is the node behind
 * that of `like`, or the same constant. */
bool mw_node_table_intern_like(mw_node_table *table, mw_node like, uint32_t shape, const mw_node *operands, bool next, mw_node *out,
                               mw_error *err);

static inline void mw_node_table_extra(const mw_node_table *table, mw_node node, uint64_t extra[2]) {
  const mw_node_table_entry *n = &table->nodes[node];
  extra[0] = extra[1] = 0;
  if (n->has_extra) memcpy(extra, table->operands + n->first - 4, 2 * sizeof *extra);
}

static inline uint64_t mw_node_table_mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 29);
}

#endif
