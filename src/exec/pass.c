/* pass.c: cutting, sampling, folding and selecting. A pass keeps its stage's selections from one pass to the next. */
#include "exec/pass.h"
#include <stdlib.h>
#include <string.h>

static mw_op op_of(const mw_pass *pass, mw_node node) { return mw_graph_facts(pass->job.graph, node).op; }

static bool selects(const mw_pass *pass, mw_root root) {
  return !root.store && mw_graph_op_class(op_of(pass, root.node)) == MW_CLASS_SELECT;
}

static mw_selection *selection_of(const mw_pass *pass, mw_node node) {
  for (size_t i = 0; i < pass->selection_count; i++)
    if (pass->selections[i].node == node) return &pass->selections[i];
  return NULL;
}

static bool know_needs(mw_pass *pass, const mw_task *task, mw_values *values, mw_error *err) {
  const mw_root *roots = pass->schedule.roots + task->first_root;
  MW_TRY(mw_program_compile(&pass->program, pass->job.graph, roots, task->root_count, err));
  double ignored;
  mw_vector *vector;
  const float *coefficient;
  for (size_t i = 0; i < pass->program.scalar_count; i++)
    MW_TRY(mw_values_get(values, pass->program.scalars[i], &ignored, err));
  for (size_t i = 0; i < pass->program.vector_count; i++)
    MW_TRY(mw_values_vector(values, pass->program.vectors[i], &vector, err));
  for (size_t i = 0; i < pass->program.input_count; i++)
    if (op_of(pass, pass->program.inputs[i]) != MW_OP_INPUT)
      MW_TRY(mw_values_coefficient(values, &pass->job, pass->program.inputs[i], &coefficient, err));
  for (uint32_t r = 0; r < task->root_count; r++)
    if (!roots[r].store && op_of(pass, roots[r].node) == MW_OP_VECTOR)
      MW_TRY(mw_values_vector(values, roots[r].node, &vector, err));
  return true;
}

/* Which unit of a run of `stride` is in the sample: another one in every run, lest rows and columns of a matrix show. */
static uint64_t sampled_unit(const mw_cut *c, uint64_t run) {
  return run * c->stride + (run * UINT64_C(0x9e3779b97f4a7c15) >> 32) % c->stride;
}

/* The first run whose sampled unit is the task's. */
static uint64_t first_run(const mw_cut *c) {
  uint64_t run = c->first_unit / c->stride;
  return run + (sampled_unit(c, run) < c->first_unit);
}

/* A task's units are counted on from those of the task before; its items are the units that the sample takes. */
static void cut_sample(mw_pass *pass, mw_cut *c, const mw_task *task) {
  uint64_t total = pass->totals;
  for (uint32_t r = 0; r < task->root_count; r++) {
    const mw_selection *s = selection_of(pass, pass->schedule.roots[task->first_root + r].node);
    if (s && s->total > total) total = s->total;
  }
  c->stride = mw_selection_stride(total);
  c->first_unit = pass->units;
  pass->units += (task->elements + MW_UNIT - 1) / MW_UNIT;
  uint64_t end = pass->units / c->stride;
  end += sampled_unit(c, end) < pass->units;
  pass->items += end - first_run(c);
}

/* A selection that knows where to look reads nothing else: it has its task for itself. */
static bool is_apart(const mw_pass *pass, mw_root root) { return pass->phase == MW_PHASE_REST && op_of(pass, root.node) == MW_OP_TIE; }

