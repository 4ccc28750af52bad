/* parts.h: cuts a network into parts that can be run one after the other: where one activation is all that what follows reads of what
 * came before, such as the sum that goes from layer to layer. */
#ifndef MW_LEARN_PARTS_H
#define MW_LEARN_PARTS_H

#include "expr/graph.h"

/* Statistics of one network on one data set, of which a part has some. */
typedef struct mw_parts_part {
  mw_node from, to;    /* the activations with which it begins and ends; 0: as the network does */
  size_t first, count; /* its statistics, a range of the group's nodes */
} mw_parts_part;

typedef struct mw_parts_group {
  mw_node tokens;      /* the batches that its network reads */
  mw_node loss;        /* of gradients; 0: they are of activations, and nothing goes back */
  mw_node *nodes;      /* its statistics, in the order in which the network computes or reads what they are of */
  size_t count;
  mw_parts_part *parts;
  size_t part_count, part_capacity;
} mw_parts_group;

typedef struct mw_parts {
  mw_parts_group *groups;
  size_t count, capacity;
  mw_node *nodes;      /* of all groups */
} mw_parts;

/* Bytes that a statistic takes while it is found. */
uint64_t mw_parts_bytes(const mw_graph *graph, mw_node statistic);
/* Groups DATA nodes and cuts their networks, so that the statistics of a part have at most `room` bytes where that can be. MW_DATA:
 * a statistic reads two data sets, or is by a tensor that its loss does not depend on. */
bool mw_parts_make(mw_parts *parts, const mw_graph *graph, const mw_node *nodes, size_t count, uint64_t room, mw_error *err);
void mw_parts_free(mw_parts *parts);

#endif
