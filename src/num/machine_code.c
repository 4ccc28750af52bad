/* machine_code.c: what loads, maps, votes, draws and stores are, in about forty instructions (assembler.h, map_lines.h).
 *
 * A value of sixteen elements takes two vector registers: value v is in 2 v and 2 v + 1, up to value 5; those from 6 on lie in the frame.
 * The order of elements is that of kernels_bf16.h (MW_HALVES): the first register has elements 0 to 3 and 8 to 11, the second 4 to 7
 * and 12 to 15. Nothing between loads and stores depends on it. Registers 12 to 14 are for parts of a map, 15 joins bits.
 *
 * The function's registers: rdi the streams' addresses, of which r9 to r11 hold the first three and rdx another one, rsi BIAS bytes behind
 * the beginning of the frame, r8 the count, rcx where joined bits go, rax the element. Vector registers that no value needs hold constants
 * that would have to be loaded again and again. The frame holds vectors of eight equal floats: first those that maps need (`fixed`), of
 * which votes write two, then scalars, then values. */
#include "num/map_lines.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE = 32, IN_REGISTERS = MW_MACHINE_CODE_REGISTERS / 2, FIRST = MW_MACHINE_CODE_REGISTERS, SECOND, THIRD, SEEN };

/* ---- maps --------------------------------------------------------------------------------------------------------- */

static bool commutes(uint32_t what) {
  return what == ADDPS || what == MULPS || what == ANDPS || what == ORPS || what == XORPS || what == ADD_32;
}

static place of_value(const mw_machine_code *c, unsigned value, unsigned half) {
  if (value < IN_REGISTERS) return in(2 * value + half);
  return (place){FRAME, .at = FIXED + c->scalars + 2 * (value - IN_REGISTERS) + half};
}

/* A vector of the frame that does not change. */
static place constant(const mw_machine_code *c, unsigned index) {
  return index < MW_MACHINE_CODE_COUNTED && c->kept[index] ? in(c->kept[index] - 1u) : (place){FRAME, .at = index};
}

/* The register that a result is made in. */
static unsigned target(const mw_machine_code *c, unsigned value, unsigned half) {
  place to = of_value(c, value, half);
  return to.kind == REGISTER ? to.at : THIRD;
}

/* Puts a result that was made in no place of its own there. */
static void settle(mw_machine_code *c, unsigned value, unsigned half) {
  place to = of_value(c, value, half);
  if (to.kind == FRAME) put(c, MOVUPS_TO, THIRD, 0, to);
}

/* The operands of a map for one half of its elements. */
typedef struct map_of {
  const uint16_t *operands;
  unsigned form, dst, half;
} map_of;

static place find(const mw_machine_code *c, const map_of *m, unsigned letter) {
  switch (letter) {
  case A: case B: case C: case D: {
    const unsigned k = letter - A;
    return m->form >> k & 1 ? constant(c, FIXED + m->operands[k]) : of_value(c, m->operands[k], m->half);
  }
  case R: return in(target(c, m->dst, m->half));
  case T: return in(FIRST);
  case U: return in(SECOND);
  case V: return in(THIRD);
  default: return constant(c, letter - ONE);
  }
}

/* The same, loaded if it is in memory. */
static unsigned loaded(mw_machine_code *c, place from) {
  if (from.kind == REGISTER) return from.at;
  if (from.at < MW_MACHINE_CODE_COUNTED) c->wanted[from.at]++;
  put(c, MOVUPS, THIRD, 0, from);
  return THIRD;
}

