/* prelude_layout.h: the C functions of the prelude for names and layout: layers and renamings, shapes and dtypes, tensors that no file
 * holds, and what a result says of its layout. */
#ifndef MW_RECIPE_PRELUDE_LAYOUT_H
#define MW_RECIPE_PRELUDE_LAYOUT_H

#include "recipe/interpreter.h"

/* Adds the functions to the table `core` on top of the stack. */
void mw_prelude_layout_fill(lua_State *L);
/* The fields `laid_out` and `config` of a result, the list of {name, tensor} at `index` (result.lua); the arena is the state's. */
bool mw_prelude_layout_result(lua_State *L, int index, mw_result_layout *out, mw_error *err);

#endif
