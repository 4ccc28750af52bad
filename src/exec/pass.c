/* pass.c: cutting, sampling, folding and selecting. A pass keeps its stage's selections from one pass to the next. */
#include "exec/pass.h"
#include <stdlib.h>
#include <string.h>

/* Outputs that are computed from guessed totals come in so many parts; what was found in a part is known in the next. */
enum { PARTS = 32 };

static mw_op op_of(const mw_pass *pass, mw_node node) { return mw_graph_facts(pass->job.graph, node).op; }

static bool selects(const mw_pass *pass, mw_program_root root) {
  return !root.store && mw_graph_op_class(op_of(pass, root.node)) == MW_CLASS_SELECT;
}

static mw_selection *selection_of(const mw_pass *pass, mw_node node) {
  for (size_t i = 0; i < pass->selection_count; i++)
    if (pass->selections[i].node == node) return &pass->selections[i];
  return NULL;
}

/* Remembers what an output is computed from, as long as that is a guess. */
static bool remember(mw_pass *pass, const mw_schedule_task *task, mw_node scalar, double value, mw_error *err) {
  double number;
  if (!pass->guessing || task->output == MW_SCHEDULE_NO_OUTPUT || mw_graph_is_number(pass->job.graph, scalar, &number)) return true;
  MW_TRY(mw_mem_grow(&pass->beliefs, &pass->belief_capacity, pass->belief_count + 1, sizeof *pass->beliefs, err));
  pass->beliefs[pass->belief_count++] = (mw_pass_assumption){.output = task->output, .scalar = scalar, .value = value};
  return true;
}

static bool know_needs(mw_pass *pass, const mw_schedule_task *task, mw_values *values, mw_error *err) {
  const mw_program_root *roots = pass->schedule.roots + task->first_root;
  MW_TRY(mw_program_compile(&pass->program, pass->job.graph, roots, task->root_count, err));
  double value;
  mw_values_vector *vector;
  const float *coefficient;
  for (size_t i = 0; i < pass->program.scalar_count; i++)
    MW_TRY(mw_values_get(values, pass->program.scalars[i], &value, err) &&
           remember(pass, task, pass->program.scalars[i], value, err));
  for (size_t i = 0; i < pass->program.vector_count; i++)
    MW_TRY(mw_values_make(values, pass->program.vectors[i], &vector, err));
  for (size_t i = 0; i < pass->program.input_count; i++)
    if (op_of(pass, pass->program.inputs[i]) != MW_OP_INPUT)
      MW_TRY(mw_values_coefficient(values, &pass->job, pass->program.inputs[i], &coefficient, err));
  for (uint32_t r = 0; r < task->root_count; r++)
    if (!roots[r].store && op_of(pass, roots[r].node) == MW_OP_VECTOR)
      MW_TRY(mw_values_make(values, roots[r].node, &vector, err));
  return true;
}

/* Which unit of a run of `stride` is in the sample: another one in every run, lest rows and columns of a matrix show. */
static uint64_t sampled_unit(const mw_pass_cut *c, uint64_t run) {
  return run * c->stride + (run * UINT64_C(0x9e3779b97f4a7c15) >> 32) % c->stride;
}

/* The first run whose sampled unit is the task's. */
static uint64_t first_run(const mw_pass_cut *c) {
  uint64_t run = c->first_unit / c->stride;
  return run + (sampled_unit(c, run) < c->first_unit);
}

/* A task's units are counted on from those of the task before; its items are the units that the sample takes. */
static void cut_sample(mw_pass *pass, mw_pass_cut *c, const mw_schedule_task *task) {
  uint64_t total = 0;
  for (uint32_t r = 0; r < task->root_count; r++) {
    const mw_selection *s = selection_of(pass, pass->schedule.roots[task->first_root + r].node);
    if (s->total > total) total = s->total;
  }
  c->stride = mw_selection_stride(total);
  c->first_unit = pass->units;
  pass->units += (task->elements + MW_UNIT - 1) / MW_UNIT;
  uint64_t end = pass->units / c->stride;
  end += sampled_unit(c, end) < pass->units;
  pass->items += end - first_run(c);
}

