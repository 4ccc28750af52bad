/* pass.c: a stage of the schedule is done in one or more passes over its inputs. Each pass takes the roots (outputs and
 * reductions) that still need one, and a copy of the tasks with only these. Selections, and what was assumed of guessed
 * totals, are kept from one pass of the stage to the next.
 *
 * For example, TIES (see speculation.h) over a large model has two stages:
 *
 *   stage 1   the threshold of each expert, a selection over all its tensors
 *     SAMPLE    one or two passes over a small part of every tensor predict the thresholds (sample.h, selection.h)
 *     WHOLE     everything is counted about the predicted thresholds. In the same pass the majority's totals are summed as
 *               they come out with the predicted thresholds: these sums are the guesses for stage 2, if they may matter.
 *     REST      only where a prediction was wrong: that selection is counted again, until it is found; and where ties are cut,
 *               the elements among which the cut is
 *   stage 2   the outputs, and with them the exact totals
 *     WHOLE     in 32 parts: outputs are computed from guesses of those totals that no earlier part has found
 *     REST      outputs that were computed from a wrong guess, if there are any
 *
 * A stage without selections or guesses is one WHOLE pass.
 *
 * mw_pass_begin makes a pass in these steps: choose the phase; choose the roots that take part; if it is speculative, assume values
 * for what is not known yet; prepare each task (its program, and all that it reads beside files) and cut it into items. run.c
 * then lets the threads do the items, in any order, and gives their sums to mw_pass_take. mw_pass_end rolls assumed values back,
 * makes the sums known values, and lets the selections take a step. */
#include "exec/pass.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A stage with guessed totals is done in so many parts; by several processes in fewer, so that each has some tasks in a part. */
enum { PARTS = 32, TASKS_EACH = 4 };

static mw_op op_of(const mw_pass *pass, mw_node node) { return mw_graph_facts(pass->job.graph, node).op; }

static mw_dtype dtype_of(const mw_pass *pass, mw_node node) { return mw_graph_facts(pass->job.graph, node).dtype; }

static bool is_matrix(const mw_pass *pass, mw_node node) { return mw_graph_op_class(op_of(pass, node)) == MW_CLASS_MATRIX; }

static bool is_selection(const mw_pass *pass, mw_program_root root) {
  return !root.store && mw_graph_op_class(op_of(pass, root.node)) == MW_CLASS_SELECT;
}

/* A total that is summed together with an output, which is computed from a guess of it. */
static bool is_guessed_total(const mw_pass *pass, const mw_schedule_task *task, mw_program_root root) {
  return !root.store && task->output != MW_SCHEDULE_NO_OUTPUT && op_of(pass, root.node) == MW_OP_TOTAL;
}

static mw_selection *selection_of(const mw_pass *pass, mw_node node) {
  for (size_t i = 0; i < pass->selection_count; i++)
    if (pass->selections[i].node == node) return &pass->selections[i];
  return NULL;
}

/* ---- the phase ---- */

/* Whether outputs of the stage are computed from guesses. */
static bool has_guessed_totals(const mw_pass *pass, const mw_schedule_stage *stage) {
  for (uint32_t t = 0; t < stage->task_count; t++) {
    const mw_schedule_task *task = &pass->job.schedule->tasks[stage->first_task + t];
    for (uint32_t r = 0; r < task->root_count; r++)
      if (is_guessed_total(pass, task, pass->job.schedule->roots[task->first_root + r])) return true;
  }
  return false;
}

/* Whether a selection still needs a pass over the sample. */
static bool any_sampling(const mw_pass *pass) {
  for (size_t i = 0; i < pass->selection_count; i++)
    if (pass->selections[i].sampling) return true;
  return false;
}

static uint32_t count_parts(const mw_pass *pass, const mw_schedule_stage *stage) {
  if (!pass->job.ranks) return PARTS;
  uint32_t parts = stage->task_count / (TASKS_EACH * pass->job.ranks->count);
  return parts < 2 ? 2 : parts < PARTS ? parts : PARTS;
}

/* Where the part ends that begins with task `from`: parts have about equally many elements. */
static uint32_t end_of_part(const mw_pass *pass, const mw_schedule_stage *stage, uint32_t from) {
  const mw_schedule_task *tasks = pass->job.schedule->tasks + stage->first_task;
  uint64_t all = 0, part = 0;
  for (uint32_t t = 0; t < stage->task_count; t++) all += tasks[t].elements;
  do part += tasks[from++].elements;
  while (from < stage->task_count && part < all / count_parts(pass, stage));
  return from;
}

