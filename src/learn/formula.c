/* formula.c: leaves, compilation and running. A leaf for memory is an INPUT node of a model with an impossible number, VALUE,
 * GRADIENT or PANEL, whose row is the slot: INPUT(GRADIENT, 3) is the gradient of slot 3. A scalar must not be a tensor in the
 * graph, so its leaf is the TOTAL of such an INPUT.
 *
 * Compilation is mw_program_compile, as for merges. Running a program of the example in formula.h, elements [start, start + count):
 *
 *   bind     looks up each input, vector and scalar of the program: pointers into slots, and the numbers of scalar slots as they
 *            are now. The lists lie in the worker's own buffer, so nothing is allocated when it has run once.
 *   gather   for a chunk of at most 32768 elements: pointers to these elements of each input; tensors of models are read from
 *            their files into the worker's buffer
 *   run      the tile machine on the chunk; it writes into the output slot, or adds to the sums of units
 *
 * Chunks stay in the L2 cache. Two frequent formulas need no tile machine, since they are just a tensor of a model, or this times
 * the panel: these read the file and use one kernel. */
#include "learn/tape.h"
#include "expr/compute.h"
#include <string.h>

/* The models that stand for memory. */
enum { VALUE = UINT32_MAX - 4, GRADIENT, PANEL };
enum { CHUNK = 32 << 10 };

/* ---- leaves ---- */

/* The shape in the scratch graph that equals a shape of the main graph. */
static bool shape_of_main(mw_tape *tape, uint32_t shape, uint32_t *out, mw_error *err) {
  const mw_graph *graph = tape->world->graph;
  return mw_graph_shape(tape->scratch, mw_graph_dims(graph, shape), mw_graph_rank(graph, shape), out, err);
}

bool mw_formula_slot(mw_tape *tape, uint32_t slot, bool gradient, mw_node *out, mw_error *err) {
  uint32_t shape = tape->slots[slot].facts.shape, own;
  if (shape) {
    MW_TRY(shape_of_main(tape, shape, &own, err));
    return mw_graph_input(tape->scratch, gradient ? GRADIENT : VALUE, slot, MW_DTYPE_F32, own, out, err);
  }
  mw_node one;
  MW_TRY(mw_graph_shape(tape->scratch, NULL, 0, &own, err));
  return mw_graph_input(tape->scratch, gradient ? GRADIENT : VALUE, slot, MW_DTYPE_F32, own, &one, err) &&
         mw_graph_apply(tape->scratch, MW_OP_TOTAL, &one, 1, NULL, out, err);
}

bool mw_formula_vector(mw_tape *tape, uint32_t slot, mw_node *out, mw_error *err) {
  mw_node tensor;
  return mw_formula_slot(tape, slot, false, &tensor, err) &&
         mw_graph_apply(tape->scratch, MW_OP_VECTOR, &tensor, 1, NULL, out, err);
}

bool mw_formula_panel(mw_tape *tape, uint32_t shape, mw_node *out, mw_error *err) {
  uint32_t own;
  return shape_of_main(tape, shape, &own, err) && mw_graph_input(tape->scratch, PANEL, 0, MW_DTYPE_F32, own, out, err);
}

bool mw_formula_leaf(mw_tape *tape, mw_node main, mw_node *out, mw_error *err) {
  mw_graph_node_facts facts = mw_graph_facts(tape->world->graph, main);
  double number;
  uint32_t own;
  if (mw_graph_is_number(tape->world->graph, main, &number)) return mw_graph_number(tape->scratch, number, out, err);
  return shape_of_main(tape, facts.shape, &own, err) &&
         mw_graph_input(tape->scratch, (uint32_t)facts.extra[0], (uint32_t)facts.extra[1], facts.dtype, own, out, err);
}

/* The slot that a leaf stands for; NULL: it is the panel, or a tensor of a model. */
static const mw_tape_slot *slot_at(const mw_tape *tape, mw_graph_node_facts leaf, bool *gradient) {
  if (leaf.op == MW_OP_VECTOR || leaf.op == MW_OP_TOTAL) leaf = mw_graph_facts(tape->scratch, leaf.operand[0]);
  *gradient = leaf.extra[0] == GRADIENT;
  return leaf.extra[0] == VALUE || *gradient ? &tape->slots[leaf.extra[1]] : NULL;
}

/* ---- compilation ---- */

