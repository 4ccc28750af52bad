/* identity.c: nodes get new numbers in the order in which a depth-first walk from the outputs leaves them; then all nodes are
 * hashed in that order, with the new numbers of their operands. Equal expressions are one node, so these numbers depend on
 * nothing but the expressions. The walk is iterative, since a graph from a hostile process may be deep. */
#include "expr/identity.h"
#include "base/sha256.h"
#include <stdlib.h>

typedef struct walk {
  const mw_graph *graph;
  uint32_t *place; /* of every node: its new number, from 1; 0: the walk has not left it */
  uint32_t next;
  mw_node *stack;
  size_t capacity;
  mw_sha256 hash;
} walk;

static void add(walk *w, uint64_t value) { mw_sha256_add(&w->hash, &value, sizeof value); }

/* A table has another number in another graph, so its rows count. */
static void add_table(walk *w, uint64_t table) {
  size_t count;
  const uint32_t *rows = mw_graph_rows(w->graph, table, &count);
  add(w, count);
  mw_sha256_add(&w->hash, rows, count * sizeof *rows);
}

static void leave(walk *w, mw_node node, mw_graph_node_facts facts, bool *models, size_t model_count) {
  add(w, facts.op);
  if (facts.op == MW_OP_GATHER) add_table(w, facts.extra[0]);
  else add(w, facts.extra[0]);
  add(w, facts.extra[1]);
  add(w, mw_graph_elements(w->graph, facts.shape));
  add(w, facts.operands);
  for (uint32_t i = 0; i < facts.operands; i++) add(w, w->place[facts.operand[i]]);
  w->place[node] = ++w->next;
  if (facts.op == MW_OP_INPUT && models && facts.extra[0] < model_count) models[facts.extra[0]] = true;
}

static bool visit(walk *w, mw_node root, bool *models, size_t model_count, mw_error *err) {
  size_t depth = 0;
  MW_TRY(mw_mem_grow(&w->stack, &w->capacity, 1, sizeof *w->stack, err));
  w->stack[depth++] = root;
  while (depth) {
    mw_node node = w->stack[depth - 1];
    if (w->place[node]) {
      depth--;
      continue;
    }
    mw_graph_node_facts facts = mw_graph_facts(w->graph, node);
    size_t before = depth;
    for (uint32_t i = facts.operands; i-- > 0;) {
      if (w->place[facts.operand[i]]) continue;
      MW_TRY(mw_mem_grow(&w->stack, &w->capacity, depth + 1, sizeof *w->stack, err));
      w->stack[depth++] = facts.operand[i];
    }
    if (depth > before) continue; /* operands first */
    leave(w, node, facts, models, model_count);
    depth--;
  }
  return true;
}

bool mw_identity_hash(const mw_graph *graph, const mw_node *outputs, size_t count, bool *models, size_t model_count,
                      char hex[65], mw_error *err) {
  walk w = {.graph = graph, .place = mw_mem_new(mw_graph_count(graph) + 1u, sizeof *w.place, err)};
  bool ok = w.place != NULL;
  mw_sha256_init(&w.hash);
  for (size_t i = 0; i < count && ok; i++) {
    ok = visit(&w, outputs[i], models, model_count, err);
    if (ok) add(&w, w.place[outputs[i]]);
  }
  mw_sha256_finish(&w.hash, hex);
  free(w.place);
  free(w.stack);
  return ok;
}
