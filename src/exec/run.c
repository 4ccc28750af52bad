/* run.c: for each stage of the schedule, one pass after the other; in each pass, every free thread takes the next block. The
 * result cannot depend on which thread did which block, for three reasons: sums are added in block order (order.h); counts
 * of selections are integers, which may be added in any order; and each block of an output has its own place in the file.
 * An error stops the run at the next block; of several errors the first one is kept. */
#include "exec/run.h"
#include "exec/exchange.h"
#include "exec/order.h"
#include "num/cpu.h"
#include <assert.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COPY_BLOCK = 256 << 10 };

typedef struct runner {
  const mw_job *job;
  mw_values values;
  mw_pass pass;
  mw_order order;
  mw_worker *workers;
  uint64_t next;        /* the first item of the pass that no thread has taken */
  uint64_t limit;       /* where the blocks end that may be taken now */
  mw_factors factors;
  mw_matrices matrices;
  bool has_matrices;
  bool adapted; /* some input has adapters */
  uint64_t done, total;
  unsigned pass_number; /* for the progress line: 1 in the first pass over a tensor, 2 in the second ... */
  bool stop; /* written under `critical (mw_run)`, read anywhere */
  mw_error error;
} runner;

int mw_run_threads(int wanted) {
  int threads = wanted > 0 ? wanted : omp_get_max_threads();
  return threads < 1 ? 1 : threads > 1024 ? 1024 : threads;
}

/* A thread that ends as soon as all are there. */
static void *pass_gate(void *gate) {
  pthread_mutex_lock(gate);
  pthread_mutex_unlock(gate);
  return NULL;
}

/* Whether the system starts so many threads, and has memory for what OpenMP notes of them: it ends the program where they cannot be had. */
static bool can_start(int threads, mw_error *err) {
  typedef struct started { pthread_t thread; char notes[4096]; } started;
  pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
  started *list = mw_mem_new((size_t)threads, sizeof *list, err);
  int count = 0, code = 0;
  if (!list) return false;
  pthread_mutex_lock(&gate);
  while (count < threads - 1 && !(code = pthread_create(&list[count].thread, NULL, pass_gate, &gate))) count++;
  pthread_mutex_unlock(&gate);
  for (int t = 0; t < count; t++) pthread_join(list[t].thread, NULL);
  free(list);
  if (!code) return true;
  mw_error_set(err, MW_MEMORY, "%d threads cannot be started: %s", threads, strerror(code));
  return mw_error_hint(err, "--threads 1 takes less");
}

bool mw_run_ready(int threads, mw_error *err) {
  static int ready = 1; /* OpenMP keeps them for the next loop of as many */
  int started = 0;
  if (threads == ready) return true;
  MW_TRY(can_start(threads, err));
#pragma omp parallel num_threads(threads) reduction(+ : started)
  started++;
  assert(started > 0);
  ready = threads;
  return true;
}

static void fail(runner *r, const mw_error *err) {
#pragma omp critical(mw_run)
  if (!r->stop) {
    r->stop = true;
    r->error = *err;
  }
}

static bool stopped(runner *r) {
  bool stop;
#pragma omp atomic read
  stop = r->stop;
  return stop;
}

/* Counts bytes that were read and written. Only the first thread calls `progress`. */
static void report(runner *r, uint64_t bytes) {
  uint64_t done;
#pragma omp atomic capture
  done = r->done += bytes;
  const mw_job *job = r->job;
  if (job->ranks && done > r->total) done = r->total; /* how much of it is this rank's is not known exactly */
  mw_error err = {.status = MW_INTERRUPTED};
  if (omp_get_thread_num() != 0) return;
  if (job->ranks && !job->ranks->goes_on()) {
    mw_error_set(&err, MW_INTERRUPTED, "another process of the merge has failed");
    fail(r, &err);
    return;
  }
  if (!job->progress || job->progress(job->context, done, r->total, r->pass_number)) return;
  mw_error_set(&err, MW_INTERRUPTED, "interrupted at %.0f %%; nothing was published", 100.0 * (double)done / (double)r->total);
  fail(r, &err);
}

