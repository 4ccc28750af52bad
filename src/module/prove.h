/* prove.h: the functions of the Lua module about outputs that are there: verify, rebuild, seal, clean. */
#ifndef MW_MODULE_PROVE_H
#define MW_MODULE_PROVE_H

#include "module/call.h"
#include <lauxlib.h>

extern const luaL_Reg mw_prove_functions[]; /* ends with a row without a name */

#endif