/* A selection that knows where to look reads nothing else: it has its task for itself. */
static bool is_apart(const mw_pass *pass, mw_program_root root) { return pass->phase == MW_PHASE_REST && op_of(pass,
                                                                                                               root.node) == MW_OP_TIE; }

static bool cut(mw_pass *pass, size_t index, mw_error *err) {
  const mw_job *job = &pass->job;
  const mw_schedule_task *task = &pass->schedule.tasks[index];
  mw_program_root root = pass->schedule.roots[task->first_root];
  MW_TRY(mw_mem_grow(&pass->cuts, &pass->cut_capacity, index + 1, sizeof *pass->cuts, err));
  mw_pass_cut *c = &pass->cuts[index];
  *c = (mw_pass_cut){.first_item = pass->items, .to = task->elements, .block = mw_worker_block(job, task, &pass->program)};
  if (is_apart(pass, root)) mw_selection_range(selection_of(pass, root.node), root.part, &c->from, &c->to);
  c->head = c->from + c->block;
  if (pass->sampling) {
    cut_sample(pass, c, task);
    return true;
  }
  pass->whole |= c->to - c->from == task->elements;
  c->guessed = pass->guessing && pass->belief_count && pass->beliefs[pass->belief_count - 1].output == task->output;
  for (size_t i = 0; i < pass->program.input_count; i++)
    c->bytes += mw_job_read_bytes(job, pass->program.inputs[i]);
  if (task->output != MW_SCHEDULE_NO_OUTPUT) {
    const mw_tensor *output = &job->layout->tensors[job->places[task->output]];
    size_t size = mw_dtype_size((mw_dtype)output->dtype);
    uint64_t within = output->offset % (c->block * size);
    c->bytes += size;
    if (within % size == 0) c->head = c->block - within / size;
  }
  if (c->to > c->from) pass->items += 1 + (c->to > c->head ? (c->to - c->head + c->block - 1) / c->block : 0);
  return true;
}

static bool is_total(const mw_pass *pass, const mw_schedule_task *task, mw_program_root root) {
  return !root.store && task->output != MW_SCHEDULE_NO_OUTPUT && op_of(pass, root.node) == MW_OP_TOTAL;
}

/* Whether an output was computed from what turned out to be something else, or was not finite by a guess; asked once of every
 * output, in their order. */
static bool is_stale(mw_pass *pass, const mw_schedule_task *task, mw_values *values, bool *stale, mw_error *err) {
  *stale = false;
  for (; pass->checked < pass->belief_count && pass->beliefs[pass->checked].output == task->output; pass->checked++) {
    const mw_pass_assumption *belief = &pass->beliefs[pass->checked];
    double value;
    MW_TRY(mw_values_get(values, belief->scalar, &value, err));
    *stale |= belief->unfit || memcmp(&value, &belief->value, sizeof value) != 0;
  }
  return true;
}

/* Whether a root of a task takes part. */
static bool takes_part(mw_pass *pass, const mw_schedule_task *task, mw_program_root root, mw_values *values, bool *takes, mw_error *err) {
  const mw_selection *selection = selects(pass, root) ? selection_of(pass, root.node) : NULL;
  bool rest = pass->phase == MW_PHASE_REST;
  if (rest && root.store) return is_stale(pass, task, values, takes, err);
  if (pass->phase == MW_PHASE_SAMPLE) *takes = selection && selection->sampling;
  else *takes = selection ? !selection->select.found : !rest && (!root.guess || pass->guessing);
  return true;
}

