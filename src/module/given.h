/* given.h: what Lua gives a call: options and arguments, as the library wants them. Nothing is passed over and nothing is cut
 * to size: what is unknown, of another type or out of range is raised as an error that names it. */
#ifndef MW_MODULE_GIVEN_H
#define MW_MODULE_GIVEN_H

#include "module/call.h"

typedef struct mw_given {
  mw_options options;      /* of merges; eval and diff read some of them */
  const char *base, *html; /* of diff */
  bool stats;              /* of inspect */
  mw_verify_options proof; /* of verify and rebuild: all but the callbacks */
} mw_given;

/* Reads the table at `index`, if there is one. Options are named as on the command line, with '_' for '-'. `names`: those that
 * the function has, NULL-terminated; NULL: those of a merge, and all callbacks. */
void mw_given_options(mw_call *call, int index, const char *const *names, mw_given *out);
/* Reads the table of arguments at `index` for the call's recipe. */
const mw_binding *mw_given_arguments(mw_call *call, int index, size_t *count);

#endif
