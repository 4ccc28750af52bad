/* call.h: one call of the Lua module: what it holds, and the Lua functions that it tells of its work. A call is a userdata that
 * is made before anything else and closed when the C function ends, also by an error: so nothing leaks, and what was copied
 * out of Lua lives as long as the library needs it. */
#ifndef MW_MODULE_CALL_H
#define MW_MODULE_CALL_H

#include "base/mem.h"
#include "base/text.h"
#include <lua.h>

typedef struct mw_call {
  mw_recipe *recipe;
  mw_plan *plan, *also; /* of the first result, and of a further one */
  mw_inspection *inspection;
  mw_diff *diff;
  mw_recipe_homes *homes;
  mw_arena arena; /* words copied out of Lua */
  mw_text document; /* a result that is composed here */
  lua_State *L;
  int self;       /* where the userdata lies in the stack */
  bool failed;    /* a callback raised an error, which is kept: the work is to stop */
} mw_call;

/* Makes the metatable; once a Lua state. */
void mw_call_prepare(lua_State *L);
/* Pushes a new call, which is closed when the running C function ends. */
mw_call *mw_call_begin(lua_State *L);
/* Raises the error that a callback raised, or else this one. */
int mw_call_raise(mw_call *call, const mw_error *err);

/* The callbacks, by the names of their options; NULL-terminated. */
extern const char *const mw_call_names[];
/* Takes the value at the top of the stack, where it stays, as the callback of that name. */
void mw_call_set(mw_call *call, const char *name);

/* For the library, with the call as context. Without a callback all of them say to go on. */
bool mw_call_progress(void *call, uint64_t done, uint64_t total, unsigned pass);
bool mw_call_evaluating(void *call, const mw_learning_facts *facts); /* tells `progress`: windows, and the number of the file */
bool mw_call_learning(void *call, const mw_learning_facts *facts);
bool mw_call_scored(void *call, const mw_scored *scored);
bool mw_call_print(void *call, const char *line);
bool mw_call_judge(void *call, const char *folder, double *score); /* what `score` gives for the folder of a candidate; NAN: no number */

#endif