/* Adds a root to the task before it, or to a new one like `task`. */
static bool append(mw_schedule *s, const mw_schedule_task *task, mw_program_root root, bool anew, mw_error *err) {
  MW_TRY(mw_mem_grow(&s->roots, &s->root_capacity, s->root_count + 1, sizeof *s->roots, err));
  if (anew) {
    MW_TRY(mw_mem_grow(&s->tasks, &s->task_capacity, s->task_count + 1, sizeof *s->tasks, err));
    s->tasks[s->task_count] = *task;
    s->tasks[s->task_count].first_root = (uint32_t)s->root_count;
    s->tasks[s->task_count++].root_count = 0;
  }
  s->tasks[s->task_count - 1].root_count++;
  s->roots[s->root_count++] = root;
  return true;
}

/* Copies the pass's tasks of the stage with the roots that take part. */
static bool choose(mw_pass *pass, const mw_job *job, const mw_schedule_stage *stage, mw_values *values, mw_error *err) {
  pass->schedule.root_count = pass->schedule.task_count = 0;
  for (uint32_t t = pass->from; t < pass->to; t++) {
    const mw_schedule_task *task = &job->schedule->tasks[stage->first_task + t];
    bool anew = true;
    for (uint32_t r = 0; r < task->root_count; r++) {
      mw_program_root root = job->schedule->roots[task->first_root + r];
      bool takes, apart = is_apart(pass, root);
      MW_TRY(takes_part(pass, task, root, values, &takes, err));
      if (!takes) continue;
      MW_TRY(append(&pass->schedule, task, root, anew || apart, err));
      anew = apart;
    }
  }
  return true;
}

static void drop_selections(mw_pass *pass) {
  for (size_t i = 0; i < pass->selection_count; i++) mw_selection_free(&pass->selections[i]);
  pass->selection_count = 0;
}

static bool start_selection(mw_pass *pass, mw_node node, mw_values *values, mw_error *err) {
  MW_TRY(mw_mem_grow(&pass->selections, &pass->selection_capacity, pass->selection_count + 1, sizeof *pass->selections, err));
  return mw_selection_new(pass->job.graph, node, values, &pass->selections[pass->selection_count++], err);
}

static bool start_selections(mw_pass *pass, const mw_schedule_stage *stage, mw_values *values, mw_error *err) {
  drop_selections(pass);
  for (uint32_t t = 0; t < stage->task_count; t++) {
    const mw_schedule_task *task = &pass->job.schedule->tasks[stage->first_task + t];
    for (uint32_t r = 0; r < task->root_count; r++) {
      mw_program_root root = pass->job.schedule->roots[task->first_root + r];
      if (selects(pass, root) && !selection_of(pass, root.node)) MW_TRY(start_selection(pass, root.node, values, err));
    }
  }
  return true;
}

static uint64_t items_of(const mw_pass *pass, size_t task) {
  return (task + 1 < pass->schedule.task_count ? pass->cuts[task + 1].first_item : pass->items) - pass->cuts[task].first_item;
}

/* Before the first pass over a sample: what of each selection is in it, and the rank sought there. */
static void begin_samples(mw_pass *pass) {
  for (size_t t = 0; t < pass->schedule.task_count; t++) {
    const mw_schedule_task *task = &pass->schedule.tasks[t];
    uint64_t start, count, sampled = 0;
    for (uint64_t i = 0; i < items_of(pass, t); i++) {
      mw_pass_item(pass, pass->cuts[t].first_item + i, &start, &count);
      sampled += count;
    }
    for (uint32_t r = 0; r < task->root_count; r++)
      selection_of(pass, pass->schedule.roots[task->first_root + r].node)->sampled += sampled;
  }
  for (size_t i = 0; i < pass->selection_count; i++) mw_selection_sample(&pass->selections[i]);
}

static bool any_samples(const mw_pass *pass) {
  bool any = false;
  for (size_t i = 0; i < pass->selection_count; i++) any |= pass->selections[i].sampling;
  return any;
}

static bool has_totals(const mw_pass *pass, const mw_schedule_stage *stage) {
  bool has = false;
  for (uint32_t t = 0; t < stage->task_count; t++) {
    const mw_schedule_task *task = &pass->job.schedule->tasks[stage->first_task + t];
    for (uint32_t r = 0; r < task->root_count; r++)
      has |= is_total(pass, task, pass->job.schedule->roots[task->first_root + r]);
  }
  return has;
}

