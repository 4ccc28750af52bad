/* message.h: messages between the parent and a child that evaluates a recipe (recipe.h shows both). What comes from a child may be
 * hostile, so it is checked here: lengths, counts, and every node, which is made again by the graph's constructors, with all
 * their checks.
 *
 * A message is its kind and its length, two u64, and so many bytes. A graph is its tables of rows (of GATHER, mostly none); the
 * number of its nodes; the nodes, operands before their users; the number of outputs; and for each its name and node. For example,
 * the output "w" = x * 0.5, where x is tensor 7 of model 0, has three nodes:
 *
 *   0 tables                                       u32
 *   3 nodes                                        u32
 *   INPUT,  extra 0, 7,           no operands      node 1: u32, two u64, u32
 *   NUMBER, extra bits of 0.5, 0, no operands      node 2
 *   MUL,    extra 0, 0,           2 operands 1, 2  node 3; an operand is the number of an earlier node
 *   1 output, "w", 3                               u32, the text with its length, u32
 *
 * The reader asks its inputs for the dtype and shape of tensor 7, and refuses the graph if there is none; it refuses operands that
 * are not earlier nodes, so there are no cycles; mw_graph_apply checks the rest. */
#ifndef MW_RECIPE_MESSAGE_H
#define MW_RECIPE_MESSAGE_H

#include "base/text.h"
#include "expr/graph.h"
#include <sys/types.h>

typedef enum mw_message_kind {
  MW_MESSAGE_SIGNATURE = 1, MW_MESSAGE_GRAPH, MW_MESSAGE_ERROR, MW_MESSAGE_PRINT, MW_MESSAGE_REQUIRE, MW_MESSAGE_DRAWN, MW_MESSAGE_SCORE,
  MW_MESSAGE_WARNING, MW_MESSAGE_EXPLAINED, MW_MESSAGE_CONVERTED, MW_MESSAGE_PROMPTS
} mw_message_kind;

/* Writing: numbers and texts are added to a buffer. */
void mw_message_put_u32(mw_text *out, uint32_t value);
void mw_message_put_u64(mw_text *out, uint64_t value);
void mw_message_put_double(mw_text *out, double value);
void mw_message_put_text(mw_text *out, const char *bytes, size_t length);

/* Reading: if the message is too short, `failed` is set, and zeros are returned from then on. */
typedef struct mw_message {
  const char *at, *end;
  bool failed;
} mw_message;
uint32_t mw_message_u32(mw_message *in);
uint64_t mw_message_u64(mw_message *in);
double mw_message_double(mw_message *in);
const char *mw_message_text(mw_message *in, size_t *length); /* not NUL-terminated */

/* Whole messages over a pipe. */
bool mw_message_send(int fd, uint32_t kind, const char *bytes, size_t length);
/* False at the end of the pipe or for a message above `limit`. free() *bytes, which is NUL-terminated. */
bool mw_message_receive(int fd, size_t limit, uint32_t *kind, char **bytes, size_t *length);
/* How long somebody waits for another process. */
typedef struct mw_message_patience {
  double seconds;             /* left, in all; at or below 0: none */
  bool (*works)(pid_t other); /* whether the other works, or would if the machine let it: such time is not counted */
  pid_t other;
  double waited;              /* seconds that were not asked about yet */
} mw_message_patience;

/* The same, but waits no longer than `patience` allows. Both set errno to ENOMEM if there was no memory for a message. */
bool mw_message_hear(int fd, size_t limit, mw_message_patience *patience, uint32_t *kind, char **bytes, size_t *length);

/* Which nodes and trainings of a graph are sent: their number in the message, from 1; 0: not sent. */
typedef struct mw_message_choice {
  uint32_t *nodes;     /* of every node id; operands of what is sent are sent too */
  uint32_t *trainings; /* of every training that a LEARNED node may name, from training 0 on */
} mw_message_choice;

/* The number of a node in a message. */
static inline uint32_t mw_message_node(const mw_message_choice *choice, mw_node node) { return choice ? choice->nodes[node] : node; }

/* Writes the graph and its outputs, sorted by name: all of it, or only what was chosen; then coefficients get new numbers too. */
bool mw_message_put_graph(mw_text *out, const mw_graph *graph, const mw_graph_output *outputs, size_t count,
                       const mw_message_choice *choice, mw_error *err);

/* Finds the tensor that an INPUT node names, by model and row. */
typedef struct mw_message_inputs {
  const void *context;
  bool (*find)(const void *context, uint64_t model, uint64_t row, mw_dtype *dtype, const uint64_t **dims, unsigned *rank);
} mw_message_inputs;

/* Reads what follows the outputs; map[i] is the graph's node for number i of the message, from 1 to `nodes`. NULL: the message must
 * end there. */
typedef struct mw_message_rest {
  void *context;
  bool (*take)(void *context, mw_message *in, const mw_node *map, uint32_t nodes, const mw_graph *graph, mw_error *err);
} mw_message_rest;

/* Makes a graph again from a message. Names and *outputs are in the arena. */
bool mw_message_take_graph(const char *bytes, size_t length, mw_message_inputs inputs, mw_message_rest rest, mw_arena *arena,
                        mw_graph **graph, mw_graph_output **outputs, size_t *count, mw_error *err);

#endif
