/* values.h: the numbers that a run finds out: results of sinks, and the scalars computed from them in f64. While it is in
 * doubt, what it sets and computes can be forgotten again. */
#ifndef MW_EXEC_VALUES_H
#define MW_EXEC_VALUES_H

#include "exec/job.h"

typedef struct mw_values_vector {
  mw_node node;
  size_t count;
  double *f64;
  float *f32; /* the same numbers, filled when the vector is complete */
} mw_values_vector;

/* A COEFFICIENT or LEARNED node in memory. */
typedef struct mw_values_known {
  mw_node node;
  const float *values;
  float *own; /* the same, where they must be freed */
} mw_values_known;

typedef struct mw_values {
  const mw_graph *graph;
  double *value;  /* of every node that is known, or supposed; else 0 */
  bool *known;    /* of every node */
  uint64_t *ties; /* of every selection that was found: how many of what equals it have its rank or above; 0: all of it */
  bool doubt;
  mw_node *doubtful; /* what was set in doubt */
  size_t doubtful_count, doubtful_capacity;
  mw_node *stack;
  size_t stack_capacity;
  mw_values_vector *vectors;
  size_t vector_count, vector_capacity;
  mw_values_known *coefficients;
  size_t coefficient_count, coefficient_capacity;
} mw_values;

bool mw_values_new(mw_values *values, const mw_graph *graph, mw_error *err);
void mw_values_free(mw_values *values);
bool mw_values_set(mw_values *values, mw_node node, double value, mw_error *err);
/* Makes a guess known to mw_values_believe alone. */
void mw_values_suppose(mw_values *values, mw_node node, double value);
/* In doubt: takes what was supposed of a node for its value, if that is not known; 0 where nothing was. */
bool mw_values_believe(mw_values *values, mw_node node, mw_error *err);
/* Everything set in doubt is unknown again, and as it was supposed to be. */
void mw_values_forget(mw_values *values);
/* The value of a scalar whose sinks have run; remembers it. Of a known one, and of a vector that was made, threads may
 * ask at the same time. */
bool mw_values_get(mw_values *values, mw_node scalar, double *out, mw_error *err);
/* The storage of a VECTOR node, made on the first call. */
bool mw_values_make(mw_values *values, mw_node node, mw_values_vector **out, mw_error *err);
/* The elements of a COEFFICIENT (its initial value) or LEARNED node (out of the job); found without a change once they
 * were asked for. */
bool mw_values_coefficient(mw_values *values, const mw_job *job, mw_node node, const float **out, mw_error *err);

#endif