static void write_instruction(mw_machine_code *c, const map_of *m, const instruction *i) {
  const unsigned r = find(c, m, i->r).at;
  place y = find(c, m, i->y), x = i->x ? find(c, m, i->x) : in(0);
  if (x.kind != REGISTER && y.kind == REGISTER && commutes(i->what)) {
    const place other = x;
    x = y, y = other;
  }
  switch (i->what) {
  case SHIFT_32: put_with(c, SHIFT_32, 2, r, in(loaded(c, y)), i->more); return; /* its first register is a part of its opcode */
  case BLEND: put_with(c, BLEND, r, loaded(c, x), y, find(c, m, i->more).at << 4); return;
  case CMPPS: put_with(c, CMPPS, r, loaded(c, x), y, i->more); return;
  default: put(c, i->what, r, loaded(c, x), y);
  }
}

static void write_line(mw_machine_code *c, const map_of *m, const instruction *line) {
  for (size_t i = 0; i < LONGEST && line[i].what; i++) write_instruction(c, m, &line[i]);
  settle(c, m->dst, m->half);
}

bool mw_machine_code_knows(mw_kernel kernel) { return lines[kernel][0].what; }

bool mw_machine_code_map(mw_machine_code *c, mw_kernel kernel, unsigned form, unsigned dst, const uint16_t *operands) {
  if (!mw_machine_code_knows(kernel)) return false;
  for (unsigned half = 0; half < 2; half++) write_line(c, &(map_of){operands, form, dst, half}, lines[kernel]);
  return true;
}

/* The bytes of a half are in four, and four that are eight further. */
void mw_machine_code_draw(mw_machine_code *c, mw_machine_code_drawing what, unsigned form, unsigned dst, const uint16_t *operands,
                          unsigned stream) {
  for (unsigned half = 0; half < 2; half++) {
    put_with(c, PERMUTE_32 | NARROW, SECOND, 0, element(take_stream(c, stream), 0, 0), half ? 0x0d : 0x08);
    put(c, FROM_8, SECOND, 0, in(SECOND));
    write_line(c, &(map_of){operands, form, dst, half}, lines[what]);
  }
}

/* ---- votes -------------------------------------------------------------------------------------------------------- */

/* reg <- what(from, last); where `from` is in memory it is loaded to reg first. */
static void put_from(mw_machine_code *c, unsigned what, unsigned reg, place from, place last) {
  if (from.kind != REGISTER) put(c, MOVUPS, reg, 0, from);
  put(c, what, reg, from.kind == REGISTER ? from.at : reg, last);
}

/* The same, a comparison. */
static void compare(mw_machine_code *c, unsigned reg, place from, place last, unsigned how) {
  put_from(c, CMPPS, reg, from, last);
  byte(c, how);
}

enum { EQUAL = 0x00, DIFFERENT = 0x04, AT_LEAST = 0x1d, ABOVE = 0x1e };

/* One half of disjoint_mean or disjoint_sum of kernels_type.h. */
typedef struct votes_of {
  const uint16_t *values;
  size_t count;
  place a;
  unsigned half;
} votes_of;

static place fixed_at(const mw_machine_code *c, unsigned letter) { return constant(c, letter - ONE); }

static place voter(const mw_machine_code *c, const votes_of *v, size_t k) { return of_value(c, v->values[k], v->half); }

/* Where a is 0 and not all values are joins the bits of OPEN. */
static void note_open(mw_machine_code *c, const votes_of *v) {
  put_from(c, ORPS, FIRST, voter(c, v, 0), voter(c, v, 1));
  for (size_t k = 2; k < v->count; k++) put(c, ORPS, FIRST, FIRST, voter(c, v, k));
  compare(c, FIRST, in(FIRST), fixed_at(c, ZERO), DIFFERENT);
  compare(c, SECOND, v->a, fixed_at(c, ZERO), EQUAL);
  put(c, ANDPS, FIRST, FIRST, in(SECOND));
  put(c, ORPS, FIRST, FIRST, fixed_at(c, OPEN));
  put(c, MOVUPS_TO, FIRST, 0, fixed_at(c, OPEN));
}

