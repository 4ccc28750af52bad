/* map_lines.h: which instructions a map is, or a draw; one line each. Included by machine_code.c alone. */
#ifndef MW_NUM_MAP_LINES_H
#define MW_NUM_MAP_LINES_H

#include "num/assembler.h"

/* Of what an instruction of a map is made: the map's operands, its result, which is written last, parts, and vectors of the frame. V is
 * the register to which an x in memory is loaded. */
enum { NO, A, B, C, D, R, T, U, V, ONE, ZERO, POSITIVE, SIGN, WHOLE, MINUS_WHOLE, LAST_BIT, HALF, UPPER, APART, ODD, FLIP, OPEN,
       POSITIVE_16, FINITE_16, END };
enum { FIXED = END - ONE };

static const uint32_t fixed[FIXED] = {0x3f800000, 0, 0x7fffffff, 0x80000000, 0x4b000000, 0xcb000000, 1, 0x7fff, 0xffff0000, 0, 0x00010001,
                                      0, 0, 0x7fff7fff, 0x7f7e7f7e};
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

/* The expressions of kernels.def, and of draws, whose mask is U. A kernel without a line is computed by the tile machine. */
enum { LONGEST = 10 };
static const instruction lines[MW_MACHINE_CODE_ALL][LONGEST] = {
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
  [MW_MACHINE_CODE_DRAWN] = {both(R, U, ONE)},
  [MW_MACHINE_CODE_DROP] = {less(R, U, A)},
  [MW_MACHINE_CODE_DROP_DELTA] = {sub(T, A, B), less(R, U, T)},
  [MW_MACHINE_CODE_DROP_SCALED_DELTA] = {sub(T, A, B), less(T, U, T), mul(R, T, D)},
};

#endif
