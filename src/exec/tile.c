/* tile.c: a loop over tiles around a loop over instructions. Tiles end at multiples of their size, counted from the tensor's
 * first element. So a group of 64 lanes or random numbers is never cut by the end of a tile, whatever the block.
 *
 * A program of several sections goes over a block stretch by stretch, and over a stretch section by section. There tiles, and the
 * units of sums, are counted from the beginning of the stretch, which is the same in whatever blocks the tensor is cut. */
#include "exec/tile.h"
#include "exec/bf16_steps.h"
#include "exec/masks.h"
#include "expr/disjoint_mean.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>

static const uint8_t kernel_of[MW_OP_COUNT] = {
#define MW_KERNEL(name, arity, expression) [MW_OP_##name] = MW_KERNEL_##name,
#include "num/kernels.def"
#undef MW_KERNEL
};

/* Registers start 64 bytes apart from each other's page offset, so that they do not compete for the same cache sets. */
enum { STAGGER = 64, ALIGN = 4096 };

static size_t value_size(const mw_tile *tile) { return tile->f64 ? sizeof(double) : sizeof(float); }

static size_t register_stride(const mw_tile *tile) { return tile->size * value_size(tile) + STAGGER; }

unsigned char *mw_tile_register(const mw_tile *tile, uint32_t index) { return tile->registers + index * register_stride(tile); }

/* At least `need` zeroed bytes. */
static bool reserve(unsigned char **bytes, size_t *capacity, size_t need, mw_error *err) {
  if (need <= *capacity) return true;
  free(*bytes);
  *capacity = 0;
  *bytes = aligned_alloc(ALIGN, (need + ALIGN - 1) / ALIGN * ALIGN);
  if (!*bytes) return mw_error_memory(err, need);
  memset(*bytes, 0, need); /* maps read whole groups, also beyond the end of a tile */
  *capacity = need;
  return true;
}

static bool is_map(uint8_t code) {
  if (code >= MW_OP_COUNT) return false;
  mw_graph_class class = mw_graph_op_class((mw_op)code);
  return class == MW_CLASS_MAP || (class == MW_CLASS_FUSED && kernel_of[code]); /* that of 0 is no fused one */
}

/* Looks up all that an instruction needs, so that nothing is looked up for each tile. */
static mw_tile_step step_of(const mw_tile *tile, const mw_program_instruction *code) {
  mw_tile_step step = {.code = code, .dst = mw_tile_register(tile, code->dst)};
  for (int i = 0; i < MW_PROGRAM_OPERANDS; i++)
    step.operand[i] = code->form >> i & 1 ? tile->constants + code->operand[i] * sizeof(double)
                                          : mw_tile_register(tile, code->operand[i]);
  if (is_map(code->code)) {
    step.kernel = (mw_kernel)kernel_of[code->code];
    step.map = tile->kernels->map[step.kernel][code->form];
  }
  return step;
}

/* Values of a stretch, padded to whole groups. */
static uint64_t kept_values(const mw_program *program, const mw_program_kept *kept, bool f64) {
  uint64_t count = (program->quantum / kept->run + MW_GROUP - 1) / MW_GROUP * MW_GROUP;
  return count * (f64 ? sizeof(double) : sizeof(float));
}

uint64_t mw_tile_kept_bytes(const mw_graph *graph, const mw_program *program, bool f64) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < program->kept_count; i++)
    bytes += kept_values(program, &program->kept[i], f64) + sizeof(mw_tile_kept) +
             mw_row_sink_bytes(mw_graph_facts(graph, program->kept[i].node));
  return bytes;
}