/* Whether a node is the panel, or (`panel` false) a tensor of a model. */
static bool is_input(const mw_tape *tape, mw_node node, bool panel) {
  mw_graph_node_facts facts = mw_graph_facts(tape->scratch, node);
  return facts.op == MW_OP_INPUT && (panel ? facts.extra[0] == PANEL : facts.extra[0] < VALUE);
}

bool mw_formula_make(mw_tape *tape, mw_node value, mw_formula *out, mw_error *err) {
  mw_graph_node_facts facts = mw_graph_facts(tape->scratch, value);
  if (is_input(tape, value, false)) out->tensor = value;
  if (facts.op == MW_OP_MUL && is_input(tape, facts.operand[0], true) && is_input(tape, facts.operand[1], false))
    out->tensor = facts.operand[1];
  out->sums = mw_graph_op_class(facts.op) == MW_CLASS_SUM;
  mw_program_root root = {.node = value, .store = !out->sums};
  return mw_program_compile(&out->program, tape->scratch, &root, 1, err);
}

void mw_formula_free(mw_formula *formula) { mw_program_free(&formula->program); }

/* Calls note for every leaf below a scalar. The recursion is only as deep as the derivative of one operation. */
static void scalar_reads(const mw_tape *tape, mw_node node, void (*note)(void *, uint32_t, bool), void *context) {
  mw_graph_node_facts facts = mw_graph_facts(tape->scratch, node);
  bool gradient;
  if (facts.op == MW_OP_TOTAL) {
    const mw_tape_slot *slot = slot_at(tape, facts, &gradient);
    note(context, (uint32_t)(slot - tape->slots), gradient);
  } else
    for (uint32_t i = 0; i < facts.operands; i++) scalar_reads(tape, facts.operand[i], note, context);
}

/* The value of a scalar of the scratch graph: numbers, slots as they are now, and what is computed from these. It is not kept, since
 * the slots change with every step; such expressions have a handful of nodes. */
static double scalar_value(const mw_tape *tape, mw_node node) {
  mw_graph_node_facts facts = mw_graph_facts(tape->scratch, node);
  double value, operands[3] = {0};
  bool gradient;
  if (mw_graph_is_number(tape->scratch, node, &value)) return value;
  if (facts.op == MW_OP_TOTAL) {
    const mw_tape_slot *slot = slot_at(tape, facts, &gradient);
    return gradient ? slot->scalar_gradient : slot->scalar;
  }
  for (uint32_t i = 0; i < facts.operands; i++) operands[i] = scalar_value(tape, facts.operand[i]);
  return mw_compute(facts.op, operands);
}

/* Inputs and vectors of a program are leaves; a scalar is an expression of leaves. */
void mw_formula_reads(const mw_tape *tape, const mw_formula *formula,
                      void (*note)(void *context, uint32_t slot, bool gradient), void *context) {
  const mw_program *p = &formula->program;
  for (size_t i = 0; i < p->scalar_count; i++) scalar_reads(tape, p->scalars[i], note, context);
  for (size_t i = 0; i < p->input_count + p->vector_count; i++) {
    mw_node leaf = i < p->input_count ? p->inputs[i] : p->vectors[i - p->input_count];
    bool gradient;
    const mw_tape_slot *slot = slot_at(tape, mw_graph_facts(tape->scratch, leaf), &gradient);
    if (slot) note(context, (uint32_t)(slot - tape->slots), gradient);
  }
}

/* ---- running ---- */

/* A program's operands; all arrays lie in the worker's buffer `reading`. */
typedef struct bound {
  const unsigned char **inputs;
  mw_dtype *dtypes;
  const void **vectors;
  double *units;
  unsigned char *files; /* what is read from models */
} bound;

/* Bytes of the largest chunk of all inputs that are read from files. */
static size_t file_bytes(const mw_tape *tape, const mw_program *p) {
  size_t bytes = 0;
  for (size_t i = 0; i < p->input_count; i++) {
    mw_graph_node_facts leaf = mw_graph_facts(tape->scratch, p->inputs[i]);
    if (leaf.extra[0] < VALUE) bytes += CHUNK * mw_dtype_size(leaf.dtype) + 64;
  }
  return bytes;
}

/* Prepares the worker for the formula's program, for `count` elements in all. The buffer of the worker is divided so, every part a
 * multiple of 8 bytes, and what is read from files begins at a multiple of 64:
 *
 *   inputs (pointers) | vectors (pointers) | scalars (doubles) | sums of units (doubles) | dtypes | ... | elements of files */
