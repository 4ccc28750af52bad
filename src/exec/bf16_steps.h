/* bf16_steps.h: fuses load + map + store of bf16 data into one step, when nobody else reads the loaded values. The results
 * are the same for every finite value. Where one is not finite, the tile is run again with the plain steps (tile.h).
 *
 * For example, the program of tile.h has five steps. A kernel exists for SUB of two stored bf16 operands, and one for
 * MUL_ADD of a number, a tile and a stored operand that stores its result (num/bf16_steps.def). So two steps are left:
 *
 *   r1     <- SUB expert, base           both read as they lie in the input buffers
 *   output <- MUL_ADD 0.5, r1, base      written as bf16 */
#ifndef MW_EXEC_BF16_STEPS_H
#define MW_EXEC_BF16_STEPS_H

#include "exec/tile.h"

/* Makes tile->fast and its parts from tile->steps, or leaves those of a section empty if they would not be shorter. */
bool mw_bf16_steps_choose(mw_tile *tile, const mw_graph *graph, unsigned registers, const mw_dtype *dtypes, mw_dtype output,
                          mw_error *err);

#endif