/* Gives each of what is kept its place in one piece of memory. */
static bool bind_kept(mw_tile *tile, const mw_graph *graph, const mw_program *program, mw_error *err) {
  tile->program = program;
  if (!program->kept_count) return true;
  MW_TRY(mw_mem_grow(&tile->kept, &tile->kept_capacity, program->kept_count, sizeof *tile->kept, err));
  MW_TRY(reserve(&tile->kept_memory, &tile->kept_bytes, (size_t)mw_tile_kept_bytes(graph, program, tile->f64), err));
  unsigned char *next = tile->kept_memory;
  for (size_t i = 0; i < program->kept_count; i++) {
    mw_graph_node_facts facts = mw_graph_facts(graph, program->kept[i].node);
    uint64_t memory = mw_row_sink_bytes(facts);
    tile->kept[i].run = program->kept[i].run;
    tile->kept[i].found = mw_graph_op_class(facts.op) == MW_CLASS_ROW;
    tile->kept[i].values = next;
    next += kept_values(program, &program->kept[i], tile->f64);
    tile->kept[i].memory = memory ? next : NULL;
    mw_row_sink_make(&tile->kept[i].sink, facts, tile->f64, tile->kept[i].values, tile->kept[i].memory);
    next += memory;
  }
  return true;
}

bool mw_tile_bind(mw_tile *tile, const mw_graph *graph, const mw_program *program, const mw_dtype *dtypes, mw_dtype output,
                  const double *scalars, mw_error *err) {
  MW_TRY(reserve(&tile->registers, &tile->register_bytes, (program->registers + 1) * register_stride(tile) + ALIGN, err));
  MW_TRY(reserve(&tile->constants, &tile->constant_bytes, (program->scalar_count + 1) * sizeof(double), err));
  for (size_t i = 0; i < program->scalar_count; i++) {
    float f32 = (float)scalars[i];
    if (tile->f64) memcpy(tile->constants + i * sizeof(double), &scalars[i], sizeof(double));
    else memcpy(tile->constants + i * sizeof(double), &f32, sizeof f32);
  }
  MW_TRY(mw_mem_grow(&tile->steps, &tile->steps_capacity, program->length, sizeof *tile->steps, err));
  for (size_t i = 0; i < program->length; i++) tile->steps[i] = step_of(tile, &program->code[i]);
  tile->scalars = scalars;
  tile->step_count = program->length;
  tile->fast_count = 0;
  mw_coded_steps_clear(&tile->coded);
  MW_TRY(mw_mem_grow(&tile->parts, &tile->parts_capacity, program->section_count, sizeof *tile->parts, err));
  memset(tile->parts, 0, program->section_count * sizeof *tile->parts);
  MW_TRY(bind_kept(tile, graph, program, err));
  return !dtypes || mw_bf16_steps_choose(tile, graph, program->registers, dtypes, output, err);
}

void mw_tile_free(mw_tile *tile) {
  free(tile->steps);
  free(tile->fast);
  free(tile->parts);
  free(tile->registers);
  free(tile->constants);
  free(tile->kept);
  free(tile->kept_memory);
  mw_coded_steps_free(&tile->coded);
}

/* ---- sinks ---- */

static const unsigned char *value_at(const mw_tile *tile, const unsigned char *values, size_t index) {
  return values + index * value_size(tile);
}

/* At the end of each unit the lanes are folded into one sum. */
static void end_unit(const mw_tile *tile, mw_tile_gather *gather) {
  gather->units[gather->unit_count++] = mw_row_sink_fold(gather->lanes, tile->f64);
  memset(gather->lanes, 0, MW_LANES * value_size(tile));
}

/* Adds x (or x * y, which may be bf16 as stored) to the lanes. */
static void add_units(const mw_tile *tile, mw_tile_gather *gather, const unsigned char *x, const unsigned char *y,
                      uint64_t start, size_t n, uint64_t elements, bool stored) {
  for (size_t done = 0; done < n;) {
    size_t left = MW_UNIT - (size_t)((start + done) % MW_UNIT), step = n - done < left ? n - done : left;
    if (stored) tile->kernels->dot_stored(gather->lanes, x + done * sizeof(uint16_t), y + done * sizeof(uint16_t), step);
    else if (y) tile->kernels->dot(gather->lanes, value_at(tile, x, done), value_at(tile, y, done), step);
    else tile->kernels->sum(gather->lanes, value_at(tile, x, done), step);
    done += step;
    if (step == left || start + done == elements) end_unit(tile, gather);
  }
}