static bool cut(mw_pass *pass, size_t index, mw_error *err) {
  const mw_job *job = &pass->job;
  const mw_task *task = &pass->schedule.tasks[index];
  mw_root root = pass->schedule.roots[task->first_root];
  MW_TRY(mw_mem_grow(&pass->cuts, &pass->cut_capacity, index + 1, sizeof *pass->cuts, err));
  mw_cut *c = &pass->cuts[index];
  *c = (mw_cut){.first_item = pass->items, .to = task->elements, .block = mw_worker_block(job, task, &pass->program)};
  if (is_apart(pass, root)) mw_selection_range(selection_of(pass, root.node), root.part, &c->from, &c->to);
  c->head = c->from + c->block;
  if (pass->sampling) {
    cut_sample(pass, c, task);
    return true;
  }
  pass->whole |= c->to - c->from == task->elements;
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

static bool is_total(const mw_pass *pass, const mw_task *task, mw_root root) {
  return !root.store && task->output != MW_SCHEDULE_NO_OUTPUT && op_of(pass, root.node) == MW_OP_TOTAL;
}

/* Whether an output was computed from what turned out to be something else. */
static bool is_stale(mw_pass *pass, mw_root root, const mw_values *values, bool *stale, mw_error *err) {
  *stale = false;
  if (!pass->guessing || !root.store) return true;
  MW_TRY(mw_program_compile(&pass->program, pass->job.graph, &root, 1, err));
  for (size_t i = 0; i < pass->program.scalar_count; i++)
    *stale |= values->known[pass->program.scalars[i]] == MW_VALUES_CHANGED;
  return true;
}

/* Whether a root of a task takes part. */
static bool takes_part(mw_pass *pass, const mw_task *task, mw_root root, const mw_values *values, bool *takes,
                       mw_error *err) {
  bool selecting = selects(pass, root);
  *takes = false;
  switch (pass->phase) {
  case MW_PHASE_SAMPLE: *takes = selecting && selection_of(pass, root.node)->sampling; break;
  case MW_PHASE_TOTALS: *takes = is_total(pass, task, root); break;
  case MW_PHASE_WHOLE:
    *takes = selecting                      ? !selection_of(pass, root.node)->select.found
             : root.guess                   ? pass->guessing
             : is_total(pass, task, root) ? pass->guessing
                                            : true;
    break;
  case MW_PHASE_REST:
    if (!selecting) return is_stale(pass, root, values, takes, err);
    *takes = !selection_of(pass, root.node)->select.found;
  }
  return true;
}

/* Adds a root to the task before it, or to a new one like `task`. */
static bool append(mw_schedule *s, const mw_task *task, mw_root root, bool anew, mw_error *err) {
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

/* Copies the stage's tasks with the roots that take part. */
static bool choose(mw_pass *pass, const mw_job *job, const mw_stage *stage, const mw_values *values, mw_error *err) {
  pass->schedule.root_count = pass->schedule.task_count = 0;
  for (uint32_t t = 0; t < stage->task_count; t++) {
    const mw_task *task = &job->schedule->tasks[stage->first_task + t];
    bool anew = true;
    for (uint32_t r = 0; r < task->root_count; r++) {
      mw_root root = job->schedule->roots[task->first_root + r];
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

static bool start_selections(mw_pass *pass, const mw_stage *stage, mw_values *values, mw_error *err) {
  drop_selections(pass);
  for (uint32_t t = 0; t < stage->task_count; t++) {
    const mw_task *task = &pass->job.schedule->tasks[stage->first_task + t];
    for (uint32_t r = 0; r < task->root_count; r++) {
      mw_root root = pass->job.schedule->roots[task->first_root + r];
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
    const mw_task *task = &pass->schedule.tasks[t];
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

/* Over how many elements the stage has totals beside outputs, and whether all of them are guessed. */
static uint64_t find_totals(const mw_pass *pass, const mw_stage *stage, const mw_values *values, bool *guessed) {
  uint64_t elements = 0;
  *guessed = true;
  for (uint32_t t = 0; t < stage->task_count; t++) {
    const mw_task *task = &pass->job.schedule->tasks[stage->first_task + t];
    for (uint32_t r = 0; r < task->root_count; r++) {
      mw_root root = pass->job.schedule->roots[task->first_root + r];
      if (!is_total(pass, task, root)) continue;
      elements += task->elements;
      *guessed = *guessed && values->known[root.node] == MW_VALUES_SUPPOSED;
    }
  }
  return elements;
}

/* Which phase comes now. Guesses are made of selections when the sample has told where they are, and of totals when
 * such selections have been guessed. */
static void choose_phase(mw_pass *pass, const mw_stage *stage, const mw_values *values, bool next) {
  bool guessed;
  uint64_t totals = pass->totals = find_totals(pass, stage, values, &guessed);
  pass->sampling = false;
  if (!next) pass->guessing = false;
  if (any_samples(pass)) {
    pass->phase = MW_PHASE_SAMPLE;
    pass->sampling = true;
  } else if (!next && totals && !guessed) {
    pass->phase = MW_PHASE_TOTALS;
    pass->sampling = mw_selection_samples(totals);
  } else if (!next || pass->phase < MW_PHASE_WHOLE) {
    pass->guessing = totals > 0 && guessed;
    if (!totals && pass->selection_count) {
      pass->guessing = true;
      for (size_t i = 0; i < pass->selection_count; i++) pass->guessing &= pass->selections[i].sample.found;
    }
    pass->phase = MW_PHASE_WHOLE;
  } else {
    pass->guessing &= pass->phase == MW_PHASE_WHOLE; /* outputs are computed again once */
    pass->phase = MW_PHASE_REST;
  }
}

/* Before a pass that guesses: selections are what the sample says, totals what was supposed. */
static bool believe(mw_pass *pass, mw_values *values, mw_error *err) {
  for (size_t i = 0; i < pass->selection_count; i++)
    MW_TRY(mw_values_set(values, pass->selections[i].node, mw_select_value(&pass->selections[i].sample), err));
  for (size_t r = 0; r < pass->schedule.root_count; r++)
    if (values->known[pass->schedule.roots[r].node] == MW_VALUES_SUPPOSED)
      MW_TRY(mw_values_believe(values, pass->schedule.roots[r].node, err));
  return true;
}

bool mw_pass_begin(mw_pass *pass, const mw_job *job, const mw_stage *stage, bool next, mw_values *values, mw_error *err) {
  pass->job = *job;
  if (!next) MW_TRY(start_selections(pass, stage, values, err));
  choose_phase(pass, stage, values, next);
  MW_TRY(choose(pass, job, stage, values, err));
  pass->job.schedule = &pass->schedule;
  pass->items = pass->units = 0;
  pass->ordered = pass->whole = false;
  bool guesses = pass->guessing && pass->phase == MW_PHASE_WHOLE;
  mw_values_doubt(values, guesses);
  bool ok = !guesses || believe(pass, values, err);
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

const mw_task *mw_pass_item(const mw_pass *pass, uint64_t item, uint64_t *start, uint64_t *count) {
  size_t low = 0, high = pass->schedule.task_count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (pass->cuts[middle].first_item <= item) low = middle;
    else high = middle;
  }
  const mw_cut *c = &pass->cuts[low];
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

uint64_t mw_pass_bytes(const mw_pass *pass, const mw_task *task, uint64_t count) {
  return pass->cuts[task - pass->schedule.tasks].bytes * count;
}

void mw_pass_take(mw_pass *pass, const mw_task *task, const mw_gather *gathers) {
  for (uint32_t r = 0; r < task->root_count; r++) {
    const mw_gather *gather = &gathers[r];
    double *found = &pass->found[task->first_root + r];
    mw_op op = op_of(pass, pass->schedule.roots[task->first_root + r].node);
    for (size_t u = 0; u < gather->unit_count; u++) *found += gather->units[u];
    if (op == MW_OP_PEAK && gather->peak > *found) *found = gather->peak;
  }
}

bool mw_pass_end(mw_pass *pass, mw_values *values, mw_error *err) {
  bool guessed = pass->guessing && pass->phase == MW_PHASE_WHOLE;
  if (guessed) mw_values_forget(values);
  for (size_t r = 0; r < pass->schedule.root_count; r++) {
    mw_root root = pass->schedule.roots[r];
    if (root.store) continue;
    mw_op op = op_of(pass, root.node);
    bool sampled = pass->sampling && pass->phase == MW_PHASE_TOTALS;
    if (root.guess || sampled) mw_values_suppose(values, root.node, pass->found[r]);
    else if (mw_graph_op_class(op) == MW_CLASS_SUM) MW_TRY(mw_values_set(values, root.node, pass->found[r], err));
    if (op != MW_OP_VECTOR) continue;
    mw_vector *vector;
    MW_TRY(mw_values_vector(values, root.node, &vector, err));
    for (size_t i = 0; i < vector->count; i++) vector->narrow[i] = (float)vector->wide[i];
  }
  for (size_t i = 0; i < pass->selection_count; i++)
    if (pass->phase == MW_PHASE_SAMPLE) mw_selection_end_sample(&pass->selections[i]);
    else MW_TRY(mw_selection_end(&pass->selections[i], values, err));
  return !guessed || pass->selection_count || mw_values_settle(values, err);
}

void mw_pass_free(mw_pass *pass) {
  drop_selections(pass);
  mw_schedule_free(&pass->schedule);
  mw_program_free(&pass->program);
  free(pass->selections);
  free(pass->cuts);
  free(pass->found);
}
