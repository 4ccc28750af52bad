/* tile.h: the tile machine: runs a program over a run of elements, tile by tile, in registers that stay in the L1
 * cache. It knows nothing of files. Results do not depend on the tile size. */
#ifndef MW_EXEC_TILE_H
#define MW_EXEC_TILE_H

#include "expr/program.h"
#include "num/kernels.h"
#include "num/select.h"

/* What one root collects over a block. */
typedef struct mw_tile_gather {
  double *units;     /* TOTAL, DOT: the folded sums of the block's units, in order */
  size_t unit_count;
  double lanes[MW_LANES]; /* of the unit under way, as floats or doubles */
  double peak;       /* PEAK */
  uint32_t *bins;    /* SELECT: counts within the window, and how many were below it */
  uint64_t *below;
  const mw_select *select;
  uint64_t origin;   /* SELECT: index of the tensor's first element among all operands */
  double *vector;    /* VECTOR: the whole of it */
} mw_tile_gather;

/* An instruction with all that is known before the first tile: where its values lie, and its kernel if it is a map. */
typedef struct mw_tile_step {
  const mw_program_instruction *code;
  mw_kernel_map map;           /* or NULL */
  mw_kernel kernel;            /* of a map */
  mw_kernel_map_direct direct; /* or NULL: in the map's place, on what is stored (bf16_steps.h) */
  unsigned char *dst;          /* NULL: the output */
  const unsigned char *operand[MW_PROGRAM_OPERANDS]; /* NULL: the input below */
  uint32_t input[MW_PROGRAM_OPERANDS];
} mw_tile_step;

/* One thread's machine. */
typedef struct mw_tile {
  const mw_kernel_set *kernels;
  bool f64;
  size_t size;              /* elements a tile, a multiple of 64 */
  unsigned char *registers;
  size_t register_bytes;
  const double *scalars;    /* the program's */
  unsigned char *constants; /* these as compute values */
  size_t constant_bytes;
  mw_tile_step *steps; /* of each instruction of the program */
  mw_tile_step *fast;  /* fewer steps to the same end, as long as all values are finite; or none */
  size_t step_count, fast_count, steps_capacity, fast_capacity;
} mw_tile;

enum { MW_TILE_DEFAULT = 1024 };

/* A block: elements [start, start + count) of a tensor of `elements`. inputs[i] points to element `start` of
 * program->inputs[i] as stored in dtypes[i]; `output` likewise, or is NULL. vectors[i] hold compute values. */
typedef struct mw_tile_block {
  uint64_t start, elements;
  size_t count;
  const unsigned char *const *inputs;
  const mw_dtype *dtypes;
  unsigned char *output;
  mw_dtype output_dtype;
  const void *const *vectors;
  mw_tile_gather *gathers; /* one a root */
  /* Set by the run: whether something not finite was read (and by which input) or written. */
  int bad_input; /* -1: none */
  bool bad_output;
} mw_tile_block;

/* Makes room for a program and its scalars' values (as many as program->scalars), which must both outlive what is bound.
 * `dtypes` are those of its inputs and `output` that of its output, if there is one, for steps on what is stored: all
 * buffers then have room for whole sixteens of elements. `dtypes` NULL: there will be no such steps. */
bool mw_tile_bind(mw_tile *tile, const mw_program *program, const mw_dtype *dtypes, mw_dtype output, const double *scalars,
                  mw_error *err);
void mw_tile_run(mw_tile *tile, const mw_graph *graph, mw_tile_block *block);
void mw_tile_free(mw_tile *tile);

#endif
