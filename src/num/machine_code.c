/* machine_code.c: an assembler of about forty instructions.
 *
 * A value of sixteen elements takes two vector registers: value v is in 2 v and 2 v + 1, up to value 5; those from 6 on lie in the frame.
 * The order of elements is that of kernels_bf16.h (MW_HALVES): the first register has elements 0 to 3 and 8 to 11, the second 4 to 7
 * and 12 to 15. Nothing between loads and stores depends on it. Registers 12 to 14 are for parts of a map, 15 joins bits.
 *
 * The function's registers: rdi the streams' addresses, of which r9 to r11 hold the first three and rdx another one, rsi BIAS bytes behind
 * the beginning of the frame, r8 the count, rcx where joined bits go, rax the element. Vector registers that no value needs hold constants
 * that would have to be loaded again and again. The frame holds vectors of eight equal floats: first those that maps need (`fixed`), then
 * scalars, then values. */
#include "num/machine_code.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MOST = 16 << 10, LINE = 32, BIAS = 128, IN_REGISTERS = MW_MACHINE_CODE_REGISTERS / 2, FIRST = MW_MACHINE_CODE_REGISTERS, SECOND,
       THIRD, SEEN, RDX = 2, R9 = 9 };

/* ---- one instruction ---------------------------------------------------------------------------------------------- */

/* Where the last operand of an instruction is: a register; vector `at` of the frame; the element of the stream whose address is in `base`,
 * `at` bytes further; or the beginning of that stream. */
typedef struct place {
  enum { REGISTER, FRAME, STREAM, POINT } kind;
  unsigned at, scale, base; /* scale: the logarithm of an element's bytes */
} place;

/* VEX(map, prefix, opcode): the manual's 0F, 0F38, 0F3A are maps 1 to 3; no prefix, 66, F3 are 0 to 2. NARROW: of 128 bits. */
#define VEX(map, prefix, opcode) ((map) << 16 | (prefix) << 8 | (opcode))
enum { WIDE_OPCODE = 1 << 21, NARROW = 1 << 22 };
enum {
  MOVUPS = VEX(1, 0, 0x10), MOVUPS_TO = VEX(1, 0, 0x11), SQRT = VEX(1, 0, 0x51), ANDPS = VEX(1, 0, 0x54), ANDNPS = VEX(1, 0, 0x55),
  ORPS = VEX(1, 0, 0x56), XORPS = VEX(1, 0, 0x57), ADDPS = VEX(1, 0, 0x58), MULPS = VEX(1, 0, 0x59), SUBPS = VEX(1, 0, 0x5c),
  MINPS = VEX(1, 0, 0x5d), DIVPS = VEX(1, 0, 0x5e), MAXPS = VEX(1, 0, 0x5f), CMPPS = VEX(1, 0, 0xc2), UNPACK_LOW = VEX(1, 1, 0x61),
  UNPACK_HIGH = VEX(1, 1, 0x69), UNPACK_LOW_64 = VEX(1, 1, 0x6c), UNPACK_HIGH_64 = VEX(1, 1, 0x6d), SHIFT_16 = VEX(1, 1, 0x71),
  SHIFT_32 = VEX(1, 1, 0x72), SUBS_16 = VEX(1, 1, 0xd9), AND = VEX(1, 1, 0xdb), ANDN = VEX(1, 1, 0xdf), OR = VEX(1, 1, 0xeb),
  XOR = VEX(1, 1, 0xef), ADD_16 = VEX(1, 1, 0xfd), ADD_32 = VEX(1, 1, 0xfe), MOVDQU = VEX(1, 2, 0x6f), MOVDQU_TO = VEX(1, 2, 0x7f),
  SHUFFLE = VEX(2, 1, 0x00), FROM_HALF = VEX(2, 1, 0x13), BROADCAST = VEX(2, 1, 0x18), PERMUTE_64 = VEX(3, 1, 0x00) | WIDE_OPCODE,
  PERMUTE_128 = VEX(3, 1, 0x06), INSERT_128 = VEX(3, 1, 0x18), TO_HALF = VEX(3, 1, 0x1d), EXTRACT_128 = VEX(3, 1, 0x39),
  BLEND = VEX(3, 1, 0x4a),
};

static void byte(mw_machine_code *c, unsigned value) {
  if (c->length < MOST) c->bytes[c->length++] = (unsigned char)value;
  else c->failed = true;
}