/* An output that is not finite is no error yet if it was computed from a guess. */
static bool is_recomputed(mw_pass *pass, const mw_schedule_task *task) {
  bool recomputed;
#pragma omp critical(mw_speculation)
  recomputed = mw_pass_note_not_finite(pass, task);
  return recomputed;
}

/* Several blocks of an output may be. */
static void tell_spoiled(const mw_job *job, const mw_schedule_task *task) {
  if (job->spoiled) __atomic_store_n(&job->spoiled[job->places[task->output]], 1, __ATOMIC_RELAXED);
}

/* One block: prepares the worker if its task has changed, and runs it. Counts are flushed first if the new task has other selections. */
static bool run_item(runner *r, uint64_t item) {
  mw_worker *worker = &r->workers[omp_get_thread_num()];
  mw_pass *pass = &r->pass;
  mw_error err;
  uint64_t start, count;
  const mw_schedule_task *task = mw_pass_item(pass, item, &start, &count);
  bool ok = true, keeps = mw_worker_keeps(worker, task, pass->selections, pass->selection_count);
  if (!keeps) {
#pragma omp critical(mw_flush)
    mw_worker_flush(worker);
  }
  if (!keeps || worker->task != task) {
    ok = mw_worker_begin(worker, task, &r->values, pass->selections, pass->selection_count, &err);
    if (ok && r->adapted) {
#pragma omp critical(mw_factors)
      ok = mw_worker_take(worker, &r->factors, &err);
    }
  }
  if (!ok) worker->task = NULL; /* half made: nothing in it may be used */
  worker->open = mw_pass_open(pass, task);
  if (!ok || (!mw_worker_run(worker, start, count, &err) && !(worker->bad_output && is_recomputed(pass, task)))) {
    fail(r, &err);
    return false;
  }
  if (worker->bad_output && r->job->nonfinite_keep && !is_recomputed(pass, task)) tell_spoiled(r->job, task);
  if (mw_pass_note_done(pass, task) && !mw_writer_done(r->job->writer, r->job->places[task->output], &err)) {
    fail(r, &err);
    return false;
  }
  report(r, mw_pass_bytes(pass, task, count));
  return true;
}

/* All outputs of a stage are final when it has ended. */
static bool finish_stage(runner *r, const mw_schedule_stage *stage, mw_error *err) {
  const mw_schedule_task *tasks = r->job->schedule->tasks + stage->first_task;
  mw_masks_end(&r->values.masks, stage->first_task, stage->task_count);
  for (uint32_t t = 0; t < stage->task_count; t++)
    if (tasks[t].output != MW_SCHEDULE_NO_OUTPUT && mw_job_is_own(r->job, tasks[t].rank))
      MW_TRY(mw_writer_done(r->job->writer, r->job->places[tasks[t].output], err));
  return true;
}

/* Gives what a block gathered to the pass. Waits, which is rare, while the block is too far ahead of the others. */
static void hand_over(runner *r, uint64_t item, const mw_worker *worker) {
  static const struct timespec moment = {0, 50000};
  for (bool taken = false; !taken && !stopped(r);) {
#pragma omp critical(mw_order)
    taken = mw_order_take(&r->order, &r->pass, item, worker);
    if (!taken) nanosleep(&moment, NULL);
  }
}

/* The next blocks that are free: one, or for checksums those of a chunk; at the end of a pass fewer, so that the threads end together. */
static bool take_run(runner *r, uint64_t *from, uint64_t *to) {
#pragma omp critical(mw_take)
  {
    uint64_t most = r->job->counted ? (r->limit - r->next) / (uint64_t)r->job->threads : 1;
    if (r->pass.ordered && most > MW_ORDER_SLOTS) most = MW_ORDER_SLOTS;
    *from = *to = r->next;
    if (r->next < r->limit) r->next = *to = mw_pass_run(&r->pass, *from, most);
    if (*to > r->limit) r->next = *to = r->limit;
  }
  return *from < *to;
}

