/* parts.c: the nodes of a graph are in the order of computation, so a network is a stretch of them. An activation is a cut if none
 * before it is read after it: with `reach` the last reader of all activations so far, where reach is not beyond it. A tensor whose
 * gradient is wanted may be read in several places, such as an embedding that is the head, too; its gradient is the sum of both, so
 * there is no cut between them. */
#include "learn/parts.h"
#include "expr/cone.h"
#include <stdlib.h>
#include <string.h>

typedef struct maker {
  mw_parts *parts;
  const mw_graph *graph;
  uint8_t *needed;     /* of every node: the group's statistics depend on it */
  uint32_t *reader;    /* of every activation: the last node that reads it */
  uint32_t *first, *last; /* of every node: where the network first and last reads it; 0: nowhere */
  uint64_t room;
  mw_error *err;
} maker;

static mw_graph_node_facts facts_of(const maker *m, mw_node node) { return mw_graph_facts(m->graph, node); }

static bool is_activation(mw_graph_node_facts facts) { return facts.whole && facts.shape; }
static bool goes_back(mw_op op) { return op == MW_OP_GRADIENT || op == MW_OP_FISHER; }

/* Squares are added up beside the gradient of a window and the tensor in f32; those of activations alone are added up. */
uint64_t mw_parts_bytes(const mw_graph *graph, mw_node statistic) {
  mw_graph_node_facts facts = mw_graph_facts(graph, statistic);
  uint64_t elements = mw_graph_elements(graph, facts.shape);
  if (goes_back(facts.op)) return 3 * sizeof(float) * elements;
  const uint64_t *dims = mw_graph_dims(graph, mw_graph_facts(graph, facts.operand[0]).shape);
  return elements * (facts.op == MW_OP_GRAM ? sizeof(float) : sizeof(double)) + dims[0] * dims[1] * sizeof(float);
}

/* ---- groups ---- */

/* Marks what a node depends on in a network, its weights left out; *tokens becomes the batch that it reads. */
static bool mark(maker *m, mw_node root, mw_node *tokens) {
  memset(m->needed, 0, mw_graph_count(m->graph) + 1u);
  m->needed[root] = 1;
  *tokens = 0;
  for (mw_node id = root; id > 0; id--) {
    mw_graph_node_facts facts = facts_of(m, id);
    if (!m->needed[id]) continue;
    if (facts.op == MW_OP_TOKENS) {
      if (*tokens && *tokens != id) return mw_error_set(m->err, MW_DATA, "a statistic of two data sets; the mean of two statistics is one");
      *tokens = id;
    }
    for (uint32_t i = 0; i < facts.operands && facts.whole; i++) {
      mw_graph_node_facts operand = facts_of(m, facts.operand[i]);
      m->needed[facts.operand[i]] |= operand.whole || operand.op == MW_OP_TOKENS;
    }
  }
  return *tokens || mw_error_set(m->err, MW_DATA, "a statistic of what reads no data");
}

static bool add_to_group(maker *m, mw_node node, mw_node *of_group, size_t index) {
  mw_parts *p = m->parts;
  mw_graph_node_facts facts = facts_of(m, node);
  mw_node tokens, loss = goes_back(facts.op) ? facts.operand[0] : 0;
  size_t g = 0;
  MW_TRY(mark(m, facts.operand[0], &tokens));
  while (g < p->count && (p->groups[g].tokens != tokens || p->groups[g].loss != loss)) g++;
  if (g == p->count) {
    MW_TRY(mw_mem_grow(&p->groups, &p->capacity, g + 1, sizeof *p->groups, m->err));
    p->groups[p->count++] = (mw_parts_group){.tokens = tokens, .loss = loss};
  }
  p->groups[g].count++;
  of_group[index] = (mw_node)g;
  return true;
}

/* Lists each group's nodes, in their order. */
static bool group(maker *m, const mw_node *nodes, size_t count) {
  mw_node *of_group = mw_mem_new(count + 1, sizeof *of_group, m->err);
  bool ok = of_group && (m->parts->nodes = mw_mem_new(count + 1, sizeof *nodes, m->err));
  for (size_t i = 0; i < count && ok; i++) ok = add_to_group(m, nodes[i], of_group, i);
  mw_node *next = m->parts->nodes;
  for (size_t g = 0; g < m->parts->count && ok; g++) {
    mw_parts_group *group = &m->parts->groups[g];
    group->nodes = next;
    for (size_t i = 0; i < count; i++)
      if (of_group[i] == g) *next++ = nodes[i];
  }
  free(of_group);
  return ok;
}

/* ---- cuts ---- */

