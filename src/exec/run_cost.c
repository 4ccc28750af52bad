/* run_cost.c: memory is what threads and graph take, and the most demanding task; passes are counted along each batch. */
#include "exec/run_cost.h"
#include "exec/masks.h"
#include "exec/order.h"
#include "base/machine.h"
#include "num/gemm.h"
#include <stdlib.h>

/* Measured bytes: of the program itself; of a thread without its buffers; of a node with its operands, its value and its
 * place in the hash table; of an input's tensor with its name and shape. */
enum { PROCESS = 2 << 20, THREAD = 128 << 10, NODE = 80, TENSOR = 150 };

/* What OpenBLAS takes of memory for each thread that multiplies with it, itself included. */
enum { BLAS = 24 << 20 };

/* Pieces that checksums keep aside, for each thread: those in which its chunk begins and ends in every stream. */
enum { CHECKSUM = 512 << 10 };

uint64_t mw_run_cost_checksums(int threads) { return (uint64_t)threads * CHECKSUM; }

bool mw_run_cost_fits(const mw_run_cost *cost, int threads, mw_error *err) {
  if (!cost->matrices.memory) return true;
  uint64_t there = mw_machine_memory();
  if (cost->peak_memory > there) {
    mw_error_set(err, MW_MEMORY, "%llu bytes of memory are needed for functions of whole matrices; this process may take %llu",
                 (unsigned long long)cost->peak_memory, (unsigned long long)there);
    return mw_error_hint(err, "one tensor at a time is in memory; m:except(glob) leaves out the largest, such as the embedding");
  }
  return mw_gemm_begin(err) && mw_gemm_fits(threads, cost->matrices.memory, err);
}

static uint64_t task_bytes(const mw_job *job, const mw_program *program, const mw_schedule_task *task) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < program->input_count; i++)
    bytes += task->elements * program->run * mw_job_file_bytes(job, program->inputs[i]);
  return bytes;
}

/* Bytes of the masks that it draws (exec/masks.h). */
static uint64_t mask_bytes(const mw_job *job, const mw_program *program, const mw_schedule_task *task) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < program->length && !job->ranks; i++)
    if (program->code[i].code == MW_OP_BERNOULLI_EACH) bytes += task->elements / 8;
  return bytes;
}

/* Bytes of memory that the factors of its adapted inputs take. */
static uint64_t factor_bytes(const mw_job *job, const mw_program *program) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < program->input_count; i++) {
    const mw_adapted *adapted = mw_job_adapted(job, mw_graph_facts(job->graph, program->inputs[i]));
    bytes += adapted ? mw_adapted_bytes(adapted) : 0;
  }
  return bytes;
}

/* What a thread lists takes as much as the bins of so many selections; what all list about as much as the shared bins of one. */
enum { LISTS = MW_KERNEL_LISTED * sizeof(uint64_t) / (MW_SELECT_BINS * sizeof(uint32_t)) };

/* How many passes the task's slowest root takes, and how many of its roots are selections. `known` remembers the passes of
 * each selection, `distinct` counts the selections that were met for the first time. */
static unsigned passes_of(const mw_job *job, const mw_schedule_task *task, uint8_t *known, unsigned *selecting, unsigned *distinct) {
  unsigned passes = 1;
  *selecting = 0;
  for (uint32_t i = 0; i < task->root_count; i++) {
    mw_program_root root = job->schedule->roots[task->first_root + i];
    mw_op op = root.store ? MW_OP_NUMBER : mw_graph_facts(job->graph, root.node).op;
    if (mw_graph_op_class(op) != MW_CLASS_SELECT) continue;
    const bool lists = mw_selection_may_list(job->graph, root.node);
    if (!known[root.node]) *distinct += 1 + lists;
    if (!known[root.node]) known[root.node] = (uint8_t)mw_selection_expected(job->graph, root.node);
    if (known[root.node] > passes) passes = known[root.node];
    *selecting += 1 + (lists ? LISTS : 0);
  }
  return passes;
}