/* Where the part ends that begins with task `from`. */
static uint32_t end_of_part(const mw_pass *pass, const mw_schedule_stage *stage, uint32_t from) {
  const mw_schedule_task *tasks = pass->job.schedule->tasks + stage->first_task;
  uint64_t all = 0, part = 0;
  for (uint32_t t = 0; t < stage->task_count; t++) all += tasks[t].elements;
  do part += tasks[from++].elements;
  while (from < stage->task_count && part < all / PARTS);
  return from;
}

/* Which phase comes now, over which of the stage's tasks. Guesses are made of selections when the sample has told where
 * they are, and of totals always. */
static void choose_phase(mw_pass *pass, const mw_schedule_stage *stage, bool next) {
  bool parted = has_totals(pass, stage), goes_on = next && pass->phase == MW_PHASE_WHOLE && pass->to < stage->task_count;
  pass->sampling = any_samples(pass);
  if (pass->sampling) pass->phase = MW_PHASE_SAMPLE;
  else if (!next || pass->phase == MW_PHASE_SAMPLE || goes_on) pass->phase = MW_PHASE_WHOLE;
  else pass->phase = MW_PHASE_REST;
  bool whole = pass->phase == MW_PHASE_WHOLE;
  pass->from = goes_on ? pass->to : 0;
  pass->to = whole && parted ? end_of_part(pass, stage, pass->from) : stage->task_count;
  pass->guessing = whole && (parted || pass->selection_count);
  for (size_t i = 0; i < pass->selection_count; i++) pass->guessing &= pass->selections[i].sample.found;
}

/* Before a pass that guesses: selections are what the sample says, totals what was supposed, or else 0. */
static bool believe(mw_pass *pass, const mw_job *job, const mw_schedule_stage *stage, mw_values *values, mw_error *err) {
  for (size_t i = 0; i < pass->selection_count; i++)
    MW_TRY(mw_values_set(values, pass->selections[i].node, mw_select_value(&pass->selections[i].sample), err));
  for (uint32_t t = 0; t < stage->task_count; t++) {
    const mw_schedule_task *task = &job->schedule->tasks[stage->first_task + t];
    for (uint32_t r = 0; r < task->root_count; r++) {
      mw_program_root root = job->schedule->roots[task->first_root + r];
      if (is_total(pass, task, root)) MW_TRY(mw_values_believe(values, root.node, err));
    }
  }
  return true;
}

bool mw_pass_begin(mw_pass *pass, const mw_job *job, const mw_schedule_stage *stage, bool next, mw_values *values, mw_error *err) {
  pass->job = *job;
  if (!next) {
    pass->belief_count = pass->checked = 0;
    MW_TRY(start_selections(pass, stage, values, err));
  }
  choose_phase(pass, stage, next);
  MW_TRY(choose(pass, job, stage, values, err));
  pass->job.schedule = &pass->schedule;
  pass->items = pass->units = 0;
  pass->ordered = pass->whole = false;
  values->doubt = pass->guessing;
  bool ok = !pass->guessing || believe(pass, job, stage, values, err);
  for (size_t t = 0; t < pass->schedule.task_count && ok; t++)
    ok = know_needs(pass, &pass->schedule.tasks[t], values, err) && cut(pass, t, err);
  values->doubt = false;
  MW_TRY(ok);
  if (pass->phase == MW_PHASE_SAMPLE && !next) begin_samples(pass);
  for (size_t r = 0; r < pass->schedule.root_count && !pass->ordered; r++)
    pass->ordered = !pass->schedule.roots[r].store &&
                    mw_graph_op_class(op_of(pass, pass->schedule.roots[r].node)) == MW_CLASS_SUM;
  for (size_t i = 0; i < pass->selection_count; i++) mw_selection_clear(&pass->selections[i]);
  free(pass->found);
  return (pass->found = mw_mem_new(pass->schedule.root_count, sizeof *pass->found, err)) != NULL;
}

