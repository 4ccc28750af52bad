/* matrix_step.h: one function of whole matrices on its way from the graph to num/matrix.h: where its operands lie, what it takes, and
 * its run. A tensor of several matrices is computed with matrix by matrix, a thread each. */
#ifndef MW_EXEC_MATRIX_STEP_H
#define MW_EXEC_MATRIX_STEP_H

#include "exec/matrices.h"
#include "num/matrix.h"

/* An operand. Slices and other shapes of a matrix lie in it as they are; so do transposes, for a product. All else is read. */
typedef struct mw_matrix_step_operand {
  mw_node node;     /* that is read whole; 0: none is */
  mw_node matrix;   /* else the matrix that it lies in, from this element on */
  uint64_t offset;
  uint64_t elements, stride; /* in all; of each of the tensor's matrices */
  bool turned;
} mw_matrix_step_operand;

typedef struct mw_matrix_step {
  mw_matrices *of;
  mw_node node;
  mw_matrix_call call;
  uint64_t matrices, result_elements, result_stride;
  mw_matrix_step_operand operands[2];
  uint32_t operand_count;
  uint64_t operand_bytes, result_bytes, work_bytes, bytes_read;
  double flops;
  int threads; /* that compute it */
} mw_matrix_step;

/* Finds all of that. MW_DATA: too large for this machine's numbers. */
bool mw_matrix_step_begin(mw_matrix_step *step, mw_matrices *of, mw_node node, int threads, mw_error *err);
/* Reads a whole stream into memory, all threads together. The numbers that it depends on must be known. */
bool mw_matrix_step_prepare(const mw_matrices *of, mw_node node, mw_dtype dtype, mw_error *err); /* for whoever reads a part of it */
bool mw_matrix_step_read(const mw_matrices *of, mw_node node, mw_dtype dtype, void *to, mw_error *err);
bool mw_matrix_step_finite(const mw_matrices *of, mw_dtype dtype, const void *values, uint64_t elements);
/* Adds the bytes of the files of all inputs below a node, each once in a walk, up to the matrices below it. */
bool mw_matrix_step_files(mw_matrices *of, mw_node node, uint64_t *bytes, mw_error *err);
/* Puts the name of the first tensor of a model below a node before an error of data. False. */
bool mw_matrix_step_name(const mw_matrices *of, mw_node node, mw_error *err);
/* Whether LAPACK does most of it, on one thread whatever there are. */
bool mw_matrix_step_is_alone(const mw_matrix_step *step);
/* Computes each into its place of `out`, which are the caller's to free: one by all threads; several side by side, a thread each from its
 * reading on, the first ones first. MW_DATA: an operand or a result is not finite, or the function says no; of several failures the first
 * is told. MW_INTERRUPTED. */
bool mw_matrix_step_run(const mw_matrix_step *steps, size_t count, void **out, mw_error *err);

#endif