static void bytes(mw_machine_code *c, const char *some, size_t count) {
  for (size_t i = 0; i < count; i++) byte(c, (unsigned char)some[i]);
}
#define BYTES(c, text) bytes(c, text, sizeof text - 1)

static void number(mw_machine_code *c, uint32_t value) {
  for (int i = 0; i < 4; i++) byte(c, value >> 8 * i & 255);
}

/* reg <- what(other, last), or last <- reg of those that store. */
static void put(mw_machine_code *c, unsigned what, unsigned reg, unsigned other, place last) {
  const unsigned field = (reg & 7) << 3, high = (last.kind == REGISTER ? last.at : last.base) >> 3;
  const int offset = (int)(last.at * MW_MACHINE_CODE_VECTOR * sizeof(float)) - BIAS;
  byte(c, 0xc4);
  byte(c, (~reg >> 3 & 1) << 7 | 1 << 6 | (~high & 1) << 5 | (what >> 16 & 31));
  byte(c, (what & WIDE_OPCODE ? 1u << 7 : 0) | (~other & 15) << 3 | (what & NARROW ? 0 : 1u << 2) | (what >> 8 & 3));
  byte(c, what & 255);
  switch (last.kind) {
  case REGISTER: byte(c, 0xc0 | field | (last.at & 7)); return;
  case FRAME:
    if (offset < 128) byte(c, 0x40 | field | 6), byte(c, (unsigned)offset & 255);
    else byte(c, 0x80 | field | 6), number(c, (uint32_t)offset);
    return;
  case STREAM: byte(c, 0x40 | field | 4); byte(c, last.scale << 6 | (last.base & 7)); byte(c, last.at); return;
  case POINT: byte(c, field | (last.base & 7)); return;
  }
}

/* The same with a byte that says more. */
static void put_with(mw_machine_code *c, unsigned what, unsigned reg, unsigned other, place last, unsigned more) {
  put(c, what, reg, other, last);
  byte(c, more);
}

static place in(unsigned reg) { return (place){REGISTER, .at = reg}; }

/* The beginning of a stream, whose address is loaded if it is not in a register. */
static place take_stream(mw_machine_code *c, unsigned stream) {
  if (stream < MW_MACHINE_CODE_STREAMS) return (place){POINT, .base = R9 + stream};
  BYTES(c, "\x48\x8b\x97"); /* mov rdx, [rdi + ...] */
  number(c, stream * (uint32_t)sizeof(void *));
  return (place){POINT, .base = RDX};
}

static place element(place stream, unsigned scale, unsigned at) { return (place){STREAM, at, scale, stream.base}; }

/* ---- maps --------------------------------------------------------------------------------------------------------- */

/* Of what an instruction of a map is made: the map's operands, its result, which is written last, parts, and vectors of the frame. V is
 * the register to which an x in memory is loaded. */
enum { NO, A, B, C, D, R, T, U, V, ONE, ZERO, POSITIVE, SIGN, WHOLE, MINUS_WHOLE, LAST_BIT, HALF, UPPER, APART, ODD, END };
enum { FIXED = END - ONE };

static const uint32_t fixed[FIXED] = {0x3f800000, 0, 0x7fffffff, 0x80000000, 0x4b000000, 0xcb000000, 1, 0x7fff, 0xffff0000, 0, 0x00010001};
/* Low words of four floats, then the high ones (put_bf16 of kernels_bf16.h). */
static const unsigned char apart[16] = {0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15};

typedef struct instruction {
  uint32_t what;
  uint8_t r, x, y, more;
} instruction;