const mw_schedule_task *mw_pass_item(const mw_pass *pass, uint64_t item, uint64_t *start, uint64_t *count) {
  size_t low = 0, high = pass->schedule.task_count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (pass->cuts[middle].first_item <= item) low = middle;
    else high = middle;
  }
  const mw_pass_cut *c = &pass->cuts[low];
  uint64_t k = item - c->first_item, elements = pass->schedule.tasks[low].elements;
  if (pass->sampling) {
    *start = (sampled_unit(c, first_run(c) + k) - c->first_unit) * MW_UNIT;
    *count = elements - *start < MW_UNIT ? elements - *start : MW_UNIT;
    return &pass->schedule.tasks[low];
  }
  *start = k ? c->head + (k - 1) * c->block : c->from;
  uint64_t end = c->head + k * c->block;
  *count = (end < c->to ? end : c->to) - *start;
  return &pass->schedule.tasks[low];
}

uint64_t mw_pass_bytes(const mw_pass *pass, const mw_schedule_task *task, uint64_t count) {
  return pass->cuts[task - pass->schedule.tasks].bytes * count;
}

bool mw_pass_doubts(mw_pass *pass, const mw_schedule_task *task) {
  mw_pass_cut *c = &pass->cuts[task - pass->schedule.tasks];
  if (!c->guessed) return false;
#pragma omp atomic write
  c->unfit = true;
  return true;
}

/* Beliefs of the pass are the last ones, in the order of its tasks. */
static void keep_doubts(mw_pass *pass) {
  size_t b = pass->belief_count;
  for (size_t t = pass->schedule.task_count; t-- > 0;)
    for (; pass->cuts[t].guessed && b && pass->beliefs[b - 1].output == pass->schedule.tasks[t].output; b--)
      pass->beliefs[b - 1].unfit = pass->cuts[t].unfit;
}

void mw_pass_take(mw_pass *pass, const mw_schedule_task *task, const mw_tile_gather *gathers) {
  for (uint32_t r = 0; r < task->root_count; r++) {
    const mw_tile_gather *gather = &gathers[r];
    double *found = &pass->found[task->first_root + r];
    mw_op op = op_of(pass, pass->schedule.roots[task->first_root + r].node);
    for (size_t u = 0; u < gather->unit_count; u++) *found += gather->units[u];
    if (op == MW_OP_PEAK && gather->peak > *found) *found = gather->peak;
  }
}

bool mw_pass_end(mw_pass *pass, mw_values *values, mw_error *err) {
  mw_values_forget(values);
  keep_doubts(pass);
  for (size_t r = 0; r < pass->schedule.root_count; r++) {
    mw_program_root root = pass->schedule.roots[r];
    if (root.store) continue;
    mw_op op = op_of(pass, root.node);
    if (root.guess) mw_values_suppose(values, root.node, pass->found[r]);
    else if (mw_graph_op_class(op) == MW_CLASS_SUM) MW_TRY(mw_values_set(values, root.node, pass->found[r], err));
    if (op != MW_OP_VECTOR) continue;
    mw_values_vector *vector;
    MW_TRY(mw_values_make(values, root.node, &vector, err));
    for (size_t i = 0; i < vector->count; i++) vector->f32[i] = (float)vector->f64[i];
  }
  for (size_t i = 0; i < pass->selection_count; i++)
    if (pass->phase == MW_PHASE_SAMPLE) mw_selection_end_sample(&pass->selections[i]);
    else MW_TRY(mw_selection_end(&pass->selections[i], values, err));
  return true;
}

void mw_pass_free(mw_pass *pass) {
  drop_selections(pass);
  mw_schedule_free(&pass->schedule);
  mw_program_free(&pass->program);
  free(pass->selections);
  free(pass->cuts);
  free(pass->beliefs);
  free(pass->found);
}