/* The blocks up to the limit. Of one block alone the other threads would only wait. */
static void run_blocks(runner *r) {
#pragma omp parallel num_threads(r->limit - r->next > 1 ? r->job->threads : 1)
  {
    mw_worker *worker = &r->workers[omp_get_thread_num()];
    worker->job = &r->pass.job;
    worker->task = NULL;
    worker->sampling = r->pass.phase == MW_PHASE_SAMPLE;
    for (uint64_t i, end; !stopped(r) && take_run(r, &i, &end);)
      for (; i < end && !stopped(r); i++)
        if (run_item(r, i) && r->pass.ordered) hand_over(r, i, worker);
#pragma omp critical(mw_flush)
    mw_worker_flush(worker);
#pragma omp critical(mw_factors)
    mw_worker_give(worker, &r->factors);
  }
}

/* Where the blocks end that can be run after task `t`'s matrices were made: at the next task that reads any. */
static bool end_of_segment(runner *r, size_t *t, mw_error *err) {
  const mw_pass *pass = &r->pass;
  bool needed = false;
  *t = r->has_matrices ? *t + 1 : pass->schedule.task_count;
  while (*t < pass->schedule.task_count) {
    const mw_schedule_task *task = &pass->schedule.tasks[*t];
    if (mw_job_is_own(r->job, task->rank))
      MW_TRY(mw_matrices_needed(&r->matrices, pass->schedule.roots + task->first_root, task->root_count, &needed, err));
    if (needed) break;
    ++*t;
  }
  r->limit = *t < pass->schedule.task_count ? pass->tasks[*t].first_item : pass->items;
  return true;
}

/* All blocks of a pass: at once, or, where tasks read matrices, as far as those that are in memory go. */
static bool run_pass(runner *r, mw_error *err) {
  mw_order_begin(&r->order);
  r->next = 0;
  for (size_t t = 0; t < r->pass.schedule.task_count && !r->stop;) {
    const mw_schedule_task *task = &r->pass.schedule.tasks[t];
    if (r->has_matrices && mw_job_is_own(r->job, task->rank))
      MW_TRY(mw_matrices_make(&r->matrices, r->pass.schedule.roots + task->first_root, task->root_count, err));
    MW_TRY(end_of_segment(r, &t, err));
    run_blocks(r);
  }
  return true;
}

/* Passes of a stage, until it needs no more. */
static bool run_stage(runner *r, const mw_schedule_stage *stage, mw_error *err) {
  for (bool begun = false;; begun = true) {
    MW_TRY(mw_pass_begin(&r->pass, r->job, stage, begun, &r->values, err));
    if (r->pass.schedule.task_count == 0) return finish_stage(r, stage, err);
    if (r->pass.whole && !r->pass.from) r->pass_number++;
    bool ok = run_pass(r, err);
    if (r->stop) {
      *err = r->error;
      return false;
    }
    MW_TRY(ok && (stage->rank != MW_RANKS_EVERY || mw_exchange_pass(&r->pass, &r->values, err)) && mw_pass_end(&r->pass, &r->values, err));
  }
}

/* Tensors that are not computed. */
static bool copy(runner *r, mw_error *err) {
  const mw_job *job = r->job;
  unsigned char *bytes = job->copy_count ? malloc(COPY_BLOCK) : NULL;
  if (job->copy_count && !bytes) return mw_error_memory(err, COPY_BLOCK);
  bool ok = true;
  for (size_t i = 0; i < job->copy_count && ok; i++) {
    if (job->ranks && !mw_job_is_own(job, job->owners[job->copies[i].place])) continue;
    const mw_family_member *member = &job->family->members[job->copies[i].member];
    const mw_tensor *from = &member->tensors[job->copies[i].tensor], *to = &job->layout->tensors[job->copies[i].place];
    uint64_t total = mw_tensor_bytes(from);
    for (uint64_t at = 0; at < total && ok; at += COPY_BLOCK) {
      size_t n = (size_t)(total - at < COPY_BLOCK ? total - at : COPY_BLOCK);
      ok = mw_model_read_counted(member->model, from, at, bytes, n, err) &&
           mw_writer_write(job->writer, to->file, to->offset + at, bytes, n, err);
      report(r, 2 * n);
      if (ok && r->stop) *err = r->error, ok = false;
    }
    ok = ok && mw_writer_done(job->writer, job->copies[i].place, err);
  }
  free(bytes);
  return ok;
}