#define add(r, x, y) {ADDPS, r, x, y, 0}
#define sub(r, x, y) {SUBPS, r, x, y, 0}
#define mul(r, x, y) {MULPS, r, x, y, 0}
#define quotient(r, x, y) {DIVPS, r, x, y, 0}
#define min(r, x, y) {MINPS, r, x, y, 0} /* x < y ? x : y */
#define max(r, x, y) {MAXPS, r, x, y, 0} /* x > y ? x : y */
#define both(r, x, y) {ANDPS, r, x, y, 0}
#define less(r, x, y) {ANDNPS, r, x, y, 0} /* y and not x */
#define any(r, x, y) {ORPS, r, x, y, 0}
#define differ(r, x, y) {XORPS, r, x, y, 0}
#define root(r, y) {SQRT, r, NO, y, 0}
#define copy(r, y) {MOVUPS, r, NO, y, 0}
#define choose(r, no, yes, mask) {BLEND, r, no, yes, mask}
#define shift(r, y) {SHIFT_32, r, NO, y, 16}
#define plus(r, x, y) {ADD_32, r, x, y, 0}
/* All bits where the comparison holds; as in C, what is not a number differs from everything. */
#define eq(r, x, y) {CMPPS, r, x, y, 0x00}
#define ne(r, x, y) {CMPPS, r, x, y, 0x04}
#define apart_from(r, x, y) {CMPPS, r, x, y, 0x0c} /* ne of numbers */
#define lt(r, x, y) {CMPPS, r, x, y, 0x11}
#define le(r, x, y) {CMPPS, r, x, y, 0x12}
#define gt(r, x, y) {CMPPS, r, x, y, 0x1e}
#define NEAREST lt(T, A, ZERO), choose(U, WHOLE, MINUS_WHOLE, T), add(T, A, U), sub(T, T, U), both(U, A, POSITIVE), lt(U, U, WHOLE)

/* The expressions of kernels.def. A kernel without a line is computed by the tile machine. */
enum { LONGEST = 10 };
static const instruction lines[MW_KERNEL_COUNT][LONGEST] = {
  [MW_KERNEL_ADD] = {add(R, A, B)},
  [MW_KERNEL_SUB] = {sub(R, A, B)},
  [MW_KERNEL_MUL] = {mul(R, A, B)},
  [MW_KERNEL_DIV] = {quotient(R, A, B)},
  [MW_KERNEL_RATIO] = {quotient(T, A, B), ne(U, B, ZERO), both(R, T, U)},
  [MW_KERNEL_MIN] = {min(R, B, A)},
  [MW_KERNEL_MAX] = {max(R, B, A)},
  [MW_KERNEL_LT] = {lt(T, A, B), both(R, T, ONE)},
  [MW_KERNEL_LE] = {le(T, A, B), both(R, T, ONE)},
  [MW_KERNEL_EQ] = {eq(T, A, B), both(R, T, ONE)},
  [MW_KERNEL_NE] = {ne(T, A, B), both(R, T, ONE)},
  [MW_KERNEL_AND] = {ne(T, A, ZERO), ne(U, B, ZERO), both(T, T, U), both(R, T, ONE)},
  [MW_KERNEL_OR] = {ne(T, A, ZERO), ne(U, B, ZERO), any(T, T, U), both(R, T, ONE)},
  [MW_KERNEL_NOT] = {eq(T, A, ZERO), both(R, T, ONE)},
  [MW_KERNEL_WHERE] = {ne(T, A, ZERO), choose(R, C, B, T)},
  [MW_KERNEL_NEG] = {differ(R, A, SIGN)},
  [MW_KERNEL_ABS] = {both(R, A, POSITIVE)},
  [MW_KERNEL_SIGN] = {both(T, A, SIGN), any(T, T, ONE), apart_from(U, A, ZERO), both(R, T, U)},
  [MW_KERNEL_FLOOR] = {NEAREST, choose(T, A, T, U), sub(U, T, ONE), gt(V, T, A), choose(R, T, U, V)},
  [MW_KERNEL_ROUND] = {NEAREST, choose(R, A, T, U)},
  [MW_KERNEL_SQRT] = {root(R, A)},
  [MW_KERNEL_AS_BF16] = {shift(T, A), both(T, T, LAST_BIT), plus(T, T, HALF), plus(T, T, A), both(T, T, UPPER), eq(U, A, A),
                         choose(R, A, T, U)},
  [MW_KERNEL_AS_F32] = {copy(R, A)},
  [MW_KERNEL_MIX] = {mul(T, A, B), mul(U, C, D), add(R, T, U)},
  [MW_KERNEL_MUL_ADD] = {mul(T, A, B), add(R, T, C)},
  [MW_KERNEL_SCALED_DELTA] = {sub(T, A, B), mul(R, T, C)},
  [MW_KERNEL_SCALED_SUM] = {add(T, A, B), mul(R, T, C)},
  [MW_KERNEL_ADD3] = {add(T, A, B), add(R, T, C)},
  [MW_KERNEL_CLAMP] = {max(T, B, A), min(R, C, T)},
  [MW_KERNEL_CAP] = {both(T, A, POSITIVE), min(R, B, T)},
  [MW_KERNEL_TALLY] = {ne(T, A, B), both(T, T, ONE), add(R, T, C)},
  [MW_KERNEL_WHERE_EQ] = {eq(T, A, B), choose(R, D, C, T)},
  [MW_KERNEL_KEEP] = {both(T, A, POSITIVE), le(T, B, T), both(R, T, A)},
  [MW_KERNEL_ELECT] = {eq(T, A, ZERO), both(T, T, ONE), mul(T, T, B), add(T, T, A), lt(T, ZERO, T), both(R, T, ONE)},
  /* The sign of b is the one that a asks for, and b is not 0. */
  [MW_KERNEL_SIDE] = {ne(T, A, ZERO), lt(U, ZERO, B), differ(T, T, U), apart_from(U, B, ZERO), less(T, T, U), both(R, T, B)},
};

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