static double f64_at(const mw_tile *tile, const unsigned char *x, size_t i) {
  double value;
  float f32;
  if (tile->f64) memcpy(&value, value_at(tile, x, i), sizeof value);
  else memcpy(&f32, value_at(tile, x, i), sizeof f32), value = (double)f32;
  return value;
}

/* The first of the largest values; NaN counts as the largest. */
static void keep_best(const mw_tile *tile, mw_tile_gather *gather, const unsigned char *x, uint64_t start, size_t n) {
  for (size_t i = 0; i < n; i++) {
    double value = f64_at(tile, x, i);
    if (gather->any && !(value > gather->best) && value == value) continue;
    gather->best = value;
    gather->place = start + i;
    gather->any = true;
  }
}

/* A VECTOR is kept as doubles, whatever it is computed in. */
static void keep_vector(const mw_tile *tile, double *vector, const unsigned char *x, size_t n) {
  for (size_t i = 0; i < n; i++) vector[i] = f64_at(tile, x, i);
}

/* Adds elements to the sums of their columns, in doubles; the first of them is element `start` of the tensor. */
static void add_columns(const mw_tile *tile, mw_tile_gather *gather, const unsigned char *x, const unsigned char *y, uint64_t start,
                        size_t n, bool largest) {
  const size_t width = gather->unit_count;
  for (size_t i = 0, column = (size_t)(start % width); i < n; column = 0) {
    const size_t run = width - column < n - i ? width - column : n - i;
    double *sums = gather->units + column;
    for (size_t j = 0; j < run; j++) {
      double value = f64_at(tile, x, i + j);
      if (y) value *= f64_at(tile, y, i + j);
      if (!largest) sums[j] += value;
      else if (value > sums[j]) sums[j] = value;
    }
    i += run;
  }
}

/* The value of its column for every element. */
static void take_across(const mw_tile *tile, unsigned char *dst, const unsigned char *vector, uint64_t start, uint64_t width, size_t n) {
  const size_t size = value_size(tile);
  for (size_t i = 0, column = (size_t)(start % width), run; i < n; i += run, column = 0) {
    run = width - column < n - i ? (size_t)(width - column) : n - i;
    memcpy(dst + i * size, vector + column * size, run * size);
  }
}

size_t mw_tile_count_up_to(double last, uint64_t start, size_t n) {
  double left = last - (double)start + 1;
  return !(left > 0) ? 0 : left < (double)n ? (size_t)left : n;
}

/* ---- the machine ---- */

double mw_tile_constant(const mw_tile *tile, unsigned index) {
  double f64;
  float f32;
  memcpy(&f64, tile->constants + index * sizeof f64, sizeof f64);
  memcpy(&f32, tile->constants + index * sizeof f64, sizeof f32);
  return tile->f64 ? f64 : (double)f32;
}

/* TOP or KEEP_TOP of the n elements from index `start` on. Its index is taken as a double: a float cannot hold every index. Where
 * equal ones behind it count, they are the second part. */
static void top(const mw_tile *tile, unsigned char *dst, const unsigned char *x, const mw_program_instruction *step,
                const uint64_t extra[2], uint64_t start, size_t n) {
  const size_t size = value_size(tile), first = mw_tile_count_up_to(tile->scalars[step->operand[2]], extra[0] + start, n);
  const double threshold = mw_tile_constant(tile, step->operand[1]);
  const mw_kernel_top kernel = step->code == MW_OP_TOP ? tile->kernels->top : tile->kernels->keep_top;
  if (!extra[1]) kernel(dst, x, threshold, first, n);
  else {
    kernel(dst, x, threshold, 0, first);
    kernel(dst + first * size, x + first * size, threshold, n - first, n - first);
  }
}

