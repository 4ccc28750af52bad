/* message.h: messages between the parent and a child that evaluates a recipe. Everything that comes from a child is
 * hostile until checked here: lengths, counts, and every node, which passes again through the graph's constructors. */
#ifndef MW_RECIPE_MESSAGE_H
#define MW_RECIPE_MESSAGE_H

#include "base/text.h"
#include "expr/graph.h"
#include <sys/types.h>

typedef enum mw_message_kind {
  MW_MESSAGE_SIGNATURE = 1, MW_MESSAGE_GRAPH, MW_MESSAGE_ERROR, MW_MESSAGE_PRINT, MW_MESSAGE_REQUIRE, MW_MESSAGE_DRAWN, MW_MESSAGE_SCORE,
  MW_MESSAGE_WARNING
} mw_message_kind;

/* Writing: numbers and texts appended to a buffer. */
void mw_message_put_u32(mw_text *out, uint32_t value);
void mw_message_put_u64(mw_text *out, uint64_t value);
void mw_message_put_double(mw_text *out, double value);
void mw_message_put_text(mw_text *out, const char *bytes, size_t length);

/* Reading: once something is missing, `failed` stays set and zeros are returned. */
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
} mw_message_patience;

/* The same, waiting no longer than patience allows. Both set errno to ENOMEM where a message had no room. */
bool mw_message_hear(int fd, size_t limit, mw_message_patience *patience, uint32_t *kind, char **bytes, size_t *length);

/* What of a graph a message holds, and what it is called there (from 1; 0: it stays behind). */
typedef struct mw_message_choice {
  uint32_t *nodes;     /* of every node id; operands of what is sent are sent too */
  uint32_t *trainings; /* of every training that a LEARNED node may name, from training 0 on */
} mw_message_choice;

/* What a node is called in a message. */
static inline uint32_t mw_message_node(const mw_message_choice *choice, mw_node node) { return choice ? choice->nodes[node] : node; }

/* The graph and its outputs, sorted by name. Without a choice all of it as it is; else only what was chosen, where
 * coefficients are numbered anew too. */
bool mw_message_put_graph(mw_text *out, const mw_graph *graph, const mw_graph_output *outputs, size_t count,
                       const mw_message_choice *choice, mw_error *err);

/* What an INPUT node may name: the tensor at (model, row), or NULL. */
typedef struct mw_message_inputs {
  const void *context;
  bool (*find)(const void *context, uint64_t model, uint64_t row, mw_dtype *dtype, const uint64_t **dims, unsigned *rank);
} mw_message_inputs;

/* Who takes what follows the outputs: node ids of the message go through `map` (of `nodes` entries after [0]). NULL: the
 * message ends there. */
typedef struct mw_message_rest {
  void *context;
  bool (*take)(void *context, mw_message *in, const mw_node *map, uint32_t nodes, const mw_graph *graph, mw_error *err);
} mw_message_rest;

/* Rebuilds a graph from bytes. Names go into the arena; *outputs is the arena's too. */
bool mw_message_take_graph(const char *bytes, size_t length, mw_message_inputs inputs, mw_message_rest rest, mw_arena *arena,
                        mw_graph **graph, mw_graph_output **outputs, size_t *count, mw_error *err);

#endif
