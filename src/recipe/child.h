/* child.h: what a locked child does: load a recipe and describe it, or evaluate it into a graph. */
#ifndef MW_RECIPE_CHILD_H
#define MW_RECIPE_CHILD_H

#include "recipe/sandbox.h"

/* The recipe and its arguments, in memory that the child inherits. */
typedef struct mw_child_task {
  const char *text, *chunk;
  size_t length;
  const mw_binding *bindings; /* evaluation only */
  size_t binding_count;
} mw_child_task;

/* A configuration of mergekit that becomes a recipe; `strict`: what mergekit ignores is an error. */
typedef struct mw_child_conversion {
  const char *text, *name;
  size_t length;
  bool strict;
} mw_child_conversion;

/* Work for mw_sandbox_run; the context is an mw_child_conversion. Sends CONVERTED: the recipe's text, the number of words' names,
 * and for each its name, the number of its words, and the words. */
bool mw_child_convert(mw_interpreter *state, void *conversion, int fd, mw_error *err);

/* Work for mw_sandbox_run; the context is an mw_child_task. */
bool mw_child_describe(mw_interpreter *state, void *task, int fd, mw_error *err);
/* Sends the recipe's text with all that it requires, as the SIGNATURE of another kind. */
bool mw_child_pack(mw_interpreter *state, void *task, int fd, mw_error *err);
bool mw_child_evaluate(mw_interpreter *state, void *task, int fd, mw_error *err);

/* A model of which the losses are wanted: given by its tensors, or if there are none, the first of the inputs. Its loss on each data
 * set becomes an output of a graph, called 000000, 000001 ... in the order of the sets. */
typedef struct mw_child_candidate {
  mw_graph *graph;               /* NULL if there are no outputs. The child adds nodes to its copy only */
  const mw_graph_output *outputs; /* nodes of the graph */
  size_t count;
  mw_json config;                /* its config.json, where it is not the first model's; else kind MW_JSON_END */
} mw_child_candidate;

/* Work for mw_sandbox_run; the context is an mw_child_candidate. */
bool mw_child_losses(mw_interpreter *state, void *candidate, int fd, mw_error *err);

#endif
