/* tile.h: the tile machine runs a program (expr/program.h) over the elements of a block. It takes a tile of 1024 elements at
 * a time through all instructions, so that the values between two instructions stay in the L1 cache: a register of the
 * program is an array of one tile. It knows nothing of files. Results do not depend on the tile size.
 *
 * For example, `base + 0.5 * (expert - base)` over bf16 files is this program, run for every tile:
 *
 *   r0 <- INPUT base                 load: bf16 to float
 *   r1 <- INPUT expert
 *   r1 <- SUB r1, r0
 *   r1 <- MUL_ADD 0.5, r1, r0        a fused map: 0.5 * r1 + r0
 *   STORE r1                         float to bf16
 *
 * A second list of steps does the same with fewer instructions where maps can read and write bf16 themselves
 * (bf16_steps.h), or with machine code that does all of these at once (coded_steps.h). */
#ifndef MW_EXEC_TILE_H
#define MW_EXEC_TILE_H

#include "expr/program.h"
#include "exec/coded_steps.h"
#include "exec/row_sink.h"
#include "num/kernels.h"
#include "num/select.h"

/* What one root collects over a block. */
typedef struct mw_tile_gather {
  double *units;     /* TOTAL, DOT: the folded sums of the block's units, in order; of columns their sums (or largest) in the block */
  size_t unit_count;
  double lanes[MW_LANES]; /* partial sums of the unit that is not complete, floats or doubles */
  double best;       /* PEAK, HIGHEST, ARGMAX: the largest value; `place` is its index */
  uint64_t place;
  bool any;          /* there was a value */
  uint32_t *bins;    /* SELECT: counts within the key range, and how many were below it */
  uint64_t *below;
  const mw_select *select;
  mw_kernel_list *list; /* NULL, or what takes elements near the threshold */
  uint64_t origin;   /* SELECT: index of the tensor's first element among all operands */
  double *vector;    /* VECTOR, CROSS: all its elements */
  uint64_t *bits;    /* REMEMBER: a bit for each element of the tensor, 0 before the first block */
} mw_tile_gather;

/* An instruction, prepared before the first tile: the addresses of its registers and constants, and the kernel of a map. */
typedef struct mw_tile_step {
  const mw_program_instruction *code;
  mw_kernel_map map;           /* or NULL */
  mw_kernel kernel;            /* of a map */
  mw_kernel_map_direct direct; /* or NULL; used instead of the map, on bf16 as stored (bf16_steps.h) */
  bool sums_stored;            /* a DOT or ROW_DOT of bf16 as stored */
  bool squares;                /* such a ROW_DOT of one tensor, which looks at it */
  bool lone;                   /* a SPREAD within one run: its value is written once */
  bool sums_all;               /* such a DOT of input[0] and input[1], and the two DOTs of each with itself; their gathers: */
  uint32_t gathers[3];         /* of both, of the first, of the second */
  size_t coded;                /* not 0: the machine code of a whole section (coded_steps.h) */
  bool checks;                 /* an INPUT that is not loaded: its bf16 are only looked at, whether they are finite */
  unsigned char *dst;          /* NULL: the output's buffer */
  const unsigned char *operand[MW_PROGRAM_OPERANDS]; /* NULL: the buffer of input[i] */
  uint32_t input[MW_PROGRAM_OPERANDS];
} mw_tile_step;

/* What is kept of a stretch (program.h): the values, and of a ROW what finds them. */
typedef struct mw_tile_kept {
  unsigned char *values, *memory;
  uint64_t run;
  bool found; /* by the sink */
  mw_row_sink sink;
} mw_tile_kept;

/* The fast steps of a section. */
typedef struct mw_tile_fast {
  size_t first, count;      /* of mw_tile's `fast`; 0: there are none */
  uint64_t run;             /* not 0: they take a tile within one run of so many elements */
} mw_tile_fast;

/* One thread's machine. */
typedef struct mw_tile {
  const mw_kernel_set *kernels;
  bool f64;
  size_t size;              /* elements a tile, a multiple of 64 */
  unsigned char *registers;
  size_t register_bytes;
  const double *scalars;    /* the program's */
  unsigned char *constants; /* the same as floats, or doubles if f64 */
  size_t constant_bytes;
  mw_tile_step *steps; /* of each instruction of the program */
  mw_tile_step *fast;  /* fewer steps with the same result, used while all values are finite; or none */
  size_t step_count, fast_count, steps_capacity, fast_capacity;
  mw_tile_fast *parts; /* which of them are of each section */
  size_t parts_capacity;
  const mw_program *program;
  mw_tile_kept *kept;       /* of each of program->kept */
  size_t kept_capacity, kept_bytes;
  unsigned char *kept_memory;
  mw_coded_steps coded;
} mw_tile;

enum { MW_TILE_DEFAULT = 1024 };
/* Elements of a tile in this run: MOONWELD_TILE of the environment, for tests, else the default. */
size_t mw_tile_chosen(void);

/* A block: elements [start, start + count) of a tensor of `elements`, as the program's roots count them (a program of sections reads
 * program->run elements of its inputs for each, and whole stretches). inputs[i] points to element `start` of
 * program->inputs[i] as stored in dtypes[i] (of BOOL: to the bits of all elements, exec/masks.h); `output` likewise, or is NULL.
 * vectors[i] hold compute values. */
typedef struct mw_tile_block {
  uint64_t start, elements;
  size_t count;
  const unsigned char *const *inputs;
  const mw_dtype *dtypes;
  unsigned char *output;
  mw_dtype output_dtype;
  const void *const *vectors;
  mw_tile_gather *gathers; /* one a root */
  uint64_t *open; /* NULL, or a bit for each unit of the tensor: set where the sign that stands for drawn votes matters (DISJOINT_MEAN) */
  /* Set by the run where a NaN or infinity was read or written. */
  int bad_input; /* the input's index; -1 must be set before */
  bool bad_output;
} mw_tile_block;

/* Where a tile lies: `offset` in the block, `within` in what sums are counted from (the tensor, or the stretch, of `span` elements). */
typedef struct mw_tile_place {
  size_t offset;
  uint64_t start, within, span;
} mw_tile_place;

/* Prepares the steps of a program with these values of program->scalars; both must stay until the last run. `dtypes` are those
 * of its inputs and `output` that of its output, if it has one. The buffers of bf16 inputs and outputs must then be padded to
 * 16 elements, since steps on bf16 read and write whole groups. `dtypes` NULL: no steps on bf16. */
bool mw_tile_bind(mw_tile *tile, const mw_graph *graph, const mw_program *program, const mw_dtype *dtypes, mw_dtype output,
                  const double *scalars, mw_error *err);
void mw_tile_run(mw_tile *tile, const mw_graph *graph, mw_tile_block *block);
/* Bytes of what is kept of a stretch. */
uint64_t mw_tile_kept_bytes(const mw_graph *graph, const mw_program *program, bool f64);
void mw_tile_free(mw_tile *tile);

/* For coded_steps.h: a register; the value of a scalar as the kernels see it, rounded to float if this is a machine of floats; how many of
 * the n elements from index `start` on lie at an index up to `last`. */
unsigned char *mw_tile_register(const mw_tile *tile, uint32_t index);
double mw_tile_constant(const mw_tile *tile, unsigned index);
size_t mw_tile_count_up_to(double last, uint64_t start, size_t n);
/* Marks the units of these elements. Several threads may mark units of one word. */
void mw_tile_mark_open(uint64_t *open, uint64_t start, size_t n);

#endif
