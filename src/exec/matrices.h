/* matrices.h: the third kind of node beside streams and scalars: a function of whole matrices (class MATRIX). Its result is a tensor in
 * memory, which programs read like a coefficient; its operands are streams, scalars and other matrices.
 *
 * Before a task runs, what it reads of these is made: operands that are streams are read whole, the function is computed (num/matrix.h),
 * the operands are freed. Functions that do not read one another are made side by side, a thread each, those of the next tasks too;
 * a function alone by all threads together. For example, the output
 * base + 0.3 * matmul(orthogonal(u), v), where u and v are slices of an SVD of expert - base:
 *
 *   read    expert - base
 *   SVD                      expert - base is freed
 *   ORTHOGONAL               of u, which is read out of the SVD
 *   MATMUL                   of that and v, which lies in the SVD as it is; the others are freed
 *   task    base + 0.3 * the product, streamed as ever
 *
 * What a task has read stays for the next one as long as it takes no room that a task needs: then all that this task does not read
 * goes, and may be computed again. So memory is about what the most demanding task takes by itself. */
#ifndef MW_EXEC_MATRICES_H
#define MW_EXEC_MATRICES_H

#include "exec/values.h"
#include "num/team.h"

typedef struct mw_matrices_cost {
  uint64_t memory;     /* at most, of all matrices at a time, operands and work space included */
  uint64_t room;       /* of that, what the most demanding task takes by itself */
  uint64_t bytes_read;
  double flops;
} mw_matrices_cost;

typedef struct mw_matrices_held {
  mw_node node;
  void *values;    /* NULL where nothing is computed */
  uint64_t bytes;
  size_t readers;  /* of the functions that are still to be made now: how many read it */
  bool wanted;     /* the task reads it */
} mw_matrices_held;

/* Tasks whose functions are made together: their roots in the schedule. */
typedef struct mw_matrices_portion {
  uint32_t first_root, root_count;
  bool made;
} mw_matrices_portion;

/* A function that a portion's tasks read directly. */
typedef struct mw_matrices_member {
  mw_node node;
  uint32_t portion;
} mw_matrices_member;

typedef struct mw_matrices {
  const mw_job *job;
  const mw_kernels *kernels; /* NULL: nothing is computed, only `cost` counted */
  size_t tile;
  mw_values *values;
  mw_team team;
  bool (*goes_on)(void *owner); /* asked between functions, with the team's owner; NULL: always */
  uint64_t room;   /* as measured: bytes that may be held and taken before something is dropped */
  mw_matrices_cost cost;
  mw_matrices_held *held;
  mw_node *list;   /* functions to be made */
  mw_node *stack;
  uint32_t *seen;  /* of every node: the last walk that met it */
  uint32_t walk;
  size_t held_count, held_capacity, list_count, list_capacity, stack_capacity;
  mw_matrices_portion *portions; /* none before mw_matrices_plan */
  mw_matrices_member *members;   /* ascending */
  size_t portion_count, portion_capacity, member_count, member_capacity;
  uint64_t now, large;
} mw_matrices;

/* Whether an output of the schedule is made of matrices. */
bool mw_matrices_any(const mw_job *job);
bool mw_matrices_new(mw_matrices *matrices, const mw_job *job, mw_error *err);
/* Finds which tasks' functions are made together. `tile` must be known. */
bool mw_matrices_plan(mw_matrices *matrices, mw_error *err);
/* Makes all that these roots read. The scalars and vectors that they depend on must be known. Errors name a tensor. */
bool mw_matrices_make(mw_matrices *matrices, const mw_program_root *roots, size_t count, mw_error *err);
/* Whether these roots read any. */
bool mw_matrices_needed(mw_matrices *matrices, const mw_program_root *roots, size_t count, bool *needed, mw_error *err);
void mw_matrices_free(mw_matrices *matrices);
/* What a job's matrices cost: all 0 if it has none. */
bool mw_matrices_measure(const mw_job *job, size_t tile, mw_matrices_cost *cost, mw_error *err);

#endif
