/* child.h: what a locked child does: load a recipe and describe it, or evaluate it into a graph. */
#ifndef MW_RECIPE_CHILD_H
#define MW_RECIPE_CHILD_H

#include "recipe/sandbox.h"

/* The recipe and what it is asked; lies in memory that the child inherits. */
typedef struct mw_child_task {
  const char *text, *chunk;
  size_t length;
  const mw_binding *bindings; /* evaluation only */
  size_t binding_count;
} mw_child_task;

/* Both are mw_sandbox_work over a mw_child_task. */
bool mw_child_describe(mw_interpreter *state, void *task, int fd, mw_error *err);
bool mw_child_evaluate(mw_interpreter *state, void *task, int fd, mw_error *err);

/* A model given by its tensors, or with none the first of the inputs: its loss on each data set becomes a graph whose
 * outputs are called 000000, 000001 ... in the order of the sets. */
typedef struct mw_child_candidate {
  mw_graph *graph;               /* NULL where there are no outputs. The child's own copy grows, the parent's does not */
  const mw_graph_output *outputs; /* its nodes */
  size_t count;
} mw_child_candidate;

/* mw_sandbox_work over a mw_child_candidate. */
bool mw_child_losses(mw_interpreter *state, void *candidate, int fd, mw_error *err);

#endif
