/* cut.h: how a task's elements are cut into blocks. A block is what a thread takes at a time: it reads the inputs of these
 * elements, computes, and writes. */
#ifndef MW_EXEC_CUT_H
#define MW_EXEC_CUT_H

#include "exec/worker.h"

/* Elements [from, to): a first block up to `head`, then blocks of `block` elements, the last one perhaps shorter. */
typedef struct mw_cut {
  uint64_t from, head, to, block;
  uint64_t bytes; /* read and written for each element */
  const uint64_t *open; /* NULL, or a bit for each unit of MW_UNIT elements: then each that is set is a block, and nothing else is */
  uint64_t units;
  /* The file whose chunks a thread takes as a whole (run.c), the output or else the first input: element 0 lies there at `offset`. */
  const void *file;
  uint64_t offset;
  size_t size;    /* of an element in it */
} mw_cut;

/* Cuts elements [from, to) of a task that `program` computes. */
mw_cut mw_cut_make(const mw_job *job, const mw_schedule_task *task, const mw_program *program, uint64_t from, uint64_t to);
/* How many blocks there are. */
uint64_t mw_cut_count(const mw_cut *cut);
/* The elements [start, start + count) of block k, counted from 0. */
void mw_cut_block(const mw_cut *cut, uint64_t k, uint64_t *start, uint64_t *count);

#endif
