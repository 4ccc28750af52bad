/* job.h: all that the executor needs for one merge: a graph, its schedule, the files of its inputs and the places of its
 * outputs. Everything is borrowed. */
#ifndef MW_EXEC_JOB_H
#define MW_EXEC_JOB_H

#include "expr/schedule.h"
#include "model/adapted.h"
#include "model/family.h"
#include "output/writer.h"
#include "num/kernels.h"
#include "exec/ranks.h"

/* The result of a training: the values of the node LEARNED(coefficient, training). */
typedef struct mw_job_learned {
  uint64_t training;
  mw_node coefficient;
  const float *values; /* as many as the coefficient has elements, all finite */
} mw_job_learned;

/* What was found from data: the elements of a DATA node. */
typedef struct mw_job_statistic {
  mw_node node;
  const float *values; /* in memory, or in a file that is mapped there */
} mw_job_statistic;

/* Bytes that go from a member's tensor to one of the layout, unchanged. */
typedef struct mw_job_copy {
  uint32_t member, tensor, place;
} mw_job_copy;

typedef struct mw_job {
  const mw_graph *graph;
  const mw_schedule *schedule;
  const mw_family *family; /* INPUT (model, i): tensor i of member `model` */
  const mw_layout *layout;
  const uint32_t *places;  /* for every output of the schedule: its tensor in the layout */
  const mw_job_copy *copies; /* tensors that are not computed */
  size_t copy_count;
  const mw_job_learned *learned; /* for every LEARNED node that the outputs need, sorted by training, then coefficient */
  size_t learned_count;
  const mw_job_statistic *statistics; /* for every DATA node that the outputs need, sorted by node */
  size_t statistic_count;
  mw_writer *writer;
  int threads;             /* at least 1 */
  bool nonfinite_keep;
  uint8_t *spoiled;        /* NULL, or with nonfinite_keep [layout->count]: which tensors have NaN or infinities that come from no input */
  bool counted;            /* checksums of inputs and outputs are computed (format/file_checksum.h) */
  const mw_ranks *ranks;    /* NULL: this process makes all of it */
  const uint32_t *owners;   /* with ranks: of every tensor of the layout which one writes it */
  bool (*progress)(void *context, uint64_t done, uint64_t total, unsigned pass);
  void *context;
} mw_job;

/* Whether what is rank's is to be done here. */
static inline bool mw_job_is_own(const mw_job *job, uint32_t rank) { return !job->ranks || rank == job->ranks->rank; }

/* The tensor that an INPUT node reads. */
static inline const mw_tensor *mw_job_tensor(const mw_job *job, mw_graph_node_facts input) {
  return &job->family->members[input.extra[0]].tensors[input.extra[1]];
}

/* What adapters make of the tensor that a program's input reads; NULL where they change it not. */
static inline const mw_adapted *mw_job_adapted(const mw_job *job, mw_graph_node_facts input) {
  const mw_tensor *tensor = input.op == MW_OP_INPUT ? mw_job_tensor(job, input) : NULL;
  return tensor && tensor->made == MW_TENSOR_ADAPTED ? tensor->adapted : NULL;
}

/* Bytes of a buffer that one element of a program's input takes: none if it is a coefficient, which lies in memory; of a view those of
 * its dtype; with adapters those of the base. */
static inline size_t mw_job_read_bytes(const mw_job *job, mw_node input) {
  mw_graph_node_facts facts = mw_graph_facts(job->graph, input);
  const mw_adapted *adapted = mw_job_adapted(job, facts);
  if (adapted) return mw_dtype_size((mw_dtype)adapted->source.dtype);
  return mw_graph_is_stored(facts.op) ? mw_dtype_size(facts.dtype) : 0;
}

/* The same of its file, where the element may be stored otherwise. */
static inline size_t mw_job_file_bytes(const mw_job *job, mw_node input) {
  mw_graph_node_facts facts = mw_graph_facts(job->graph, input);
  if (facts.op != MW_OP_INPUT) return mw_job_read_bytes(job, input);
  return mw_dtype_size((mw_dtype)mw_model_source(mw_job_tensor(job, facts))->dtype);
}

/* The model whose files hold that tensor. */
static inline const mw_model *mw_job_model(const mw_job *job, mw_graph_node_facts input) {
  return job->family->members[input.extra[0]].model;
}

#endif