/* FLIP becomes a sign bit where minus is elected. Of a mean it is known in SECOND where a is 0. */
static void elect(mw_machine_code *c, const votes_of *v, bool mean, unsigned b) {
  if (mean) {
    put(c, ANDPS, FIRST, SECOND, fixed_at(c, ONE));
    put(c, MULPS, FIRST, FIRST, constant(c, FIXED + b));
    put(c, ADDPS, FIRST, FIRST, v->a);
    compare(c, FIRST, in(FIRST), fixed_at(c, ZERO), ABOVE);
  } else compare(c, FIRST, v->a, fixed_at(c, ZERO), AT_LEAST);
  put(c, ANDNPS, FIRST, FIRST, fixed_at(c, SIGN));
  put(c, MOVUPS_TO, FIRST, 0, fixed_at(c, FLIP));
}

/* The sum of those that agree, to SECOND; and how many do, less than 0, to THIRD. */
static void add_agreeing(mw_machine_code *c, const votes_of *v, bool mean) {
  for (size_t k = 0; k < v->count; k++) {
    put_from(c, XORPS, FIRST, voter(c, v, k), fixed_at(c, FLIP));
    compare(c, FIRST, in(FIRST), fixed_at(c, ZERO), ABOVE);
    if (mean && k) put(c, ADD_32, THIRD, THIRD, in(FIRST));
    else if (mean) put(c, MOVUPS, THIRD, 0, in(FIRST));
    put(c, ANDPS, k ? FIRST : SECOND, FIRST, voter(c, v, k));
    if (k) put(c, ADDPS, SECOND, SECOND, in(FIRST));
  }
}

void mw_machine_code_votes(mw_machine_code *c, bool mean, unsigned dst, unsigned a, unsigned b, const uint16_t *values, size_t count) {
  for (unsigned half = 0; half < 2; half++) {
    const votes_of v = {values, count, of_value(c, a, half), half};
    const unsigned result = target(c, dst, half);
    if (mean) note_open(c, &v);
    elect(c, &v, mean, b);
    add_agreeing(c, &v, mean);
    if (mean) {
      put(c, FROM_32, THIRD, 0, in(THIRD));
      put(c, ANDPS, THIRD, THIRD, fixed_at(c, POSITIVE));
      put(c, MAXPS, THIRD, THIRD, fixed_at(c, ONE));
      put(c, DIVPS, result, SECOND, in(THIRD));
    } else put(c, MOVUPS, result, 0, in(SECOND));
    settle(c, dst, half);
  }
}

/* ---- loads and stores --------------------------------------------------------------------------------------------- */

static void join(mw_machine_code *c, unsigned reg) { put(c, OR, SEEN, SEEN, in(reg)); }

/* Joins the upper halves of two vectors of floats. */
static void join_floats(mw_machine_code *c, unsigned one, unsigned other) {
  put(c, ORPS, FIRST, one, in(other));
  put_with(c, SHIFT_32, 2, FIRST, in(FIRST), 16);
  join(c, FIRST);
}

static void load_bf16(mw_machine_code *c, unsigned dst, place from) {
  const place kept = constant(c, ZERO - ONE);
  const unsigned zero = kept.kind == REGISTER ? kept.at : SECOND;
  if (zero == SECOND) put(c, XOR, SECOND, SECOND, in(SECOND)), c->wanted[ZERO - ONE]++;
  put(c, MOVDQU, FIRST, 0, element(from, 1, 0));
  join(c, FIRST);
  for (unsigned half = 0; half < 2; half++) {
    put(c, half ? UNPACK_HIGH : UNPACK_LOW, target(c, dst, half), zero, in(FIRST));
    settle(c, dst, half);
  }
}

static void load_f16(mw_machine_code *c, unsigned dst, place from) {
  put_with(c, PERMUTE_64, FIRST, 0, element(from, 1, 0), 0xd8);
  join(c, FIRST);
  for (unsigned half = 0; half < 2; half++) {
    if (half) put_with(c, EXTRACT_128, FIRST, 0, in(FIRST), 1);
    put(c, FROM_HALF, target(c, dst, half), 0, in(FIRST));
    settle(c, dst, half);
  }
}

