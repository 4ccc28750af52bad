/* worker.c: the buffer of a worker holds the block's inputs one after the other, then its output. Each begins at the same
 * offset within a page as its data in the file, so that the system's copies are aligned. For example, a block whose first
 * input begins at offset 5000 of its file, which is 904 within a page, is read to byte 904 of the buffer; the next input
 * begins on a page after its end, plus its own offset.
 *
 * Sums and counts of a block are gathered here and added to those of all threads later: sums in the order of the blocks
 * (order.h), counts in any order (mw_worker_flush). */
#include "exec/worker.h"
#include "exec/bad_input.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, L2_BUDGET = 768 << 10, SMALLEST = 64 << 10, COLUMNS = 64 << 10 };

/* Inputs with adapters are formed in pieces of about PIECE elements, but of ROWS rows at least: the kernel adds to several at a time. */
enum { PIECE = 8 << 10, ROWS = 8 };

static const mw_program_root *roots_of(const mw_worker *w) { return w->job->schedule->roots + w->task->first_root; }

static const mw_tensor *output_of(const mw_job *job, const mw_schedule_task *task) {
  return task->output == MW_SCHEDULE_NO_OUTPUT ? NULL : &job->layout->tensors[job->places[task->output]];
}

static mw_dtype dtype_of(const mw_job *job, mw_node input) { return mw_graph_facts(job->graph, input).dtype; }

static bool is_mask(const mw_job *job, mw_node input) { return mw_graph_op(job->graph, input) == MW_OP_BERNOULLI_EACH; }

static bool is_view(const mw_job *job, mw_node input) {
  return mw_graph_op_class(mw_graph_facts(job->graph, input).op) == MW_CLASS_VIEW;
}

/* The largest block, a power of two times MW_UNIT, whose inputs and output together fit the budget. With many streams (inputs
 * and output) the budget grows, so that each may have SMALLEST bytes: shorter reads cost too much. */
static uint64_t block_of(size_t bytes_each, size_t streams) {
  size_t budget = streams * SMALLEST > L2_BUDGET ? streams * SMALLEST : L2_BUDGET;
  uint64_t block = MW_UNIT;
  while (block * 2 * bytes_each <= budget && block < (256u << 10)) block *= 2;
  return block;
}

