/* node.c: nodes that follow one another, as those of one operation for each tensor of a model do, lie side by side in the hash
 * table too: rows of LANES slots are chosen by the hash, and the place in a row by the node's first operand. Where a slot is taken,
 * that of the next row is tried. */
#include "expr/node.h"
#include "expr/graph.h"
#include <stdlib.h>
#include <string.h>

enum { LANES = 64, FIRST_SIZE = 256, FIRST_NODES = 64 };

bool mw_node_table_new(mw_node_table *t, mw_error *err) {
  t->size = FIRST_SIZE;
  t->slots = mw_mem_new(t->size, sizeof *t->slots, err);
  MW_TRY(t->slots && mw_mem_grow(&t->nodes, &t->capacity, FIRST_NODES, sizeof *t->nodes, err));
  t->nodes[0] = (mw_node_table_entry){0};
  return true;
}

void mw_node_table_free(mw_node_table *t) {
  free(t->nodes);
  free(t->operands);
  free(t->slots);
}

/* The upper half of a slot. It is the same for LANES nodes but for their place among these: that of the first operand that is no
 * constant, or an INPUT's tensor. Of the other operands the distance from it counts. */
static uint64_t hash_of(const mw_node_table *t, const mw_node_table_entry *n, const mw_node *operands, const uint64_t extra[2]) {
  const bool input = n->op == MW_OP_INPUT, shaped = n->op == MW_OP_FILL || n->op == MW_OP_RESHAPE;
  uint64_t hash = n->op, place = input ? extra[1] : 0;
  if (n->has_extra) hash = mw_node_table_mix(mw_node_table_mix(hash, extra[0]), input ? 0 : extra[1]);
  if (shaped) hash = mw_node_table_mix(hash, n->shape);
  for (uint32_t i = 0; i < n->count; i++) {
    const bool constant = t->nodes[operands[i]].op == MW_OP_NUMBER;
    hash = mw_node_table_mix(hash, constant ? (uint64_t)operands[i] << 32 : place ? operands[i] - place : 1);
    if (!constant && !place) place = operands[i];
  }
  if (!place) return mw_node_table_mix(hash, 0) >> 32 << 32;
  return ((mw_node_table_mix(hash, place / LANES) >> 32 & ~(uint64_t)(LANES - 1)) | place % LANES) << 32;
}

static bool same(const mw_node_table *t, mw_node id, const mw_node_table_entry *b, uint32_t shape, const mw_node *operands,
                 const uint64_t extra[2]) {
  const mw_node_table_entry *a = &t->nodes[id];
  uint64_t own[2];
  if (a->op != b->op || a->shape != shape || a->count != b->count || a->dtype != b->dtype || a->has_extra != b->has_extra) return false;
  for (uint32_t i = 0; i < a->count; i++)
    if (t->operands[a->first + i] != operands[i]) return false;
  if (!a->has_extra) return true;
  mw_node_table_extra(t, id, own);
  return own[0] == extra[0] && own[1] == extra[1];
}

/* The hash is kept beside the id: what differs in it differs, and a larger table needs no node to be looked at. */
static size_t slot_of(const mw_node_table *t, uint64_t hash) { return (hash >> 32) & (t->size - 1); }

/* The same place in the next row; from the last row on the next place, so that every slot is met. */
static size_t next_slot(const mw_node_table *t, size_t slot) {
  slot += LANES;
  return slot < t->size ? slot : (slot + 1) % LANES;
}

static bool widen(mw_node_table *t, size_t size, mw_error *err) {
  uint64_t *old = t->slots;
  t->slots = mw_mem_new(size, sizeof *t->slots, err);
  if (!t->slots) return t->slots = old, false;
  const size_t before = t->size;
  t->size = size;
  for (size_t i = 0; i < before; i++) {
    if (!old[i]) continue;
    size_t slot = slot_of(t, old[i]);
    while (t->slots[slot]) slot = next_slot(t, slot);
    t->slots[slot] = old[i];
  }
  free(old);
  return true;
}

static bool is_crowded(size_t nodes, size_t slots) { return nodes * 4 >= slots * 3; }

