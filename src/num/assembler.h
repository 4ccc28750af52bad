/* assembler.h: writes single instructions with vector operands (VEX), and where their last operand is. Included by machine_code.c alone,
 * which names the registers. */
#ifndef MW_NUM_ASSEMBLER_H
#define MW_NUM_ASSEMBLER_H

#include "num/machine_code.h"

enum { MOST = 16 << 10, BIAS = 128, RDX = 2, R9 = 9 };

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
  FROM_32 = VEX(1, 0, 0x5b), MINPS = VEX(1, 0, 0x5d), DIVPS = VEX(1, 0, 0x5e), MAXPS = VEX(1, 0, 0x5f), CMPPS = VEX(1, 0, 0xc2),
  UNPACK_LOW = VEX(1, 1, 0x61),
  UNPACK_HIGH = VEX(1, 1, 0x69), UNPACK_LOW_64 = VEX(1, 1, 0x6c), UNPACK_HIGH_64 = VEX(1, 1, 0x6d), PERMUTE_32 = VEX(1, 1, 0x70),
  ABOVE_16 = VEX(1, 1, 0x65), SHIFT_16 = VEX(1, 1, 0x71),
  SHIFT_32 = VEX(1, 1, 0x72), SUBS_16 = VEX(1, 1, 0xd9), AND = VEX(1, 1, 0xdb), ANDN = VEX(1, 1, 0xdf), OR = VEX(1, 1, 0xeb),
  XOR = VEX(1, 1, 0xef), ADD_16 = VEX(1, 1, 0xfd), ADD_32 = VEX(1, 1, 0xfe), MOVDQU = VEX(1, 2, 0x6f), MOVDQU_TO = VEX(1, 2, 0x7f),
  SHUFFLE = VEX(2, 1, 0x00), FROM_HALF = VEX(2, 1, 0x13), BROADCAST = VEX(2, 1, 0x18), FROM_8 = VEX(2, 1, 0x21),
  PERMUTE_64 = VEX(3, 1, 0x00) | WIDE_OPCODE,
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

#endif