static bool bind(const mw_tape *tape, const mw_formula *formula, mw_thread_pool_worker *worker, size_t count, bound *b, mw_error *err) {
  const mw_program *p = &formula->program;
  size_t units = formula->sums ? count / MW_UNIT + 2 : 0;
  size_t head = (p->input_count * 2 + p->vector_count + p->scalar_count + units + 8) * 8;
  head = (head + 63) / 64 * 64;
  unsigned char *at = mw_thread_pool_reserve(&worker->reading, head + file_bytes(tape, p), err);
  if (!at) return false;
  *b = (bound){.inputs = (const unsigned char **)at, .files = at + head};
  b->vectors = (const void **)(b->inputs + p->input_count);
  double *scalars = (double *)(b->vectors + p->vector_count);
  b->units = scalars + p->scalar_count;
  b->dtypes = (mw_dtype *)(b->units + units);
  bool gradient;
  for (size_t i = 0; i < p->input_count; i++) b->dtypes[i] = mw_graph_facts(tape->scratch, p->inputs[i]).dtype;
  for (size_t i = 0; i < p->vector_count; i++)
    b->vectors[i] = slot_at(tape, mw_graph_facts(tape->scratch, p->vectors[i]), &gradient)->values;
  for (size_t i = 0; i < p->scalar_count; i++) scalars[i] = scalar_value(tape, p->scalars[i]);
  return mw_tile_bind(&worker->tile, tape->scratch, p, NULL, MW_DTYPE_F32, scalars, err);
}

/* The inputs' elements from `start` on: pointers to memory, or what is read from files. */
static bool gather(const mw_tape *tape, const mw_program *p, bound *b, const float *panel, uint64_t panel_start,
                   uint64_t start, size_t count, mw_error *err) {
  unsigned char *files = b->files;
  for (size_t i = 0; i < p->input_count; i++) {
    mw_graph_node_facts leaf = mw_graph_facts(tape->scratch, p->inputs[i]);
    bool gradient;
    const mw_tape_slot *slot = slot_at(tape, leaf, &gradient);
    if (leaf.extra[0] == PANEL) b->inputs[i] = (const unsigned char *)(panel + (start - panel_start));
    else if (slot) b->inputs[i] = (const unsigned char *)((gradient ? slot->gradient : slot->values) + start);
    else {
      const mw_tensor *tensor = mw_job_tensor(&tape->job, leaf);
      size_t size = mw_dtype_size(leaf.dtype);
      MW_TRY(mw_model_read(mw_job_model(&tape->job, leaf), tensor, start * size, files, count * size, err));
      b->inputs[i] = files;
      files += (CHUNK * size + 63) / 64 * 64;
    }
  }
  return true;
}

/* The error for an input with a NaN or infinity: a coefficient that has diverged, or a model with bad values. */
static bool not_finite(const mw_tape *tape, mw_node input, mw_error *err) {
  mw_graph_node_facts leaf = mw_graph_facts(tape->scratch, input);
  bool gradient;
  mw_text_escaped name;
  const mw_tape_slot *slot = slot_at(tape, leaf, &gradient);
  if (slot || leaf.extra[0] == PANEL)
    return mw_error_set(err, MW_DATA, "training has come to values that are not finite: try a smaller rate, or clip");
  return mw_error_set(err, MW_DATA, "tensor '%s' has values that are NaN or infinite, which nothing can be learned from",
                      mw_text_escape_z(&name, mw_job_tensor(&tape->job, leaf)->name));
}

/* Elements of a model's tensor as they are stored, in the worker's buffer `reading`. NULL: they could not be read. */
static const unsigned char *read_stored(const mw_tape *tape, mw_graph_node_facts leaf, mw_thread_pool_worker *worker,
                                        uint64_t start, size_t count,
                                        mw_error *err) {
  const mw_tensor *tensor = mw_job_tensor(&tape->job, leaf);
  size_t size = mw_dtype_size(leaf.dtype);
  unsigned char *bytes = mw_thread_pool_reserve(&worker->reading, count * size, err);
  return bytes && mw_model_read(mw_job_model(&tape->job, leaf), tensor, start * size, bytes, count * size, err) ? bytes : NULL;
}

