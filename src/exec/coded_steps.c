/* coded_steps.c: a program's registers are the values of the machine code. Whole groups of sixteen elements are read where they lie; the
 * last few of a tensor are copied to a group of their own, so that nothing is read or written beyond its end. */
#include "exec/coded_steps.h"
#include "exec/tile.h"
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64 };

void mw_coded_steps_clear(mw_coded_steps *c) {
  c->stream_count = c->part_count = 0;
  c->code.length = 0;
}

void mw_coded_steps_free(mw_coded_steps *c) {
  mw_machine_code_free(&c->code);
  free(c->streams);
  free(c->parts);
  free(c->addresses);
  free(c->memory);
}

/* A stream of the part that is being made: its index in the part. */
static bool stream(mw_coded_steps *c, size_t first, mw_coded_steps_stream s, unsigned *out, mw_error *err) {
  *out = (unsigned)(c->stream_count - first);
  MW_TRY(mw_mem_grow(&c->streams, &c->stream_capacity, c->stream_count + 1, sizeof *c->streams, err));
  c->streams[c->stream_count++] = s;
  return true;
}

/* Writes the code of one step. *good: whether there is any. */
static bool write_step(mw_coded_steps *c, size_t first, const mw_tile_step *step, const mw_dtype *dtypes, mw_dtype output, bool *good,
                       mw_error *err) {
  const mw_program_instruction *code = step->code;
  unsigned at;
  if (step->map) {
    *good = mw_machine_code_map(&c->code, step->kernel, code->form, code->dst, code->operand);
    return true;
  }
  switch (code->code) {
  case MW_OP_INPUT:
    MW_TRY(stream(c, first, (mw_coded_steps_stream){MW_CODED_STEPS_INPUT, code->index, dtypes[code->index]}, &at, err));
    *good = mw_machine_code_load(&c->code, dtypes[code->index], code->dst, at);
    return true;
  case MW_PROGRAM_STORE:
    MW_TRY(stream(c, first, (mw_coded_steps_stream){MW_CODED_STEPS_OUTPUT, 0, output}, &at, err));
    *good = !(code->form & 1) && mw_machine_code_store(&c->code, output, code->operand[0], at);
    return true;
  case MW_OP_SPREAD:
    MW_TRY(stream(c, first, (mw_coded_steps_stream){MW_CODED_STEPS_KEPT, code->index, MW_DTYPE_F32}, &at, err));
    if ((*good = step->lone)) mw_machine_code_spread(&c->code, code->dst, at);
    return true;
  case MW_OP_FILL:
    mw_machine_code_fill(&c->code, code->dst, code->operand[0]);
    return true;
  default: *good = false; return true;
  }
}