static void fill(const mw_tile *tile, unsigned char *dst, double value, size_t n) {
  float f32 = (float)value;
  for (size_t i = 0; i < n; i++)
    if (tile->f64) memcpy(dst + i * sizeof value, &value, sizeof value);
    else memcpy(dst + i * sizeof f32, &f32, sizeof f32);
}

/* The value of its run for every element of the tile. */
static void spread(const mw_tile *tile, unsigned char *dst, const mw_tile_kept *kept, uint64_t from, size_t n) {
  const size_t size = value_size(tile);
  for (size_t i = 0; i < n;) {
    uint64_t at = from + i, left = kept->run - at % kept->run;
    const unsigned char *value = kept->values + at / kept->run * size;
    const size_t m = (n - i < left ? n - i : (size_t)left) * size;
    unsigned char *run = dst + i * size;
    memcpy(run, value, size);
    for (size_t done = size; done < m; done *= 2) memcpy(run + done, run, m - done < done ? m - done : done);
    i += m / size;
  }
}

static mw_kernel_stream stream_of(const mw_graph *graph, const mw_program_instruction *code) {
  mw_graph_node_facts facts = mw_graph_facts(graph, code->node);
  return (mw_kernel_stream){facts.extra[0], facts.extra[1]};
}

/* The first value of an operand: in a register, among the constants, or as stored in the buffer of an input. */
static const unsigned char *operand_of(const mw_tile_step *s, const mw_tile_block *block, int i, size_t offset) {
  return s->operand[i] ? s->operand[i] : block->inputs[s->input[i]] + offset * mw_dtype_size(block->dtypes[s->input[i]]);
}

void mw_tile_mark_open(uint64_t *open, uint64_t start, size_t n) {
  for (uint64_t unit = start / MW_UNIT; unit <= (start + n - 1) / MW_UNIT; unit++)
    __atomic_fetch_or(&open[unit / 64], UINT64_C(1) << unit % 64, __ATOMIC_RELAXED);
}

