/* cut.c: blocks are aligned in the output file, so that each write covers whole pages. A tensor may begin anywhere in its
 * file; so its first block is shorter, and ends where the file's offset is a whole number of blocks. For example, 5000
 * floats at offset 1000 of the file, in blocks of 2048 floats (8192 bytes):
 *
 *   elements   [0, 1798)       [1798, 3846)     [3846, 5000)
 *   bytes      1000 ... 8191   8192 ... 16383   16384 ... 20999
 *
 * A program that goes over stretches of whole rows is cut into these, wherever they lie.
 *
 * A task without an output is cut by its first input in the same way, but in whole units, since sums are made of these: its
 * blocks end a little before the place, so that a chunk's first bytes never wait for the thread that does the chunk before it.
 * So do those of a task that sums beside its output: what a block has of a unit that another block ends would stay with the
 * thread that has it. */
#include "exec/cut.h"

/* Where element 0 of the task lies: in the output, or else in the first input that is a file. */
static void find_place(mw_cut *cut, const mw_job *job, const mw_schedule_task *task, const mw_program *program) {
  if (task->output != MW_SCHEDULE_NO_OUTPUT) {
    const mw_tensor *output = &job->layout->tensors[job->places[task->output]];
    cut->file = &job->layout->shards[output->file];
    cut->offset = output->offset;
    cut->size = mw_dtype_size((mw_dtype)output->dtype);
    return;
  }
  for (size_t i = 0; i < program->input_count && !cut->file; i++) {
    mw_graph_node_facts facts = mw_graph_facts(job->graph, program->inputs[i]);
    if (facts.op != MW_OP_INPUT) continue;
    const mw_tensor *tensor = mw_model_source(mw_job_tensor(job, facts));
    cut->file = &mw_job_model(job, facts)->files[tensor->file];
    cut->offset = tensor->offset;
    cut->size = mw_dtype_size((mw_dtype)tensor->dtype);
  }
}

static bool sums(const mw_job *job, const mw_schedule_task *task) {
  for (uint32_t r = 0; r < task->root_count; r++) {
    mw_program_root root = job->schedule->roots[task->first_root + r];
    if (!root.store && mw_graph_op_class(mw_graph_facts(job->graph, root.node).op) == MW_CLASS_SUM) return true;
  }
  return false;
}

mw_cut mw_cut_make(const mw_job *job, const mw_schedule_task *task, const mw_program *program, uint64_t from, uint64_t to) {
  mw_cut cut = {.from = from, .to = to, .block = mw_worker_block(job, task, program)};
  cut.head = from + cut.block;
  for (size_t i = 0; i < program->input_count; i++) cut.bytes += mw_job_file_bytes(job, program->inputs[i]) * program->run;
  find_place(&cut, job, task, program);
  bool writes = task->output != MW_SCHEDULE_NO_OUTPUT;
  if (writes) cut.bytes += cut.size;
  if (!cut.size || (from && !writes) || program->quantum || program->columns) return cut;
  uint64_t within = cut.offset % (cut.block * cut.size);
  bool units = !writes || sums(job, task);
  if (!units && within % cut.size == 0) cut.head = cut.block - within / cut.size;
  if (units) cut.head = cut.block - within / cut.size / MW_UNIT * MW_UNIT;
  if (units && within / cut.size % MW_UNIT && cut.head > MW_UNIT) cut.head -= MW_UNIT;
  return cut;
}

uint64_t mw_cut_count(const mw_cut *cut) {
  uint64_t open = 0;
  if (cut->to <= cut->from) return 0;
  for (uint64_t unit = 0; cut->open && unit < cut->units; unit += 64) open += (uint64_t)__builtin_popcountll(cut->open[unit / 64]);
  if (cut->open) return open;
  return 1 + (cut->to > cut->head ? (cut->to - cut->head + cut->block - 1) / cut->block : 0);
}

/* The k-th unit that is open. */
static uint64_t open_unit(const uint64_t *open, uint64_t k) {
  uint64_t word = 0, here;
  for (; (here = (uint64_t)__builtin_popcountll(open[word])) <= k; word++) k -= here;
  uint64_t bits = open[word];
  for (; k > 0; k--) bits &= bits - 1;
  return word * 64 + (uint64_t)__builtin_ctzll(bits);
}

void mw_cut_block(const mw_cut *cut, uint64_t k, uint64_t *start, uint64_t *count) {
  if (cut->open) {
    *start = open_unit(cut->open, k) * MW_UNIT;
    *count = cut->to - *start < MW_UNIT ? cut->to - *start : MW_UNIT;
    return;
  }
  uint64_t end = cut->head + k * cut->block;
  *start = k ? end - cut->block : cut->from;
  *count = (end < cut->to ? end : cut->to) - *start;
}
