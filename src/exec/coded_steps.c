/* coded_steps.c: a program's registers are the values of the machine code. Whole groups of sixteen elements are read where they lie; the
 * last few of a tensor are copied to a group of their own, so that nothing is read or written beyond its end.
 *
 * What a run of steps needs of those before it, and those behind it of the run, are registers of the tile, in memory. For example, of the
 * pass that writes the outputs of TIES all but the last step is one function, which stores the output, and leaves the signs in memory:
 *
 *   load base, load and subtract three experts, keep what is above a threshold, signs of the sums, the mean of those that agree, add,
 *   store; give the signs
 *   TOTAL of the signs
 *
 * Before a function is run on a tile, random bytes are drawn for it, and a threshold becomes the next number where equal elements are not
 * kept in this tile: |x| > t is |x| >= the number behind t. */
#include "exec/coded_steps.h"
#include "exec/tile.h"
#include "expr/disjoint_mean.h"
#include <stdlib.h>
#include <string.h>

/* Sections of more steps than MOST_DIVIDED are not divided: what runs of them share takes too long to find. */
enum { ALIGN = 64, LEAST_MAPS = 2, MOST_DIVIDED = 256 };

void mw_coded_steps_clear(mw_coded_steps *c) {
  c->stream_count = c->part_count = c->set_count = 0;
  c->code.length = 0;
}

void mw_coded_steps_free(mw_coded_steps *c) {
  mw_machine_code_free(&c->code);
  free(c->streams);
  free(c->parts);
  free(c->sets);
  free(c->addresses);
  free(c->memory);
  free(c->drawn);
}

/* ---- what can be coded -------------------------------------------------------------------------------------------- */

static bool is_stored(mw_dtype dtype) { return dtype == MW_DTYPE_BF16 || dtype == MW_DTYPE_F16 || dtype == MW_DTYPE_F32; }

/* The draw that an instruction is, or none. */
static bool drawing_of(uint8_t code, mw_machine_code_drawing *what) {
  switch (code) {
  case MW_OP_BERNOULLI: *what = MW_MACHINE_CODE_DRAWN; return true;
  case MW_OP_DROP: *what = MW_MACHINE_CODE_DROP; return true;
  case MW_OP_DROP_DELTA: *what = MW_MACHINE_CODE_DROP_DELTA; return true;
  case MW_OP_DROP_SCALED_DELTA: *what = MW_MACHINE_CODE_DROP_SCALED_DELTA; return true;
  default: return false;
  }
}

static bool is_top(uint8_t code) { return code == MW_OP_TOP || code == MW_OP_KEEP_TOP; }

static bool can_code(const mw_tile_step *step, const mw_dtype *dtypes, mw_dtype output) {
  mw_machine_code_drawing what;
  if (step->map) return mw_machine_code_knows(step->kernel);
  switch (step->code->code) {
  case MW_OP_INPUT: return is_stored(dtypes[step->code->index]);
  case MW_PROGRAM_STORE: return is_stored(output) && !(step->code->form & 1);
  case MW_OP_SPREAD: return step->lone;
  case MW_OP_FILL:
  case MW_PROGRAM_VALUE:
  case MW_OP_DISJOINT_MEAN:
  case MW_OP_DISJOINT_SUM: return true;
  default: return is_top(step->code->code) || drawing_of(step->code->code, &what);
  }
}

/* ---- code --------------------------------------------------------------------------------------------------------- */

/* The part that is being made. */
typedef struct making {
  mw_tile *tile;
  const mw_graph *graph;
  mw_coded_steps *c;
  mw_coded_steps_part part;
  const mw_dtype *dtypes;
  mw_dtype output;
  mw_error *err;
} making;

/* A stream of the part: its index in the part. */
static bool stream(making *m, mw_coded_steps_what what, uint32_t index, mw_dtype dtype, unsigned *out) {
  mw_coded_steps *c = m->c;
  *out = (unsigned)(c->stream_count - m->part.first);
  MW_TRY(mw_mem_grow(&c->streams, &c->stream_capacity, c->stream_count + 1, sizeof *c->streams, m->err));
  c->streams[c->stream_count++] = (mw_coded_steps_stream){what, index, dtype, mw_dtype_size(dtype)};
  return true;
}

static bool set(making *m, mw_coded_steps_set s) {
  mw_coded_steps *c = m->c;
  MW_TRY(mw_mem_grow(&c->sets, &c->set_capacity, c->set_count + 1, sizeof *c->sets, m->err));
  c->sets[c->set_count++] = s;
  return true;
}