/* Reads what the checksum of a file still lacks, all threads together; of several processes `who` says which does what. That is seldom
 * much, and not told of as progress. */
static bool complete_own(runner *r, mw_file_checksum *checksum, const uint64_t *who, mw_error *err) {
  int64_t count = checksum ? (int64_t)mw_file_checksum_count(checksum) : 0;
#pragma omp parallel for schedule(dynamic, 1) num_threads(r->job->threads)
  for (int64_t i = 0; i < count; i++) {
    mw_error own;
    uint64_t missing = stopped(r) ? 0 : mw_file_checksum_missing(checksum, (size_t)i);
    if (!missing || (who && who[i] != r->job->ranks->rank)) continue;
    if (mw_file_checksum_complete(checksum, (size_t)i, &own)) report(r, 0);
    else fail(r, &own);
  }
  if (r->stop) *err = r->error;
  return !r->stop;
}

static bool complete(runner *r, mw_file_checksum *checksum, mw_error *err) {
  const mw_ranks *ranks = r->job->ranks;
  uint64_t *who = NULL;
  if (!ranks || !checksum) return complete_own(r, checksum, NULL, err);
  bool ok = mw_exchange_chunks(ranks, checksum, &who, err) && complete_own(r, checksum, who, err) &&
            mw_exchange_sums(ranks, checksum, who, err);
  free(who);
  return ok;
}

/* What no recipe reads is counted too: headers, tensors that it leaves out. */
static bool complete_all(runner *r, mw_error *err) {
  if (!r->job->counted) return true;
  for (size_t m = 0; m < r->job->family->count; m++) {
    const mw_model *model = r->job->family->members[m].model;
    for (size_t f = 0; f < model->file_count; f++) MW_TRY(complete(r, model->files[f].checksum, err));
  }
  for (size_t s = 0; s < r->job->layout->shard_count; s++) MW_TRY(complete(r, mw_writer_checksum(r->job->writer, s), err));
  return true;
}

/* What matrices share among the threads. */
static void share(void *owner, size_t count, mw_team_work *work, void *context) {
  const runner *r = owner;
#pragma omp parallel for schedule(dynamic, 1) num_threads(r->job->threads)
  for (size_t i = 0; i < count; i++) work(context, i);
}

static bool goes_on(void *owner) {
  report(owner, 0);
  return !stopped(owner);
}

static bool open_matrices(runner *r, const mw_run_cost *cost, mw_error *err) {
  r->has_matrices = mw_matrices_any(r->job);
  if (!r->has_matrices) return true;
  MW_TRY(mw_run_cost_fits(cost, r->job->threads, err) && mw_matrices_new(&r->matrices, r->job, err));
  r->matrices.kernels = r->workers[0].kernels;
  r->matrices.tile = mw_tile_chosen();
  r->matrices.values = &r->values;
  r->matrices.team = (mw_team){share, r};
  r->matrices.goes_on = goes_on;
  r->matrices.room = cost->matrices.room;
  return mw_matrices_plan(&r->matrices, err);
}

static bool open_workers(runner *r, mw_error *err) {
  const mw_kernels *kernels;
  MW_TRY(mw_cpu_kernels(&kernels, err));
  r->workers = mw_mem_new((size_t)r->job->threads, sizeof *r->workers, err);
  if (!r->workers) return false;
  for (int t = 0; t < r->job->threads; t++) {
    r->workers[t].kernels = kernels;
    r->workers[t].tile.size = mw_tile_chosen();
  }
  return mw_order_new(&r->order, r->job->threads, err) && mw_values_new(&r->values, r->job->graph, r->job->schedule->expansion, err) &&
         mw_masks_new(&r->values.masks, r->job, err);
}

