/* prelude_each.h: an operation for each tensor of models at once. What it makes is a block: the nodes of one model under the names
 * that the models share, which a recipe reads like a table, node by node. Unrolled loops over large models make hundreds of thousands
 * of nodes; hardly any of them is ever a Lua value. */
#ifndef MW_RECIPE_PRELUDE_EACH_H
#define MW_RECIPE_PRELUDE_EACH_H

#include "recipe/interpreter.h"

/* Adds to the table on top:
 *   each(op, places, names, operands...)   the block of op(operands...) for every name; `places`: of every name its place. An operand is
 *                                          a number, a tensor, a block or a table by names. nil where one lane has numbers alone, or
 *                                          cannot be: the caller does it tensor by tensor, which tells why.
 *   block(places, names, table)            the nodes of a table by names as a block; nil where a name has none. */
void mw_prelude_each_fill(lua_State *L);

#endif
