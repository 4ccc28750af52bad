/* prelude_nodes.h: nodes of the graph as values of Lua. */
#ifndef MW_RECIPE_PRELUDE_NODES_H
#define MW_RECIPE_PRELUDE_NODES_H

#include "recipe/interpreter.h"

/* The node at a place of the stack; a number becomes a node. Raises an error for anything else. */
mw_node mw_prelude_nodes_at(lua_State *L, int index);
int mw_prelude_nodes_push(lua_State *L, mw_node node);
/* The operation whose name is there. Raises an error for another word. */
mw_op mw_prelude_nodes_op(lua_State *L, int index);
/* The list of {name, tensor} at `index`; it owns the names, so it must stay on the stack. free() the result. */
mw_graph_output *mw_prelude_nodes_outputs(lua_State *L, int index, size_t *count, mw_error *err);

/* Adds to the table `core` on top of the stack. */
void mw_prelude_nodes_fill(lua_State *L);

#endif