/* Chooses the phase, and which of the stage's tasks it looks at. Outputs are computed from guessed totals always, guesses
 * from selections only when a sample has predicted all of these; and not if by the sample hardly two elements are equal: then hardly a
 * vote will be drawn, for which alone the guess matters, and units with such a vote are computed again (speculation.h). */
static void choose_phase(mw_pass *pass, const mw_schedule_stage *stage, bool next) {
  bool in_parts = has_guessed_totals(pass, stage);
  bool next_part = next && pass->phase == MW_PHASE_WHOLE && pass->to < stage->task_count;
  if (any_sampling(pass)) pass->phase = MW_PHASE_SAMPLE;
  else if (!next || pass->phase == MW_PHASE_SAMPLE || next_part) pass->phase = MW_PHASE_WHOLE;
  else pass->phase = MW_PHASE_REST;
  bool whole = pass->phase == MW_PHASE_WHOLE;
  pass->from = next_part ? pass->to : 0;
  pass->to = whole && in_parts ? end_of_part(pass, stage, pass->from) : stage->task_count;
  pass->speculative = whole && (in_parts || pass->selection_count);
  pass->guesses = in_parts;
  for (size_t i = 0; i < pass->selection_count; i++) {
    pass->speculative &= pass->selections[i].sample.found || pass->selections[i].threshold;
    pass->guesses |= !mw_selection_differs(&pass->selections[i]);
  }
}

/* Ties of predicted thresholds are counted in the pass that verifies these. */
static void assume_thresholds(mw_pass *pass) {
  for (size_t i = 0; i < pass->selection_count; i++) {
    mw_selection *threshold = pass->selections[i].waits ? selection_of(pass, pass->selections[i].threshold) : NULL;
    if (!threshold || !threshold->sample.found || threshold->lists) continue;
    mw_selection_assume(&pass->selections[i], mw_select_value(&threshold->sample));
  }
}

/* ---- the roots that take part ---- */

/* Whether a root takes part in this pass. SAMPLE: selections that are not predicted yet. WHOLE: everything, but roots that compute
 * a guess only if the selections they depend on are predicted and it may matter. REST: selections that are not found, invalidated
 * outputs. */
static bool takes_part(mw_pass *pass, const mw_schedule_task *task, mw_program_root root, mw_values *values, bool *takes, mw_error *err) {
  const mw_selection *selection = is_selection(pass, root) ? selection_of(pass, root.node) : NULL;
  bool rest = pass->phase == MW_PHASE_REST;
  if (rest && root.store) return mw_speculation_check(&pass->speculation, task->output, values, takes, err);
  if (pass->phase == MW_PHASE_SAMPLE) *takes = selection && selection->sampling;
  else *takes = selection ? !selection->select.found && !selection->waits : !rest && (!root.guess || (pass->speculative && pass->guesses));
  return true;
}

/* A search for tied elements that knows which indices to read gets a task of its own, and skips the rest of the tensor. */
static bool needs_own_task(const mw_pass *pass, mw_program_root root) {
  return is_selection(pass, root) && mw_selection_is_narrow(selection_of(pass, root.node));
}

/* Adds a root to the last task, or to a new one like `task`. */
static bool append(mw_schedule *s, const mw_schedule_task *task, mw_program_root root, bool new_task, mw_error *err) {
  MW_TRY(mw_mem_grow(&s->roots, &s->root_capacity, s->root_count + 1, sizeof *s->roots, err));
  if (new_task) {
    MW_TRY(mw_mem_grow(&s->tasks, &s->task_capacity, s->task_count + 1, sizeof *s->tasks, err));
    s->tasks[s->task_count] = *task;
    s->tasks[s->task_count].first_root = (uint32_t)s->root_count;
    s->tasks[s->task_count++].root_count = 0;
  }
  s->tasks[s->task_count - 1].root_count++;
  s->roots[s->root_count++] = root;
  return true;
}

/* A pass over all elements of a task remembers what it draws, if a later one draws it too. */
static bool remember(mw_pass *pass, uint32_t task, mw_values *values, mw_error *err) {
  size_t at = 0;
  mw_node mask;
  while (pass->phase == MW_PHASE_WHOLE && !pass->speculative && (mask = mw_masks_take(&values->masks, task, &at)))
    MW_TRY(append(&pass->schedule, NULL, (mw_program_root){.node = mask, .remember = true}, false, err));
  return true;
}

