/* cut.c: blocks are aligned in the output file, so that each write covers whole pages. A tensor may begin anywhere in its
 * file; so its first block is shorter, and ends where the file's offset is a whole number of blocks. For example, 5000
 * floats at offset 1000 of the file, in blocks of 2048 floats (8192 bytes):
 *
 *   elements   [0, 1798)       [1798, 3846)     [3846, 5000)
 *   bytes      1000 ... 8191   8192 ... 16383   16384 ... 20999
 *
 * A task without an output has no such offset: its first block is as long as the others. */
#include "exec/cut.h"

mw_cut mw_cut_make(const mw_job *job, const mw_schedule_task *task, const mw_program *program, uint64_t from, uint64_t to) {
  mw_cut cut = {.from = from, .to = to, .block = mw_worker_block(job, task, program)};
  cut.head = from + cut.block;
  for (size_t i = 0; i < program->input_count; i++) cut.bytes += mw_job_read_bytes(job, program->inputs[i]);
  if (task->output == MW_SCHEDULE_NO_OUTPUT) return cut;
  const mw_tensor *output = &job->layout->tensors[job->places[task->output]];
  size_t size = mw_dtype_size((mw_dtype)output->dtype);
  uint64_t within = output->offset % (cut.block * size);
  cut.bytes += size;
  if (within % size == 0) cut.head = cut.block - within / size;
  return cut;
}

uint64_t mw_cut_count(const mw_cut *cut) {
  if (cut->to <= cut->from) return 0;
  return 1 + (cut->to > cut->head ? (cut->to - cut->head + cut->block - 1) / cut->block : 0);
}

void mw_cut_block(const mw_cut *cut, uint64_t k, uint64_t *start, uint64_t *count) {
  uint64_t end = cut->head + k * cut->block;
  *start = k ? end - cut->block : cut->from;
  *count = (end < cut->to ? end : cut->to) - *start;
}