void mw_machine_code_take(mw_machine_code *c, unsigned dst, unsigned stream) {
  const place from = take_stream(c, stream);
  for (unsigned half = 0; half < 2; half++) {
    const unsigned reg = target(c, dst, half);
    put(c, MOVUPS | NARROW, reg, 0, element(from, 2, 16 * half));
    put_with(c, INSERT_128, reg, reg, element(from, 2, 16 * half + 32), 1);
    settle(c, dst, half);
  }
}

static void load_f32(mw_machine_code *c, unsigned dst, place from) {
  for (unsigned half = 0; half < 2; half++) {
    put(c, MOVUPS | NARROW, FIRST + half, 0, element(from, 2, 16 * half));
    put_with(c, INSERT_128, FIRST + half, FIRST + half, element(from, 2, 16 * half + 32), 1);
    put(c, MOVUPS, target(c, dst, half), 0, in(FIRST + half));
    settle(c, dst, half);
  }
  join_floats(c, FIRST, SECOND);
}

bool mw_machine_code_load(mw_machine_code *c, mw_dtype dtype, unsigned dst, unsigned stream) {
  const place from = take_stream(c, stream);
  switch (dtype) {
  case MW_DTYPE_BF16: return load_bf16(c, dst, from), true;
  case MW_DTYPE_F16: return load_f16(c, dst, from), true;
  case MW_DTYPE_F32: return load_f32(c, dst, from), true;
  default: return false;
  }
}

void mw_machine_code_spread(mw_machine_code *c, unsigned dst, unsigned stream) {
  const place from = take_stream(c, stream);
  for (unsigned half = 0; half < 2; half++) {
    put(c, BROADCAST, target(c, dst, half), 0, from);
    settle(c, dst, half);
  }
}

void mw_machine_code_fill(mw_machine_code *c, unsigned dst, unsigned scalar) {
  for (unsigned half = 0; half < 2; half++) {
    put(c, MOVUPS, target(c, dst, half), 0, constant(c, FIXED + scalar));
    settle(c, dst, half);
  }
}

/* put_bf16 of kernels_bf16.h. Of what is stored all bits are joined that may not be finite, once rounded: results are often of many sizes,
 * whose bits together would look like that. */
static void store_bf16(mw_machine_code *c, const unsigned half[2], place to) {
  const place shuffle = constant(c, APART - ONE);
  put(c, SHUFFLE, FIRST, half[0], shuffle);
  put(c, SHUFFLE, SECOND, half[1], shuffle);
  put(c, UNPACK_LOW_64, THIRD, FIRST, in(SECOND));
  put(c, UNPACK_HIGH_64, FIRST, FIRST, in(SECOND));
  put(c, ANDN, SECOND, FIRST, constant(c, ODD - ONE));
  put(c, SUBS_16, SECOND, THIRD, in(SECOND));
  put_with(c, SHIFT_16, 2, SECOND, in(SECOND), 15);
  put(c, AND, THIRD, FIRST, constant(c, POSITIVE_16 - ONE));
  put(c, ABOVE_16, THIRD, THIRD, constant(c, FINITE_16 - ONE));
  join(c, THIRD);
  put(c, ADD_16, FIRST, FIRST, in(SECOND));
  put(c, MOVDQU_TO, FIRST, 0, element(to, 1, 0));
}

static void store_f16(mw_machine_code *c, const unsigned half[2], place to) {
  put_with(c, TO_HALF, half[0], 0, in(FIRST), 0);
  put_with(c, TO_HALF, half[1], 0, in(SECOND), 0);
  put_with(c, INSERT_128, FIRST, FIRST, in(SECOND), 1);
  put_with(c, PERMUTE_64, FIRST, 0, in(FIRST), 0xd8);
  join(c, FIRST);
  put(c, MOVDQU_TO, FIRST, 0, element(to, 1, 0));
}