/* Copies the tasks of this pass, with the roots that take part. */
static bool choose_roots(mw_pass *pass, const mw_job *job, const mw_schedule_stage *stage, mw_values *values, mw_error *err) {
  pass->schedule.root_count = pass->schedule.task_count = 0;
  for (uint32_t t = pass->from; t < pass->to; t++) {
    const mw_schedule_task *task = &job->schedule->tasks[stage->first_task + t];
    bool new_task = true;
    for (uint32_t r = 0; r < task->root_count; r++) {
      mw_program_root root = job->schedule->roots[task->first_root + r];
      bool takes, own = needs_own_task(pass, root);
      MW_TRY(takes_part(pass, task, root, values, &takes, err));
      if (!takes) continue;
      MW_TRY(append(&pass->schedule, task, root, new_task || own, err));
      new_task = own;
    }
    MW_TRY(new_task || remember(pass, stage->first_task + t, values, err));
  }
  return true;
}

/* ---- what the tasks need, and their blocks ---- */

/* Before a speculative pass: selections have the values that the sample predicts, totals the values that were guessed. */
static bool assume(mw_pass *pass, const mw_job *job, const mw_schedule_stage *stage, mw_values *values, mw_error *err) {
  for (size_t i = 0; i < pass->selection_count; i++)
    if (!pass->selections[i].threshold)
      MW_TRY(mw_values_set(values, pass->selections[i].node, mw_select_value(&pass->selections[i].sample), err));
  for (uint32_t t = 0; t < stage->task_count; t++) {
    const mw_schedule_task *task = &job->schedule->tasks[stage->first_task + t];
    for (uint32_t r = 0; r < task->root_count; r++) {
      mw_program_root root = job->schedule->roots[task->first_root + r];
      if (is_guessed_total(pass, task, root)) MW_TRY(mw_values_assume(values, root.node, err));
    }
  }
  return true;
}

/* Computes a scalar that a task reads, and records it if it may be a guess. `marked`: where it matters is marked. */
static bool make_scalar(mw_pass *pass, const mw_schedule_task *task, mw_node scalar, bool marked, mw_values *values, mw_error *err) {
  double value, number;
  MW_TRY(mw_values_get(values, scalar, &value, err));
  bool exact = !pass->speculative || mw_graph_is_number(pass->job.graph, scalar, &number);
  if (exact || task->output == MW_SCHEDULE_NO_OUTPUT) return true;
  return mw_speculation_assume(&pass->speculation, task->output, scalar, value, marked, err);
}

typedef struct preparing {
  mw_pass *pass;
  const mw_schedule_task *task;
  mw_values *values;
} preparing;

/* Makes known what a program reads beside files: scalars, vectors and coefficients; and so for the programs below a view. Matrices
 * are made later, before the task's blocks (run.c). */
static bool prepare_program(void *context, const mw_program *program, mw_error *err) {
  const preparing *p = context;
  mw_values_vector *vector;
  const void *memory;
  const bool own = program == &p->pass->program;
  for (size_t i = 0; i < program->scalar_count; i++)
    MW_TRY(make_scalar(p->pass, p->task, program->scalars[i], own && mw_program_only_elects(program, i), p->values, err));
  for (size_t i = 0; i < program->vector_count; i++) MW_TRY(mw_values_make(p->values, program->vectors[i], &vector, err));
  for (size_t i = 0; i < program->input_count; i++)
    if (mw_graph_is_memory(op_of(p->pass, program->inputs[i])) && !is_matrix(p->pass, program->inputs[i]))
      MW_TRY(mw_values_memory(p->values, &p->pass->job, program->inputs[i], &memory, err));
  return true;
}