static bool draw(making *m, const mw_program_instruction *code, mw_machine_code_drawing what) {
  uint32_t draws = 0;
  unsigned at;
  for (size_t i = m->part.first_set; i < m->c->set_count; i++) draws += m->c->sets[i].draws;
  MW_TRY(stream(m, MW_CODED_STEPS_DRAWN, draws, MW_DTYPE_U8, &at));
  mw_machine_code_draw(&m->c->code, what, code->form, code->dst, code->operand, at);
  m->part.whole = false;
  const mw_graph_node_facts facts = mw_graph_facts(m->graph, code->node);
  const unsigned p = what == MW_MACHINE_CODE_DRAWN || what == MW_MACHINE_CODE_DROP ? 1 : 2;
  return set(m, (mw_coded_steps_set){.draws = true, .index = draws, .stream = {facts.extra[0], facts.extra[1]},
                                     .p = mw_tile_constant(m->tile, code->operand[p])});
}

/* Thresholds are scalars behind those of the program, one for each instruction that has one. */
static uint32_t count_tops(const mw_program *program, const mw_program_instruction *end) {
  uint32_t count = 0;
  for (const mw_program_instruction *code = program->code; code < end; code++) count += is_top(code->code);
  return count;
}

static unsigned count_scalars(const mw_program *program) {
  return (unsigned)program->scalar_count + count_tops(program, program->code + program->length);
}

static bool keep_top(making *m, const mw_program_instruction *code) {
  const mw_program *program = m->tile->program;
  const uint16_t scalar = (uint16_t)(program->scalar_count + count_tops(program, code));
  mw_machine_code *c = &m->c->code;
  if (code->code == MW_OP_KEEP_TOP) mw_machine_code_map(c, MW_KERNEL_KEEP, 2, code->dst, (const uint16_t[]){code->operand[0], scalar});
  else {
    mw_machine_code_map(c, MW_KERNEL_ABS, 0, code->dst, (const uint16_t[]){code->operand[0]});
    mw_machine_code_map(c, MW_KERNEL_LE, 1, code->dst, (const uint16_t[]){scalar, code->dst});
  }
  const mw_graph_node_facts facts = mw_graph_facts(m->graph, code->node);
  return set(m, (mw_coded_steps_set){.index = scalar, .threshold = mw_tile_constant(m->tile, code->operand[1]),
                                     .last = m->tile->scalars[code->operand[2]], .origin = facts.extra[0], .behind = facts.extra[1] == 1});
}

static void vote(making *m, const mw_tile_step *step) {
  const mw_program_instruction *code = step->code;
  const bool mean = code->code == MW_OP_DISJOINT_MEAN;
  uint16_t values[MW_DISJOINT_MEAN_MOST];
  for (uint32_t i = 0; i < code->index; i++) values[i] = step[(long)i - (long)code->index].code->operand[0];
  mw_machine_code_votes(&m->c->code, mean, code->dst, code->operand[0], code->operand[1], values, code->index);
  m->part.votes |= mean;
}

/* Writes the code of a step that can be coded. */
static bool write_step(making *m, const mw_tile_step *step) {
  const mw_program_instruction *code = step->code;
  mw_machine_code *c = &m->c->code;
  mw_machine_code_drawing what;
  unsigned at;
  if (step->map) return mw_machine_code_map(c, step->kernel, code->form, code->dst, code->operand), true;
  if (drawing_of(code->code, &what)) return draw(m, code, what);
  switch (code->code) {
  case MW_OP_INPUT:
    MW_TRY(stream(m, MW_CODED_STEPS_INPUT, code->index, m->dtypes[code->index], &at));
    mw_machine_code_load(c, m->dtypes[code->index], code->dst, at);
    return true;
  case MW_PROGRAM_STORE:
    MW_TRY(stream(m, MW_CODED_STEPS_OUTPUT, 0, m->output, &at));
    mw_machine_code_store(c, m->output, code->operand[0], at);
    return true;
  case MW_OP_SPREAD:
    MW_TRY(stream(m, MW_CODED_STEPS_KEPT, code->index, MW_DTYPE_F32, &at));
    mw_machine_code_spread(c, code->dst, at);
    return true;
  case MW_OP_FILL: mw_machine_code_fill(c, code->dst, code->operand[0]); return true;
  case MW_OP_DISJOINT_MEAN:
  case MW_OP_DISJOINT_SUM: vote(m, step); return true;
  case MW_OP_TOP:
  case MW_OP_KEEP_TOP: return keep_top(m, code);
  default: return true; /* a VALUE, which its vote reads */
  }
}