bool mw_node_table_expect(mw_node_table *t, size_t count, mw_error *err) {
  enum { OPERANDS = 2 };
  size_t size = t->size;
  while (is_crowded(count, size)) size *= 2;
  return mw_mem_grow(&t->nodes, &t->capacity, count + 2, sizeof *t->nodes, err) &&
         mw_mem_grow(&t->operands, &t->operand_capacity, OPERANDS * count, sizeof *t->operands, err) &&
         (size == t->size || widen(t, size, err));
}

/* Space for another node and its operands, which are put there; its number. */
static bool add(mw_node_table *t, const mw_node *operands, uint32_t count, const uint64_t extra[2], uint32_t *first, mw_error *err) {
  enum { EXTRA = 2 * sizeof *extra / sizeof *operands };
  if (t->count >= MW_GRAPH_NODES) return mw_error_set(err, MW_DATA, "the recipe's graph has more than %d nodes", MW_GRAPH_NODES);
  if (t->capacity < t->count + 2) MW_TRY(mw_mem_grow(&t->nodes, &t->capacity, t->count + 2, sizeof *t->nodes, err));
  if (t->operand_capacity < t->operand_count + count + EXTRA)
    MW_TRY(mw_mem_grow(&t->operands, &t->operand_capacity, t->operand_count + count + EXTRA, sizeof *t->operands, err));
  if (extra) memcpy(t->operands + t->operand_count, extra, 2 * sizeof *extra), t->operand_count += EXTRA;
  *first = (uint32_t)t->operand_count;
  for (uint32_t i = 0; i < count; i++) t->operands[*first + i] = operands[i];
  t->operand_count += count;
  t->count++;
  return true;
}

/* The slot of the node, or an empty one where it belongs. */
static size_t find(const mw_node_table *t, uint64_t hash, const mw_node_table_entry *node, uint32_t shape, const mw_node *operands,
                   const uint64_t extra[2]) {
  enum { AHEAD = 16 };
  size_t slot = slot_of(t, hash);
  __builtin_prefetch(t->slots + ((slot + AHEAD) & (t->size - 1)), 1);
  for (; t->slots[slot]; slot = next_slot(t, slot)) {
    const mw_node id = (mw_node)t->slots[slot];
    if (t->slots[slot] == (hash | id) && same(t, id, node, shape, operands, extra)) break;
  }
  return slot;
}

static bool found(mw_node_table *t, uint64_t hash, mw_node id, mw_node *out, mw_error *err) {
  *out = t->last = id;
  t->last_hash = hash;
  return !is_crowded(t->count, t->size) || widen(t, 2 * t->size, err);
}

bool mw_node_table_intern(mw_node_table *t, mw_node_table_entry node, const mw_node *operands, const uint64_t extra[2], mw_node *out,
                          mw_error *err) {
  node.has_extra = extra && (extra[0] || extra[1]);
  const uint64_t hash = hash_of(t, &node, operands, extra);
  const size_t slot = find(t, hash, &node, node.shape, operands, extra);
  if (!t->slots[slot]) {
    MW_TRY(add(t, operands, node.count, node.has_extra ? extra : NULL, &node.first, err));
    t->nodes[t->count] = node;
    t->slots[slot] = hash | t->count;
  }
  return found(t, hash, (mw_node)t->slots[slot], out, err);
}

/* The hash of one that follows the last in the same row is the next. The node is not put together in between, but written where it lies. */
bool mw_node_table_intern_like(mw_node_table *t, mw_node like, uint32_t shape, const mw_node *operands, bool next, mw_node *out,
                               mw_error *err) {
  const uint64_t one = (uint64_t)1 << 32, in_row = t->last_hash >> 32 & (LANES - 1);
  const bool follows = next && like == t->last && in_row != LANES - 1;
  const uint64_t hash = follows ? t->last_hash + one : hash_of(t, &t->nodes[like], operands, NULL);
  const size_t slot = find(t, hash, &t->nodes[like], shape, operands, NULL);
  if (!t->slots[slot]) {
    uint32_t first;
    MW_TRY(add(t, operands, t->nodes[like].count, NULL, &first, err));
    t->nodes[t->count] = t->nodes[like];
    t->nodes[t->count].shape = shape;
    t->nodes[t->count].first = first;
    t->slots[slot] = hash | t->count;
  }
  return found(t, hash, (mw_node)t->slots[slot], out, err);
}