bool mw_run_cost_measure(const mw_job *job, mw_run_cost *cost, mw_error *err) {
  mw_program program = {0};
  uint64_t most_buffers = 0, most_gathers = 0, most_factors = 0, bins = 0, masks = 0, most_masks = 0;
  unsigned chain = 0, longest = 0;
  uint8_t *known = mw_mem_new(mw_graph_count(job->graph) + 1u, sizeof *known, err);
  bool ok = known != NULL;
  *cost = (mw_run_cost){0};
  for (size_t s = 0; s < job->schedule->stage_count && ok; s++) {
    const mw_schedule_stage *stage = &job->schedule->stages[s];
    if (!s || stage->batch != stage[-1].batch) chain = 0, masks = 0;
    /* Stages of one batch and level read different tensors: of their passes not the sum counts, but the largest number. */
    bool same_level = s && stage->batch == stage[-1].batch && stage->level == stage[-1].level;
    unsigned before = longest = same_level ? longest : 0, distinct = 0;
    for (uint32_t t = 0; t < stage->task_count && ok; t++) {
      const mw_schedule_task *task = &job->schedule->tasks[stage->first_task + t];
      ok = mw_program_compile(&program, job->graph, job->schedule->roots + task->first_root, task->root_count, err);
      if (!ok) break;
      unsigned selecting, passes = passes_of(job, task, known, &selecting, &distinct);
      uint64_t block = mw_worker_block(job, task, &program), buffers;
      if (!(ok = mw_worker_bytes(job, task, &program, mw_tile_chosen(), &buffers, err))) break;
      size_t units = mw_worker_units(&program, block);
      uint64_t gathers = mw_worker_gathers(units, task, selecting) + mw_order_bytes(units, task->root_count);
      uint64_t factors = factor_bytes(job, &program);
      cost->bytes_read += task_bytes(job, &program, task) * passes;
      if (!task_bytes(job, &program, task)) passes = 0; /* numbers in memory */
      masks += mask_bytes(job, &program, task);
      if (masks > most_masks) most_masks = masks < MW_MASKS_MOST ? masks : MW_MASKS_MOST;
      if (factors > most_factors) most_factors = factors;
      if (passes > longest) longest = passes;
      if (buffers > most_buffers) most_buffers = buffers;
      if (gathers > most_gathers) most_gathers = gathers;
    }
    if (distinct > bins) bins = distinct;
    chain += longest - before;
    if (chain > cost->passes) cost->passes = chain;
  }
  ok = ok && mw_matrices_measure(job, mw_tile_chosen(), &cost->matrices, err);
  cost->bytes_read += cost->matrices.bytes_read;
  for (size_t i = 0; i < job->copy_count; i++)
    cost->bytes_read += mw_tensor_bytes(&job->family->members[job->copies[i].member].tensors[job->copies[i].tensor]);
  mw_program_free(&program);
  free(known);
  uint64_t tensors = 0, checksums = 0;
  for (size_t m = 0; m < job->family->count; m++) tensors += job->family->members[m].count;
  for (size_t m = 0; m < job->family->count && job->counted; m++)
    for (size_t f = 0; f < job->family->members[m].model->file_count; f++)
      checksums += mw_file_checksum_cost(job->family->members[m].model->files[f].size);
  for (size_t i = 0; i < job->layout->shard_count && job->counted; i++) checksums += mw_file_checksum_cost(job->layout->shards[i].size);
  if (job->counted) checksums += mw_run_cost_checksums(job->threads);
  /* 3 / 2: the heap also keeps the smaller buffer that a worker had before its largest one. */
  if (job->threads > 1) most_factors *= 2; /* some threads are at the next tensor already */
  if (cost->matrices.memory) cost->peak_memory = cost->matrices.memory + (uint64_t)job->threads * BLAS;
  cost->peak_memory += PROCESS + (uint64_t)job->threads * (most_buffers * 3 / 2 + most_gathers + THREAD) + most_factors + most_masks +
                      bins * MW_SELECT_BINS * sizeof(uint64_t) +
                      (uint64_t)mw_graph_count(job->graph) * NODE + tensors * TENSOR + checksums;
  return ok;
}