/* ---- registers that other steps share ----------------------------------------------------------------------------- */

static bool reads(const mw_program_instruction *code, uint32_t reg) {
  unsigned first, last;
  mw_program_reads(code, &first, &last);
  for (unsigned o = first; o < last; o++)
    if (!(code->form >> o & 1) && code->operand[o] == reg) return true;
  return false;
}

static bool writes(const mw_program_instruction *code, uint32_t reg) { return mw_program_writes(code) && code->dst == reg; }

/* Whether the first of these steps that has to do with the register reads it. */
static bool is_needed(const mw_tile_step *steps, size_t from, size_t to, uint32_t reg) {
  for (size_t i = from; i < to; i++) {
    if (reads(steps[i].code, reg)) return true;
    if (writes(steps[i].code, reg)) return false;
  }
  return false;
}

/* Registers that steps [from, to) need of those before, or give to those behind, become streams. */
static bool share(making *m, const mw_tile_step *steps, size_t from, size_t to, size_t count, bool give) {
  for (uint32_t reg = 0; reg < m->tile->program->registers; reg++) {
    bool written = false;
    unsigned at;
    for (size_t i = from; i < to && give; i++) written |= writes(steps[i].code, reg);
    if (give ? !written || !is_needed(steps, to, count, reg) : !is_needed(steps, from, to, reg)) continue;
    MW_TRY(stream(m, MW_CODED_STEPS_TILE, reg, MW_DTYPE_F32, &at));
    (give ? mw_machine_code_give : mw_machine_code_take)(&m->c->code, reg, at);
    m->part.whole = false;
  }
  return true;
}

/* Whether it is looked at whether a stream is finite: all that is read and stored. */
static bool is_looked_at(const mw_coded_steps_stream *s) { return s->what == MW_CODED_STEPS_INPUT || s->what == MW_CODED_STEPS_OUTPUT; }

/* Of one draw, with room for a whole group behind. */
static size_t drawn_bytes(const mw_tile *tile) { return tile->size + MW_MACHINE_CODE_GROUP; }

/* Room for the frame and the last elements of all streams. */
static bool make_room(mw_coded_steps *c, const mw_program *program, size_t streams, mw_error *err) {
  const size_t vectors = mw_machine_code_vectors(count_scalars(program), program->registers);
  const size_t frame = (vectors * MW_MACHINE_CODE_VECTOR * sizeof(float) + ALIGN - 1) / ALIGN * ALIGN;
  const size_t bytes = frame + streams * MW_MACHINE_CODE_STREAM_BYTES, addresses = streams + MW_MACHINE_CODE_STREAMS;
  MW_TRY(mw_mem_grow(&c->addresses, &c->address_capacity, addresses, sizeof *c->addresses, err));
  memset(c->addresses, 0, addresses * sizeof *c->addresses);
  c->frame_bytes = frame;
  if (bytes <= c->memory_bytes) return true;
  free(c->memory);
  c->memory_bytes = 0;
  if (!(c->memory = aligned_alloc(ALIGN, bytes))) return mw_error_memory(err, bytes);
  memset(c->memory, 0, bytes);
  c->memory_bytes = bytes;
  return true;
}

