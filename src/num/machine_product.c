/* machine_product.c: see machine_product.h. While a product is formed no value of a map is in a register: registers 0 to 9 hold the sums of
 * five rows and sixteen columns, 10 and 11 these columns of the right matrix, 12 to 14 what is multiplied. rbx goes over the left factor's
 * ranks, r14 over the strips. What bounds it is the number of instructions, so that several ranks are written one behind the other. */
#include "num/machine_product.h"
#include "num/assembler.h"

enum { ROWS = MW_MACHINE_PRODUCT_ROWS, COLUMNS = 2 * ROWS, FACTOR = COLUMNS + 2, TERM, OTHER_TERM, LOW = 0x20, HIGH = 0x31, UNROLLED = 16 };

static place near(unsigned base, unsigned at) { return (place){NEAR, .at = at, .base = base}; }

static unsigned address(unsigned slot, mw_machine_product_slot what) { return (slot + what) * (unsigned)sizeof(void *); }

/* The sums of one rank more, which is so many behind the one that r14 points to. */
static void write_rank(mw_machine_code *c, unsigned rank) {
  const unsigned at = rank * MW_STRIP * (unsigned)sizeof(float);
  for (unsigned half = 0; half < 2; half++) put(c, MOVUPS, COLUMNS + half, 0, near(R14, at + half * 32));
  for (unsigned row = 0; row < ROWS; row++) {
    put(c, BROADCAST, FACTOR, 0, near(RBX, row * (unsigned)sizeof(float)));
    for (unsigned half = 0; half < 2; half++) put(c, MULPS, TERM + half, FACTOR, in(COLUMNS + half));
    for (unsigned half = 0; half < 2; half++) put(c, ADDPS, 2 * row + half, 2 * row + half, in(TERM + half));
  }
  BYTES(c, "\x4c\x01\xeb"); /* add rbx, r13 */
}

/* All ranks, so many of them in a turn of the loop that none is left. */
static void write_ranks(mw_machine_code *c, uint64_t rank) {
  unsigned unrolled = UNROLLED;
  while (rank % unrolled) unrolled--;
  const size_t begun = c->length;
  for (unsigned k = 0; k < unrolled; k++) write_rank(c, k);
  BYTES(c, "\x49\x81\xc6"), number(c, unrolled * MW_STRIP * (uint32_t)sizeof(float)); /* add r14, ... */
  if (unrolled == rank) return;
  BYTES(c, "\x4c\x39\xe3\x0f\x85"), number(c, (uint32_t)(begun - (c->length + 4))); /* cmp rbx, r12; jne */
}

void mw_machine_product_write(mw_machine_code *c, uint64_t rank, unsigned slot, unsigned value) {
  for (unsigned sum = 0; sum < 2 * ROWS; sum++) put(c, XORPS, sum, sum, in(sum));
  BYTES(c, "\x4c\x8b\xb7"), number(c, address(slot, MW_MACHINE_PRODUCT_RIGHT));  /* mov r14, [rdi + ...] */
  BYTES(c, "\x48\x8b\x9f"), number(c, address(slot, MW_MACHINE_PRODUCT_LEFT));   /* mov rbx, [rdi + ...] */
  BYTES(c, "\x4c\x8b\xa7"), number(c, address(slot, MW_MACHINE_PRODUCT_END));    /* mov r12, [rdi + ...] */
  BYTES(c, "\x4c\x8b\xaf"), number(c, address(slot, MW_MACHINE_PRODUCT_STRIDE)); /* mov r13, [rdi + ...] */
  write_ranks(c, rank);
  BYTES(c, "\x4c\x89\xb7"), number(c, address(slot, MW_MACHINE_PRODUCT_RIGHT)); /* mov [rdi + ...], r14 */
  put(c, BROADCAST, FACTOR, 0, near(RDI, address(slot, MW_MACHINE_PRODUCT_SCALE)));
  for (unsigned row = 0; row < ROWS; row++) {
    for (unsigned half = 0; half < 2; half++) put(c, MULPS, 2 * row + half, FACTOR, in(2 * row + half));
    for (unsigned half = 0; half < 2; half++) { /* elements in the order of values */
      put_with(c, PERMUTE_128, TERM + half, 2 * row, in(2 * row + 1), half ? HIGH : LOW);
      put(c, MOVUPS_TO, TERM + half, 0, of_value(c, value + row, half));
    }
  }
}

/* What is not finite less itself is not 0. */
static void note_odd(mw_machine_code *c, unsigned one, unsigned other) {
  const place seen = near(RCX, MW_MACHINE_CODE_VECTOR * (unsigned)sizeof(float));
  put(c, SUBPS, FIRST, one, in(one));
  put(c, SUBPS, SECOND, other, in(other));
  put(c, ORPS, FIRST, FIRST, in(SECOND));
  put(c, ORPS, FIRST, FIRST, seen);
  put(c, MOVUPS_TO, FIRST, 0, seen);
}

void mw_machine_product_add(mw_machine_code *c, unsigned dst, unsigned value) {
  const bool in_frame = of_value(c, dst, 0).kind != REGISTER;
  for (unsigned half = 0; half < 2; half++) {
    const place at = of_value(c, dst, half), change = of_value(c, value, half);
    const unsigned reg = in_frame ? THIRD : at.at;
    if (in_frame) put(c, MOVUPS, reg, 0, at);
    put(c, XORPS, SECOND, SECOND, in(SECOND));
    put_with(c, CMPPS, SECOND, SECOND, change, 0);
    put(c, ADDPS, FIRST, reg, change);
    put_with(c, BLEND, reg, FIRST, in(reg), SECOND << 4);
    if (!in_frame) continue;
    put(c, MOVUPS_TO, reg, 0, at);
    note_odd(c, reg, reg);
  }
  if (!in_frame) note_odd(c, of_value(c, dst, 0).at, of_value(c, dst, 1).at);
}