/* Runs an instruction that is not a map. */
static void run_instruction(mw_tile *tile, const mw_graph *graph, const mw_tile_step *places, mw_tile_block *block,
                            const mw_tile_place *at, size_t n) {
  const size_t offset = at->offset;
  const mw_kernel_set *k = tile->kernels;
  const mw_program_instruction *step = places->code;
  uint64_t start = at->start;
  const unsigned char *const *v = places->operand;
  unsigned char *dst = places->dst;
  mw_tile_gather *gather = block->gathers ? &block->gathers[step->index] : NULL;
  mw_tile_kept *kept = tile->kept ? &tile->kept[step->index] : NULL;
  switch (step->code) {
  case MW_OP_INPUT: {
    mw_dtype dtype = block->dtypes[step->index];
    if (dtype == MW_DTYPE_BOOL) mw_masks_read(block->inputs[step->index], tile->f64, dst, start, n);
    else if (k->load[dtype](dst, block->inputs[step->index] + offset * mw_dtype_size(dtype), n))
      block->bad_input = (int)step->index;
    return;
  }
  case MW_PROGRAM_REMEMBER: mw_masks_write(gather->bits, tile->f64, v[0], start, n); return;
  case MW_PROGRAM_STORE:
    if (k->store[block->output_dtype](block->output + offset * mw_dtype_size(block->output_dtype), v[0], n))
      block->bad_output = true;
    return;
  case MW_OP_FILL: fill(tile, dst, mw_tile_constant(tile, step->operand[0]), n); return;
  case MW_OP_BERNOULLI:
  case MW_OP_DROP:
  case MW_OP_DROP_DELTA:
  case MW_OP_DROP_SCALED_DELTA:
  case MW_OP_NORMAL: {
    const mw_kernel_stream stream = stream_of(graph, step);
    if (step->code == MW_OP_NORMAL) k->normal(dst, stream, start, n);
    else if (step->code == MW_OP_DROP) k->drop(dst, v[0], NULL, stream, start, n, mw_tile_constant(tile, step->operand[1]), 1);
    else if (step->code == MW_OP_DROP_DELTA) k->drop(dst, v[0], v[1], stream, start, n, mw_tile_constant(tile, step->operand[2]), 1);
    else if (step->code == MW_OP_DROP_SCALED_DELTA)
      k->drop(dst, v[0], v[1], stream, start, n, mw_tile_constant(tile, step->operand[2]), mw_tile_constant(tile, step->operand[3]));
    else k->bernoulli(dst, stream, start, n, mw_tile_constant(tile, step->operand[1]));
    return;
  }
  case MW_OP_DISJOINT_SUM:
  case MW_OP_DISJOINT_MEAN: {
    const void *values[MW_DISJOINT_MEAN_MOST];
    for (uint32_t i = 0; i < step->index; i++) values[i] = places[(long)i - (long)step->index].operand[0];
    if (step->code == MW_OP_DISJOINT_SUM) k->disjoint_sum(dst, v[0], values, step->index, n);
    else if (k->disjoint_mean(dst, v[0], v[1], values, step->index, n) && block->open) mw_tile_mark_open(block->open, start, n);
    return;
  }
  case MW_OP_BERNOULLI_EACH: k->bernoulli_each(dst, v[1], stream_of(graph, step), start, n); return;
  case MW_OP_ROW_TOTAL:
  case MW_OP_ROW_MAX:
  case MW_OP_ROW_MIN:
  case MW_OP_ROW_ARGMAX:
  case MW_OP_ROW_QUANTILE:
  case MW_OP_ROW_RANK: mw_row_sink_add(&kept->sink, k, v[0], NULL, n); return;
  case MW_OP_ROW_DOT:
    if (mw_row_sink_has(&kept->sink, at->within)) return; /* a fast step did */
    if (!places->sums_stored) mw_row_sink_add(&kept->sink, k, v[0], v[1], n);
    else mw_row_sink_add_stored(&kept->sink, k, operand_of(places, block, 0, offset), operand_of(places, block, 1, offset), n);
    return;
  case MW_OP_SPREAD:
    if (places->lone) memcpy(dst, kept->values + at->within / kept->run * value_size(tile), value_size(tile));
    else spread(tile, dst, kept, at->within, n);
    return;
  case MW_PROGRAM_KEEP: memcpy(kept->values + at->within * value_size(tile), v[0], n * value_size(tile)); return;
  case MW_PROGRAM_KEPT: memcpy(dst, kept->values + at->within * value_size(tile), n * value_size(tile)); return;
  case MW_PROGRAM_ACROSS:
  case MW_OP_COLUMNS: {
    uint32_t shape = mw_graph_facts(graph, step->node).shape;
    uint64_t width = mw_graph_dims(graph, shape)[mw_graph_rank(graph, shape) - 1];
    const unsigned char *vector = block->vectors[step->index];
    if (step->code == MW_PROGRAM_ACROSS) take_across(tile, dst, vector, start, width, n);
    else k->columns(dst, v[0], block->vectors[step->index], start, width, n);
    return;
  }
  case MW_OP_KEEP_TOP:
  case MW_OP_TOP:
    top(tile, dst, v[0], step, mw_graph_facts(graph, step->node).extra, start, n);
    return;
  case MW_OP_TOTAL: add_units(tile, gather, v[0], NULL, at->within, n, at->span, false); return;
  case MW_OP_DOT:
    add_units(tile, gather, operand_of(places, block, 0, offset), operand_of(places, block, 1, offset), at->within, n, at->span,
              places->sums_stored);
    return;
  case MW_OP_PEAK: gather->best = k->peak(gather->best, v[0], n); return;
  case MW_OP_HIGHEST:
  case MW_OP_ARGMAX: keep_best(tile, gather, v[0], start, n); return;
  case MW_OP_KTH:
  case MW_OP_KTH_LAZY:
  case MW_OP_QUANTILE:
  case MW_OP_TIE:
    *gather->below += mw_select_count(gather->select, k, v[0], gather->origin + start, n, gather->bins, gather->list);
    return;
  case MW_OP_COLUMN_TOTAL: add_columns(tile, gather, v[0], NULL, start, n, false); return;
  case MW_OP_COLUMN_DOT: add_columns(tile, gather, v[0], v[1], start, n, false); return;
  case MW_OP_COLUMN_MAX: add_columns(tile, gather, v[0], NULL, start, n, true); return;
  case MW_OP_COLUMN_KEPT:
  case MW_OP_COLUMN_TURNED:
  case MW_OP_VECTOR: keep_vector(tile, gather->vector + start, v[0], n); return;
  default: return;
  }
}