static void store_floats(mw_machine_code *c, const unsigned half[2], place to) {
  for (unsigned part = 0; part < 2; part++) {
    put_with(c, PERMUTE_128, THIRD, half[0], in(half[1]), part ? 0x31 : 0x20);
    put(c, MOVUPS_TO, THIRD, 0, element(to, 2, 32 * part));
  }
}

/* The registers that a value is in, or is loaded to. */
static void find_halves(mw_machine_code *c, unsigned value, unsigned half[2]) {
  for (unsigned h = 0; h < 2; h++)
    if (value < IN_REGISTERS) half[h] = 2 * value + h;
    else put(c, MOVUPS, half[h] = FIRST + h, 0, of_value(c, value, h));
}

void mw_machine_code_give(mw_machine_code *c, unsigned src, unsigned stream) {
  unsigned half[2];
  find_halves(c, src, half);
  store_floats(c, half, take_stream(c, stream));
}

bool mw_machine_code_store(mw_machine_code *c, mw_dtype dtype, unsigned src, unsigned stream) {
  unsigned half[2];
  const place to = take_stream(c, stream);
  find_halves(c, src, half);
  switch (dtype) {
  case MW_DTYPE_BF16: return store_bf16(c, half, to), true;
  case MW_DTYPE_F16: return store_f16(c, half, to), true;
  case MW_DTYPE_F32:
    store_floats(c, half, to);
    join_floats(c, half[0], half[1]);
    return true;
  default: return false;
  }
}

/* ---- functions ---------------------------------------------------------------------------------------------------- */

bool mw_machine_code_clear(mw_machine_code *c) {
  c->length = 0;
  return c->bytes || (c->bytes = malloc(MOST));
}

void mw_machine_code_free(mw_machine_code *c) {
  free(c->bytes);
  if (c->pages) munmap(c->pages, c->page_bytes);
  *c = (mw_machine_code){0};
}

static void align(mw_machine_code *c) {
  while (c->length % LINE && !c->failed) byte(c, 0x90);
}

/* The registers that no value needs take the constants that had to be loaded most often. */
static void keep_constants(mw_machine_code *c) {
  for (unsigned reg = 2 * c->values; reg < MW_MACHINE_CODE_REGISTERS; reg++) {
    unsigned best = 0;
    for (unsigned i = 1; i < MW_MACHINE_CODE_COUNTED; i++)
      if (c->wanted[i] > c->wanted[best]) best = i;
    if (!c->wanted[best]) return;
    put(c, MOVUPS, reg, 0, (place){FRAME, .at = best});
    c->kept[best] = (uint8_t)(1 + reg);
    c->wanted[best] = 0;
  }
}

void mw_machine_code_begin(mw_machine_code *c, unsigned scalars, unsigned values, bool again) {
  c->failed = false;
  c->scalars = scalars;
  c->values = values;
  if (again) c->length = c->begun;
  else memset(c->wanted, 0, sizeof c->wanted);
  memset(c->kept, 0, sizeof c->kept);
  align(c);
  c->begun = c->length;
  if (again) keep_constants(c);
  put(c, XOR, SEEN, SEEN, in(SEEN));
  BYTES(c, "\x31\xc0\x49\x89\xd0"); /* xor eax, eax; mov r8, rdx */
  BYTES(c, "\x4c\x8b\x0f\x4c\x8b\x57\x08\x4c\x8b\x5f\x10"); /* mov r9, [rdi]; mov r10, [rdi + 8]; mov r11, [rdi + 16] */
  align(c);
  c->loop = c->length;
}