bool mw_machine_code_map(mw_machine_code *c, mw_kernel kernel, unsigned form, unsigned dst, const uint16_t *operands) {
  if (!lines[kernel][0].what) return false;
  for (unsigned half = 0; half < 2; half++) {
    const map_of m = {operands, form, dst, half};
    for (size_t i = 0; i < LONGEST && lines[kernel][i].what; i++) write_instruction(c, &m, &lines[kernel][i]);
    settle(c, dst, half);
  }
  return true;
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

/* put_bf16 of kernels_bf16.h. */
static void store_bf16(mw_machine_code *c, const unsigned half[2], place to) {
  const place shuffle = constant(c, APART - ONE);
  put(c, SHUFFLE, FIRST, half[0], shuffle);
  put(c, SHUFFLE, SECOND, half[1], shuffle);
  put(c, UNPACK_LOW_64, THIRD, FIRST, in(SECOND));
  put(c, UNPACK_HIGH_64, FIRST, FIRST, in(SECOND));
  put(c, ANDN, SECOND, FIRST, constant(c, ODD - ONE));
  put(c, SUBS_16, SECOND, THIRD, in(SECOND));
  put_with(c, SHIFT_16, 2, SECOND, in(SECOND), 15);
  join(c, FIRST);
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

static void store_f32(mw_machine_code *c, const unsigned half[2], place to) {
  for (unsigned part = 0; part < 2; part++) {
    put_with(c, PERMUTE_128, THIRD, half[0], in(half[1]), part ? 0x31 : 0x20);
    put(c, MOVUPS_TO, THIRD, 0, element(to, 2, 32 * part));
  }
  join_floats(c, half[0], half[1]);
}

bool mw_machine_code_store(mw_machine_code *c, mw_dtype dtype, unsigned src, unsigned stream) {
  unsigned half[2] = {2 * src, 2 * src + 1};
  const place to = take_stream(c, stream);
  if (src >= IN_REGISTERS)
    for (unsigned h = 0; h < 2; h++) put(c, MOVUPS, half[h] = FIRST + h, 0, of_value(c, src, h));
  switch (dtype) {
  case MW_DTYPE_BF16: return store_bf16(c, half, to), true;
  case MW_DTYPE_F16: return store_f16(c, half, to), true;
  case MW_DTYPE_F32: return store_f32(c, half, to), true;
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

uint32_t mw_machine_code_run(const mw_machine_code *c, size_t entry, const void *const *streams, float *frame, size_t n) {
  void (*code)(const void *const *, float *, size_t, uint32_t *);
  const unsigned char *address = c->pages + entry;
  uint32_t seen[MW_MACHINE_CODE_VECTOR], all = 0;
  memcpy(&code, &address, sizeof code);
  code(streams, frame + BIAS / sizeof *frame, n, seen);
  for (size_t i = 0; i < MW_MACHINE_CODE_VECTOR; i++) all |= seen[i];
  return (all | all >> 16) & 0xffff;
}

/* The higher seven bits of an exponent, as rounding may carry into the lowest one (kernels_bf16.h); of f16, which was rounded, all five. */
uint32_t mw_machine_code_odd(mw_dtype dtype) { return dtype == MW_DTYPE_F16 ? 0x7c00 : 0x7f00; }
