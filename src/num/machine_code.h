/* machine_code.h: machine code for a row of maps, votes and draws over sixteen elements at a time, whose values stay in vector registers
 * from the loads to the store. For AVX2, so for processors whose kernels are those of AVX2 or AVX-512. It computes what loads, maps and
 * stores do, bit for bit, as long as nothing is NaN or infinite. For example base + 0.5 * (expert - base) of bf16, where stream 0 is base,
 * 1 expert, 2 the output:
 *
 *   mw_machine_code_begin(c, 1, 2, false)
 *   mw_machine_code_load(c, MW_DTYPE_BF16, 0, 0)                   value 0 <- stream 0
 *   mw_machine_code_load(c, MW_DTYPE_BF16, 1, 1)
 *   mw_machine_code_map(c, MW_KERNEL_SUB, 1, 0, {1, 0})            value 1 <- value 1 - value 0
 *   mw_machine_code_map(c, MW_KERNEL_MUL_ADD, 1, 1, {0, 1, 0})     value 1 <- scalar 0 * value 1 + value 0
 *   mw_machine_code_store(c, MW_DTYPE_BF16, 1, 2)
 *   mw_machine_code_end(c, &entry)
 *
 * Memory is never writable and executable at once. Where a system does not allow it to become executable there is no machine code. */
#ifndef MW_NUM_MACHINE_CODE_H
#define MW_NUM_MACHINE_CODE_H

#include "num/kernels.h"
#include <stddef.h>

enum { MW_MACHINE_CODE_GROUP = 16, MW_MACHINE_CODE_VECTOR = 8, MW_MACHINE_CODE_STREAM_BYTES = 64, MW_MACHINE_CODE_STREAMS = 3,
       MW_MACHINE_CODE_REGISTERS = 12, MW_MACHINE_CODE_COUNTED = 64 };

/* Draws, whose mask is a stream of bytes (the kernel `draws`): 1 where true; 0 where true, else a, a - b, or (a - b) * d. */
typedef enum mw_machine_code_drawing {
  MW_MACHINE_CODE_DRAWN = MW_KERNEL_COUNT, MW_MACHINE_CODE_DROP, MW_MACHINE_CODE_DROP_DELTA, MW_MACHINE_CODE_DROP_SCALED_DELTA,
  MW_MACHINE_CODE_ALL
} mw_machine_code_drawing;

typedef struct mw_machine_code {
  unsigned char *bytes; /* what is being written */
  size_t length, begun, loop;
  unsigned scalars, values;
  bool failed;
  bool refused;         /* the system lets no memory become executable */
  uint16_t wanted[MW_MACHINE_CODE_COUNTED]; /* how often each of the first constants has to be loaded */
  uint8_t kept[MW_MACHINE_CODE_COUNTED];    /* 0, or 1 + the register that it is in */
  unsigned char *pages; /* the same where it can be run: `held` bytes of it */
  size_t page_bytes, held;
} mw_machine_code;

/* Forgets all functions. False if there is no memory. */
bool mw_machine_code_clear(mw_machine_code *c);
void mw_machine_code_free(mw_machine_code *c);

/* Begins a function of so many scalars and values. It is written twice: `again`, constants that are often used have found registers. */
void mw_machine_code_begin(mw_machine_code *c, unsigned scalars, unsigned values, bool again);
/* Value `dst` of all elements: those of a stream, stored as bf16, f16 or f32; or the one float of a stream. False: not of this dtype. */
bool mw_machine_code_load(mw_machine_code *c, mw_dtype dtype, unsigned dst, unsigned stream);
void mw_machine_code_spread(mw_machine_code *c, unsigned dst, unsigned stream);
/* A value where all elements are one scalar. */
void mw_machine_code_fill(mw_machine_code *c, unsigned dst, unsigned scalar);
/* Operand k is a value, or a scalar if bit k of the form is set. False: there is none for this kernel. */
bool mw_machine_code_knows(mw_kernel kernel);
bool mw_machine_code_map(mw_machine_code *c, mw_kernel kernel, unsigned form, unsigned dst, const uint16_t *operands);
void mw_machine_code_draw(mw_machine_code *c, mw_machine_code_drawing what, unsigned form, unsigned dst, const uint16_t *operands,
                          unsigned stream);
/* The kernel disjoint_mean, or disjoint_sum: of value a, scalar b and two values or more. */
void mw_machine_code_votes(mw_machine_code *c, bool mean, unsigned dst, unsigned a, unsigned b, const uint16_t *values, size_t count);
bool mw_machine_code_store(mw_machine_code *c, mw_dtype dtype, unsigned src, unsigned stream);
/* Floats of a stream that may be anything, and as such a stream: values that the tile machine computes, or reads. */
void mw_machine_code_take(mw_machine_code *c, unsigned dst, unsigned stream);
void mw_machine_code_give(mw_machine_code *c, unsigned src, unsigned stream);
/* Ends it, and makes it one that can be run. False: it is too long, or cannot; then it is forgotten. */
bool mw_machine_code_end(mw_machine_code *c, size_t *entry);
/* Forgets it before its end. */
void mw_machine_code_drop(mw_machine_code *c);

/* The frame of a function: how many vectors it has, for so many scalars and values; and what must be there before it is run. */
size_t mw_machine_code_vectors(unsigned scalars, unsigned values);
void mw_machine_code_frame(float *frame, const double *scalars, unsigned count);
/* A scalar becomes this value. */
void mw_machine_code_set(float *frame, unsigned scalar, float value);
/* Runs it on n elements, a multiple of MW_MACHINE_CODE_GROUP. There are addresses of at least MW_MACHINE_CODE_STREAMS streams. Returns the
 * bits of all loads and stores joined by OR, the upper half of floats: without all bits of `mw_machine_code_odd` of one of their dtypes
 * nothing was NaN or infinite. */
uint32_t mw_machine_code_run(const mw_machine_code *c, size_t entry, const void *const *streams, float *frame, size_t n);
uint32_t mw_machine_code_odd(mw_dtype dtype);
/* Whether b has mattered in a mean since this was asked last: a was 0 where not all values were. */
bool mw_machine_code_open(float *frame);

#endif