static void close_workers(runner *r) {
  for (int t = 0; r->workers && t < r->job->threads; t++) mw_worker_free(&r->workers[t]);
  free(r->workers);
  mw_factors_free(&r->factors);
  mw_matrices_free(&r->matrices);
  mw_values_free(&r->values);
  mw_pass_free(&r->pass);
  mw_order_free(&r->order);
}

static bool unchanged(const mw_job *job, mw_error *err) {
  for (size_t m = 0; m < job->family->count; m++)
    for (size_t f = 0; f < job->family->members[m].model->file_count; f++)
      MW_TRY(mw_file_unchanged(&job->family->members[m].model->files[f], err));
  return true;
}

static bool has_adapters(const mw_job *job) {
  bool any = false;
  for (size_t m = 0; m < job->family->count; m++)
    for (size_t t = 0; t < job->family->members[m].count; t++) any |= job->family->members[m].tensors[t].made == MW_TENSOR_ADAPTED;
  return any;
}

/* The stages that all ranks do, or those of this one alone, which are all where it is the only one. Passes are numbered within a batch;
 * stages of one level read different tensors, so they have the same numbers. */
static bool run_stages(runner *r, bool every, mw_error *err) {
  unsigned start = 0, highest = 0;
  const mw_schedule *schedule = r->job->schedule;
  for (size_t s = 0; s < schedule->stage_count; s++) {
    const mw_schedule_stage *stage = &schedule->stages[s];
    if (every ? stage->rank != MW_RANKS_EVERY : !mw_job_is_own(r->job, stage->rank)) continue;
    if (!s || stage->batch != stage[-1].batch) start = highest = 0;
    else if (stage->level != stage[-1].level) start = highest;
    r->pass_number = start;
    MW_TRY(run_stage(r, stage, err));
    if (r->pass_number > highest) highest = r->pass_number;
  }
  return true;
}

/* About what this rank reads and writes of it. */
static uint64_t part_of(const mw_job *job, uint64_t total) {
  double all = 1, own = 0;
  for (size_t i = 0; i < job->layout->count; i++) {
    double bytes = (double)mw_tensor_bytes(&job->layout->tensors[i]);
    all += bytes;
    if (mw_job_is_own(job, job->owners[i])) own += bytes;
  }
  return (uint64_t)((double)total * own / all) + 1;
}

bool mw_run_job(const mw_job *job, mw_error *err) { return mw_run_values(job, NULL, 0, NULL, err); }

bool mw_run_values(const mw_job *job, const mw_node *scalars, size_t count, double *values, mw_error *err) {
  runner r = {.job = job, .adapted = has_adapters(job)};
  mw_run_cost cost;
  MW_TRY(mw_run_cost_measure(job, &cost, err));
  r.total = cost.bytes_read;
  for (size_t i = 0; i < job->layout->count; i++) {
    uint64_t bytes = mw_tensor_bytes(&job->layout->tensors[i]);
    r.total += bytes;
    if (job->writer && mw_writer_has(job->writer, i)) r.done += bytes;
  }
  if (job->ranks) r.total = part_of(job, r.total);
  bool ok = open_workers(&r, err) && open_matrices(&r, &cost, err) && mw_run_ready(job->threads, err);
  if (ok && job->ranks) ok = run_stages(&r, true, err);
  ok = ok && run_stages(&r, false, err) && copy(&r, err) && complete_all(&r, err) && unchanged(job, err) &&
       (!job->ranks || mw_exchange_spoiled(job, err));
  for (size_t i = 0; i < count && ok; i++) ok = mw_values_get(&r.values, scalars[i], &values[i], err);
  if (ok) report(&r, 0); /* the last block may have been another thread's: tell the end */
  if (ok && r.stop) *err = r.error, ok = false; /* who is told may still say no */
  close_workers(&r);
  return ok;
}
