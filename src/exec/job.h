/* job.h: one merge as the executor sees it: a graph, its schedule, the files that its inputs lie in and the places that
 * its outputs go to. Everything is borrowed. */
#ifndef MW_EXEC_JOB_H
#define MW_EXEC_JOB_H

#include "expr/schedule.h"
#include "model/family.h"
#include "output/writer.h"
#include "num/kernels.h"

/* What a training found: the values of LEARNED(coefficient, training). */
typedef struct mw_job_learned {
  uint64_t training;
  mw_node coefficient;
  const float *values; /* as many as the coefficient has elements, all finite */
} mw_job_learned;

/* Bytes that go from a member's tensor to one of the layout, unchanged. */
typedef struct mw_job_copy {
  uint32_t member, tensor, place;
} mw_job_copy;

typedef struct mw_job {
  const mw_graph *graph;
  const mw_schedule *schedule;
  const mw_family *family; /* INPUT (model, i): tensor i of member `model` */
  const mw_layout *layout;
  const uint32_t *places;  /* of every output of the schedule: its tensor in the layout */
  const mw_job_copy *copies; /* tensors that are not computed */
  size_t copy_count;
  const mw_job_learned *learned; /* of every LEARNED node that the outputs need, by training, then coefficient */
  size_t learned_count;
  mw_writer *writer;
  int threads;             /* at least 1 */
  bool nonfinite_keep;
  bool (*progress)(void *context, uint64_t done, uint64_t total, unsigned pass);
  void *context;
} mw_job;

/* Bytes that an element of a program's input costs to read: a coefficient lies in memory. */
static inline size_t mw_job_read_bytes(const mw_job *job, mw_node input) {
  mw_graph_node_facts facts = mw_graph_facts(job->graph, input);
  return facts.op == MW_OP_INPUT ? mw_dtype_size(facts.dtype) : 0;
}

/* What an INPUT node reads. */
static inline const mw_tensor *mw_job_tensor(const mw_job *job, mw_graph_node_facts input) {
  return &job->family->members[input.extra[0]].tensors[input.extra[1]];
}

static inline const mw_model *mw_job_model(const mw_job *job, mw_graph_node_facts input) {
  return job->family->members[input.extra[0]].model;
}

#endif