/* Code that is there already stays: of most merges all tensors have the same. */
static bool publish(mw_machine_code *c) {
  if (c->held >= c->length && memcmp(c->pages, c->bytes, c->length) == 0) return true;
  c->held = 0;
  if (!c->pages) {
    void *pages = mmap(NULL, MOST, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return false;
    c->pages = pages;
    c->page_bytes = MOST;
  } else if (mprotect(c->pages, c->page_bytes, PROT_READ | PROT_WRITE) != 0) return false;
  memcpy(c->pages, c->bytes, c->length);
  c->refused = mprotect(c->pages, c->page_bytes, PROT_READ | PROT_EXEC) != 0;
  if (!c->refused) c->held = c->length;
  return !c->refused;
}

bool mw_machine_code_end(mw_machine_code *c, size_t *entry) {
  BYTES(c, "\x48\x83\xc0\x10\x4c\x39\xc0\x0f\x82"); /* add rax, 16; cmp rax, r8; jb loop */
  number(c, (uint32_t)(c->loop - (c->length + 4)));
  BYTES(c, "\xc5\x7e\x7f\x39\xc5\xf8\x77\xc3"); /* vmovdqu [rcx], ymm15; vzeroupper; ret */
  *entry = c->begun;
  if (!c->failed && publish(c)) return true;
  mw_machine_code_drop(c);
  return false;
}

void mw_machine_code_drop(mw_machine_code *c) { c->length = c->begun; }

size_t mw_machine_code_vectors(unsigned scalars, unsigned values) {
  return FIXED + (size_t)scalars + 2 * (size_t)(values > IN_REGISTERS ? values - IN_REGISTERS : 0);
}

void mw_machine_code_frame(float *frame, const double *scalars, unsigned count) {
  float *shuffle = frame + (APART - ONE) * MW_MACHINE_CODE_VECTOR;
  for (size_t i = 0; i < FIXED; i++)
    for (size_t lane = 0; lane < MW_MACHINE_CODE_VECTOR; lane++) memcpy(frame++, &fixed[i], sizeof *frame);
  for (size_t half = 0; half < 2; half++) memcpy(shuffle + half * (sizeof apart / sizeof *shuffle), apart, sizeof apart);
  for (size_t i = 0; i < count; i++)
    for (size_t lane = 0; lane < MW_MACHINE_CODE_VECTOR; lane++) *frame++ = (float)scalars[i];
}

void mw_machine_code_set(float *frame, unsigned scalar, float value) {
  for (size_t lane = 0; lane < MW_MACHINE_CODE_VECTOR; lane++) frame[(FIXED + scalar) * MW_MACHINE_CODE_VECTOR + lane] = value;
}

uint32_t mw_machine_code_run(const mw_machine_code *c, size_t entry, const void *const *streams, float *frame, size_t n) {
  void (*code)(const void *const *, float *, size_t, uint32_t *);
  const unsigned char *address = c->pages + entry;
  uint32_t seen[MW_MACHINE_CODE_VECTOR], all = 0;
  memcpy(&code, &address, sizeof code);
  code(streams, frame + BIAS / sizeof *frame, n, seen);
  for (size_t i = 0; i < MW_MACHINE_CODE_VECTOR; i++) all |= seen[i];
  return (all | all >> 16) & 0xffff;
}

bool mw_machine_code_open(float *frame) {
  uint32_t lanes[MW_MACHINE_CODE_VECTOR], all = 0;
  float *open = frame + (OPEN - ONE) * MW_MACHINE_CODE_VECTOR;
  memcpy(lanes, open, sizeof lanes);
  for (size_t i = 0; i < MW_MACHINE_CODE_VECTOR; i++) all |= lanes[i];
  memset(open, 0, sizeof lanes);
  return all != 0;
}

/* The higher seven bits of an exponent, as rounding may carry into the lowest one (kernels_bf16.h); of f16, which was rounded, all five. */
uint32_t mw_machine_code_odd(mw_dtype dtype) { return dtype == MW_DTYPE_F16 ? 0x7c00 : 0x7f00; }
