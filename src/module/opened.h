/* opened.h: models that a program looks at: moonweld.open(path). */
#ifndef MW_MODULE_OPENED_H
#define MW_MODULE_OPENED_H

#include <lua.h>

/* Makes the metatables; once a Lua state. */
void mw_opened_prepare(lua_State *L);
/* open(path): a model. */
int mw_opened_open(lua_State *L);

#endif