/* Compiles the task's program and prepares it. */
static bool prepare(mw_pass *pass, const mw_schedule_task *task, mw_values *values, mw_error *err) {
  const mw_program_root *roots = pass->schedule.roots + task->first_root;
  preparing p = {pass, task, values};
  mw_values_vector *vector;
  pass->program.known = mw_masks_known(&values->masks, pass->job.graph, roots, task->root_count);
  MW_TRY(mw_program_compile(&pass->program, pass->job.graph, roots, task->root_count, err));
  MW_TRY(prepare_program(&p, &pass->program, err));
  for (size_t i = 0; i < pass->program.input_count; i++)
    if (mw_graph_op_class(op_of(pass, pass->program.inputs[i])) == MW_CLASS_VIEW)
      MW_TRY(mw_feed_programs(pass->job.graph, pass->program.inputs[i], dtype_of(pass, pass->program.inputs[i]), prepare_program, &p, err));
  for (uint32_t r = 0; r < task->root_count; r++)
    if (!roots[r].store && mw_graph_is_found(op_of(pass, roots[r].node)))
      MW_TRY(mw_values_make(values, roots[r].node, &vector, err));
  if (!pass->speculative || task->output == MW_SCHEDULE_NO_OUTPUT) return true;
  return mw_speculation_mark(&pass->speculation, task->output, (task->elements + MW_UNIT - 1) / MW_UNIT, err);
}

/* The task's part of the sample. Where several selections read the task, the largest of them decides. */
static mw_sample sample_of(const mw_pass *pass, size_t index) {
  const mw_schedule_task *task = &pass->schedule.tasks[index];
  uint64_t total = 0;
  for (uint32_t r = 0; r < task->root_count; r++) {
    const mw_selection *s = selection_of(pass, pass->schedule.roots[task->first_root + r].node);
    if (s->total > total) total = s->total;
  }
  mw_sample sample = {.elements = task->elements, .stride = mw_sample_stride(total)};
  if (!index) return sample;
  const mw_sample *before = &pass->tasks[index - 1].sample;
  sample.first_unit = before->first_unit + mw_sample_units(before);
  return sample;
}

/* Cuts the task that was prepared last into items. */
static bool cut(mw_pass *pass, size_t index, mw_error *err) {
  const mw_schedule_task *task = &pass->schedule.tasks[index];
  bool own = mw_job_is_own(&pass->job, task->rank); /* of another rank's all but the work is known here, too */
  mw_program_root root = pass->schedule.roots[task->first_root];
  uint64_t from = 0, to = task->elements;
  MW_TRY(mw_mem_grow(&pass->tasks, &pass->task_capacity, index + 1, sizeof *pass->tasks, err));
  mw_pass_task *t = &pass->tasks[index];
  *t = (mw_pass_task){.first_item = pass->items, .assumed = MW_SPECULATION_NONE};
  if (pass->phase == MW_PHASE_SAMPLE) {
    t->sample = sample_of(pass, index);
    if (own) pass->items += mw_sample_count(&t->sample);
    return true;
  }
  if (needs_own_task(pass, root) && !pass->program.quantum) mw_selection_range(selection_of(pass, root.node), root.part, &from, &to);
  t->cut = mw_cut_make(&pass->job, task, &pass->program, from, to);
  if (pass->phase == MW_PHASE_REST && root.store) t->cut.open = mw_speculation_open(&pass->speculation, task->output, &t->cut.units);
  t->left = own ? mw_cut_count(&t->cut) : 0;
  pass->items += t->left;
  pass->whole |= to - from == task->elements;
  if (pass->speculative && task->output != MW_SCHEDULE_NO_OUTPUT) t->assumed = mw_speculation_last(&pass->speculation, task->output);
  return true;
}

/* ---- the stage's selections ---- */

static void drop_selections(mw_pass *pass) {
  for (size_t i = 0; i < pass->selection_count; i++) mw_selection_free(&pass->selections[i]);
  pass->selection_count = 0;
}

static bool start_selection(mw_pass *pass, mw_node node, mw_values *values, mw_error *err) {
  MW_TRY(mw_mem_grow(&pass->selections, &pass->selection_capacity, pass->selection_count + 1, sizeof *pass->selections, err));
  return mw_selection_new(pass->job.graph, node, values, &pass->selections[pass->selection_count++], err);
}

/* Begins a search for every selection of the stage. Its parts may be in several tasks. */
static bool start_selections(mw_pass *pass, const mw_schedule_stage *stage, mw_values *values, mw_error *err) {
  drop_selections(pass);
  for (uint32_t t = 0; t < stage->task_count; t++) {
    const mw_schedule_task *task = &pass->job.schedule->tasks[stage->first_task + t];
    for (uint32_t r = 0; r < task->root_count; r++) {
      mw_program_root root = pass->job.schedule->roots[task->first_root + r];
      if (is_selection(pass, root) && !selection_of(pass, root.node)) MW_TRY(start_selection(pass, root.node, values, err));
    }
  }
  return true;
}

