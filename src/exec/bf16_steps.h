/* bf16_steps.h: which maps of a program work on bf16 where they are stored, without a load of what they alone read and a store
 * of what they write. The steps are the same for every value that is finite; where one is not, the plain steps tell. */
#ifndef MW_EXEC_BF16_STEPS_H
#define MW_EXEC_BF16_STEPS_H

#include "exec/tile.h"

/* Fills tile->fast from tile->steps, if it becomes any shorter. */
bool mw_bf16_steps_choose(mw_tile *tile, unsigned registers, const mw_dtype *dtypes, mw_dtype output, mw_error *err);

#endif
