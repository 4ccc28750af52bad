/* values.h: the numbers that a run finds out: results of sinks, and the scalars computed from them in f64. During
 * speculation (speculation.h) every assignment is journalled, so that it can be rolled back. */
#ifndef MW_EXEC_VALUES_H
#define MW_EXEC_VALUES_H

#include "exec/masks.h"
#include "exec/sum_weights.h"

typedef struct mw_values_vector {
  mw_node node;
  size_t count;
  double *f64;
  float *f32; /* the same numbers rounded, filled when the vector is complete */
} mw_values_vector;

/* The elements of a COEFFICIENT or LEARNED node. */
typedef struct mw_values_known {
  mw_node node;
  const float *values;
  float *own; /* the same, if they are ours to free */
} mw_values_known;

/* The elements of a MATRIX node, in the dtype of its facts. They belong to exec/matrices.h. */
typedef struct mw_values_matrix {
  mw_node node;
  const void *values;
} mw_values_matrix;

typedef struct mw_values {
  const mw_graph *graph;
  double *value;  /* of every node: if it is known its value, else a guess of it, else 0 */
  bool *known;    /* of every node */
  uint64_t *ties; /* of every selection that was found: how many elements equal to it have its rank or a higher one; 0: all */
  bool speculative;  /* what is set now will be rolled back */
  mw_node *journal;  /* the nodes that were set so */
  size_t journal_count, journal_capacity;
  mw_node *stack;
  size_t stack_capacity;
  mw_values_vector *vectors;
  size_t vector_count, vector_capacity;
  mw_values_known *coefficients;
  size_t coefficient_count, coefficient_capacity;
  mw_values_matrix *matrices; /* those that are in memory */
  size_t matrix_count, matrix_capacity;
  mw_sum_weights weights; /* of the sums that expanded dots are made of */
  mw_masks masks;         /* what was drawn and is in memory */
} mw_values;

bool mw_values_new(mw_values *values, const mw_graph *graph, const mw_expansion *expansion, mw_error *err);
void mw_values_free(mw_values *values);
bool mw_values_set(mw_values *values, mw_node node, double value, mw_error *err);
/* Keeps a guess of a node's value, for mw_values_assume. The node stays unknown. */
void mw_values_guess(mw_values *values, mw_node node, double value);
/* During speculation: use the node's guessed value if its real one is unknown; 0 if there is no guess. */
bool mw_values_assume(mw_values *values, mw_node node, mw_error *err);
/* Makes unknown again what was set during speculation. The guesses stay. */
void mw_values_roll_back(mw_values *values);
/* The value of a scalar whose sinks have run. It is computed at the first call and kept. Threads may ask at the same time
 * for scalars that are known, and for vectors that were made. */
bool mw_values_get(mw_values *values, mw_node scalar, double *out, mw_error *err);
/* The storage of a VECTOR node, made on the first call. */
bool mw_values_make(mw_values *values, mw_node node, mw_values_vector **out, mw_error *err);
/* The elements of a COEFFICIENT (its initial value) or LEARNED node (from the job). The first call for a node makes them;
 * later ones change nothing. */
bool mw_values_coefficient(mw_values *values, const mw_job *job, mw_node node, const float **out, mw_error *err);
/* The elements of a node that is memory (mw_graph_is_memory): a coefficient's, a vector's along columns, or those
 * of a matrix that is held. */
bool mw_values_memory(mw_values *values, const mw_job *job, mw_node node, const void **out, mw_error *err);
/* Takes down a matrix that is held from now on; `elements` NULL: that is held no more. */
bool mw_values_hold(mw_values *values, mw_node node, const void *elements, mw_error *err);

#endif
