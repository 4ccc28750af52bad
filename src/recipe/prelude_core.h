/* prelude_core.h: the C half of the prelude: nodes of the graph as Lua values, the models' tensors, scores and random numbers. The
 * Lua half is lua/moonweld/. */
#ifndef MW_RECIPE_PRELUDE_CORE_H
#define MW_RECIPE_PRELUDE_CORE_H

#include "recipe/interpreter.h"

/* The options of every merge: no recipe may declare an argument of such a name. NULL-terminated. */
extern const char *const mw_prelude_core_reserved[];
/* All of the C half, learning included. */
extern const mw_interpreter_prelude mw_prelude_core;
/* The node at a place of the stack; a number becomes a node. Raises an error for anything else. */
mw_node mw_prelude_core_node(lua_State *L, int index);
int mw_prelude_core_push(lua_State *L, mw_node node);
/* The operation whose name is there. Raises an error for another word. */
mw_op mw_prelude_core_op(lua_State *L, int index);
/* The list of {name, tensor} at `index`; it owns the names, so it must stay on the stack. free() the result. */
mw_graph_output *mw_prelude_core_outputs(lua_State *L, int index, size_t *count, mw_error *err);

#endif
