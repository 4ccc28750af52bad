/* coded_rows.c: the products of all rows come first, then the program's steps for each row. Products are values of the frame, behind those
 * of the program. */
#include "exec/coded_rows.h"
#include "exec/tile.h"
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64, ROWS = MW_MACHINE_PRODUCT_ROWS };

void mw_coded_rows_free(mw_coded_rows *c) {
  mw_machine_code_free(&c->code);
  free(c->streams);
  free(c->addresses);
  free(c->frame);
}

typedef struct making {
  mw_coded_rows *rows;
  const mw_tile *tile;
  const mw_dtype *sources;
  const uint64_t *ranks;
  mw_dtype output;
  mw_error *err;
} making;

static unsigned first_product(const mw_program *program) {
  const unsigned in_registers = MW_MACHINE_CODE_REGISTERS / 2;
  return program->registers > in_registers ? (unsigned)program->registers : in_registers;
}

static bool stream(const making *m, mw_coded_rows_stream s, unsigned *out) {
  mw_coded_rows *c = m->rows;
  *out = (unsigned)c->stream_count;
  MW_TRY(mw_mem_grow(&c->streams, &c->stream_capacity, c->stream_count + 1, sizeof *c->streams, m->err));
  c->streams[c->stream_count++] = s;
  return true;
}

/* An input, and what is added to it. */
static bool write_input(const making *m, const mw_program_instruction *code, uint32_t row, bool *good) {
  const mw_dtype dtype = m->sources[code->index];
  unsigned at, product = first_product(m->tile->program) + row;
  MW_TRY(stream(m, (mw_coded_rows_stream){false, code->index, row, dtype}, &at));
  *good = mw_machine_code_load(&m->rows->code, dtype, code->dst, at);
  for (uint32_t i = 0; i < code->index; i++) product += m->ranks[i] ? ROWS : 0;
  if (m->ranks[code->index]) mw_machine_product_add(&m->rows->code, code->dst, product);
  return true;
}

/* Writes the code of one step. *good: whether there is any. */
static bool write_step(const making *m, const mw_tile_step *step, uint32_t row, bool *good) {
  const mw_program_instruction *code = step->code;
  mw_machine_code *c = &m->rows->code;
  unsigned at;
  if (step->map) {
    *good = mw_machine_code_map(c, step->kernel, code->form, code->dst, code->operand);
    return true;
  }
  switch (code->code) {
  case MW_OP_INPUT: return write_input(m, code, row, good);
  case MW_OP_FILL: mw_machine_code_fill(c, code->dst, code->operand[0]); return true;
  case MW_PROGRAM_STORE:
    MW_TRY(stream(m, (mw_coded_rows_stream){true, 0, row, m->output}, &at));
    *good = !(code->form & 1) && mw_machine_code_store(c, m->output, code->operand[0], at);
    return true;
  default: *good = false; return true;
  }
}

static bool write_all(const making *m, bool again, bool *good) {
  mw_coded_rows *c = m->rows;
  const mw_program *program = m->tile->program;
  unsigned slot = (unsigned)c->slots, value = first_product(program);
  mw_machine_code_begin(&c->code, (unsigned)program->scalar_count, program->registers, true, again);
  for (size_t i = 0; i < program->input_count; i++) {
    if (!m->ranks[i]) continue;
    mw_machine_product_write(&c->code, m->ranks[i], slot, value);
    slot += MW_MACHINE_PRODUCT_SLOTS, value += ROWS;
  }
  mw_machine_code_keep(&c->code);
  c->stream_count = 0;
  for (uint32_t row = 0; row < ROWS; row++)
    for (size_t i = 0; i < m->tile->step_count && *good; i++) MW_TRY(write_step(m, &m->tile->steps[i], row, good));
  return true;
}