/* All dots of two tensors of bf16 as stored. True if a value is not finite; then nothing was added. */
static bool add_dots(const mw_tile *tile, const mw_tile_step *s, const mw_tile_block *block, const mw_tile_place *at, size_t n) {
  const unsigned char *x = block->inputs[s->input[0]] + at->offset * sizeof(uint16_t);
  const unsigned char *y = block->inputs[s->input[1]] + at->offset * sizeof(uint16_t);
  mw_tile_gather *gathers[3];
  float *lanes[3];
  for (int d = 0; d < 3; d++) gathers[d] = &block->gathers[s->gathers[d]], lanes[d] = (float *)(void *)gathers[d]->lanes;
  for (size_t done = 0; done < n;) {
    size_t left = MW_UNIT - (size_t)((at->within + done) % MW_UNIT), step = n - done < left ? n - done : left;
    if (step < n && done == 0 && (tile->kernels->odd_stored(x, n) || tile->kernels->odd_stored(y, n))) return true;
    if (tile->kernels->dots_stored(lanes, x + done * sizeof(uint16_t), y + done * sizeof(uint16_t), step)) return true;
    done += step;
    for (int d = 0; d < 3 && (step == left || at->within + done == at->span); d++) end_unit(tile, gathers[d]);
  }
  return false;
}

/* Runs a step on what is stored. Returns true if a result, or what is looked at, is not finite. */
static bool run_direct(const mw_tile *tile, const mw_tile_step *s, const mw_tile_block *block, size_t offset, size_t n) {
  const unsigned char *operand[MW_PROGRAM_OPERANDS];
  if (s->checks) return tile->kernels->odd_stored(block->inputs[s->code->index] + offset * sizeof(uint16_t), n);
  for (int i = 0; i < MW_PROGRAM_OPERANDS; i++) operand[i] = operand_of(s, block, i, offset);
  return s->direct(s->dst ? s->dst : block->output + offset * sizeof(uint16_t), operand[0], operand[1], operand[2], operand[3], n);
}

/* Squares of a row as stored. True if a value is not finite; then nothing was added. */
static bool add_squares(const mw_tile *tile, const mw_tile_step *s, const mw_tile_block *block, size_t offset, size_t n) {
  const unsigned char *x = operand_of(s, block, 0, offset);
  return mw_row_sink_add_stored(&tile->kept[s->code->index].sink, tile->kernels, x, x, n);
}

/* Runs one tile. False if a step on bf16 had a result that is not finite: then the tile must be run again with the plain
 * steps. Sinks come last in a program, and of these all dots first, so nothing has been gathered twice; a row that has been added is
 * not added again. */
