/* program.h: the tile program of some roots over one tensor shape: a list of instructions on a few registers, each of which
 * holds a tile (exec/tile.h shows an example). If several roots read the same tensor, it is loaded once. Scalars and vectors
 * that the code reads are computed before it runs.
 *
 * Most programs are one section of code. Where values along rows are needed (ROW), there are several, which are run one after the
 * other over the same stretch of whole rows, `quantum` elements that lie in the cache; what a section finds of each row is kept
 * for the next ones. For example x / norm of its row, where x is [4096, 1024]:
 *
 *   section 1, of elements   INPUT x; ROW_DOT x, x: kept 0                 2 values of a stretch of 2048 elements
 *   section 2, of rows       KEPT 0; SQRT; KEEP: kept 1
 *   section 3, of elements   INPUT x; SPREAD kept 1; DIV; STORE */
#ifndef MW_EXPR_PROGRAM_H
#define MW_EXPR_PROGRAM_H

#include "expr/graph.h"

/* What a program computes a value for: to store it (an output), or as operand `part` of a sink. */
typedef struct mw_program_root {
  mw_node node;  /* the output's value, or the sink */
  uint32_t part; /* SELECT: which operand; else 0 */
  bool store;
  bool guess;    /* a sink computed from guesses, see schedule.h */
  bool remember; /* `node` is a mask, whose bits are kept in memory (exec/masks.h) */
} mw_program_root;

enum { MW_PROGRAM_STORE = MW_OP_COUNT, MW_PROGRAM_REMEMBER, MW_PROGRAM_KEEP, MW_PROGRAM_KEPT, MW_PROGRAM_ACROSS, MW_PROGRAM_VALUE,
       MW_PROGRAM_OPERANDS = 4, MW_PROGRAM_MOST_KEPT = 512 };

/* One instruction. An operand is a register; if its bit is set in `form`, it is an index into the scalars.
 *   INPUT         dst <- inputs[index], which may be a coefficient, a matrix or a mask in memory
 *   MAP, FUSED    dst <- op(operands)
 *   FILL          dst <- operand 0, a scalar, everywhere
 *   CHANCE, MASK, DROP...  dst <- op(operands), parameters in `extra` of node
 *   COLUMNS       dst <- operand 0 * vectors[index]
 *   ACROSS        dst <- the value of vectors[index] that belongs to each element's column (a SPREAD)
 *   VALUE         operand 0 is one of the values of the DISJOINT_MEAN or DISJOINT_SUM that follows, which has index of them
 *   SUM, SELECT, VECTOR, CROSS   give operand 0 (and 1) to the sink roots[index]
 *   ROW           find a value of each run of operand 0 (and 1), for kept[index]
 *   KEEP, KEPT    operand 0 becomes values of kept[index]; dst <- values of kept[index]
 *   SPREAD        dst <- the value of kept[index] that belongs to each element
 *   REMEMBER      operand 0, a mask, becomes bits for roots[index]
 *   STORE         store operand 0 */
typedef struct mw_program_instruction {
  uint8_t code, form;
  uint16_t dst;
  uint16_t operand[MW_PROGRAM_OPERANDS];
  uint32_t index;
  mw_node node;
} mw_program_instruction;

/* Code that runs over the stretch: elements, or vectors that have one value for `run` elements. */
typedef struct mw_program_section {
  size_t first, length; /* in code */
  uint64_t run;
} mw_program_section;

/* What is kept of a stretch: a ROW, or the values of a vector. */
typedef struct mw_program_kept {
  mw_node node;
  uint64_t run;   /* elements for each value */
  unsigned phase; /* how many sweeps over the elements it takes to know it */
} mw_program_kept;

typedef struct mw_program {
  mw_program_instruction *code;
  size_t length, code_capacity;
  mw_node *inputs, *scalars, *vectors; /* INPUT, a view or matrix, COEFFICIENT, LEARNED; scalars; VECTOR */
  size_t input_count, input_capacity, scalar_count, scalar_capacity, vector_count, vector_capacity;
  unsigned registers;
  mw_program_section *sections;
  size_t section_count, section_capacity;
  mw_program_kept *kept; /* by node */
  size_t kept_count, kept_capacity;
  uint64_t quantum; /* elements of a stretch; 0: there is one section, and any elements do */
  uint64_t run;     /* elements for each value of the roots: 1, but where they are vectors along rows */
  uint64_t columns; /* how many columns a root sums, at most; 0: none does */
  const uint8_t *known; /* borrowed: of every node whether it is a mask in memory, which is read as an input; NULL: none is */
  void *scratch; /* reused from one compilation to the next */
} mw_program;

/* Compiles into `program`, which is zeroed or holds an earlier program; `known` may be set before. */
bool mw_program_compile(mw_program *program, const mw_graph *graph, const mw_program_root *roots, size_t count, mw_error *err);
void mw_program_free(mw_program *program);

/* Whether a scalar is read only as the b of DISJOINT_MEANs whose elements are the roots': then it matters only where their a is 0. */
bool mw_program_only_elects(const mw_program *program, size_t scalar);

/* Whether an instruction has a result, and which of its operands it reads: from the first to before the last. */
bool mw_program_writes(const mw_program_instruction *step);
void mw_program_reads(const mw_program_instruction *step, unsigned *first, unsigned *last);

#endif
