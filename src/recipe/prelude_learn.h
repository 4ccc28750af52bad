/* prelude_learn.h: what the prelude needs to build forward passes and losses: operations of networks, coefficients, the models'
 * config.json, the data sets, and records of trainings. */
#ifndef MW_RECIPE_PRELUDE_LEARN_H
#define MW_RECIPE_PRELUDE_LEARN_H

#include "recipe/interpreter.h"

/* Adds to the table `core` on top of the stack. */
void mw_prelude_learn_fill(lua_State *L);
void mw_prelude_learn_tell(lua_State *L);
/* A value of a config.json as a Lua value. */
void mw_prelude_learn_push_json(lua_State *L, mw_json value);

#endif