/* Before the first pass over a sample: tells each selection how many of its elements are in the sample. */
static void begin_samples(mw_pass *pass) {
  for (size_t t = 0; t < pass->schedule.task_count; t++) {
    const mw_schedule_task *task = &pass->schedule.tasks[t];
    const mw_sample *sample = &pass->tasks[t].sample;
    uint64_t start, count, sampled = 0;
    for (uint64_t k = mw_sample_count(sample); k > 0; k--) {
      mw_sample_unit(sample, k - 1, &start, &count);
      sampled += count;
    }
    for (uint32_t r = 0; r < task->root_count; r++)
      selection_of(pass, pass->schedule.roots[task->first_root + r].node)->sampled += sampled;
  }
  for (size_t i = 0; i < pass->selection_count; i++) mw_selection_sample(&pass->selections[i]);
}

/* ---- the pass ---- */

/* Whether what is found depends on the order of the blocks. */
static bool is_ordered(mw_op op) {
  return mw_graph_op_class(op) == MW_CLASS_SUM || mw_graph_sums_columns(op);
}

bool mw_pass_begin(mw_pass *pass, const mw_job *job, const mw_schedule_stage *stage, bool next, mw_values *values, mw_error *err) {
  pass->job = *job;
  if (!next) {
    mw_speculation_clear(&pass->speculation);
    MW_TRY(start_selections(pass, stage, values, err));
  }
  choose_phase(pass, stage, next);
  if (pass->phase == MW_PHASE_WHOLE) assume_thresholds(pass);
  MW_TRY(choose_roots(pass, job, stage, values, err));
  pass->job.schedule = &pass->schedule;
  pass->items = 0;
  pass->ordered = pass->whole = false;
  values->speculative = pass->speculative;
  bool ok = !pass->speculative || assume(pass, job, stage, values, err);
  for (size_t t = 0; t < pass->schedule.task_count && ok; t++)
    ok = prepare(pass, &pass->schedule.tasks[t], values, err) && cut(pass, t, err);
  values->speculative = false;
  MW_TRY(ok);
  if (pass->phase == MW_PHASE_SAMPLE && !next) begin_samples(pass);
  for (size_t r = 0; r < pass->schedule.root_count && !pass->ordered; r++)
    pass->ordered = !pass->schedule.roots[r].store && is_ordered(op_of(pass, pass->schedule.roots[r].node));
  for (size_t i = 0; i < pass->selection_count; i++) mw_selection_clear(&pass->selections[i]);
  free(pass->found);
  pass->found = mw_mem_new(pass->schedule.root_count * 2 + 1, sizeof *pass->found, err);
  if (!pass->found) return false;
  pass->best = pass->found + pass->schedule.root_count;
  for (size_t r = 0; r < pass->schedule.root_count; r++) pass->best[r] = -INFINITY;
  return true;
}

const mw_schedule_task *mw_pass_item(const mw_pass *pass, uint64_t item, uint64_t *start, uint64_t *count) {
  size_t low = 0, high = pass->schedule.task_count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (pass->tasks[middle].first_item <= item) low = middle;
    else high = middle;
  }
  const mw_pass_task *task = &pass->tasks[low];
  if (pass->phase == MW_PHASE_SAMPLE) mw_sample_unit(&task->sample, item - task->first_item, start, count);
  else mw_cut_block(&task->cut, item - task->first_item, start, count);
  return &pass->schedule.tasks[low];
}

/* The chunk in which the middle of an item lies. */
static uint64_t chunk_of(const mw_pass *pass, uint64_t item, const void **file) {
  uint64_t start, count;
  const mw_schedule_task *task = mw_pass_item(pass, item, &start, &count);
  const mw_cut *cut = &pass->tasks[task - pass->schedule.tasks].cut;
  *file = cut->file;
  return (cut->offset + (start + count / 2) * cut->size) / MW_FILE_CHECKSUM_CHUNK;
}

uint64_t mw_pass_run(const mw_pass *pass, uint64_t item, uint64_t most) {
  uint64_t end = item + 1, last = pass->items - item < most ? pass->items : item + most;
  const void *file, *other;
  if (pass->phase == MW_PHASE_SAMPLE || end >= last) return end;
  uint64_t chunk = chunk_of(pass, item, &file);
  while (end < last && chunk_of(pass, end, &other) == chunk && other == file) end++;
  return end;
}

uint64_t mw_pass_bytes(const mw_pass *pass, const mw_schedule_task *task, uint64_t count) {
  return pass->tasks[task - pass->schedule.tasks].cut.bytes * count;
}