/* The same as floats. */
static bool read_tensor(const mw_tape *tape, mw_node node, mw_thread_pool_worker *worker, uint64_t start, size_t count,
                        float *out, mw_error *err) {
  mw_graph_node_facts leaf = mw_graph_facts(tape->scratch, node);
  for (size_t done = 0; done < count; done += CHUNK) {
    size_t n = count - done < CHUNK ? count - done : CHUNK;
    const unsigned char *bytes = read_stored(tape, leaf, worker, start + done, n, err);
    if (!bytes) return false;
    if (worker->kernels->type[0].load[leaf.dtype](out + done, bytes, n)) return not_finite(tape, node, err);
  }
  return true;
}

/* A sum is added up in two steps: the tile machine gives a sum for each unit of MW_UNIT elements, and these are added in order. */
bool mw_formula_run(const mw_tape *tape, const mw_formula *formula, mw_thread_pool_worker *worker, const float *panel, uint64_t start,
                    size_t count, float *out, double *sum, mw_error *err) {
  const mw_program *p = &formula->program;
  bound b;
  if (formula->tensor && p->input_count == 1) return read_tensor(tape, formula->tensor, worker, start, count, out, err);
  MW_TRY(bind(tape, formula, worker, count, &b, err));
  mw_tile_gather gathered = {.units = b.units};
  for (size_t done = 0; done < count;) {
    /* Chunks end at multiples of their size from the tensor's start, as units of sums do. */
    size_t left = CHUNK - (size_t)((start + done) % CHUNK), n = count - done < left ? count - done : left;
    MW_TRY(gather(tape, p, &b, panel, start, start + done, n, err));
    mw_tile_block block = {.start = start + done, .elements = start + count, .count = n, .inputs = b.inputs, .dtypes = b.dtypes,
                      .output = (unsigned char *)(out ? out + done : NULL), .output_dtype = MW_DTYPE_F32,
                      .vectors = b.vectors, .gathers = &gathered, .bad_input = -1};
    mw_tile_run(&worker->tile, tape->scratch, &block);
    if (block.bad_input >= 0) return not_finite(tape, p->inputs[block.bad_input], err);
    done += n;
  }
  if (!formula->sums) return true;
  *sum = gathered.best;
  for (size_t u = 0; u < gathered.unit_count; u++) *sum += gathered.units[u];
  return true;
}

size_t mw_formula_rows(size_t columns) { return columns < CHUNK ? CHUNK / columns : 1; }

/* The same where the formula is a tensor of a model times the panel. */
static bool tensor_columns(const mw_tape *tape, mw_node node, mw_thread_pool_worker *worker, const float *panel,
                           uint64_t first, size_t rows,
                           size_t columns, float *sums, mw_error *err) {
  mw_graph_node_facts leaf = mw_graph_facts(tape->scratch, node);
  size_t n = rows * columns;
  if (leaf.dtype == MW_DTYPE_BF16) {
    const unsigned char *stored = read_stored(tape, leaf, worker, first * columns, n, err);
    return stored && (!worker->kernels->rows.times_add_bf16(sums, stored, panel, rows, columns) || not_finite(tape, node, err));
  }
  float *values = mw_thread_pool_reserve(&worker->products, n * sizeof *values, err);
  if (!values || !read_tensor(tape, node, worker, first * columns, n, values, err)) return false;
  for (size_t i = 0; i < n; i += columns) worker->kernels->rows.times_add(sums, values + i, panel + i, 1, columns);
  return true;
}

/* Adds the rows one after the other, in order, so the sums do not depend on how many rows a call has. */
bool mw_formula_columns(const mw_tape *tape, const mw_formula *formula, mw_thread_pool_worker *worker, const float *panel, uint64_t first,
                        size_t rows, size_t columns, float *sums, mw_error *err) {
  size_t step = mw_formula_rows(columns);
  for (size_t r = 0; r < rows; r += step) {
    size_t n = rows - r < step ? rows - r : step;
    const float *part = panel ? panel + r * columns : NULL;
    if (formula->tensor) {
      MW_TRY(tensor_columns(tape, formula->tensor, worker, part, first + r, n, columns, sums, err));
      continue;
    }
    float *products = mw_thread_pool_reserve(&worker->products, n * columns * sizeof *products, err);
    if (!products) return false;
    MW_TRY(mw_formula_run(tape, formula, worker, part, (first + r) * columns, n * columns, products, NULL, err));
    for (size_t i = 0; i < n; i++) worker->kernels->rows.add(sums, products + i * columns, 1, columns);
  }
  return true;
}