/* Makes a function of steps [from, to): *part becomes 1 + its index among the tile's parts, or 0: there is none. */
static bool make(mw_tile *tile, const mw_graph *graph, const mw_tile_step *steps, size_t from, size_t to, size_t count,
                 const mw_dtype *dtypes, mw_dtype output, size_t *part, mw_error *err) {
  mw_coded_steps *c = &tile->coded;
  const mw_program *program = tile->program;
  making m = {tile, graph, c, {.first = c->stream_count, .first_set = c->set_count, .odd = 0xffff, .whole = true}, dtypes, output, err};
  *part = 0;
  if (c->code.refused || count_scalars(program) > UINT16_MAX || (!c->code.bytes && !mw_machine_code_clear(&c->code))) return true;
  const bool whole = from == 0 && to == count;
  for (int again = 0; again < 2; again++) {
    mw_machine_code_begin(&c->code, count_scalars(program), program->registers, again);
    c->stream_count = m.part.first;
    c->set_count = m.part.first_set;
    MW_TRY(whole || share(&m, steps, from, to, count, false));
    for (size_t i = from; i < to; i++) MW_TRY(write_step(&m, &steps[i]));
    MW_TRY(whole || share(&m, steps, from, to, count, true));
  }
  m.part.count = c->stream_count - m.part.first;
  m.part.set_count = c->set_count - m.part.first_set;
  if (!mw_machine_code_end(&c->code, &m.part.entry)) {
    c->stream_count = m.part.first;
    c->set_count = m.part.first_set;
    return true;
  }
  uint32_t draws = 0;
  for (size_t i = m.part.first_set; i < c->set_count; i++) draws += c->sets[i].draws;
  for (size_t i = m.part.first; i < c->stream_count; i++)
    if (is_looked_at(&c->streams[i])) m.part.odd &= mw_machine_code_odd(c->streams[i].dtype);
  MW_TRY(mw_mem_grow(&c->drawn, &c->drawn_capacity, draws * drawn_bytes(tile), 1, err));
  MW_TRY(make_room(c, program, m.part.count, err));
  mw_machine_code_frame((float *)(void *)c->memory, tile->scalars, (unsigned)program->scalar_count);
  MW_TRY(mw_mem_grow(&c->parts, &c->part_capacity, c->part_count + 1, sizeof *c->parts, err));
  c->parts[c->part_count++] = m.part;
  *part = c->part_count;
  return true;
}

/* Whether a step computes something. */
static bool is_map(const mw_tile_step *step) {
  const uint8_t code = step->code->code;
  return step->map || (code != MW_OP_INPUT && code != MW_PROGRAM_VALUE && code != MW_OP_FILL && code != MW_OP_SPREAD &&
                       code != MW_PROGRAM_STORE);
}

/* Sinks come last in a section. They change nothing that another one reads, so a store may be the first. Returns where the steps end
 * that code may take the place of: a sink behind them has gathered nothing when these are found not to be finite. */
static size_t end_of_steps(mw_tile_step *steps, size_t count) {
  size_t end = 0;
  while (end < count && (mw_program_writes(steps[end].code) || steps[end].code->code == MW_PROGRAM_VALUE)) end++;
  for (size_t i = end; i < count; i++) {
    if (steps[i].code->code != MW_PROGRAM_STORE) continue;
    const mw_tile_step store = steps[i];
    memmove(&steps[end + 1], &steps[end], (i - end) * sizeof store);
    steps[end] = store;
    return end + 1;
  }
  return end;
}

bool mw_coded_steps_choose(mw_tile *tile, const mw_graph *graph, mw_tile_step *steps, size_t *count, bool may_divide,
                           const mw_dtype *dtypes, mw_dtype output, bool *made, mw_error *err) {
  const size_t end = end_of_steps(steps, *count);
  size_t kept = 0, to, part, maps;
  *made = false;
  for (size_t i = 0; i < *count; i = to) {
    for (to = i, maps = 0; to < end && can_code(&steps[to], dtypes, output); to++) maps += is_map(&steps[to]);
    part = 0;
    const bool whole = i == 0 && to == *count;
    if (whole || (may_divide && *count <= MOST_DIVIDED && maps >= LEAST_MAPS))
      MW_TRY(make(tile, graph, steps, i, to, *count, dtypes, output, &part, err));
    *made |= part != 0;
    if (part) steps[kept++] = (mw_tile_step){.code = steps[i].code, .coded = part};
    else
      for (to += to == i; i < to; i++) steps[kept++] = steps[i];
  }
  *count = kept;
  return true;
}

/* Where a stream's elements are. */
static inline const unsigned char *address(const mw_tile *tile, const mw_coded_steps_stream *s, const mw_tile_block *block,
                                           const mw_tile_place *at) {
  switch (s->what) {
  case MW_CODED_STEPS_INPUT: return block->inputs[s->index] + at->offset * s->size;
  case MW_CODED_STEPS_OUTPUT: return block->output + at->offset * s->size;
  case MW_CODED_STEPS_TILE: return mw_tile_register(tile, s->index);
  case MW_CODED_STEPS_DRAWN: return tile->coded.drawn + s->index * drawn_bytes(tile);
  default: return tile->kept[s->index].values + at->within / tile->kept[s->index].run * sizeof(float);
  }
}