static bool run_steps(mw_tile *tile, const mw_graph *graph, const mw_tile_step *steps, size_t count, mw_tile_block *block,
                      const mw_tile_place *at, size_t n) {
  for (const mw_tile_step *s = steps; s < steps + count; s++) {
    if (s->sums_all) {
      if (add_dots(tile, s, block, at, n)) return false;
    } else if (s->coded) {
      if (mw_coded_steps_run(tile, s->coded, block, at, n)) return false;
    } else if (s->squares) {
      if (add_squares(tile, s, block, at->offset, n)) return false;
    } else if (s->direct || s->checks) {
      if (run_direct(tile, s, block, at->offset, n)) return false;
    } else if (s->map) s->map(s->dst, s->operand[0], s->operand[1], s->operand[2], s->operand[3], n);
    else run_instruction(tile, graph, s, block, at, n);
  }
  return true;
}

/* Runs the fast steps on a tile, or the plain steps if there are none, or if the fast ones met a value that is not finite. */
static void run_tile(mw_tile *tile, const mw_graph *graph, size_t which, mw_tile_block *block, const mw_tile_place *at, size_t n) {
  const mw_program_section *section = &tile->program->sections[which];
  const mw_tile_fast *fast = &tile->parts[which];
  if (!fast->count || !run_steps(tile, graph, tile->fast + fast->first, fast->count, block, at, n))
    run_steps(tile, graph, tile->steps + section->first, section->length, block, at, n);
}

/* Runs a section over the stretch that begins `done` elements of the inputs after the block, and has `length`. */
static void run_section(mw_tile *tile, const mw_graph *graph, size_t which, mw_tile_block *block, uint64_t done, uint64_t length) {
  const uint64_t run = tile->program->sections[which].run, within_run = tile->parts[which].run;
  const uint64_t values = length / run, first = done / run, start = block->start * tile->program->run / run;
  size_t n;
  for (uint64_t within = 0; within < values; within += n) {
    n = values - within < tile->size ? (size_t)(values - within) : tile->size;
    if (within_run && within_run - within % within_run < n) n = (size_t)(within_run - within % within_run);
    const mw_tile_place at = {(size_t)(first + within), start + first + within, within, values};
    run_tile(tile, graph, which, block, &at, n);
  }
}

static void run_stretches(mw_tile *tile, const mw_graph *graph, mw_tile_block *block) {
  const mw_program *p = tile->program;
  const uint64_t count = block->count * p->run;
  for (uint64_t done = 0; done < count; done += p->quantum) {
    uint64_t length = count - done < p->quantum ? count - done : p->quantum;
    for (size_t i = 0; i < p->kept_count; i++)
      if (tile->kept[i].found) mw_row_sink_begin(&tile->kept[i].sink);
    for (size_t s = 0; s < p->section_count; s++) run_section(tile, graph, s, block, done, length);
  }
}

/* Machine code of the whole program takes a block at once. */
static bool run_at_once(mw_tile *tile, mw_tile_block *block) {
  const mw_tile_fast *fast = &tile->parts[0];
  const size_t part = fast->count == 1 ? tile->fast[fast->first].coded : 0;
  const mw_tile_place all = {0, block->start, block->start, block->elements};
  return part && mw_coded_steps_takes_blocks(&tile->coded, part, block) && !mw_coded_steps_run(tile, part, block, &all, block->count);
}

void mw_tile_run(mw_tile *tile, const mw_graph *graph, mw_tile_block *block) {
  if (tile->program->quantum) {
    run_stretches(tile, graph, block);
    return;
  }
  if (run_at_once(tile, block)) return;
  for (size_t done = 0; done < block->count;) {
    size_t left = tile->size - (size_t)((block->start + done) % tile->size);
    size_t n = block->count - done < left ? block->count - done : left;
    const mw_tile_place at = {done, block->start + done, block->start + done, block->elements};
    run_tile(tile, graph, 0, block, &at, n);
    done += n;
  }
}

size_t mw_tile_chosen(void) {
  const char *set = getenv("MOONWELD_TILE");
  uint64_t size;
  if (set && mw_text_parse_u64(set, strlen(set), &size) && size >= MW_LANES && size <= 65536 && size % MW_LANES == 0)
    return (size_t)size;
  return MW_TILE_DEFAULT;
}