bool mw_pass_note_done(mw_pass *pass, const mw_schedule_task *task) {
  mw_pass_task *t = &pass->tasks[task - pass->schedule.tasks];
  if (task->output == MW_SCHEDULE_NO_OUTPUT || pass->speculative) return false;
  return __atomic_sub_fetch(&t->left, 1, __ATOMIC_ACQ_REL) == 0;
}

uint64_t *mw_pass_open(const mw_pass *pass, const mw_schedule_task *task) {
  uint32_t assumed = pass->tasks[task - pass->schedule.tasks].assumed;
  return assumed == MW_SPECULATION_NONE ? NULL : pass->speculation.outputs[assumed].open;
}

bool mw_pass_note_not_finite(mw_pass *pass, const mw_schedule_task *task) {
  uint32_t assumed = pass->tasks[task - pass->schedule.tasks].assumed;
  if (assumed == MW_SPECULATION_NONE) return false;
  return pass->speculation.outputs[assumed].not_finite = true;
}

/* The block's columns are added to the vector's, or the larger ones stay. */
static void take_columns(const mw_tile_gather *gather, bool largest) {
  for (size_t c = 0; c < gather->unit_count; c++)
    if (!largest) gather->vector[c] += gather->units[c];
    else if (gather->units[c] > gather->vector[c]) gather->vector[c] = gather->units[c];
}

void mw_pass_take(mw_pass *pass, const mw_schedule_task *task, const mw_tile_gather *gathers) {
  for (uint32_t r = 0; r < task->root_count; r++) {
    const mw_tile_gather *gather = &gathers[r];
    double *found = &pass->found[task->first_root + r];
    double *best = &pass->best[task->first_root + r]; /* -inf before the first block */
    mw_op op = op_of(pass, pass->schedule.roots[task->first_root + r].node);
    if (mw_graph_sums_columns(op)) {
      take_columns(gather, op == MW_OP_COLUMN_MAX);
      continue;
    }
    for (size_t u = 0; u < gather->unit_count; u++) *found += gather->units[u];
    if (op == MW_OP_PEAK && gather->best > *found) *found = gather->best;
    if ((op != MW_OP_HIGHEST && op != MW_OP_ARGMAX) || !gather->any || !(gather->best > *best)) continue;
    *best = gather->best;
    *found = op == MW_OP_ARGMAX ? (double)gather->place : gather->best;
  }
}

/* A sum becomes a known value, or the guess of one; a vector gets its copy in f32. */
static bool keep_result(mw_pass *pass, size_t r, mw_values *values, mw_error *err) {
  mw_program_root root = pass->schedule.roots[r];
  if (root.store) return true;
  mw_op op = op_of(pass, root.node);
  if (root.guess) mw_values_guess(values, root.node, pass->found[r]);
  else if (mw_graph_op_class(op) == MW_CLASS_SUM) return mw_values_set(values, root.node, pass->found[r], err);
  if (!mw_graph_is_found(op)) return true;
  mw_values_vector *vector;
  MW_TRY(mw_values_make(values, root.node, &vector, err));
  for (size_t i = 0; i < vector->count; i++) vector->f32[i] = (float)vector->f64[i];
  return true;
}

bool mw_pass_end(mw_pass *pass, mw_values *values, mw_error *err) {
  mw_values_roll_back(values);
  mw_masks_keep(&values->masks);
  for (size_t r = 0; r < pass->schedule.root_count; r++) MW_TRY(keep_result(pass, r, values, err));
  for (size_t i = 0; i < pass->selection_count; i++)
    if (pass->phase == MW_PHASE_SAMPLE) mw_selection_end_sample(&pass->selections[i], !pass->job.ranks);
    else if (!pass->selections[i].threshold) MW_TRY(mw_selection_end(&pass->selections[i], NULL, values, err));
  for (size_t i = 0; i < pass->selection_count && pass->phase != MW_PHASE_SAMPLE; i++)
    if (pass->selections[i].threshold)
      MW_TRY(mw_selection_end(&pass->selections[i], selection_of(pass, pass->selections[i].threshold), values, err));
  return true;
}

void mw_pass_free(mw_pass *pass) {
  drop_selections(pass);
  mw_schedule_free(&pass->schedule);
  mw_program_free(&pass->program);
  mw_speculation_free(&pass->speculation);
  free(pass->selections);
  free(pass->tasks);
  free(pass->found);
}