/* The last n elements, fewer than a group, which begin `done` elements from the streams' addresses. */
static uint32_t run_last(mw_coded_steps *c, const mw_coded_steps_part *part, size_t done, size_t n) {
  unsigned char *group = c->memory + c->frame_bytes, *made = NULL, *output = NULL;
  const mw_coded_steps_stream *streams = c->streams + part->first;
  size_t bytes = 0;
  for (size_t i = 0; i < part->count; i++, group += MW_MACHINE_CODE_STREAM_BYTES) {
    const size_t size = streams[i].size;
    unsigned char *at = (unsigned char *)(uintptr_t)c->addresses[i] + done * size;
    if (streams[i].what == MW_CODED_STEPS_KEPT) continue;
    if (!is_looked_at(&streams[i])) { /* whole groups of it are there */
      c->addresses[i] = at;
      continue;
    }
    memset(group, 0, MW_MACHINE_CODE_STREAM_BYTES);
    if (streams[i].what == MW_CODED_STEPS_INPUT) memcpy(group, at, n * size);
    else made = group, output = at, bytes = n * size;
    c->addresses[i] = group;
  }
  uint32_t seen = mw_machine_code_run(&c->code, part->entry, c->addresses, (float *)(void *)c->memory, MW_MACHINE_CODE_GROUP);
  if (made) memcpy(output, made, bytes);
  return seen;
}

/* The closer look at what was read or written of one stream. It loads to the register behind those of the program. */
static bool is_odd(const mw_tile *tile, const mw_coded_steps_stream *s, const unsigned char *stored, size_t n) {
  const mw_kernel_load load = tile->kernels->load[s->dtype];
  for (size_t done = 0, step; done < n; done += step) {
    step = n - done < tile->size ? n - done : tile->size;
    const unsigned char *at = stored + done * s->size;
    const bool groups = s->dtype == MW_DTYPE_BF16 && step % MW_MACHINE_CODE_GROUP == 0;
    if (groups ? tile->kernels->odd_stored(at, step) : load(mw_tile_register(tile, tile->program->registers), at, step)) return true;
  }
  return false;
}

/* The least number above a threshold of magnitudes; of one below 0, which none is, the same. */
static float above(float threshold) {
  uint32_t bits;
  memcpy(&bits, &threshold, sizeof bits);
  if (threshold < 0) return threshold;
  bits = threshold == 0 ? 1 : bits + 1;
  memcpy(&threshold, &bits, sizeof bits);
  return threshold;
}

/* Draws for these elements, or sets their threshold. False: some of those that equal it are kept, and some are not. */
static bool prepare(mw_tile *tile, const mw_coded_steps_set *s, uint64_t start, size_t n) {
  if (s->draws) {
    tile->kernels->draws(tile->coded.drawn + s->index * drawn_bytes(tile), s->stream, start, n, s->p);
    return true;
  }
  const size_t first = mw_tile_count_up_to(s->last, s->origin + start, n), equal = s->behind ? n - first : first;
  if (equal && equal < n) return false;
  mw_machine_code_set((float *)(void *)tile->coded.memory, s->index, equal ? (float)s->threshold : above((float)s->threshold));
  return true;
}

bool mw_coded_steps_takes_blocks(const mw_coded_steps *c, size_t part, const mw_tile_block *block) {
  return c->parts[part - 1].whole && !(c->parts[part - 1].votes && block->open);
}

bool mw_coded_steps_run(mw_tile *tile, size_t which, mw_tile_block *block, const mw_tile_place *at, size_t n) {
  mw_coded_steps *c = &tile->coded;
  const mw_coded_steps_part *part = &c->parts[which - 1];
  const mw_coded_steps_stream *streams = c->streams + part->first;
  const size_t whole = n / MW_MACHINE_CODE_GROUP * MW_MACHINE_CODE_GROUP;
  float *frame = (float *)(void *)c->memory;
  uint32_t seen = 0;
  for (size_t i = 0; i < part->set_count; i++)
    if (!prepare(tile, &c->sets[part->first_set + i], at->start, n)) return true;
  for (size_t i = 0; i < part->count; i++) c->addresses[i] = address(tile, &streams[i], block, at);
  if (whole) seen = mw_machine_code_run(&c->code, part->entry, c->addresses, frame, whole);
  if (whole < n) seen |= run_last(c, part, whole, n - whole);
  if (part->votes && mw_machine_code_open(frame) && block->open) mw_tile_mark_open(block->open, at->start, n);
  if ((seen & part->odd) != part->odd) return false;
  for (size_t i = 0; i < part->count; i++)
    if (is_looked_at(&streams[i]) && is_odd(tile, &streams[i], address(tile, &streams[i], block, at), n)) return true;
  return false;
}