/* How many tensors are read and written, and their bytes for an element that the roots count. */
static size_t streams_of(const mw_job *job, const mw_schedule_task *task, const mw_program *program, size_t *bytes) {
  const mw_tensor *output = output_of(job, task);
  *bytes = output ? mw_dtype_size((mw_dtype)output->dtype) : 0;
  for (size_t i = 0; i < program->input_count; i++) *bytes += mw_job_read_bytes(job, program->inputs[i]) * program->run;
  return program->input_count + (output ? 1 : 0);
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* How many elements of inputs with adapters are formed at a time: whole units, so that sums are as they would be without pieces; all of a
 * block where a program goes over stretches. 0: none has adapters. */
static uint64_t piece_of(const mw_job *job, const mw_program *program) {
  uint64_t piece = 0;
  for (size_t i = 0; i < program->input_count; i++) {
    const mw_adapted *adapted = mw_job_adapted(job, mw_graph_facts(job->graph, program->inputs[i]));
    if (adapted) piece = ROWS * adapted->columns < PIECE ? PIECE : ROWS * adapted->columns;
  }
  return piece && program->quantum ? UINT64_MAX : (piece + MW_UNIT - 1) / MW_UNIT * MW_UNIT;
}

/* Bytes in which an input is formed, of a block of so many of its elements. */
static size_t formed_bytes(const mw_job *job, const mw_program *program, mw_node input, uint64_t count) {
  if (!mw_job_adapted(job, mw_graph_facts(job->graph, input))) return 0;
  return (size_t)least(piece_of(job, program), count) * sizeof(float) + PAGE;
}

uint64_t mw_worker_block(const mw_job *job, const mw_schedule_task *task, const mw_program *program) {
  size_t bytes, streams = streams_of(job, task, program, &bytes);
  uint64_t block = block_of(bytes ? bytes : 1, streams ? streams : 1);
  bool turned = false;
  for (size_t i = 0; i < program->input_count; i++)
    if (mw_graph_facts(job->graph, program->inputs[i]).turned) block = MW_FEED_TURNED / program->run + 1, turned = true;
  if (program->columns && !turned) block = COLUMNS; /* the same whatever else is read: columns are summed block by block */
  if (!program->quantum) return block;
  const uint64_t stretch = program->quantum / program->run; /* whole ones, and at least one */
  return block < stretch ? stretch : block / stretch * stretch;
}

bool mw_worker_bytes(const mw_job *job, const mw_schedule_task *task, const mw_program *program, size_t tile, uint64_t *all,
                     mw_error *err) {
  size_t bytes, streams = streams_of(job, task, program, &bytes);
  *all = mw_worker_block(job, task, program) * bytes + (streams + 1) * 2 * PAGE +
         program->registers * (tile * (task->f64 ? sizeof(double) : sizeof(float)) + MW_LANES) +
         (program->quantum ? mw_tile_kept_bytes(job->graph, program, task->f64) : 0);
  for (size_t i = 0; i < program->input_count; i++) {
    uint64_t feed = 0;
    const mw_node input = program->inputs[i];
    if (is_view(job, input)) MW_TRY(mw_feed_bytes(job->graph, input, dtype_of(job, input), tile, &feed, err));
    *all += feed + formed_bytes(job, program, input, mw_worker_block(job, task, program) * program->run);
  }
  return true;
}

/* Stretches of whole rows are summed one by one (tile.c). */
size_t mw_worker_units(const mw_program *program, uint64_t block) {
  const uint64_t stretch = program->quantum ? program->quantum / program->run : 0;
  uint64_t units = stretch ? (block / stretch + 1) * (stretch / MW_UNIT + 1) : block / MW_UNIT + 1;
  return (size_t)(units > program->columns ? units : program->columns);
}

uint64_t mw_worker_gathers(size_t units, const mw_schedule_task *task, size_t selects) {
  return task->root_count * (sizeof(mw_tile_gather) + units * sizeof(double)) * 3 / 2 + /* growth */
         selects * MW_SELECT_BINS * sizeof(uint32_t);
}

/* Index of the selection that a root feeds, or `count`. */
static size_t selection_of(const mw_selection *selections, size_t count, mw_program_root root) {
  size_t i = root.store ? count : 0;
  while (i < count && selections[i].node != root.node) i++;
  return i;
}

static size_t count_of(const mw_worker *w, const mw_selection *selection) {
  size_t i = 0;
  while (i < w->count_count && w->counts[i].selection != selection) i++;
  return i;
}

bool mw_worker_keeps(const mw_worker *w, const mw_schedule_task *task, const mw_selection *selections, size_t count) {
  if (w->counted >> 31) return false;
  for (uint32_t r = 0; r < task->root_count; r++) {
    size_t at = selection_of(selections, count, w->job->schedule->roots[task->first_root + r]);
    if (at < count && count_of(w, &selections[at]) == w->count_count) return false;
  }
  return true;
}

/* Empty counts for every selection of the task, but for their bins. */
static bool list_counts(mw_worker *w, mw_selection *selections, size_t count, mw_error *err) {
  for (uint32_t r = 0; r < w->task->root_count; r++) {
    size_t at = selection_of(selections, count, roots_of(w)[r]);
    if (at == count || count_of(w, &selections[at]) < w->count_count) continue;
    MW_TRY(mw_mem_grow(&w->counts, &w->counts_capacity, w->count_count + 1, sizeof *w->counts, err));
    w->counts[w->count_count++] = (mw_worker_count){.selection = &selections[at]};
  }
  return true;
}

/* Their bins and lists. */
static bool clear_counts(mw_worker *w, mw_error *err) {
  size_t bins = w->count_count * MW_SELECT_BINS;
  MW_TRY(mw_mem_grow(&w->bins, &w->bins_capacity, bins, sizeof *w->bins, err));
  size_t lists = 0;
  for (size_t i = 0; i < w->count_count; i++) lists += w->counts[i].selection->lists;
  MW_TRY(mw_mem_grow(&w->listed, &w->listed_capacity, lists * MW_KERNEL_LISTED, sizeof *w->listed, err));
  for (size_t i = 0; i < w->count_count; i++)
    if (w->counts[i].selection->lists) w->counts[i].list.items = w->listed + --lists * MW_KERNEL_LISTED;
  if (bins) memset(w->bins, 0, bins * sizeof *w->bins);
  return true;
}

/* Both, if the counts have been flushed. Where there is no memory for them there are none to flush. */
static bool prepare_counts(mw_worker *w, mw_selection *selections, size_t count, mw_error *err) {
  if (w->count_count || (list_counts(w, selections, count, err) && clear_counts(w, err))) return true;
  w->count_count = 0;
  return false;
}

/* Where each root of the task gathers what it finds. */
static bool prepare_gathers(mw_worker *w, mw_values *values, mw_selection *selections, size_t count, uint64_t block,
                            mw_error *err) {
  uint32_t roots = w->task->root_count;
  size_t units = mw_worker_units(&w->program, block);
  MW_TRY(mw_mem_grow(&w->gathers, &w->gathers_capacity, roots, sizeof *w->gathers, err));
  MW_TRY(mw_mem_grow(&w->units, &w->units_capacity, roots * units, sizeof *w->units, err));
  MW_TRY(prepare_counts(w, selections, count, err));
  for (uint32_t r = 0; r < roots; r++) {
    mw_program_root root = roots_of(w)[r];
    mw_tile_gather *gather = &w->gathers[r];
    *gather = (mw_tile_gather){.units = w->units + r * units};
    size_t which = selection_of(selections, count, root);
    if (which < count) {
      const mw_selection *s = &selections[which];
      size_t at = count_of(w, s);
      gather->select = s->sampling ? &s->sample : &s->select;
      gather->origin = s->origins[root.part];
      gather->bins = w->bins + at * MW_SELECT_BINS;
      gather->below = &w->counts[at].below;
      gather->list = s->lists ? &w->counts[at].list : NULL;
    } else if (root.remember) {
      gather->bits = mw_masks_bits(&values->masks, root.node);
    } else if (!root.store && mw_graph_is_found(mw_graph_facts(w->job->graph, root.node).op)) {
      mw_values_vector *vector;
      MW_TRY(mw_values_make(values, root.node, &vector, err));
      gather->vector = vector->f64;
    }
  }
  return true;
}

static void close_feeds(mw_worker *w) {
  for (size_t i = 0; i < w->feed_count; i++) mw_feed_close(w->feeds[i]);
  w->feed_count = 0;
}

/* A feed for every input of the program that is a view, NULL for the others. */
static bool open_feeds(mw_worker *w, mw_values *values, mw_error *err) {
  const mw_program *p = &w->program;
  close_feeds(w);
  MW_TRY(mw_mem_grow(&w->feeds, &w->feeds_capacity, p->input_count + 1, sizeof *w->feeds, err));
  for (size_t i = 0; i < p->input_count; i++) {
    w->feeds[i] = NULL;
    if (is_view(w->job, p->inputs[i]))
      MW_TRY(mw_feed_open(w->job, w->kernels, w->tile.size, values, p->inputs[i], w->dtypes[i], &w->feeds[i], err));
    w->feed_count = i + 1;
  }
  return true;
}

/* Whether the program only stores its one input, in the dtype that it has: then its bytes are written as they are. */
static bool is_move(const mw_worker *w, const mw_tensor *output) {
  const mw_program *p = &w->program;
  return output && p->length == 2 && p->input_count == 1 && !piece_of(w->job, p) && p->code[0].code == MW_OP_INPUT &&
         p->code[1].code == MW_PROGRAM_STORE &&
         mw_graph_is_stored(mw_graph_facts(w->job->graph, p->inputs[0]).op) && w->dtypes[0] == (mw_dtype)output->dtype;
}

/* Compiles the task's program, binds it to values and dtypes, and makes the buffer large enough for a block of all streams. */
bool mw_worker_begin(mw_worker *w, const mw_schedule_task *task, mw_values *values, mw_selection *selections,
                     size_t selection_count, mw_error *err) {
  w->task = task;
  const mw_job *job = w->job;
  w->program.known = mw_masks_known(&values->masks, job->graph, roots_of(w), task->root_count);
  MW_TRY(mw_program_compile(&w->program, job->graph, roots_of(w), task->root_count, err));
  mw_program *p = &w->program;
  w->tile.f64 = task->f64;
  w->tile.kernels = &w->kernels->type[task->f64];
  MW_TRY(mw_mem_grow(&w->scalars, &w->scalars_capacity, p->scalar_count + 1, sizeof *w->scalars, err));
  for (size_t i = 0; i < p->scalar_count; i++) MW_TRY(mw_values_get(values, p->scalars[i], &w->scalars[i], err));
  const mw_tensor *output = output_of(job, task);
  MW_TRY(mw_mem_grow(&w->dtypes, &w->dtypes_capacity, p->input_count + 1, sizeof *w->dtypes, err));
  for (size_t i = 0; i < p->input_count; i++)
    w->dtypes[i] = is_mask(job, p->inputs[i]) ? MW_DTYPE_BOOL : mw_graph_facts(job->graph, p->inputs[i]).dtype;
  MW_TRY(mw_tile_bind(&w->tile, job->graph, p, w->dtypes, output ? (mw_dtype)output->dtype : MW_DTYPE_F32, w->scalars, err));
  MW_TRY(mw_mem_grow(&w->vectors, &w->vectors_capacity, p->vector_count + 1, sizeof *w->vectors, err));
  for (size_t i = 0; i < p->vector_count; i++) {
    mw_values_vector *vector;
    MW_TRY(mw_values_make(values, p->vectors[i], &vector, err));
    w->vectors[i] = task->f64 ? (void *)vector->f64 : (void *)vector->f32;
  }
  const uint64_t block = mw_worker_block(job, task, p), all = (task->elements + MW_UNIT - 1) / MW_UNIT * MW_UNIT;
  const uint64_t held = block < all ? block : all; /* a small tensor is read at once */
  size_t bytes = 0;
  if (output) bytes += (size_t)held * mw_dtype_size((mw_dtype)output->dtype) + 2 * PAGE;
  MW_TRY(mw_mem_grow(&w->inputs, &w->inputs_capacity, p->input_count + 2, sizeof *w->inputs, err));
  MW_TRY(mw_mem_grow(&w->memory, &w->memory_capacity, p->input_count + 1, sizeof *w->memory, err));
  for (size_t i = 0; i < p->input_count; i++) {
    mw_graph_node_facts facts = mw_graph_facts(job->graph, p->inputs[i]);
    w->memory[i] = is_mask(job, p->inputs[i]) ? mw_masks_bits(&values->masks, p->inputs[i]) : NULL;
    if (w->memory[i]) continue;
    if (mw_graph_is_memory(facts.op)) {
      MW_TRY(mw_values_memory(values, job, p->inputs[i], &w->memory[i], err));
      continue;
    }
    bytes += (size_t)(held * p->run) * mw_job_read_bytes(job, p->inputs[i]) + 2 * PAGE;
    bytes += formed_bytes(job, p, p->inputs[i], held * p->run);
  }
  if (bytes > w->buffer_bytes) {
    free(w->buffer);
    w->buffer_bytes = 0;
    bytes = (bytes + PAGE - 1) / PAGE * PAGE;
    if (!(w->buffer = aligned_alloc(PAGE, bytes))) return mw_error_memory(err, bytes);
    memset(w->buffer, 0, bytes); /* steps on bf16 read whole groups of 16, also beyond the end */
    w->buffer_bytes = bytes;
  }
  w->moves = is_move(w, output);
  w->piece = piece_of(job, p);
  MW_TRY(open_feeds(w, values, err));
  return prepare_gathers(w, values, selections, selection_count, block, err);
}

void mw_worker_give(mw_worker *w, mw_factors *factors) {
  for (size_t i = 0; i < w->adapted_count; i++)
    if (w->adapted[i].factors) mw_factors_give(factors, w->adapted[i].factors);
  w->adapted_count = 0;
}

bool mw_worker_take(mw_worker *w, mw_factors *factors, mw_error *err) {
  mw_worker_give(w, factors);
  MW_TRY(mw_mem_grow(&w->adapted, &w->adapted_capacity, w->program.input_count + 1, sizeof *w->adapted, err));
  for (size_t i = 0; i < w->program.input_count && w->piece; i++) {
    mw_graph_node_facts facts = mw_graph_facts(w->job->graph, w->program.inputs[i]);
    mw_worker_adapted *a = &w->adapted[i];
    *a = (mw_worker_adapted){.what = mw_job_adapted(w->job, facts)};
    MW_TRY(!a->what || mw_factors_take(factors, mw_job_model(w->job, facts), a->what, &a->factors, err));
    w->adapted_count = i + 1;
  }
  return true;
}

/* The error for an output that is not finite: it tells the block, which is all that is known. */
static bool report_output(const mw_worker *w, uint64_t start, uint64_t count, mw_error *err) {
  const mw_tensor *output = output_of(w->job, w->task);
  mw_text_escaped name;
  mw_error_set(err, MW_DATA,
               "tensor '%s' of the result: values between index %llu and %llu are NaN or infinite in %s",
               mw_text_escape_z(&name, output->name), (unsigned long long)start, (unsigned long long)(start + count - 1),
               mw_dtype_name((mw_dtype)output->dtype));
  return mw_error_hint(err, "a division by zero, or a value beyond the dtype: try --dtype f32, or --nonfinite keep");
}

/* Reads a block of a tensor; an error gets its name. */
static bool read_input(const mw_worker *w, const mw_model *model, const mw_tensor *tensor, uint64_t at, void *bytes, size_t length,
                       mw_error *err) {
  if ((w->sampling ? mw_model_read : mw_model_read_counted)(model, tensor, at, bytes, length, err)) return true;
  mw_text_escaped name;
  return err->status == MW_IO ? mw_error_wrap(err, "tensor '%s'", mw_text_escape_z(&name, tensor->name)) : false;
}

/* The block's bytes are the output's; they are looked at all the same: bf16 as they are stored, others as they are loaded. */
static void move(mw_worker *w, mw_tile_block *block) {
  const mw_kernel_load load = w->tile.kernels->load[block->output_dtype];
  const mw_kernel_odd odd = block->output_dtype == MW_DTYPE_BF16 ? w->kernels->type[0].odd_stored : NULL;
  const size_t size = mw_dtype_size(block->output_dtype);
  block->output = (unsigned char *)(uintptr_t)block->inputs[0];
  for (size_t done = 0; done < block->count && !w->job->nonfinite_keep; done += w->tile.size) {
    size_t n = block->count - done < w->tile.size ? block->count - done : w->tile.size;
    const unsigned char *stored = block->inputs[0] + done * size;
    if (odd ? odd(stored, n) : load(w->tile.registers, stored, n)) block->bad_input = 0;
  }
}

/* Sums begin anew in every block, those of columns at 0 (or at less than all values). */
static void begin_gathers(mw_worker *w) {
  for (uint32_t r = 0; r < w->task->root_count; r++) {
    mw_tile_gather *gather = &w->gathers[r];
    mw_graph_node_facts facts = mw_graph_facts(w->job->graph, roots_of(w)[r].node);
    bool columns = !roots_of(w)[r].store && mw_graph_sums_columns(facts.op);
    gather->unit_count = columns ? (size_t)mw_graph_elements(w->job->graph, facts.shape) : 0;
    for (size_t c = 0; c < gather->unit_count; c++) gather->units[c] = facts.op == MW_OP_COLUMN_MAX ? -INFINITY : 0;
  }
}

/* Forms what the piece reads of inputs with adapters. */
static void form_piece(const mw_worker *w, const mw_tile_block *piece, uint64_t done) {
  const uint64_t run = w->program.run;
  for (size_t i = 0; i < w->adapted_count; i++) {
    const mw_worker_adapted *a = &w->adapted[i];
    if (a->what)
      mw_adapted_form(a->what, a->factors, a->stored + done * run * mw_dtype_size((mw_dtype)a->what->source.dtype), piece->start * run,
                      (size_t)(piece->count * run), (float *)(uintptr_t)w->inputs[i]);
  }
}

/* Where inputs have adapters, the block is run piece by piece: then what was formed is still in the cache when it is read. Pieces are
 * counted from the tensor's first element. */
static void run_pieces(mw_worker *w, mw_tile_block *block) {
  mw_tile_block piece = *block;
  for (uint64_t done = 0; done < block->count; done += piece.count) {
    piece.start = block->start + done;
    piece.count = (size_t)least(w->piece - piece.start % w->piece, block->count - done);
    form_piece(w, &piece, done);
    mw_tile_run(&w->tile, w->job->graph, &piece);
    for (size_t i = 0; i < w->adapted_count; i++)
      if (!w->adapted[i].what && w->dtypes[i] != MW_DTYPE_BOOL) w->inputs[i] += piece.count * w->program.run * mw_dtype_size(w->dtypes[i]);
    if (piece.output) piece.output += piece.count * mw_dtype_size(piece.output_dtype);
  }
  block->bad_input = piece.bad_input;
  block->bad_output = piece.bad_output;
}

bool mw_worker_run(mw_worker *w, uint64_t start, uint64_t count, mw_error *err) {
  const mw_job *job = w->job;
  const mw_tensor *output = output_of(job, w->task);
  const uint64_t first = start * w->program.run, length = count * w->program.run; /* of the inputs' elements */
  unsigned char *next = w->buffer;
  w->bad_output = false;
  for (size_t i = 0; i < w->program.input_count; i++) {
    if (w->memory[i]) {
      w->inputs[i] = (const unsigned char *)w->memory[i] + (w->dtypes[i] == MW_DTYPE_BOOL ? 0 : first * mw_dtype_size(w->dtypes[i]));
      continue;
    }
    mw_graph_node_facts facts = mw_graph_facts(job->graph, w->program.inputs[i]);
    size_t size = mw_dtype_size(w->dtypes[i]);
    if (w->feeds[i]) {
      w->inputs[i] = next;
      MW_TRY(mw_feed_read(w->feeds[i], first, length, next, err));
      next += ((size_t)length * size + PAGE - 1) / PAGE * PAGE;
      continue;
    }
    mw_worker_adapted *adapted = w->adapted_count && w->adapted[i].what ? &w->adapted[i] : NULL;
    const mw_tensor *tensor = adapted ? &adapted->what->source : mw_job_tensor(job, facts);
    if (adapted) size = mw_dtype_size((mw_dtype)tensor->dtype);
    uint64_t at = first * size, within = (tensor->made ? at : tensor->offset + at) % PAGE;
    w->inputs[i] = next + within;
    MW_TRY(read_input(w, mw_job_model(job, facts), tensor, at, next + within, (size_t)length * size, err));
    next += ((size_t)within + (size_t)length * size + PAGE - 1) / PAGE * PAGE;
    if (!adapted) continue;
    adapted->stored = w->inputs[i];
    w->inputs[i] = next;
    next += ((size_t)least(w->piece, length) * sizeof(float) + PAGE - 1) / PAGE * PAGE;
  }
  begin_gathers(w);
  mw_tile_block block = {.start = start, .elements = w->task->elements, .count = (size_t)count,
                    .inputs = w->inputs, .dtypes = w->dtypes, .vectors = w->vectors,
                    .gathers = w->gathers, .open = w->open, .bad_input = -1};
  uint64_t to = 0;
  if (output) {
    block.output_dtype = (mw_dtype)output->dtype;
    to = output->offset + start * mw_dtype_size(block.output_dtype);
    block.output = next + to % PAGE;
  }
  w->counted += count;
  if (w->moves) move(w, &block);
  else if (w->adapted_count) run_pieces(w, &block);
  else mw_tile_run(&w->tile, job->graph, &block);
  if (!job->nonfinite_keep && block.bad_input >= 0) {
    const size_t bad = (size_t)block.bad_input;
    if (w->memory[bad]) return mw_error_set(err, MW_BUG, "a coefficient or matrix is NaN or infinite");
    MW_TRY(mw_bad_input_report(job, w->kernels, w->program.inputs[bad], err));
    if (output) return w->bad_output = true, report_output(w, start, count, err);
    return mw_error_set(err, MW_DATA, "a slice or join has values that are NaN or infinite");
  }
  if (!output) return true;
  w->bad_output = block.bad_output && block.bad_input < 0;
  if (w->bad_output && !job->nonfinite_keep) return report_output(w, start, count, err);
  return mw_writer_write(job->writer, output->file, to, block.output,
                         (size_t)count * mw_dtype_size(block.output_dtype), err);
}

void mw_worker_flush(mw_worker *w) {
  for (size_t i = 0; i < w->count_count; i++) {
    mw_selection *s = w->counts[i].selection;
    const uint32_t *bins = w->bins + i * MW_SELECT_BINS;
    for (size_t b = 0; b < MW_SELECT_BINS; b++) s->bins[b] += bins[b];
    s->below += w->counts[i].below;
    mw_selection_take_list(s, &w->counts[i].list);
  }
  w->count_count = 0;
  w->counted = 0;
}

void mw_worker_free(mw_worker *w) {
  close_feeds(w);
  free(w->feeds);
  mw_tile_free(&w->tile);
  mw_program_free(&w->program);
  free(w->buffer);
  free(w->inputs);
  free(w->memory);
  free(w->adapted);
  free(w->dtypes);
  free(w->vectors);
  free(w->gathers);
  free(w->units);
  free(w->counts);
  free(w->bins);
  free(w->listed);
  free(w->scalars);
}