/* Where the network reads each tensor below its weights. */
static bool find_readers(maker *m, const mw_parts_group *g) {
  uint32_t nodes = mw_graph_count(m->graph);
  mw_cone cone = {0};
  bool ok = true;
  memset(m->needed, 0, nodes + 1u);
  memset(m->reader, 0, (nodes + 1u) * sizeof *m->reader);
  memset(m->first, 0, (nodes + 1u) * sizeof *m->first);
  memset(m->last, 0, (nodes + 1u) * sizeof *m->last);
  for (size_t i = 0; i < g->count; i++) m->needed[facts_of(m, g->nodes[i]).operand[0]] = 1;
  for (mw_node id = nodes; id > 0 && ok; id--) {
    mw_graph_node_facts facts = facts_of(m, id);
    if (!m->needed[id] || !facts.whole) continue;
    for (uint32_t i = 0; i < facts.operands && ok; i++) {
      mw_node o = facts.operand[i];
      mw_graph_node_facts operand = facts_of(m, o);
      if (operand.whole) m->needed[o] = 1;
      if (!m->reader[o]) m->reader[o] = id; /* from the last to the first */
      if (!g->loss || operand.whole || !operand.shape || operand.op == MW_OP_TOKENS) continue;
      mw_cone_clear(&cone);
      ok = mw_cone_add(&cone, m->graph, o, m->err);
      for (size_t k = 0; k < cone.count && ok; k++) {
        m->first[cone.nodes[k]] = id;
        if (!m->last[cone.nodes[k]]) m->last[cone.nodes[k]] = id;
      }
    }
  }
  mw_cone_free(&cone);
  return ok;
}

/* Where a statistic's turn comes, and where it is over. */
static mw_node begin_of(const maker *m, mw_node statistic) {
  mw_graph_node_facts facts = facts_of(m, statistic);
  return goes_back(facts.op) ? m->first[facts.operand[1]] : facts.operand[0];
}
static mw_node end_of(const maker *m, mw_node statistic) {
  mw_graph_node_facts facts = facts_of(m, statistic);
  return goes_back(facts.op) ? m->last[facts.operand[1]] : facts.operand[0];
}

/* The group's statistics in the order of their ends; equal ones in that of the graph. An insertion sort: they nearly are. */
static bool sort(maker *m, mw_parts_group *g) {
  for (size_t i = 0; i < g->count; i++) {
    mw_node node = g->nodes[i];
    if (!end_of(m, node)) return mw_error_set(m->err, MW_DATA, "a gradient for a tensor that the loss does not depend on");
    size_t k = i;
    for (; k > 0 && end_of(m, g->nodes[k - 1]) > end_of(m, node); k--) g->nodes[k] = g->nodes[k - 1];
    g->nodes[k] = node;
  }
  return true;
}

/* Ends the current part at `to`, with the statistics up to before `end`. */
static bool end_part(maker *m, mw_parts_group *g, mw_node to, size_t end) {
  mw_parts_part *before = g->part_count ? &g->parts[g->part_count - 1] : NULL;
  mw_parts_part part = {.from = before ? before->to : 0, .to = to, .first = before ? before->first + before->count : 0};
  part.count = end - part.first;
  MW_TRY(mw_mem_grow(&g->parts, &g->part_capacity, g->part_count + 1, sizeof *g->parts, m->err));
  g->parts[g->part_count++] = part;
  return true;
}

/* Goes from cut to cut. A part ends at the one before where what has come since would be too much for it. */
static bool cut(maker *m, mw_parts_group *g) {
  mw_node reach = 0, open = 0, at = 0; /* open: up to where statistics that have begun are not over; at: the cut before */
  uint64_t held = 0, since = 0;        /* bytes of the part up to the cut before, and of what has come since */
  size_t next = 0, before = 0, begun = 0;
  for (mw_node id = 1; id <= mw_graph_count(m->graph) && next < g->count; id++) {
    mw_graph_node_facts facts = facts_of(m, id);
    if (!m->needed[id] || !facts.whole) continue;
    for (size_t i = begun; i < g->count; i++) /* sorted by ends: begins are nearly in order */
      if (begin_of(m, g->nodes[i]) == id && end_of(m, g->nodes[i]) > open) open = end_of(m, g->nodes[i]);
    for (; next < g->count && end_of(m, g->nodes[next]) <= id; next++) since += mw_parts_bytes(m->graph, g->nodes[next]);
    begun = next;
    if (is_activation(facts) && reach <= id && open <= id && m->reader[id] > id) {
      if (held && at && held + since > m->room) {
        MW_TRY(end_part(m, g, at, before));
        held = 0;
      }
      held += since, since = 0, at = id, before = next;
    }
    if (m->reader[id] > reach) reach = m->reader[id];
  }
  if (held && since && at && held + since > m->room) MW_TRY(end_part(m, g, at, before));
  return end_part(m, g, 0, g->count);
}

bool mw_parts_make(mw_parts *parts, const mw_graph *graph, const mw_node *nodes, size_t count, uint64_t room, mw_error *err) {
  size_t all = mw_graph_count(graph) + 1u;
  *parts = (mw_parts){0};
  maker m = {.parts = parts, .graph = graph, .room = room, .err = err};
  m.needed = mw_mem_new(all, sizeof *m.needed, err);
  m.reader = mw_mem_new(all, sizeof *m.reader, err);
  m.first = mw_mem_new(all, sizeof *m.first, err);
  m.last = mw_mem_new(all, sizeof *m.last, err);
  bool ok = m.needed && m.reader && m.first && m.last && group(&m, nodes, count);
  for (size_t g = 0; g < parts->count && ok; g++)
    ok = find_readers(&m, &parts->groups[g]) && sort(&m, &parts->groups[g]) && cut(&m, &parts->groups[g]);
  free(m.needed);
  free(m.reader);
  free(m.first);
  free(m.last);
  if (!ok) mw_parts_free(parts);
  return ok;
}

void mw_parts_free(mw_parts *parts) {
  for (size_t g = 0; g < parts->count; g++) free(parts->groups[g].parts);
  free(parts->groups);
  free(parts->nodes);
  *parts = (mw_parts){0};
}