/* Room for the frame and the last elements of all streams. */
static bool make_room(mw_coded_steps *c, const mw_program *program, size_t streams, mw_error *err) {
  const size_t vectors = mw_machine_code_vectors((unsigned)program->scalar_count, program->registers);
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

bool mw_coded_steps_make(mw_tile *tile, const mw_tile_step *steps, size_t count, const mw_dtype *dtypes, mw_dtype output, size_t *part,
                         mw_error *err) {
  mw_coded_steps *c = &tile->coded;
  const mw_program *program = tile->program;
  mw_coded_steps_part made = {.first = c->stream_count, .odd = 0xffff};
  bool good = !c->code.refused && (c->code.bytes || mw_machine_code_clear(&c->code));
  *part = 0;
  if (!good) return true;
  for (int again = 0; again < 2 && good; again++) {
    mw_machine_code_begin(&c->code, (unsigned)program->scalar_count, program->registers, again);
    c->stream_count = made.first;
    for (size_t i = 0; i < count && good; i++) MW_TRY(write_step(c, made.first, &steps[i], dtypes, output, &good, err));
  }
  made.count = c->stream_count - made.first;
  if (!good) mw_machine_code_drop(&c->code);
  if (!good || !mw_machine_code_end(&c->code, &made.entry)) {
    c->stream_count = made.first;
    return true;
  }
  for (size_t i = made.first; i < c->stream_count; i++) made.odd &= mw_machine_code_odd(c->streams[i].dtype);
  MW_TRY(make_room(c, program, made.count, err));
  mw_machine_code_frame((float *)(void *)c->memory, tile->scalars, (unsigned)program->scalar_count);
  MW_TRY(mw_mem_grow(&c->parts, &c->part_capacity, c->part_count + 1, sizeof *c->parts, err));
  c->parts[c->part_count++] = made;
  *part = c->part_count;
  return true;
}

/* Where a stream's elements are. */
static const unsigned char *address(const mw_tile *tile, const mw_coded_steps_stream *s, const mw_tile_block *block, size_t offset,
                                    uint64_t within) {
  switch (s->what) {
  case MW_CODED_STEPS_INPUT: return block->inputs[s->index] + offset * mw_dtype_size(s->dtype);
  case MW_CODED_STEPS_OUTPUT: return block->output + offset * mw_dtype_size(s->dtype);
  default: return tile->kept[s->index].values + within / tile->kept[s->index].run * sizeof(float);
  }
}

/* The last n elements, fewer than a group, which begin `done` elements from the streams' addresses. */
static uint32_t run_last(mw_coded_steps *c, const mw_coded_steps_part *part, size_t done, size_t n) {
  unsigned char *group = c->memory + c->frame_bytes, *made = NULL, *output = NULL;
  const mw_coded_steps_stream *streams = c->streams + part->first;
  size_t bytes = 0;
  for (size_t i = 0; i < part->count; i++, group += MW_MACHINE_CODE_STREAM_BYTES) {
    const size_t size = mw_dtype_size(streams[i].dtype);
    unsigned char *at = (unsigned char *)(uintptr_t)c->addresses[i] + done * size;
    if (streams[i].what == MW_CODED_STEPS_KEPT) continue;
    memset(group, 0, MW_MACHINE_CODE_STREAM_BYTES);
    if (streams[i].what == MW_CODED_STEPS_INPUT) memcpy(group, at, n * size);
    else made = group, output = at, bytes = n * size;
    c->addresses[i] = group;
  }
  uint32_t seen = mw_machine_code_run(&c->code, part->entry, c->addresses, (float *)(void *)c->memory, MW_MACHINE_CODE_GROUP);
  if (made) memcpy(output, made, bytes);
  return seen;
}

/* The closer look at what was read or written of one stream. */
static bool is_odd(const mw_tile *tile, const mw_coded_steps_stream *s, const unsigned char *stored, size_t n) {
  const mw_kernel_load load = tile->kernels->load[s->dtype];
  for (size_t done = 0, step; done < n; done += step) {
    step = n - done < tile->size ? n - done : tile->size;
    const unsigned char *at = stored + done * mw_dtype_size(s->dtype);
    const bool groups = s->dtype == MW_DTYPE_BF16 && step % MW_MACHINE_CODE_GROUP == 0;
    if (groups ? tile->kernels->odd_stored(at, step) : load(tile->registers, at, step)) return true;
  }
  return false;
}

bool mw_coded_steps_run(mw_tile *tile, size_t which, const mw_tile_block *block, size_t offset, uint64_t within, size_t n) {
  mw_coded_steps *c = &tile->coded;
  const mw_coded_steps_part *part = &c->parts[which - 1];
  const size_t whole = n / MW_MACHINE_CODE_GROUP * MW_MACHINE_CODE_GROUP;
  uint32_t seen = 0;
  for (size_t i = 0; i < part->count; i++) c->addresses[i] = address(tile, &c->streams[part->first + i], block, offset, within);
  if (whole) seen = mw_machine_code_run(&c->code, part->entry, c->addresses, (float *)(void *)c->memory, whole);
  if (whole < n) seen |= run_last(c, part, whole, n - whole);
  if ((seen & part->odd) != part->odd) return false;
  for (size_t i = 0; i < part->count; i++) {
    const mw_coded_steps_stream *s = &c->streams[part->first + i];
    if (s->what != MW_CODED_STEPS_KEPT && is_odd(tile, s, address(tile, s, block, offset, within), n)) return true;
  }
  return false;
}