/* Room for the frame and the addresses. */
static bool make_room(const making *m) {
  mw_coded_rows *c = m->rows;
  const mw_program *program = m->tile->program;
  const unsigned scalars = (unsigned)program->scalar_count;
  const size_t vectors = mw_machine_code_vectors(scalars, first_product(program) + (unsigned)c->products * ROWS);
  const size_t bytes = (vectors * MW_MACHINE_CODE_VECTOR * sizeof(float) + ALIGN - 1) / ALIGN * ALIGN;
  const size_t addresses = c->slots + c->products * MW_MACHINE_PRODUCT_SLOTS;
  MW_TRY(mw_mem_grow(&c->addresses, &c->address_capacity, addresses, sizeof *c->addresses, m->err));
  memset(c->addresses, 0, addresses * sizeof *c->addresses);
  if (bytes > c->frame_bytes) {
    free(c->frame);
    c->frame_bytes = 0;
    if (!(c->frame = aligned_alloc(ALIGN, bytes))) return mw_error_memory(m->err, bytes);
    memset(c->frame, 0, bytes);
    c->frame_bytes = bytes;
  }
  mw_machine_code_frame(c->frame, m->tile->scalars, scalars);
  return true;
}

bool mw_coded_rows_make(mw_coded_rows *c, const mw_tile *tile, const mw_dtype *sources, const uint64_t *ranks, mw_dtype output, bool *made,
                        mw_error *err) {
  const mw_program *program = tile->program;
  const making m = {c, tile, sources, ranks, output, err};
  bool good = tile->kernels->direct_count && !program->quantum && program->section_count == 1 && !c->code.refused;
  *made = false;
  if (!good || !mw_machine_code_clear(&c->code)) return true;
  c->slots = ROWS * tile->step_count + MW_MACHINE_CODE_STREAMS; /* a step has one stream at most */
  c->products = 0;
  for (size_t i = 0; i < program->input_count; i++) c->products += ranks[i] > 0;
  for (int again = 0; again < 2 && good; again++) MW_TRY(write_all(&m, again, &good));
  if (!good || !mw_machine_code_end(&c->code, &c->entry)) return true;
  c->odd = 0xffff;
  for (size_t i = 0; i < c->stream_count; i++) c->odd &= mw_machine_code_odd(c->streams[i].dtype);
  return *made = make_room(&m);
}

/* The closer look at what was read or written of one stream. */
static bool is_odd(const mw_tile *tile, mw_dtype dtype, const unsigned char *stored, size_t n) {
  for (size_t done = 0, step; done < n; done += step) {
    step = n - done < tile->size ? n - done : tile->size;
    const unsigned char *at = stored + done * mw_dtype_size(dtype);
    if (dtype == MW_DTYPE_BF16 ? tile->kernels->odd_stored(at, step) : tile->kernels->load[dtype](tile->registers, at, step)) return true;
  }
  return false;
}

/* Where a product's factors are, as the function reads that. */
static void put_factors(const void **slots, const mw_adapted_product *p) {
  const uintptr_t stride = p->left_stride * sizeof(float);
  slots[MW_MACHINE_PRODUCT_RIGHT] = p->right;
  slots[MW_MACHINE_PRODUCT_LEFT] = p->left;
  slots[MW_MACHINE_PRODUCT_END] = p->left + p->rank * p->left_stride;
  memcpy(&slots[MW_MACHINE_PRODUCT_STRIDE], &stride, sizeof stride);
  memcpy(&slots[MW_MACHINE_PRODUCT_SCALE], &p->scale, sizeof p->scale);
}

bool mw_coded_rows_run(mw_coded_rows *c, const mw_tile *tile, const unsigned char *const *inputs, unsigned char *output, uint64_t first,
                       size_t columns, const mw_adapted_product *products) {
  for (size_t i = 0; i < c->stream_count; i++) {
    const mw_coded_rows_stream *s = &c->streams[i];
    c->addresses[i] = (s->output ? output : inputs[s->index]) + (first + s->row * columns) * mw_dtype_size(s->dtype);
  }
  for (size_t p = 0; p < c->products; p++) put_factors(c->addresses + c->slots + p * MW_MACHINE_PRODUCT_SLOTS, &products[p]);
  const uint32_t seen = mw_machine_code_run(&c->code, c->entry, c->addresses, c->frame, columns);
  bool odd = seen & MW_MACHINE_CODE_ODD_SUM;
  for (size_t i = 0; i < c->stream_count && !odd && (seen & c->odd) == c->odd; i++)
    odd = is_odd(tile, c->streams[i].dtype, c->addresses[i], columns);
  return odd;
}
